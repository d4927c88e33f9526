package server

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"sallyport/vault"
)

// workLogs keeps the log of events in order, until ctx ends.
func (s *Server) workLogs(ctx context.Context) {
	tend, prune := time.NewTicker(logsAfter), time.NewTicker(pruneAfter)
	defer tend.Stop()
	defer prune.Stop()
	for {
		var what string
		var err error
		select {
		case <-ctx.Done():
			s.countRepeats(true)
			return
		case <-tend.C:
			what, err = "tend the log of events", s.tendLogs(ctx)
		case <-prune.C:
			what, err = "forget old events", s.pruneLogs(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "could not "+what, "error", err)
		}
	}
}

func (s *Server) tendLogs(ctx context.Context) error {
	s.countRepeats(false)
	if err := s.Vault.TakeUp(ctx, orphanAge); err != nil {
		return err
	}
	return Witness(ctx, s.Vault, s.Log)
}

// Witness signs how far the log of events has come, and tells the program's log:
// whoever keeps that elsewhere can tell if somebody cuts off the end of the other.
func Witness(ctx context.Context, v *vault.Vault, log *slog.Logger) error {
	checkpoint, err := v.Checkpoint(ctx)
	if checkpoint != "" {
		log.InfoContext(ctx, "log checkpoint", "checkpoint", checkpoint)
	}
	return err
}

func (s *Server) pruneLogs(ctx context.Context) error {
	if s.Logs == (vault.LogRetention{}) {
		return nil
	}
	for {
		n := noteOf(context.Background())
		events, err := s.Vault.PruneLogs(ctx, s.Logs, func(events uint64, until time.Time) vault.Event {
			return n.as("sallyport_logs_pruned", vault.Count("events", int64(events)), vault.Say("until", until.UTC().Format(time.RFC3339)))
		})
		if events == 0 || err != nil {
			return err
		}
	}
}

// retentionChanged tells that events are to be kept for another time than before.
func retentionChanged(before, after vault.LogRetention) vault.Event {
	shown := func(r vault.LogRetention) string {
		if r == (vault.LogRetention{}) {
			return "not set"
		}
		return fmt.Sprintf("%d days, %d MB", r.Age/(24*time.Hour), r.Bytes>>20)
	}
	return noteOf(context.Background()).as("sallyport_log_retention_changed", vault.Say("before", shown(before)), vault.Say("after", shown(after)))
}
