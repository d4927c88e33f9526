package server

import (
	"context"
	"errors"
	"path"

	"sallyport/connections"
	"sallyport/vault"
)

// ownIdentity is the account that clients ask for in their own name: the
// connection's own, which all of its clients share and no user has.
func ownIdentity(conn vault.Connection) vault.Identity {
	return vault.Identity{Connection: conn.Name, Strategy: conn.Strategy, Profile: vault.Profile{Username: connections.TokenUser(conn)}}
}

// begunAccount has the connection's own account in the vault, where the first
// exchange finds no tokens, or ones that were disconnected.
func (s *Server) begunAccount(ctx context.Context, a *account) error {
	if a.tokens.ID != "" {
		return nil
	}
	id := newAccountID()
	return s.Vault.Update(ctx, func(tx *vault.Tx) (err error) {
		conn, err := tx.Connections.Get(a.connection.Name)
		if err != nil {
			return err
		}
		a.tokens, err = tx.TokenSets.Get(a.identity.Key())
		switch {
		case err == nil && a.tokens.Connected(conn):
			return nil
		case err == nil:
			_, err = tx.Disconnect(a.tokens)
		case errors.Is(err, vault.ErrNotFound):
			err = nil
		}
		if err != nil {
			return err
		}
		a.tokens = vault.TokenSet{Identity: a.identity.Key(), ID: id, Created: tx.Now(), Generation: conn.Generation}
		return tx.TokenSets.Put(a.tokens)
	})
}

// outdated reports whether the stored tokens are the connection's own, but got
// by other settings than it has now: maybe another user's, or another org's.
func (a account) outdated() bool {
	return a.user == "" && a.tokens.Params["basis"] != connections.Basis(a.connection)
}

// name is the identity provider's of the account that a token set is of.
func (a account) name(ts vault.TokenSet) string {
	if a.user == "" {
		return path.Base(ts.Params["id"])
	}
	return a.identity.UserID
}
