package server

import (
	"context"
	"net/url"

	"sallyport/vault"
)

// answersFor reports whether the identity provider of a connection could take a
// user for the one who signed in by another: both are at one login host, whose
// cookie says who is there. The user is then asked to choose.
func (s *Server) answersFor(ctx context.Context, signedIn string, conn vault.Connection) bool {
	if signedIn == conn.Name {
		return false
	}
	var other vault.Connection
	if s.Vault.View(ctx, func(tx *vault.Tx) (err error) { other, err = tx.Connections.Get(signedIn); return err }) != nil {
		return false // it is gone, and asking is a courtesy
	}
	there := s.loginHost(ctx, other)
	return there != "" && there == s.loginHost(ctx, conn)
}

func (s *Server) loginHost(ctx context.Context, conn vault.Connection) string {
	provider, err := s.connections.Provider(conn)
	if err != nil {
		return ""
	}
	there, err := provider.AuthCodeURL(ctx, vault.Login{}, "")
	if err != nil {
		return ""
	}
	u, err := url.Parse(there)
	if err != nil {
		return ""
	}
	return u.Host
}
