package server

import (
	"context"
	"errors"
	"path"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/vault"
)

// findClientAccount is the account that a client asks for in its own name: the
// connection's own, which all of its clients share and no user has.
func findClientAccount(tx *vault.Tx, client vault.Client, x oidc.ExchangeRequest) (a account, err error) {
	conn, err := tx.Connections.Get(x.Connection)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return a, x.RefuseConnection()
	case err != nil:
		return a, err
	}
	if err := checkConnection(conn, client, x); err != nil {
		return a, err
	}
	if !connections.OfClients(conn) {
		return a, x.RefuseSubject(errors.New("the token is of a client, and of no user"))
	}
	a.connection = conn
	a.identity = vault.Identity{Connection: conn.Name, Strategy: conn.Strategy, Profile: vault.Profile{Username: connections.TokenUser(conn)}}
	if x.LoginHint != "" && !hinted(a.identity, x.LoginHint) {
		return a, x.RefuseLoginHint()
	}
	a.tokens, err = tx.TokenSets.Get(a.identity.Key())
	_, err = vault.Exists(err)
	return a, err
}

// begunAccount has the connection's own account in the vault, where the first
// exchange finds no tokens yet.
func (s *Server) begunAccount(ctx context.Context, a *account) error {
	if a.tokens.ID != "" {
		return nil
	}
	id := newAccountID()
	return s.Vault.Update(ctx, func(tx *vault.Tx) (err error) {
		a.tokens, err = tx.TokenSets.Get(a.identity.Key())
		if !errors.Is(err, vault.ErrNotFound) {
			return err
		}
		a.tokens = vault.TokenSet{Identity: a.identity.Key(), ID: id, Created: tx.Now()}
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
