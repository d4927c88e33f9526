package server

import (
	"context"
	"time"
)

// reseal looks for new keys of the vault's and goes on with a change of them,
// until ctx ends. A fault is told when it begins, and not every second again.
func (s *Server) reseal(ctx context.Context) {
	tick := time.NewTicker(resealAfter)
	defer tick.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := s.resealOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			told = ""
		case err.Error() != told:
			told = err.Error()
			s.Log.ErrorContext(ctx, "could not keep up with the keys of the vault", "error", err)
		}
	}
}

// resealOnce does what is to be done now, while another goroutine shows how far
// it has come.
func (s *Server) resealOnce(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- s.Vault.Reseal(ctx) }()
	tick := time.NewTicker(resealAfter)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			s.showRekey(ctx)
			return err
		case <-tick.C:
			s.showRekey(ctx)
		}
	}
}

func (s *Server) showRekey(ctx context.Context) {
	if state, err := s.Vault.KeyState(ctx); err == nil {
		s.Metrics.rekey(state.Done, state.Total)
	}
}
