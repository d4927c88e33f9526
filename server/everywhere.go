package server

import (
	"context"
	"crypto/rand"
	"errors"

	"sallyport/vault"
)

// signOutEverywhere ends a user's sessions in all browsers, and the grants by
// which applications go on without the user: some at a time, until there are
// none. Clients are told as if the user had signed out of each.
func (s *Server) signOutEverywhere(ctx context.Context, user string) error {
	const batch = 100
	n := noteOf(ctx)
	n.byUser(user)
	for more := true; more; {
		notice := rand.Text()
		err := s.Vault.Update(ctx, func(tx *vault.Tx) error {
			sessions, err1 := tx.SessionsOf(user, batch)
			grants, err2 := tx.GrantsOf(user, batch)
			if err := errors.Join(err1, err2); err != nil {
				return err
			}
			for _, session := range sessions {
				if _, err := endSession(tx, session.Hash, notice+session.Hash); err != nil {
					return err
				}
			}
			for _, g := range grants {
				if err := tx.Grants.Delete(g.ID); err != nil {
					return err
				}
			}
			more = len(sessions) == batch || len(grants) == batch
			return tx.Record(n.as("slo", vault.Count("sessions", int64(len(sessions))), vault.Count("grants", int64(len(grants)))))
		})
		if err != nil {
			return err
		}
	}
	select {
	case s.notices <- struct{}{}: // to be told at once
	default:
	}
	return nil
}
