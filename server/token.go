package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// grants are the grants of the token endpoint, by grant type.
var grants = map[string]func(*Server, context.Context, vault.Client, oidc.TokenRequest, *oidc.Proof) (oidc.TokenResponse, error){
	oidc.GrantAuthorizationCode: (*Server).redeemCode,
	oidc.GrantRefreshToken:      (*Server).refreshTokens,
	oidc.GrantClientCredentials: (*Server).clientCredentials,
	oidc.GrantDeviceCode:        (*Server).pollDevice,
	oidc.GrantTokenExchange:     (*Server).exchangeToken,
	oidc.GrantFederated:         (*Server).exchangeToken,
}

// grantEvents are the types of their events, which are Auth0's.
var grantEvents = map[string]struct{ done, refused vault.EventType }{
	oidc.GrantAuthorizationCode: {"seacft", "feacft"},
	oidc.GrantRefreshToken:      {"sertft", "fertft"},
	oidc.GrantClientCredentials: {"seccft", "feccft"},
	oidc.GrantDeviceCode:        {"sede", "fede"},
	oidc.GrantTokenExchange:     {"seta", "feta"},
	oidc.GrantFederated:         {"seta", "feta"},
}

// token is the token endpoint (RFC 6749, section 3.2).
func (s *Server) token(c echo.Context) error {
	ctx := c.Request().Context()
	req, err := tokenRequest(c)
	if err != nil {
		return err
	}
	noteOf(ctx).refused = grantEvents[req.GrantType].refused
	if req.ClientID == "" {
		if req.ClientID, err = s.clientOf(ctx, req.SubjectToken); err != nil {
			return err
		}
	}
	client, proof, err := s.authenticate(c, req.Credentials)
	if err != nil {
		return err
	}
	if err := oidc.CheckGrantType(client, req); err != nil {
		return err
	}
	resp, err := grants[req.GrantType](s, ctx, client, req, proof)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, contentJSON, resp.JSON())
}

// contentJSON is the content type that Auth0's token endpoint has, without a
// charset: its SDKs compare it whole.
const contentJSON = "application/json"

// answerJSON answers as the token endpoint does.
func answerJSON(c echo.Context, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.Blob(status, contentJSON, b)
}

// tokenRequest reads a form or, as Auth0 takes it too, a JSON object.
func tokenRequest(c echo.Context) (oidc.TokenRequest, error) {
	form, err := body(c)
	if err != nil {
		return oidc.TokenRequest{}, err
	}
	req, err := oidc.ParseTokenRequest(form, c.Request().Header.Get("Authorization"))
	if err == nil {
		req.Address, _ = netip.ParseAddr(c.RealIP())
	}
	return req, err
}

const contentForm = "application/x-www-form-urlencoded"

// body is the form that a request sends, as a form or as JSON.
func body(c echo.Context) (url.Values, error) {
	r := c.Request()
	kind := r.Header.Get("Content-Type")
	if kind != contentForm {
		kind, _, _ = mime.ParseMediaType(kind)
	}
	switch kind {
	case contentForm: // [http.Request.ParseForm] would read the URL, too
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, badBody(err)
		}
		form, err := url.ParseQuery(string(b))
		if err != nil {
			return nil, badBody(err)
		}
		return form, nil
	case contentJSON:
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, badBody(err)
		}
		return oidc.FormFromJSON(b)
	}
	return nil, &oidc.Error{Code: oidc.InvalidRequest, Description: "Send the parameters as application/x-www-form-urlencoded or application/json, and say so in Content-Type."}
}

// badBody is the error of a body that could not be read.
func badBody(err error) error {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return &oidc.Error{Code: oidc.InvalidRequest, HTTPStatus: http.StatusRequestEntityTooLarge, Description: "The request is longer than 64 KiB.", Err: err}
	}
	return &oidc.Error{Code: oidc.InvalidRequest, Description: "The request body is malformed or broke off.", Err: err}
}

// clientOf is the ID of the client that a refresh token was issued to, or "":
// some SDKs leave client_id out of an exchange, whose subject token names it.
func (s *Server) clientOf(ctx context.Context, subject vault.Secret) (id string, err error) {
	grantID, _, _ := oidc.ParseRefreshToken(subject.Reveal())
	err = s.Vault.View(ctx, func(tx *vault.Tx) error {
		grant, err := tx.Grant(grantID)
		id = grant.Client
		return err
	})
	if errors.Is(err, vault.ErrNotFound) {
		return "", nil
	}
	return id, err
}

// redeemCode is the authorization code grant (RFC 6749, section 4.1.3).
func (s *Server) redeemCode(ctx context.Context, client vault.Client, req oidc.TokenRequest, proof *oidc.Proof) (oidc.TokenResponse, error) {
	hash, opaque := vault.Hash(req.Code.Reveal()), rand.Text()+rand.Text()
	secret := oidc.NextSecret(s.refreshKey, hash, rand.Text())
	var t tokens
	var refused error
	err := s.Vault.Update(ctx, func(tx *vault.Tx) (err error) {
		refused = nil
		code, err := tx.Codes.Take(hash)
		if errors.Is(err, vault.ErrNotFound) {
			// A code that was redeemed names the grant that it brought: whoever
			// shows it again has it from somewhere (RFC 6749, section 4.1.2).
			refused = oidc.CodeError(errors.New("the code is unknown, or was used before"))
			return tx.Grants.Delete(hash)
		}
		if err != nil {
			return err
		}
		noteOf(ctx).byUser(code.User)
		if refused = oidc.CheckCode(code, req, tx.Now()); refused != nil {
			return nil // and the code is spent
		}
		var key string
		if key, refused = oidc.CheckCodeKey(client, code, proof); refused != nil {
			return nil
		}
		t, refused, err = s.begun(tx, client, code, secret, key)
		if err != nil || refused != nil {
			return err
		}
		if err := t.put(tx, opaque); err != nil {
			return err
		}
		return tx.Record(t.event(ctx, "seacft"))
	})
	if err = errors.Join(err, refused); err != nil {
		return oidc.TokenResponse{}, err
	}
	return s.answer(t, opaque, secret)
}

