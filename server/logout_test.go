package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"sallyport/vault"
)

// TestClientIsToldThatItsSessionHasEnded is OpenID Connect Back-Channel Logout
// 1.0, with a client that does not listen at first.
func TestClientIsToldThatItsSessionHasEnded(t *testing.T) {
	t.Parallel()
	g := start(t)
	var mu sync.Mutex
	var heard []string
	deaf := true
	client := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if deaf {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		heard = append(heard, r.PostFormValue("logout_token"))
	}))
	t.Cleanup(client.Close)
	g.update(func(c *vault.Client) { c.BackchannelLogoutURI = client.URL })
	p := ada()
	token := g.signIn(p)
	raw, _ := token.Extra("id_token").(string)
	var id struct{ SID, Sub string }
	if err := json.Unmarshal(decode(t, raw, 1), &id); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Visit(g.issuer+"oidc/logout?"+form("id_token_hint", raw).Encode(), appURL); err != nil {
		t.Fatal(err)
	}
	g.work()
	mu.Lock()
	deaf = false
	mu.Unlock()
	g.work() // not due yet
	if len(heard) != 0 {
		t.Error("told again at once")
	}
	g.clock.forward(11 * time.Second)
	g.work()
	g.clock.forward(24 * time.Hour)
	g.work()
	if len(heard) != 1 {
		t.Fatalf("told %d times", len(heard))
	}
	provider, err := goidc.NewProvider(t.Context(), g.issuer)
	if err != nil {
		t.Fatal(err)
	}
	told, err := provider.Verifier(&goidc.Config{ClientID: "app", SkipExpiryCheck: true}).Verify(t.Context(), heard[0])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		SID    string
		Events map[string]any
		Nonce  string
	}
	if err := told.Claims(&claims); err != nil || told.Subject != id.Sub || claims.SID != id.SID || claims.Nonce != "" ||
		claims.Events["http://schemas.openid.net/event/backchannel-logout"] == nil {
		t.Errorf("%+v %+v %v", told, claims, err)
	}
	if a := g.get("oidc/logout?" + form("id_token_hint", heard[0], "client_id", "app", "post_logout_redirect_uri", appURL+"/").Encode()); a.status == 200 && strings.Contains(string(a.body), "error") {
		t.Errorf("a logout token passes for an ID token (H28): %d", a.status)
	}
}

// TestOlderLogout is Auth0's, with and without the identity provider's session.
func TestOlderLogout(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.salesforce.Apps[0].LogoutURLs = []string{appURL + "/"}
	p := ada()
	g.signIn(p)
	for query, want := range map[string]string{
		form("client_id", "app", "returnTo", appURL+"/").Encode(): appURL + "/",
		form("client_id", "app").Encode():                         appURL + "/",
	} {
		if a := g.get("v2/logout?" + query); a.status != 303 || a.header.Get("Location") != want {
			t.Errorf("%s: %d %v", query, a.status, a.header)
		}
	}
	for _, query := range []string{"returnTo=https://evil.example/&client_id=app", "returnTo=" + appURL + "/", "client_id=nobody", "returnTo=//evil.example&client_id=app"} {
		if a := g.get("v2/logout?" + query); a.status != 400 || a.header.Get("Location") != "" {
			t.Errorf("%s: %d %v", query, a.status, a.header)
		}
	}
	page, err := p.Visit(g.issuer+"v2/logout?client_id=app&federated&returnTo="+appURL+"/", appURL)
	if err != nil || !strings.HasPrefix(strings.Join(p.Visited, " "), "") || page.URL.String() != appURL+"/" {
		t.Fatalf("federated: %v %+v by %v", err, page, p.Visited)
	}
	if q := g.visit(p, oauth2.SetAuthURLParam("prompt", "none")); q.Get("error") != "login_required" {
		t.Errorf("still signed in: %v", q)
	}
	p.Visited = nil
	g.signIn(p)
	if !strings.Contains(strings.Join(p.Visited, " "), "/sim/login") {
		t.Errorf("still signed in at Salesforce: by %v", p.Visited)
	}
}

// TestAnswerIsAboutTheUserWhoWasAskedFor is id_token_hint and a value for sub.
func TestAnswerIsAboutTheUserWhoWasAskedFor(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	raw, _ := g.signIn(p).Extra("id_token").(string)
	hint := oauth2.SetAuthURLParam("id_token_hint", raw)
	none := oauth2.SetAuthURLParam("prompt", "none")
	if q := g.visit(p, hint, none); q.Get("code") == "" {
		t.Errorf("the same user: %v", q)
	}
	other := grace()
	g.signIn(other)
	if q := g.visit(other, hint, none); q.Get("error") != "login_required" {
		t.Errorf("another user, silently: %v", q)
	}
	if q := g.visit(other, hint); q.Get("error") != "login_required" {
		t.Errorf("another user, who signs in: %v", q)
	}
	if q := g.visit(p, oauth2.SetAuthURLParam("id_token_hint", raw[:len(raw)-4]+"AAAA")); q.Get("error") != "invalid_request" {
		t.Errorf("a forged hint: %v", q)
	}
	if q := g.visit(p, oauth2.SetAuthURLParam("claims", `{"id_token":{"sub":{"value":"somebody else"}}}`), none); q.Get("error") != "login_required" {
		t.Errorf("a value for sub: %v", q)
	}
}

// TestClaimsAreGivenByName is the claims parameter.
func TestClaimsAreGivenByName(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada(), oauth2.SetAuthURLParam("scope", "openid"), oauth2.SetAuthURLParam("claims", `{"id_token":{"email":null},"userinfo":{"given_name":{"essential":true}}}`))
	raw, _ := token.Extra("id_token").(string)
	var id map[string]any
	json.Unmarshal(decode(t, raw, 1), &id)
	if id["email"] != "ada@example.com" || id["given_name"] != nil {
		t.Errorf("ID token %v", id)
	}
	if info := g.get("userinfo", "Authorization", "Bearer "+token.AccessToken); info.str("given_name") != "Ada" || info.json["email"] != nil {
		t.Errorf("userinfo %s", info.body)
	}
}
