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
	return s.loginHost(other) != "" && s.loginHost(other) == s.loginHost(conn)
}

func (s *Server) loginHost(conn vault.Connection) string {
	provider, err := s.connections.Provider(conn)
	if err != nil {
		return ""
	}
	u, err := url.Parse(provider.AuthCodeURL(vault.Login{}, ""))
	if err != nil {
		return ""
	}
	return u.Host
}