// begun makes the grant that a code brings, and what its first tokens say.
func (s *Server) begun(tx *vault.Tx, client vault.Client, code vault.Code, secret, key string) (t tokens, refused, err error) {
	now := tx.Now()
	t = tokens{client: client, nonce: code.Request.Nonce, now: now, key: key, grant: vault.Grant{
		ID: code.Hash, DPoPKey: key, Client: client.ID, User: code.User, SID: code.SID, Identity: code.Identity, Consent: code.Consent,
		Scopes: code.Request.Scopes, Audience: code.Request.Audience, Claims: code.Request.Claims, AuthTime: code.AuthTime, Created: now, Used: now,
	}}
	if refused, err = t.load(tx, s.Issuer); refused != nil || err != nil {
		return t, refused, err
	}
	t.grant.Expires = now.Add(t.lifetime())
	if t.offline() {
		t.grant.SecretHash = vault.Hash(secret)
		t.grant.Expires = time.Time{}
		if client.RefreshLifetime > 0 {
			t.grant.Expires = now.Add(client.RefreshLifetime)
		}
	}
	return t, nil, nil
}

// refreshTokens is the refresh token grant (RFC 6749, section 6).
func (s *Server) refreshTokens(ctx context.Context, client vault.Client, req oidc.TokenRequest, proof *oidc.Proof) (oidc.TokenResponse, error) {
	id, secret, _ := oidc.ParseRefreshToken(req.RefreshToken.Reveal())
	opaque, next := rand.Text()+rand.Text(), secret
	rotate := client.Rotate && !client.FAPI // FAPI 2.0 Security Profile, section 5.3.2.1: the key protects it
	if rotate {
		next = oidc.NextSecret(s.refreshKey, id, secret)
	}
	var t tokens
	var refused error
	err := s.Vault.Update(ctx, func(tx *vault.Tx) error {
		refused = nil
		grant, err := tx.Grant(id)
		if errors.Is(err, vault.ErrNotFound) {
			refused = oidc.GrantError(errors.New("the grant is unknown, expired or revoked"))
			return nil
		}
		if err != nil {
			return err
		}
		noteOf(ctx).event.User = vault.Said(grant.User)
		use := oidc.UseOf(s.refreshKey, grant, client, secret, tx.Now())
		switch use {
		case oidc.UseUnknown:
			refused = oidc.GrantError(errors.New("the refresh token is not the grant's"))
			return nil
		case oidc.UseReused:
			// One of two who hold the token is not its owner (RFC 9700, section 4.14.2).
			refused = oidc.GrantError(errors.New("the refresh token was used before: its grant is revoked"))
			noteOf(ctx).refused = "ferrt"
			return tx.Grants.Delete(id)
		}
		t = tokens{client: client, now: tx.Now()}
		if t.scopes, refused = oidc.CheckGrant(grant, client, req, tx.Now()); refused != nil {
			return nil
		}
		if t.key, refused = oidc.CheckGrantKey(client, grant, proof); refused != nil {
			return nil
		}
		grant.DPoPKey, grant.Used = t.key, tx.Now()
		if rotate && use == oidc.UseCurrent {
			grant.Previous, grant.Replaced, grant.SecretHash = grant.SecretHash, tx.Now(), vault.Hash(next)
		}
		if err := tx.Grants.Put(grant); err != nil {
			return err
		}
		t.grant = grant
		if refused, err = t.load(tx, s.Issuer); refused != nil || err != nil {
			return err
		}
		if err := t.putAccessToken(tx, opaque); err != nil {
			return err
		}
		return tx.Record(t.event(ctx, "sertft"))
	})
	if err = errors.Join(err, refused); err != nil {
		return oidc.TokenResponse{}, err
	}
	return s.answer(t, opaque, next)
}

// clientCredentials is the client credentials grant (RFC 6749, section 4.4).
func (s *Server) clientCredentials(ctx context.Context, client vault.Client, req oidc.TokenRequest, proof *oidc.Proof) (oidc.TokenResponse, error) {
	var api *vault.ResourceServer
	var granted *vault.ClientGrant
	err := s.Vault.View(ctx, func(tx *vault.Tx) (err error) {
		api, granted = nil, nil
		if api, err = apiOf(tx, s.Issuer, req.Audience); err != nil {
			return err
		}
		g, err := tx.ClientGrants.Get(vault.ClientGrantKey(client.ID, req.Audience))
		if ok, err := vault.Exists(err); !ok {
			return err
		}
		granted = &g
		return nil
	})
	if err != nil {
		return oidc.TokenResponse{}, err
	}
	scopes, err := oidc.CheckClientCredentials(client, api, granted, req)
	if err != nil {
		return oidc.TokenResponse{}, err
	}
	key, err := oidc.CheckSenderKey(client, proof)
	if err != nil {
		return oidc.TokenResponse{}, err
	}
	t := tokens{client: client, api: api, scopes: scopes, key: key, now: s.Now(), grant: vault.Grant{Client: client.ID}}
	if err := s.record(ctx, t.event(ctx, "seccft")); err != nil {
		return oidc.TokenResponse{}, err
	}
	return s.answer(t, "", "")
}
