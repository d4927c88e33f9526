package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"sallyport/connections"
	"sallyport/vault"
)

const (
	probeEvery = 6 * time.Hour
	probeLease = 2 * probeAfter // that others leave the probing to the instance that probed last
	probeLife  = 7 * 24 * time.Hour
)

// probeDue probes the connections in use that were not asked about for some
// hours, one after the other: on one instance.
func (s *Server) probeDue(ctx context.Context) error {
	var due []vault.Connection
	err := s.Vault.Update(ctx, func(tx *vault.Tx) error {
		due = nil
		mine, err := tx.Lead("probe", probeLease)
		if err != nil || !mine {
			return err
		}
		for conn, err := range tx.Connections.All("") {
			if err != nil {
				return err
			}
			last, err := tx.Probes.Get(conn.Name)
			if _, err := vault.Exists(err); err != nil {
				return err
			}
			if conn.Active && tx.Now().Sub(last.At) >= probeEvery {
				due = append(due, conn)
			}
		}
		return nil
	})
	for _, conn := range due {
		if err == nil {
			err = s.probe(ctx, conn)
		}
	}
	return err
}

// probe asks the identity provider of a connection, without a user, whether it
// knows the gateway, and keeps what came of it; webhooks are told if that is new.
// That it does not is no error.
func (s *Server) probe(ctx context.Context, conn vault.Connection) error {
	provider, err := s.connections.Provider(conn)
	if err == nil {
		prober, ok := provider.(connections.Prober)
		if !ok {
			return nil
		}
		err = prober.Probe(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.Metrics.probe(conn.Name, err)
	now := vault.Probe{Connection: conn.Name, At: s.Now(), Since: s.Now(), State: vault.StepPassed, Expires: s.Now().Add(probeLife)}
	if err != nil {
		now.State = vault.StepFailed
		now.Cause, now.Cure = connections.CauseOf(err)
	}
	var upstream *connections.Error
	if errors.As(err, &upstream) && (upstream.Kind == connections.Unavailable || upstream.Kind == connections.RateLimited) {
		now.State = vault.StepSkipped
	}
	var last vault.Probe
	refused, answers := vault.NewMessageID(), vault.NewMessageID()
	kept := s.Vault.Update(ctx, func(tx *vault.Tx) (err error) {
		last, err = tx.Probes.Get(conn.Name)
		if known, err := vault.Exists(err); err != nil {
			return err
		} else if known && last.State == now.State {
			now.Since = last.Since
		}
		err = nil
		switch now.State {
		case vault.StepFailed:
			_, err = tx.BeginOutage(refused, vault.Outage{Connection: conn.Name, Reason: vault.CredentialsRefused, Since: now.Since, Seen: now.At}, now.Cause, now.Cure)
		case vault.StepPassed:
			_, err = tx.EndOutage(refused, conn.Name, vault.CredentialsRefused)
			if err == nil {
				_, err = tx.EndOutage(answers, conn.Name, vault.NoAnswer)
			}
		}
		return errors.Join(err, tx.Probes.Put(now))
	})
	if now.State == vault.StepFailed && last.State != vault.StepFailed {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "an identity provider refuses the gateway's credentials", slog.String("connection", conn.Name), slog.String("error", err.Error()))
	}
	return kept
}
