package interop

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
)

const federatedTenant = `
connections:
  - name: strict
    strategy: oidc
    display_name: Strict
    options:
      issuer: ISSUER
      client_id: gateway
      private_key: PRIVATE_KEY
      kid: client-key
      trust_introspection: true
    connected_accounts: {active: true}
    enabled_clients: [stranger]
clients:
  - client_id: stranger
    client_secret: a-secret-between-the-two-of-us
    name: Stranger
    callbacks: ["http://stranger.example/callback"]
    grant_types: [authorization_code, refresh_token, "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"]
`

// strictProvider is an OpenID Provider of luikyv/go-oidc that is as strict as it
// can be: PKCE, its name in its answers, clients with keys whose assertions are
// good once, and refresh tokens that rotate.
func strictProvider(t *testing.T, gateway string, clientKey *ecdsa.PublicKey) *httptest.Server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	client := &goidc.Client{ID: "gateway", ClientMeta: goidc.ClientMeta{
		Name: "Gateway", RedirectURIs: []string{gateway + "login/callback"}, ScopeIDs: "openid profile email offline_access",
		GrantTypes: []goidc.GrantType{goidc.GrantAuthorizationCode, goidc.GrantRefreshToken}, ResponseTypes: []goidc.ResponseType{goidc.ResponseTypeCode},
		TokenAuthnMethod: goidc.AuthnMethodPrivateKeyJWT, JWKS: &goidc.JSONWebKeySet{Keys: []goidc.JSONWebKey{{KeyID: "client-key", Key: clientKey, Algorithm: "ES256", Use: "sig"}}},
	}}
	used := struct {
		sync.Mutex
		jti map[string]bool
	}{jti: map[string]bool{}}
	server := httptest.NewUnstartedServer(nil)
	claims := func(context.Context, *goidc.Grant) map[string]any {
		return map[string]any{"email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace"}
	}
	op, err := provider.New("http://"+server.Listener.Addr().String(), nil,
		func(context.Context) (goidc.JSONWebKeySet, error) {
			return goidc.JSONWebKeySet{Keys: []goidc.JSONWebKey{{KeyID: "provider-key", Key: key, Algorithm: "ES256", Use: "sig"}}}, nil
		},
		provider.WithScopes(goidc.ScopeOpenID, goidc.ScopeProfile, goidc.ScopeEmail, goidc.ScopeOfflineAccess),
		provider.WithOpenIDScopeRequired(), provider.WithIDTokenSignatureAlgs(goidc.ES256),
		provider.WithTokenAuthnMethods(goidc.AuthnMethodPrivateKeyJWT), provider.WithPrivateKeyJWTSignatureAlgs(goidc.ES256),
		provider.WithConsumeJTIFunc(func(_ context.Context, jti string) error {
			used.Lock()
			defer used.Unlock()
			if used.jti[jti] {
				return errors.New("used before")
			}
			used.jti[jti] = true
			return nil
		}),
		provider.WithIssuerResponseParameter(), provider.WithPKCERequired(goidc.CodeChallengeMethodSHA256),
		provider.WithAuthCodeGrant(nil, goidc.ResponseTypeCode), provider.WithRefreshTokenGrant(nil), provider.WithRefreshTokenRotation(),
		provider.WithTokenIntrospection(func(context.Context, *goidc.Client, goidc.TokenInfo) bool { return true }),
		provider.WithTokenOptions(func(context.Context, *goidc.Grant, *goidc.Client) goidc.TokenOptions {
			return goidc.NewOpaqueTokenOptions(600)
		}),
		provider.WithIDTokenClaims(claims), provider.WithUserInfoClaims(claims),
		provider.WithStaticClients(client),
		provider.WithPolicies(goidc.NewPolicy("ada", func(*http.Request, *goidc.AuthnSession, *goidc.Client) bool { return true },
			func(_ http.ResponseWriter, _ *http.Request, session *goidc.AuthnSession, _ *goidc.Client) (goidc.Status, error) {
				session.Subject, session.GrantedScopes = "ada-at-strict", session.Scopes
				return goidc.StatusSuccess, nil
			})),
	)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = op.Handler()
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func TestStrictProviderIsAConnection(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	listen, issuer := gatewayAddress(t)
	strict := strictProvider(t, issuer, &key.PublicKey)
	g := serve(t, filepath.Join(t.TempDir(), "sallyport.db"), listen, issuer, strings.NewReplacer("ISSUER", strict.URL,
		"PRIVATE_KEY", strconv.Quote(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))).Replace(federatedTenant))

	token := g.signIn(ada(t))
	raw, _ := token.Extra("id_token").(string)
	info, err := g.provider.UserInfo(g.context(), g.oauth2.TokenSource(g.context(), token))
	if err != nil || raw == "" || info.Subject != "oidc|strict|ada-at-strict" || info.Email != "ada@example.com" {
		t.Fatalf("%+v, %v", info, err)
	}
	first := g.mustExchange(token.RefreshToken, "connection", "strict")
	seen := map[string]bool{first.AccessToken: true}
	for range 3 { // by a refresh each time, with the refresh token that the last one brought
		lent := g.mustExchange(token.RefreshToken, "connection", "strict", "rejected_token", first.AccessToken)
		if seen[lent.AccessToken] {
			t.Error("the rejected token came again")
		}
		seen[lent.AccessToken], first = true, lent
		if sub := subjectAt(t, strict.URL+"/userinfo", lent.AccessToken); sub != "ada-at-strict" || lent.Account != sub {
			t.Errorf("the token is of %q, the account %q", sub, lent.Account)
		}
	}
}

// subjectAt is whose an access token is, by the provider's user info.
func subjectAt(t *testing.T, endpoint, accessToken string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var claims struct{ Sub string }
	if err := json.NewDecoder(resp.Body).Decode(&claims); err != nil {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	return claims.Sub
}
