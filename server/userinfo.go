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
	grant  string // "" if it is of a client and of no user
	scopes []string
	key    string // thumbprint of the key that it is bound to, or ""
	claims string // the claims parameter of the request that brought it

	jwt    *oidc.TokenClaims // if it is one
	opaque vault.AccessToken // if it is not
}

var errToken = &oidc.Error{Code: oidc.InvalidToken, HTTPStatus: http.StatusUnauthorized,
	Description: "The access token is unknown, expired or revoked. Get a new one with the refresh token, or sign the user in again."}

// bearer reads an access token. One whose grant is gone is no longer good,
// whatever it says itself. Whom it is for is another matter: see isFor. The user
// is read with the grant, if the caller will ask for it.
func (s *Server) bearer(tx *vault.Tx, token string, withUser bool) (b bearer, err error) {
	if strings.Count(token, ".") == 2 {
		var claims oidc.TokenClaims
		if err := s.ring.Load().keys.Verify(token, []string{oidc.TypAccessToken}, s.Issuer, s.Now(), &claims); err != nil {
			return b, errors.Join(errToken, err)
		}
		b = bearer{client: claims.ClientID, user: claims.Subject, grant: oidc.GrantOf(claims.ID), scopes: oidc.ParseScopes(claims.Scope),
			key: claims.Confirmation.Thumbprint, jwt: &claims}
	} else {
		t, err := tx.AccessTokens.Get(vault.Hash(token))
		if errors.Is(err, vault.ErrNotFound) {
			return b, errToken
		}
		if err != nil {
			return b, err
		}
		b = bearer{client: t.Client, user: t.User, grant: t.Grant, scopes: t.Scopes, key: t.DPoPKey, opaque: t}
	}
	if b.grant == "" {
		return b, nil
	}
	if withUser {
		if err := tx.Foresee(tx.Grants.At(b.grant), tx.Users.At(b.user)); err != nil {
			return b, err
		}
	}
	grant, err := tx.Grant(b.grant)
	if errors.Is(err, vault.ErrNotFound) {
		return b, errToken
	}
	b.claims = grant.Claims
	return b, err
}

// isFor reports whether the token is for an audience. Opaque ones are for the
// gateway's own endpoints.
func (b bearer) isFor(audience string) bool {
	return b.jwt == nil || audience != "" && slices.Contains(b.jwt.Audience, audience)
}

// userinfo is the UserInfo endpoint (OpenID Connect Core 1.0, section 5.3).
func (s *Server) userinfo(c echo.Context) error {
	scheme, token, err := accessToken(c)
	if err != nil {
		return err
	}
	proof, err := s.proof(c, oidc.ProofNeeds{AccessToken: vault.NewSecret(token)})
	if err != nil {
		return oidc.OnResource(err)
	}
	ctx := c.Request().Context()
	var user string
	var claims oidc.Claims
	err = s.Vault.View(ctx, func(tx *vault.Tx) error {
		b, err := s.bearer(tx, token, true)
		if err == nil && !b.isFor(oidc.UserInfoAudience(s.Issuer)) {
			err = errToken
		}
		if err == nil {
			err = oidc.OnResource(oidc.CheckPossession(scheme, b.key, proof))
		}
		if err != nil {
			return err
		}
		if !slices.Contains(b.scopes, oidc.ScopeOpenID) {
			return &oidc.Error{Code: oidc.InsufficientScope, HTTPStatus: http.StatusForbidden, Description: "The access token was issued without the scope openid: ask for it when the user signs in."}
		}
		record, err := tx.Users.Get(b.user)
		if errors.Is(err, vault.ErrNotFound) || err == nil && record.Blocked {
			return errToken
		}
		if err != nil {
			return err
		}
		user = record.ID
		client, err := tx.Clients.Get(b.client)
		if errors.Is(err, vault.ErrNotFound) {
			return errToken
		}
		if err != nil {
			return err
		}
		_, asked, err := oidc.RequestedClaims(b.claims)
		claims = oidc.UserInfoWith(record, b.scopes, asked, client.Conformant)
		return err
	})
	if err == nil {
		err = s.paceUser(user)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, claims)
}

// accessToken is the access token of a request, and by which scheme it came (RFC
// 6750, section 2; RFC 9449, section 7.1): in its header, or in a form; never in
// its URL.
func accessToken(c echo.Context) (scheme, token string, err error) {
	header := c.Request().Header.Get("Authorization")
	scheme, token, _ = strings.Cut(header, " ")
	if token != "" && (strings.EqualFold(scheme, oidc.Bearer) || strings.EqualFold(scheme, oidc.DPoP)) {
		return scheme, strings.TrimSpace(token), nil
	}
	if header == "" && c.Request().Method == http.MethodPost {
		if err := c.Request().ParseForm(); err != nil {
			return "", "", badBody(err)
		}
		if token := c.Request().PostForm.Get("access_token"); token != "" {
			return oidc.Bearer, token, nil
		}
	}
	return "", "", errNoToken
}

var errNoToken = &oidc.Error{Code: oidc.InvalidToken, HTTPStatus: http.StatusUnauthorized, Description: "Send an access token in the Authorization header, after Bearer or DPoP."}
