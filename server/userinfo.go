package server

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// bearer is whom an access token of the gateway's stands for.
type bearer struct {
	client string
	user   string
	grant  string
	scopes []string

	audience []string // of a JWT
}

var errToken = &oidc.Error{Code: oidc.InvalidToken, HTTPStatus: http.StatusUnauthorized,
	Description: "The access token is unknown, expired or revoked. Get a new one with the refresh token, or sign the user in again."}

// bearer reads an access token that is for one of the audiences; opaque ones
// are for all of the gateway's own. A token whose grant is gone is no longer
// good, whatever it says itself.
func (s *Server) bearer(tx *vault.Tx, token string, audiences ...string) (b bearer, err error) {
	if strings.Count(token, ".") == 2 {
		var claims oidc.TokenClaims
		err := s.ring.Load().keys.Verify(token, []string{oidc.TypAccessToken}, s.Issuer, s.Now(), &claims)
		if err == nil && !slices.ContainsFunc(audiences, func(a string) bool { return slices.Contains(claims.Audience, a) }) {
			err = errors.New("the token is for another audience")
		}
		if err != nil {
			return b, errors.Join(errToken, err)
		}
		b = bearer{claims.ClientID, claims.Subject, oidc.GrantOf(claims.ID), oidc.ParseScopes(claims.Scope), claims.Audience}
	} else {
		t, err := tx.AccessTokens.Get(vault.Hash(token))
		if errors.Is(err, vault.ErrNotFound) {
			return b, errToken
		}
		if err != nil {
			return b, err
		}
		b = bearer{t.Client, t.User, t.Grant, t.Scopes, nil}
	}
	if b.grant == "" {
		return b, nil // client credentials: of no user
	}
	_, err = tx.Grants.Get(b.grant)
	if errors.Is(err, vault.ErrNotFound) {
		return b, errToken
	}
	return b, err
}

// userinfo is the UserInfo endpoint (OpenID Connect Core 1.0, section 5.3).
func (s *Server) userinfo(c echo.Context) error {
	token, err := bearerToken(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	var claims oidc.Claims
	err = s.Vault.View(ctx, func(tx *vault.Tx) error {
		b, err := s.bearer(tx, token, oidc.UserInfoAudience(s.Issuer))
		if err != nil {
			return err
		}
		if !slices.Contains(b.scopes, oidc.ScopeOpenID) {
			return &oidc.Error{Code: oidc.InsufficientScope, HTTPStatus: http.StatusForbidden, Description: "The access token was issued without the scope openid: ask for it when the user signs in."}
		}
		user, err := tx.Users.Get(b.user)
		if errors.Is(err, vault.ErrNotFound) || err == nil && user.Blocked {
			return errToken
		}
		if err != nil {
			return err
		}
		client, err := tx.Clients.Get(b.client)
		if errors.Is(err, vault.ErrNotFound) {
			return errToken
		}
		claims = oidc.UserInfo(user, b.scopes, client.Conformant)
		return err
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, claims)
}

// bearerToken is the access token of a request (RFC 6750, section 2): in its
// header, or in a form; never in its URL.
func bearerToken(c echo.Context) (string, error) {
	header := c.Request().Header.Get("Authorization")
	if scheme, token, _ := strings.Cut(header, " "); strings.EqualFold(scheme, "Bearer") && token != "" {
		return strings.TrimSpace(token), nil
	}
	if header == "" && c.Request().Method == http.MethodPost {
		if err := c.Request().ParseForm(); err != nil {
			return "", badBody(err)
		}
		if token := c.Request().PostForm.Get("access_token"); token != "" {
			return token, nil
		}
	}
	return "", errNoToken
}

var errNoToken = &oidc.Error{Code: oidc.InvalidToken, HTTPStatus: http.StatusUnauthorized, Description: "Send an access token in the Authorization header, after Bearer."}
