package server

import (
	"context"
	"sync"

	"golang.org/x/time/rate"
)

// Routes are the methods and paths that there are.
func (s *Server) Routes() (list []string) {
	for _, r := range s.echo.Routes() {
		list = append(list, r.Method+" "+r.Path)
	}
	return list
}

// TendLogs does at once what keeps the log in order.
func (s *Server) TendLogs(ctx context.Context) error {
	if err := s.tendLogs(ctx); err != nil {
		return err
	}
	return s.pruneLogs(ctx)
}

// WorkNow does at once what Work does by and by.
func (s *Server) WorkNow(ctx context.Context) error {
	if err := s.loadKeys(ctx); err != nil {
		return err
	}
	if err := s.tell(ctx); err != nil {
		return err
	}
	s.revocations.SetLimit(rate.Inf)
	if err := s.takeAwayAndRevoke(ctx); err != nil {
		return err
	}
	if err := s.renewIdle(ctx); err != nil {
		return err
	}
	if err := s.index(ctx); err != nil {
		return err
	}
	if err := s.Vault.CountHealth(ctx, 0, healthRules); err != nil {
		return err
	}
	if err := s.keepTally(ctx); err != nil {
		return err
	}
	_, err := s.Vault.Sweep(ctx)
	return err
}

// ProbeNow does at once what Work does now and then.
func (s *Server) ProbeNow(ctx context.Context) error { return s.probeDue(ctx) }

// SendNow does at once what Work does for webhooks by and by, and returns when all
// that was due was tried.
func (s *Server) SendNow(ctx context.Context) error {
	if err := s.noticeOutages(ctx); err != nil {
		return err
	}
	var sending sync.WaitGroup
	defer sending.Wait()
	return s.sendDue(ctx, &sending)
}

// KeepTally keeps at once what Work keeps every few seconds.
func (s *Server) KeepTally(ctx context.Context) error { return s.keepTally(ctx) }
