package server_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"sallyport/connections/simulator"
	"sallyport/vault"
)

// TestSignInThenSalesforce is the main journey: a stock client signs a user in,
// exchanges its token, and calls Salesforce for the user.
func TestSignInThenSalesforce(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())

	_, verify := g.application()
	raw, _ := token.Extra("id_token").(string)
	id, err := verify.Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Email, Name, SID string
		AtHash           string `json:"at_hash"`
	}
	if err := id.Claims(&claims); err != nil || id.Subject != "salesforce|"+simulator.DefaultUsers()[0].ID || id.Nonce != "the-nonce" ||
		claims.Email != "ada@example.com" || claims.Name == "" || claims.SID == "" {
		t.Errorf("ID token %+v %+v, %v", id, claims, err)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		t.Error(err)
	}

	info := g.get("userinfo", "Authorization", "Bearer "+token.AccessToken)
	if info.status != 200 || info.str("sub") != id.Subject || info.str("email") != "ada@example.com" {
		t.Errorf("userinfo: %d %s", info.status, info.body)
	}

	a := g.exchange(token.RefreshToken)
	if a.status != 200 || a.str("access_token") == "" || a.str("instance_url") != g.upstream || a.str("issued_token_type") != federatedType ||
		a.str("token_type") != "Bearer" || a.str("connection") != "salesforce" || a.str("account") != simulator.DefaultUsers()[0].ID || a.json["expires_in"] == nil {
		t.Fatalf("exchange: %d %s", a.status, a.body)
	}
	if a.json["refresh_token"] != nil || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("exchange: %v %s", a.header, a.body)
	}
	if status := g.query(a); status != 200 {
		t.Errorf("Salesforce answers %d", status)
	}
}

func TestExchangeTakesBothShapesAndAllSubjects(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	forAPI := g.signIn(ada(), oauth2.SetAuthURLParam("audience", "https://api.example"), oauth2.SetAuthURLParam("scope", "openid offline_access read:things"))
	if strings.Count(forAPI.AccessToken, ".") != 2 {
		t.Fatalf("the access token for an API is no JWT")
	}
	for _, tt := range []struct {
		name string
		form []string
	}{
		{"Auth0, refresh token", nil},
		{"Auth0, opaque access token", []string{"subject_token", token.AccessToken, "subject_token_type", accessType}},
		{"Auth0, JWT", []string{"subject_token", forAPI.AccessToken, "subject_token_type", accessType}},
		{"Auth0, the API's client with the token meant for it", []string{"subject_token", forAPI.AccessToken, "subject_token_type", accessType,
			"client_id", "api-client", "client_secret", appSecret + "-of-the-api"}},
		{"Auth0, without client_id", []string{"client_id", ""}},
		{"RFC 8693, refresh token", []string{"grant_type", exchangeGrant, "requested_token_type", accessType, "connection", "", "audience", "salesforce"}},
		{"RFC 8693, requested type left out", []string{"grant_type", exchangeGrant, "requested_token_type", "", "connection", "", "audience", "salesforce"}},
		{"RFC 8693, access token", []string{"grant_type", exchangeGrant, "requested_token_type", accessType, "connection", "", "audience", "salesforce",
			"subject_token", token.AccessToken, "subject_token_type", accessType}},
		{"login_hint: ID", []string{"login_hint", simulator.DefaultUsers()[0].ID}},
		{"login_hint: username", []string{"login_hint", "ada@example.com"}},
		{"scope", []string{"scope", "api"}},
	} {
		if a := g.exchange(token.RefreshToken, tt.form...); a.status != 200 || g.query(a) != 200 {
			t.Errorf("%s: %d %s", tt.name, a.status, a.body)
		}
	}
	if n := g.salesforce.Requests("token"); n != 2 {
		t.Errorf("%d token requests upstream, want the two sign-ins' alone", n)
	}
}

