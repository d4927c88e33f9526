package server

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// tokens is what a grant's tokens are made from, gathered in one transaction.
type tokens struct {
	client vault.Client
	grant  vault.Grant
	user   vault.User
	api    *vault.ResourceServer        // that the access token is for, or nil
	scopes []string                     // of these tokens; nil means the grant's
	extra  oidc.Claims                  // claims that the connection adds to the ID token
	asked  map[string]oidc.ClaimRequest // of the ID token, by name
	key    string                       // thumbprint of the key that the tokens are bound to, or ""
	nonce  string
	now    time.Time
}

// load reads what the tokens of a grant speak of. A user who is blocked gets
// none.
func (t *tokens) load(tx *vault.Tx, issuer string) (refused, err error) {
	if t.scopes == nil {
		t.scopes = t.grant.Scopes
	}
	if err := tx.Foresee(tx.Users.At(t.grant.User), tx.Connections.At(vault.ConnectionOf(t.grant.Identity))); err != nil {
		return nil, err
	}
	if t.user, err = tx.Users.Get(t.grant.User); errors.Is(err, vault.ErrNotFound) {
		return oidc.GrantError(err), nil // deleted since
	} else if err != nil {
		return nil, err
	}
	if t.user.Blocked {
		return &oidc.Error{Code: oidc.AccessDenied, HTTPStatus: 403, Description: "user is blocked"}, nil
	}
	if t.api, err = userAPI(tx, issuer, t.grant.Audience); err != nil {
		return nil, err
	}
	if t.asked, _, err = oidc.RequestedClaims(t.grant.Claims); err != nil {
		return nil, err
	}
	t.extra, err = connectionClaims(tx, t.grant.Identity)
	return nil, err
}

// connectionClaims are the claims that a connection adds to ID tokens, for
// applications whose SDK keeps nothing else of an exchange.
func connectionClaims(tx *vault.Tx, identity string) (oidc.Claims, error) {
	conn, err := tx.Connections.Get(vault.ConnectionOf(identity))
	if ok, err := vault.Exists(err); !ok {
		return nil, err
	}
	claim := conn.Options["instance_url_claim"]
	if claim == "" {
		return nil, nil
	}
	ts, err := tx.TokenSets.Get(identity)
	if ok, err := vault.Exists(err); !ok {
		return nil, err
	}
	return oidc.Claims{claim: ts.Params["instance_url"]}, nil
}

// offline reports whether the grant comes with a refresh token.
func (t *tokens) offline() bool { return slices.Contains(t.grant.Scopes, oidc.ScopeOffline) }

// lifetime is that of the access token.
func (t *tokens) lifetime() time.Duration {
	if t.api != nil && t.api.TokenLifetime > 0 {
		return t.api.TokenLifetime
	}
	return oidc.AccessTokenLifetime
}

// put keeps the grant and its access token.
func (t *tokens) put(tx *vault.Tx, opaque string) error {
	if err := tx.Grants.Put(t.grant); err != nil {
		return err
	}
	return t.putAccessToken(tx, opaque)
}

// putAccessToken keeps an access token that is opaque: one for no API.
func (t *tokens) putAccessToken(tx *vault.Tx, opaque string) error {
	if t.api != nil {
		return nil
	}
	return tx.AccessTokens.Put(vault.AccessToken{
		Hash: vault.Hash(opaque), Grant: t.grant.ID, Client: t.client.ID, User: t.user.ID, Scopes: t.scopes, DPoPKey: t.key, Expires: t.now.Add(t.lifetime()),
	})
}

// event tells that the tokens were issued.
func (t *tokens) event(ctx context.Context, kind vault.EventType) vault.Event {
	n := noteOf(ctx)
	n.byUser(t.user.ID)
	e := n.as(kind)
	e.UserName, e.Scope = vault.Said(t.user.Profile.Username), vault.Said(oidc.FormatScopes(t.scopes))
	if t.api != nil {
		e.Audience = vault.Said(t.api.Identifier)
	}
	return e
}

// answer signs the tokens. It comes after the commit: nothing is promised that
// is not on disk.
func (s *Server) answer(t tokens, opaque, secret string) (resp oidc.TokenResponse, err error) {
	resp = oidc.TokenResponse{TokenType: oidc.TokenType(t.key), ExpiresIn: int(t.lifetime().Seconds()), Scope: oidc.FormatScopes(t.scopes), AccessToken: opaque}
	if t.api != nil {
		resp.AccessToken, err = s.sign(oidc.TypAccessToken, t.api.Alg, oidc.AccessTokenClaims(s.Issuer, oidc.AccessToken{
			ClientID: t.client.ID, Subject: t.user.ID, Audience: t.api.Identifier, Scopes: t.scopes, SID: t.grant.SID,
			ID: oidc.TokenID(t.grant.ID, rand.Text()), Lifetime: t.lifetime(), DPoPKey: t.key,
		}, t.now))
		if err != nil {
			return resp, err
		}
	}
	if slices.Contains(t.scopes, oidc.ScopeOpenID) {
		resp.IDToken, err = s.sign(oidc.TypIDToken, t.client.IDTokenAlg, oidc.IDTokenClaims(s.Issuer, oidc.IDToken{
			Client: t.client, User: t.user, Scopes: t.scopes, Nonce: t.nonce, SID: t.grant.SID, AuthTime: t.grant.AuthTime,
			AccessToken: resp.AccessToken, Extra: t.extra, Requested: t.asked,
		}, t.now))
		if err != nil {
			return resp, err
		}
	}
	if t.offline() {
		resp.RefreshToken = oidc.RefreshToken(t.grant.ID, secret)
	}
	return resp, nil
}
