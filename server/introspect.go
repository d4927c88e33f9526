package server

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// introspect is the introspection endpoint (RFC 7662).
func (s *Server) introspect(c echo.Context) error {
	form, err := body(c)
	if err != nil {
		return err
	}
	req, err := oidc.ParsePresentedToken(form, c.Request().Header.Get("Authorization"))
	if err != nil {
		return err
	}
	client, _, err := s.authenticate(c, req.Credentials)
	if err != nil {
		return err
	}
	if err := oidc.CheckIntrospection(client); err != nil {
		return err
	}
	var answer oidc.Introspection
	err = s.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		answer, err = s.introspection(tx, client, req.Token.Reveal())
		return err
	})
	if err != nil {
		return err
	}
	return answerJSON(c, http.StatusOK, answer)
}

// introspection says what a token of whatever kind is good for.
func (s *Server) introspection(tx *vault.Tx, client vault.Client, token string) (oidc.Introspection, error) {
	if id, secret, ok := oidc.ParseRefreshToken(token); ok {
		grant, err := tx.Grant(id)
		if ok, err := vault.Exists(err); !ok || !oidc.Matches(grant.SecretHash, secret) {
			return oidc.Introspection{}, err
		}
		return oidc.IntrospectRefreshToken(client, s.Issuer, grant, tx.Now()), nil
	}
	b, err := s.bearer(tx, token, false)
	var refused *oidc.Error
	switch {
	case errors.As(err, &refused):
		return oidc.Introspection{}, nil
	case err != nil:
		return oidc.Introspection{}, err
	case b.jwt != nil:
		return oidc.IntrospectJWT(client, s.Issuer, *b.jwt), nil
	}
	return oidc.IntrospectAccessToken(client, s.Issuer, b.opaque, tx.Now()), nil
}