func TestSessionSignsInWithoutADetour(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	g.signIn(p)
	p.Visited = nil
	g.signIn(p)
	if len(p.Visited) != 1 {
		t.Errorf("the second sign-in went by %v", p.Visited)
	}
	p.Visited = nil
	if g.signIn(p, oauth2.SetAuthURLParam("prompt", "login")); !slices.Contains(p.Visited, g.upstream+"/services/oauth2/authorize") {
		t.Errorf("prompt=login went by %v", p.Visited)
	}
	if q := g.visit(ada(), oauth2.SetAuthURLParam("prompt", "none")); q.Get("error") != "login_required" || q.Get("state") != "the-state" || q.Get("iss") != g.issuer {
		t.Errorf("prompt=none without a session: %v", q)
	}
	if q := g.visit(p, oauth2.SetAuthURLParam("prompt", "none")); q.Get("code") == "" {
		t.Errorf("prompt=none with a session: %v", q)
	}
	g.clock.forward(2 * time.Hour)
	p.Visited = nil
	if g.signIn(p, oauth2.SetAuthURLParam("max_age", "3600")); len(p.Visited) == 1 {
		t.Error("a session that is too old was good enough")
	}
}

func TestSessionLastsWhileItIsUsedAndNotForEver(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	none := oauth2.SetAuthURLParam("prompt", "none")
	g.signIn(p)
	for day := range 6 {
		g.clock.forward(23 * time.Hour)
		if q := g.visit(p, none); q.Get("code") == "" {
			t.Fatalf("day %d: %v", day, q)
		}
	}
	g.clock.forward(30 * time.Hour)
	if q := g.visit(p, none); q.Get("error") != "login_required" {
		t.Errorf("after a week: %v", q)
	}
	g.signIn(p)
	g.clock.forward(25 * time.Hour)
	if q := g.visit(p, none); q.Get("error") != "login_required" {
		t.Errorf("unused for a day: %v", q)
	}
}

func TestH21SessionIDIsNewAtEachSignIn(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	cookie := func() string {
		u, _ := url.Parse(g.issuer)
		for _, c := range p.Client.Jar.Cookies(u) {
			if c.Name == "sallyport-session" {
				return c.Value
			}
		}
		return ""
	}
	g.signIn(p)
	first := cookie()
	g.signIn(p, oauth2.SetAuthURLParam("prompt", "login"))
	if first == "" || cookie() == first {
		t.Error("the session kept its ID")
	}
	if a := g.get("authorize?"+form("client_id", "app", "redirect_uri", callback, "response_type", "code", "prompt", "none").Encode(),
		"Cookie", "sallyport-session="+first); !strings.Contains(a.header.Get("Location"), "login_required") {
		t.Errorf("the old session still signs in: %s", a.header.Get("Location"))
	}
}

func TestUserChoosesAmongSeveralConnections(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.put(func(tx *vault.Tx) error {
		c := g.connection("sandbox")
		c.DisplayName = "Acme <sandbox>"
		return tx.Connections.Put(c)
	})
	app, _ := g.application()
	page, err := ada().Visit(app.AuthCodeURL("the-state"), callback)
	if err != nil || page.Status != 200 || !strings.Contains(page.Body, "Acme &lt;sandbox&gt;") || !strings.Contains(page.Body, "connection=salesforce") {
		t.Fatalf("%v, status %d: %s", err, page.Status, page.Body)
	}
	if q := g.visit(ada(), oauth2.SetAuthURLParam("connection", "sandbox")); q.Get("code") == "" {
		t.Errorf("connection= did not go straight there: %v", q)
	}
}

