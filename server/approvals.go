package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sallyport/connections"
	"sallyport/vault"
)

// A refresh token that could not be revoked is tried again: after a minute at
// first, and in the end every hour.
const (
	revokeFirst = time.Minute
	revokeMost  = time.Hour
)

// revokeDiscarded revokes, at their providers, the refresh tokens that are due.
// Each is taken for a while before it is shown, so that of several instances
// one shows it.
func (s *Server) revokeDiscarded(ctx context.Context) error {
	for {
		var r vault.Revocation
		found := false
		err := s.Vault.Update(ctx, func(tx *vault.Tx) error {
			found = false
			for next, err := range tx.Revocations.All("") {
				if err != nil {
					return err
				}
				if tx.Now().Before(next.Next) {
					continue
				}
				next.Attempts++
				next.Next = tx.Now().Add(min(revokeFirst<<min(next.Attempts, 20), revokeMost))
				r, found = next, true
				return tx.Revocations.Put(next)
			}
			return nil
		})
		if err != nil || !found {
			return err
		}
		err = s.revokeOne(ctx, r)
		if err != nil && !errors.Is(err, errShared) {
			s.Log.WarnContext(ctx, "a refresh token that nothing uses could not be revoked", "account", r.Tokens.ID,
				"attempt", r.Attempts, "next", r.Next, "error", err)
		}
	}
}

// errShared is the reason to wait: what is revoked with a refresh token is the
// very access token that the account has now. Salesforce gives the same one to
// several grants while it lives.
var errShared = errors.New("its access token is the account's own, too")

// revokeOne revokes the refresh token of one that was discarded, unless that
// would take what the account has now with it.
func (s *Server) revokeOne(ctx context.Context, r vault.Revocation) error {
	var conn vault.Connection
	var now vault.TokenSet
	err := s.Vault.View(ctx, func(tx *vault.Tx) error {
		var err error
		if conn, err = tx.Connections.Get(r.Connection()); err != nil {
			return err
		}
		now, err = tx.TokenSets.Get(r.Tokens.Identity)
		if gone, err := vault.Exists(err); err != nil || !gone {
			now = vault.TokenSet{}
			return err
		}
		return nil
	})
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return s.forget(ctx, r) // the connection is gone, and nobody is left who could
	case err != nil:
		return err
	case now.RefreshToken == r.Tokens.RefreshToken:
		return s.forget(ctx, r) // it is in use again
	case r.Tokens.Attempt != nil:
		return s.forget(ctx, r) // it is from a backup, and may have been revoked since: nothing needs it to be
	case now.AccessToken == r.Tokens.AccessToken:
		return errShared
	}
	provider, err := s.connections.Provider(conn)
	if err != nil {
		return err
	}
	revoker, ok := provider.(connections.Revoker)
	if !ok {
		return s.forget(ctx, r)
	}
	if err := revoker.Revoke(ctx, r.Tokens); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "a refresh token that nothing uses was revoked", "connection", conn.Name, "account", r.Tokens.ID)
	return s.forget(ctx, r)
}

func (s *Server) forget(ctx context.Context, r vault.Revocation) error {
	return s.Vault.Update(ctx, func(tx *vault.Tx) error { return tx.Revocations.Delete(r.ID) })
}

// rapid is the time within which sign-ins follow each other rapidly.
const rapid = time.Hour

// recent are those of some times that are not long ago, as a list of its own.
func recent(times []time.Time, now time.Time) (list []time.Time) {
	for _, t := range times {
		if now.Sub(t) < rapid {
			list = append(list, t)
		}
	}
	return list
}

// usingUp says, for people, that a user has signed in so often before the last
// time that the provider's approvals run out, or "" if not.
func usingUp(conn vault.Connection, approved []time.Time) string {
	kept, n := connections.Approvals(conn), len(approved)
	if kept == 0 || n < kept-1 {
		return ""
	}
	return fmt.Sprintf("This account was connected %d times within an hour. %s keeps %d approvals of a user and an app and then ends the oldest, so that another program which uses the same app may lose its own.",
		n, conn.Title(), kept)
}

// warnOf logs that a user signs in so often that the provider's approvals run
// out, and says it.
func (s *Server) warnOf(ctx context.Context, conn vault.Connection, account string, approved []time.Time) string {
	why := usingUp(conn, approved)
	if why != "" {
		s.Log.WarnContext(ctx, "a user authorizes rapidly", "correlation_id", correlationID(ctx), "connection", conn.Name, "account", account, "times", len(approved), "reason", why)
	}
	return why
}
