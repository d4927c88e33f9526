package server

import (
	"context"
	"errors"
	"strings"
	"time"

	"sallyport/server/api"
	"sallyport/vault"
)

// revokeSoon is how long whoever disconnects an account waits for its provider.
const revokeSoon = 4 * time.Second

// disconnect takes an account's tokens out of use that find finds, and has them
// revoked: at once, if its provider answers soon. What fails is tried again. The
// event is recorded with the account's connection, and webhooks are told.
func (s *Server) disconnect(ctx context.Context, e vault.Event, find func(*vault.Tx) (vault.TokenSet, error)) (result string, err error) {
	var id string
	message := vault.NewMessageID()
	err = s.Vault.Update(ctx, func(tx *vault.Tx) error {
		ts, err := find(tx)
		if err != nil {
			return err
		}
		if err := tx.NotifyAccount(message, vault.AccountDisconnected, ts); err != nil {
			return err
		}
		if id, err = tx.Disconnect(ts); err != nil {
			return err
		}
		connection, _, _ := strings.Cut(ts.Identity, "|")
		e.Connection = vault.Said(connection)
		return tx.Record(e)
	})
	if err != nil {
		return "", err
	}
	return s.revokeNow(ctx, id), nil
}

// revokeNow tries a revocation, and returns what came of it.
func (s *Server) revokeNow(ctx context.Context, id string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeSoon)
	defer cancel()
	var r vault.Revocation
	err := s.Vault.Update(ctx, func(tx *vault.Tx) (err error) {
		if r, err = tx.Revocations.Get(id); err == nil && !r.GivenUp && !tx.Now().Before(r.Next) {
			r, err = claim(tx, r)
		}
		return err
	})
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return "revoked" // by whoever was quicker
	case err == nil && r.GivenUp:
		return "failed"
	case err == nil && !r.Awaits:
		var o ending
		if o, err = s.revokeOne(ctx, r); err == nil || o.pending != "" {
			return o.String()
		}
	}
	if err != nil {
		s.Log.WarnContext(ctx, "an account was disconnected, and its tokens are revoked later", "correlation_id", correlationID(ctx), "error", err)
	}
	return "pending"
}

// disconnectAll puts all token sets of a connection out of use, and has them
// taken away and revoked in the background.
func (s *Server) disconnectAll(ctx context.Context, e vault.Event, connection string) (api.Disconnection, error) {
	if err := DisconnectAll(ctx, s.Vault, e, connection); err != nil {
		return api.Disconnection{}, err
	}
	s.begin()
	return api.DisconnectionOf(ctx, s.Vault, connection, "")
}

// deleteUser deletes a user. What was issued for their accounts is revoked in the
// background.
func (s *Server) deleteUser(ctx context.Context, e vault.Event, id string) error {
	known, err := vault.Exists(s.Vault.View(ctx, func(tx *vault.Tx) error {
		_, err := tx.Users.Get(id)
		return err
	}))
	if err != nil {
		return err
	}
	if !known {
		withoutStrangersTokens(&e)
	}
	revocations, err := s.Vault.DeleteUser(ctx, e, id)
	if err == nil && len(revocations) > 0 {
		s.begin()
	}
	return err
}

// begin has what was disconnected worked on at once.
func (s *Server) begin() {
	select {
	case s.disconnected <- struct{}{}:
	default:
	}
}

// DisconnectAll puts all token sets of a connection out of use that are in a
// vault. A gateway takes them away and has them revoked.
func DisconnectAll(ctx context.Context, v *vault.Vault, e vault.Event, connection string) error {
	e.Connection = vault.Said(connection)
	message := vault.Message{ID: vault.NewMessageID(), Type: vault.ConnectionDisconnected, Data: vault.DisconnectionMessage{
		Connection: connection, Action: "Its users have to connect their accounts again: by signing in with it, or by the reconnect_uri of a refused exchange."}}
	return v.Update(ctx, func(tx *vault.Tx) error {
		if _, err := tx.DisconnectAll(connection); err != nil {
			return api.NotFound(err, "inexistent_connection", "There is no connection "+connection+".")
		}
		return errors.Join(tx.Record(e), tx.Notify(message))
	})
}

// takeAwayAndRevoke does what disconnecting leaves to the background.
func (s *Server) takeAwayAndRevoke(ctx context.Context) error {
	if err := s.takeAway(ctx); err != nil {
		return err
	}
	return s.revokeDiscarded(ctx)
}

// takeAway goes on with every disconnection that is not at its end.
func (s *Server) takeAway(ctx context.Context) error {
	var list []string
	err := s.Vault.View(ctx, func(tx *vault.Tx) error {
		list = nil
		for d, err := range tx.Disconnections.All("") {
			if err != nil {
				return err
			}
			if !d.Swept {
				list = append(list, d.Connection)
			}
		}
		return nil
	})
	for _, connection := range list {
		for done := false; err == nil && !done; {
			done, err = s.Vault.DisconnectSome(ctx, connection)
		}
	}
	return err
}
