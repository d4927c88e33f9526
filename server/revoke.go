package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// revoke is the revocation endpoint (RFC 7009): a refresh token goes with its
// grant and all that was issued under it, an opaque access token alone. A token
// that is unknown, or another client's, is answered as one that is revoked.
func (s *Server) revoke(c echo.Context) error {
	ctx := c.Request().Context()
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
	n := noteOf(ctx)
	token := req.Token.Reveal()
	id, secret, ok := oidc.ParseRefreshToken(token)
	switch {
	case ok:
		err = s.Vault.Update(ctx, func(tx *vault.Tx) error {
			grant, err := tx.Grant(id)
			if err != nil || oidc.UseOf(s.refreshKey, grant, client, secret, tx.Now()) == oidc.UseUnknown {
				return err
			}
			// Also for a secret that is no longer current: its client wants
			// the grant gone, or somebody else has it (RFC 9700, section 4.14.2).
			n.byUser(grant.User)
			return errors.Join(tx.Grants.Delete(id), tx.Record(n.as("srrt")))
		})
	case strings.Count(token, ".") == 2:
		return &oidc.Error{Code: oidc.UnsupportedTokenType, Description: "A JWT cannot be revoked by itself: APIs check it without asking. Revoke the refresh token, or let it expire."}
	default:
		err = s.Vault.Update(ctx, func(tx *vault.Tx) error {
			t, err := tx.AccessTokens.Get(vault.Hash(token))
			if err != nil || t.Client != client.ID {
				return err
			}
			n.byUser(t.User)
			return errors.Join(tx.AccessTokens.Delete(t.Hash), tx.Record(n.as("sallyport_access_token_revoked")))
		})
	}
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return err
	}
	return c.NoContent(http.StatusOK)
}