func TestRefreshTokenRotatesAndReuseRevokesTheGrant(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	refresh := func(rt string) answer {
		return g.post("oauth/token", "grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret, "refresh_token", rt)
	}
	next := refresh(token.RefreshToken)
	if next.status != 200 || next.str("refresh_token") == token.RefreshToken || next.str("id_token") == "" || next.str("scope") == "" || next.json["expires_in"] == nil {
		t.Fatalf("refresh: %d %s", next.status, next.body)
	}
	if a := g.exchange(next.str("refresh_token")); a.status != 200 {
		t.Errorf("exchange of the new refresh token: %s", a.body)
	}
	if a := g.exchange(token.RefreshToken); a.status != 401 || a.str("error") != "invalid_grant" {
		t.Errorf("exchange of the old refresh token: %d %s", a.status, a.body)
	}
	if a := refresh(token.RefreshToken); a.status != 403 || a.str("error_description") != "Unknown or invalid refresh token." {
		t.Errorf("reuse: %d %s", a.status, a.body)
	}
	if a := refresh(next.str("refresh_token")); a.status != 403 {
		t.Errorf("after reuse the family lives: %d %s", a.status, a.body)
	}
	if a := g.get("userinfo", "Authorization", "Bearer "+next.str("access_token")); a.status != 401 {
		t.Errorf("after reuse an access token of the family is good: %d", a.status)
	}
}

func TestCodeIsRedeemedOnceAndASecondUseRevokesWhatItBrought(t *testing.T) {
	t.Parallel()
	g := start(t)
	code := g.visit(ada()).Get("code")
	redeem := func() answer {
		return g.post("oauth/token", "grant_type", "authorization_code", "client_id", "app", "client_secret", appSecret,
			"code", code, "redirect_uri", callback, "code_verifier", verifier)
	}
	first := redeem()
	if first.status != 200 {
		t.Fatalf("%d %s", first.status, first.body)
	}
	if a := redeem(); a.status != 403 || a.str("error") != "invalid_grant" {
		t.Errorf("the second use: %d %s", a.status, a.body)
	}
	for name, a := range map[string]answer{
		"refresh token": g.post("oauth/token", "grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret, "refresh_token", first.str("refresh_token")),
		"access token":  g.get("userinfo", "Authorization", "Bearer "+first.str("access_token")),
		"exchange":      g.exchange(first.str("refresh_token")),
	} {
		if a.status < 400 {
			t.Errorf("the %s of a code that was shown twice is good: %s", name, a.body)
		}
	}
}

func TestPublicClientSignsInWithPKCE(t *testing.T) {
	t.Parallel()
	g := start(t)
	params := form("client_id", "spa", "redirect_uri", "http://spa.example/callback", "response_type", "code", "scope", "openid offline_access", "state", "s")
	page, err := ada().Visit(g.issuer+"authorize?"+params.Encode(), "http://spa.example/")
	if err != nil || page.URL.Query().Get("error") != "invalid_request" {
		t.Errorf("without PKCE: %v, %v", page.URL, err)
	}
	params.Set("code_challenge", oauth2.S256ChallengeFromVerifier(verifier))
	params.Set("code_challenge_method", "S256")
	page, err = ada().Visit(g.issuer+"authorize?"+params.Encode(), "http://spa.example/")
	if err != nil {
		t.Fatal(err)
	}
	req := g.request("POST", "oauth/token", "application/json", `{"grant_type":"authorization_code","client_id":"spa","code":"`+page.URL.Query().Get("code")+
		`","redirect_uri":"http://spa.example/callback","code_verifier":"`+verifier+`"}`)
	req.Header.Set("Origin", "http://spa.example")
	a := g.do(req)
	if a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "http://spa.example" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	first := a.str("refresh_token")
	a = g.post("oauth/token", "grant_type", "refresh_token", "client_id", "spa", "refresh_token", first)
	if a.status != 200 || a.str("refresh_token") != first {
		t.Errorf("a client whose token does not rotate: %d %s", a.status, a.body)
	}
	if a := g.exchange(first, "client_id", "spa", "client_secret", ""); a.status != 403 || a.str("error") != "unauthorized_client" || a.str("reason") != "client_not_allowed" {
		t.Errorf("a public client exchanges: %d %s", a.status, a.body)
	}
}

func TestClientCredentialsBringATokenForTheAPI(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.post("oauth/token", "grant_type", "client_credentials", "client_id", "app", "client_secret", appSecret, "audience", "https://api.example")
	if a.status != 200 || a.str("scope") != "read:things" || a.str("id_token") != "" || a.str("refresh_token") != "" || a.json["expires_in"] != float64(3600) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if x := g.exchange(a.str("access_token"), "subject_token_type", accessType); x.status != 401 || x.str("error") != "invalid_grant" {
		t.Errorf("a client's own token was exchanged: %d %s", x.status, x.body)
	}
}

func TestSignOutEndsTheSession(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	token := g.signIn(p)
	hint, _ := token.Extra("id_token").(string)
	page, err := p.Visit(g.issuer+"oidc/logout?"+form("id_token_hint", hint, "post_logout_redirect_uri", appURL+"/", "state", "bye").Encode(), appURL)
	if err != nil || page.URL.String() != appURL+"/?state=bye" {
		t.Fatalf("%v, %v", page, err)
	}
	if q := g.visit(p, oauth2.SetAuthURLParam("prompt", "none")); q.Get("error") != "login_required" {
		t.Errorf("still signed in: %v", q)
	}
	if a := g.exchange(token.RefreshToken); a.status != 200 {
		t.Errorf("signing out ended what the application may do while the user is away: %s", a.body)
	}
}

func TestSignOutAsksWhoeverDoesNotKnowWhoseSessionItIs(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	g.signIn(p)
	page, err := p.Visit(g.issuer+"oidc/logout?client_id=app", appURL)
	if err != nil || page.Status != 200 || !strings.Contains(page.Body, "/oidc/logout/confirm") {
		t.Fatalf("%v %+v", err, page)
	}
	if q := g.visit(p, oauth2.SetAuthURLParam("prompt", "none")); q.Get("code") == "" {
		t.Errorf("signed out without being asked: %v", q)
	}
	req := g.request("POST", "oidc/logout/confirm", "application/x-www-form-urlencoded", "client_id=app")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := p.Client.Do(req)
	if err != nil || resp.StatusCode != 403 {
		t.Errorf("another site's form: %v %v", resp.StatusCode, err)
	}
	resp, err = p.Client.PostForm(g.issuer+"oidc/logout/confirm", form("client_id", "app"))
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("the confirmation: %v %v", resp.StatusCode, err)
	}
	if q := g.visit(p, oauth2.SetAuthURLParam("prompt", "none")); q.Get("error") != "login_required" {
		t.Errorf("still signed in: %v", q)
	}
}

func TestRevokedRefreshTokenIsGoodForNothing(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	if a := g.post("oauth/revoke", "client_id", "other", "client_secret", appSecret+"-of-another", "token", token.RefreshToken); a.status != 200 {
		t.Errorf("another client's token: %d %s", a.status, a.body)
	}
	if a := g.exchange(token.RefreshToken); a.status != 200 {
		t.Error("another client revoked the token")
	}
	for range 2 { // unknown tokens are revoked already
		if a := g.post("oauth/revoke", "client_id", "app", "client_secret", appSecret, "token", token.RefreshToken); a.status != 200 || len(a.body) != 0 {
			t.Errorf("revoke: %d %s", a.status, a.body)
		}
	}
	if a := g.exchange(token.RefreshToken); a.status != 401 {
		t.Errorf("exchange after revocation: %d %s", a.status, a.body)
	}
	if a := g.get("userinfo", "Authorization", "Bearer "+token.AccessToken); a.status != 401 || !strings.Contains(a.header.Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("userinfo after revocation: %d %v", a.status, a.header)
	}
}

func TestRevokingWithAReplacedRefreshTokenRevokesTheGrant(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	next := g.post("oauth/token", "grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret, "refresh_token", token.RefreshToken)
	if a := g.post("oauth/revoke", "client_id", "app", "client_secret", appSecret, "token", token.RefreshToken); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.exchange(next.str("refresh_token")); a.status != 401 {
		t.Errorf("the new one is still good: %d %s", a.status, a.body)
	}
}

// The ID of a grant is in the access tokens that APIs see, and a public client's
// ID in its pages: the two together revoke nothing.
func TestRevokingWithAMadeUpRefreshTokenCostsNobodyAGrant(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	madeUp := "v1." + strings.Split(token.RefreshToken, ".")[1] + ".made-up"
	if a := g.post("oauth/revoke", "client_id", "app", "client_secret", appSecret, "token", madeUp); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.exchange(token.RefreshToken); a.status != 200 {
		t.Errorf("a made-up token cost the grant: %d %s", a.status, a.body)
	}
}

func TestInstanceURLIsAClaimWhereTheConnectionSaysSo(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.change(func(c *vault.Connection) { c.Options["instance_url_claim"] = "https://example.com/instance_url" })
	token := g.signIn(ada())
	_, verify := g.application()
	raw, _ := token.Extra("id_token").(string)
	id, err := verify.Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil || claims["https://example.com/instance_url"] != g.upstream {
		t.Errorf("claims %v, %v", claims, err)
	}
}
