package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sallyport/vault"
)

// federated is a gateway whose identity provider is another gateway, by the
// strategy oidc; behind that stands Salesforce.
type federated struct {
	*gateway
	there *gateway
}

func federate(t *testing.T) federated {
	t.Helper()
	f := federated{start(t), startAt(t, "localhost")}
	f.there.put(func(tx *vault.Tx) error {
		return tx.Clients.Put(vault.Client{ID: "gateway", Name: "Gateway", SecretHashes: []string{vault.Hash(appSecret)}, AuthMethod: "client_secret_basic", FirstParty: true, Rotate: true,
			RedirectURIs: []string{f.issuer + "login/callback", f.issuer + "login/callback/upstream"}, LogoutURIs: []string{appURL + "/"},
			GrantTypes: []string{"authorization_code", "refresh_token"}, RefreshLifetime: 30 * 24 * time.Hour})
	})
	f.there.change(func(c *vault.Connection) { c.Clients = append(c.Clients, "gateway") })
	f.put(func(tx *vault.Tx) error {
		if err := tx.Connections.Delete("salesforce"); err != nil {
			return err
		}
		return tx.Connections.Put(vault.Connection{Name: "upstream", ID: "con_upstream", DisplayName: "Upstream", Strategy: "oidc", ClientID: "gateway", ClientSecret: vault.NewSecret(appSecret),
			Options: map[string]string{"issuer": f.there.issuer}, Active: true, TokenVault: true, Clients: []string{"app", "other"}})
	})
	return f
}

// changeUpstream changes the connection to the other gateway.
func (f federated) changeUpstream(fn func(*vault.Connection)) {
	f.t.Helper()
	f.put(func(tx *vault.Tx) error {
		c, err := tx.Connections.Get("upstream")
		if err != nil {
			return err
		}
		fn(&c)
		return tx.Connections.Put(c)
	})
}

// userinfo asks the other gateway with what an exchange brought.
func (f federated) userinfo(a answer) answer {
	f.t.Helper()
	return f.there.get("userinfo", "Authorization", "Bearer "+a.str("access_token"))
}

func TestGatewayFederatesToAnother(t *testing.T) {
	t.Parallel()
	f := federate(t)
	p := ada()
	token := f.signIn(p)
	var claims struct{ Sub, Name, Email string }
	if err := json.Unmarshal(decode(t, token.Extra("id_token").(string), 1), &claims); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(claims.Sub, "oidc|upstream|salesforce|005") || claims.Email != "ada@example.com" || claims.Name == "" {
		t.Errorf("%+v", claims)
	}
	seen := map[string]bool{}
	for range 3 { // the later two by a refresh, of refresh tokens that rotate
		a := f.exchange(token.RefreshToken, "connection", "upstream")
		if a.status != 200 || seen[a.str("access_token")] || a.str("account") != strings.TrimPrefix(claims.Sub, "oidc|upstream|") {
			t.Fatalf("%d %s\n%s", a.status, a.body, f.log)
		}
		if info := f.userinfo(a); info.status != 200 || info.str("sub") != a.str("account") {
			t.Errorf("%d %s", info.status, info.body)
		}
		seen[a.str("access_token")] = true
		f.clock.forward(25 * time.Hour)
		f.there.clock.forward(25 * time.Hour)
	}
	f.there.post("oauth/revoke", "client_id", "gateway") // not authenticated: nothing is revoked
	f.there.put(func(tx *vault.Tx) error {
		for g, err := range tx.Grants.All("") {
			if err != nil {
				return err
			}
			if err := tx.Grants.Delete(g.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if a := f.exchange(token.RefreshToken, "connection", "upstream"); a.str("reason") != "reauthorization_required" || a.str("reconnect_uri") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestH29GatewayAuthenticatesWithAKeyToAnother, which takes an assertion for
// itself alone.
func TestH29GatewayAuthenticatesWithAKeyToAnother(t *testing.T) {
	t.Parallel()
	f := federate(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(jose.JSONWebKey{Key: key.Public(), KeyID: "the-key"})
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	f.there.put(func(tx *vault.Tx) error {
		c, err := tx.Clients.Get("gateway")
		if err != nil {
			return err
		}
		c.AuthMethod, c.SecretHashes, c.Keys = "private_key_jwt", nil, []vault.ClientKey{{ID: "the-key", Alg: "ES256", JWK: string(public)}}
		return tx.Clients.Put(c)
	})
	f.changeUpstream(func(c *vault.Connection) {
		c.ClientSecret = vault.Secret{}
		c.Options["private_key"], c.Options["kid"] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "the-key"
	})
	token := f.signIn(ada())
	f.clock.forward(25 * time.Hour)
	f.there.clock.forward(25 * time.Hour)
	if a := f.exchange(token.RefreshToken, "connection", "upstream"); a.status != 200 {
		t.Errorf("%d %s\n%s", a.status, a.body, f.log)
	}
	if strings.Contains(f.log.String(), "PRIVATE KEY") {
		t.Error("the key is in the log")
	}
}

// TestH02CodeOfAnotherIssuerIsNotRedeemed changes the iss of an authorization
// response, which the other gateway says that it sends (RFC 9207).
func TestH02CodeOfAnotherIssuerIsNotRedeemed(t *testing.T) {
	t.Parallel()
	f := federate(t)
	app, _ := f.application()
	for name, change := range map[string]func(url.Values){
		"another": func(q url.Values) { q.Set("iss", "https://evil.example/") },
		"none":    func(q url.Values) { q.Del("iss") },
		"another, with an error": func(q url.Values) {
			q.Set("iss", "https://evil.example/")
			q.Del("code")
			q.Set("error", "access_denied")
		},
	} {
		p := ada()
		back, err := p.Visit(app.AuthCodeURL("the-state"), f.issuer+"login/callback")
		if err != nil || back.URL.Query().Get("code") == "" {
			t.Fatalf("%v %+v", err, back)
		}
		q := back.URL.Query()
		change(q)
		page, err := p.Visit(f.issuer+"login/callback?"+q.Encode(), callback)
		if err != nil || page.URL.Query().Get("error") != "server_error" {
			t.Errorf("%s: %v %+v", name, err, page)
		}
	}
	if strings.Contains(f.there.log.String(), `"/oauth/token"`) {
		t.Error("a code was redeemed")
	}
	f.nothingIsKept("iss")
}

// TestH03AnswerAtAnotherConnectionsCallbackIsRefused, with connections that have
// callback URLs of their own.
func TestH03AnswerAtAnotherConnectionsCallbackIsRefused(t *testing.T) {
	t.Parallel()
	f := federate(t)
	f.changeUpstream(func(c *vault.Connection) { c.Options["own_callback"] = "true" })
	f.put(func(tx *vault.Tx) error {
		c, err := tx.Connections.Get("upstream")
		if err != nil {
			return err
		}
		c.Name, c.ID, c.Clients = "other", "con_other", nil
		return tx.Connections.Put(c)
	})
	app, _ := f.application()
	p := ada()
	back, err := p.Visit(app.AuthCodeURL("the-state"), f.issuer+"login/callback/upstream")
	if err != nil || back.URL.Query().Get("code") == "" {
		t.Fatalf("%v %+v", err, back)
	}
	page, err := p.Visit(f.issuer+"login/callback/other?"+back.URL.RawQuery, callback)
	if err != nil || page.Status != 400 {
		t.Errorf("%v %+v", err, page)
	}
	f.nothingIsKept("callback of another connection")
}

// TestH09ConnectionSwitchedOffMeanwhileIsNotUsed: neither for the sign-in under
// way nor for tokens kept before.
func TestH09ConnectionSwitchedOffMeanwhileIsNotUsed(t *testing.T) {
	t.Parallel()
	f := federate(t)
	token := f.signIn(ada())
	app, _ := f.application()
	p := grace()
	back, err := p.Visit(app.AuthCodeURL("the-state"), f.issuer+"login/callback")
	if err != nil || back.URL.Query().Get("code") == "" {
		t.Fatalf("%v %+v", err, back)
	}
	f.changeUpstream(func(c *vault.Connection) { c.Active = false })
	if page, err := p.Visit(back.URL.String(), callback); err != nil || page.Status != 400 {
		t.Errorf("%v %+v", err, page)
	}
	if a := f.exchange(token.RefreshToken, "connection", "upstream"); a.str("reason") != "connection_disabled" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestProviderThatIsDownIsSaidToBe, and the sign-in is not begun.
func TestProviderThatIsDownIsSaidToBe(t *testing.T) {
	t.Parallel()
	f := federate(t)
	f.changeUpstream(func(c *vault.Connection) { c.Options["issuer"] = "http://127.0.0.1:1" })
	app, _ := f.application()
	page, err := ada().Visit(app.AuthCodeURL("the-state"), callback)
	if err != nil || page.Status != 503 && page.URL.Query().Get("error") != "temporarily_unavailable" {
		t.Errorf("%v %+v", err, page)
	}
}

// TestSignOutGoesOnToTheOtherGateway, if all the way is asked for.
func TestSignOutGoesOnToTheOtherGateway(t *testing.T) {
	t.Parallel()
	f := federate(t)
	p := ada()
	f.signIn(p)
	_, err := p.Visit(f.issuer+"v2/logout?client_id=app&federated&returnTo="+appURL+"/", appURL)
	if err != nil || !slices.Contains(p.Visited, f.there.issuer+"oidc/logout") {
		t.Errorf("%v %v", err, p.Visited)
	}
}
