package server_test

import (
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/oauth2"

	"sallyport/connections/simulator/simtest"
	"sallyport/vault"
)

// upstreamFails has Ada sign in while Salesforce's next answer is tampered with,
// and expects the client to be told, and nothing to be kept.
func (g *gateway) upstreamFails(name, endpoint string, change func(map[string]any)) {
	g.t.Helper()
	g.salesforce.Tamper(endpoint, change)
	q := g.visit(ada())
	if q.Get("error") != "server_error" || q.Get("code") != "" || q.Get("error_description") == "" {
		g.t.Errorf("%s: %v", name, q)
	}
	g.nothingIsKept(name)
}

func (g *gateway) nothingIsKept(name string) {
	g.t.Helper()
	g.put(func(tx *vault.Tx) error {
		for u, err := range tx.Users.All("") {
			g.t.Errorf("%s: a user is kept: %s, %v", name, u.ID, err)
		}
		for ts, err := range tx.TokenSets.All("") {
			g.t.Errorf("%s: a token set is kept: %s, %v", name, ts.Identity, err)
		}
		for s, err := range tx.Sessions.All("") {
			g.t.Errorf("%s: a session is kept: %s, %v", name, s.User, err)
		}
		return nil
	})
}

// TestH10IDTokenThatIsNotThisLoginsIsRefused spoils the ID token in each way
// that OpenID Connect Core 1.0, section 3.1.3.7, names.
func TestH10IDTokenThatIsNotThisLoginsIsRefused(t *testing.T) {
	t.Parallel()
	g := start(t)
	for name, change := range map[string]func(map[string]any){
		"no nonce":         func(c map[string]any) { delete(c, "nonce") },
		"another nonce":    func(c map[string]any) { c["nonce"] = "another" },
		"another at_hash":  func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" },
		"another audience": func(c map[string]any) { c["aud"] = "another-app" },
		"another issuer":   func(c map[string]any) { c["iss"] = "https://evil.example" },
		"expired":          func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
		"another user": func(c map[string]any) {
			c["sub"] = strings.Replace(c["sub"].(string), "/005Sa000000ada", "/005Sa000000eve", 1)
		},
		"a subject of no form":  func(c map[string]any) { c["sub"] = "ada" },
		"not good for a while":  func(c map[string]any) { c["nbf"] = time.Now().Add(time.Hour).Unix() },
		"ours among several":    func(c map[string]any) { c["aud"] = []string{c["aud"].(string), "another-app"} },
		"several audiences too": func(c map[string]any) { c["aud"] = []string{"another-app", "third"} },
	} {
		g.upstreamFails(name, "token", func(m map[string]any) { m["id_token"] = g.salesforce.Resign(m["id_token"].(string), change) })
	}
	g.upstreamFails("no ID token", "token", func(m map[string]any) { delete(m, "id_token") })
	g.upstreamFails("a signature of nobody", "token", func(m map[string]any) {
		token := m["id_token"].(string)
		m["id_token"] = token[:strings.LastIndex(token, ".")+1] + strings.Repeat("A", 342)
	})
	g.upstreamFails("alg none", "token", func(m map[string]any) {
		m["id_token"] = "eyJhbGciOiJub25lIn0." + strings.Split(m["id_token"].(string), ".")[1] + "."
	})
}

// TestH11SubjectThatChangesIsNotFollowed has Salesforce speak of another user in
// one of the places where it names one.
func TestH11SubjectThatChangesIsNotFollowed(t *testing.T) {
	t.Parallel()
	g := start(t)
	other := func(m map[string]any, member string) {
		m[member] = strings.Replace(m[member].(string), "005Sa000000adaLIAQ", "005Sa000000graHIAQ", 1)
	}
	g.upstreamFails("the identity URL's", "token", func(m map[string]any) { other(m, "id") })
	g.upstreamFails("the user info's", "userinfo", func(m map[string]any) { other(m, "sub") })

	token := g.signIn(ada())
	before := g.exchange(token.RefreshToken)
	g.clock.forward(3 * time.Hour)
	g.salesforce.Tamper("token", func(m map[string]any) {
		delete(m, "signature")
		other(m, "id")
	})
	a := g.exchange(token.RefreshToken)
	if a.str("reason") != "reauthorization_required" || !strings.Contains(a.str("error_description"), "another user") {
		t.Errorf("on a refresh: %d %s", a.status, a.body)
	}
	if b := g.exchange(token.RefreshToken); b.status == 200 || before.status != 200 {
		t.Errorf("the account is not quarantined: %d %s", b.status, b.body)
	}
}

// TestH02H03AnswerOfAnotherConnectionIsRefused delivers the answer to a login at
// one connection where another's is expected: a code must never reach another
// identity provider's token endpoint.
func TestH02H03AnswerOfAnotherConnectionIsRefused(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.put(func(tx *vault.Tx) error {
		own := g.connection("own")
		own.Options["own_callback"] = "true"
		return tx.Connections.Put(own)
	})
	app, _ := g.application()
	for _, tt := range []struct{ connection, path, elsewhere string }{
		{"salesforce", "login/callback", "login/callback/own"},
		{"own", "login/callback/own", "login/callback"},
		{"own", "login/callback/own", "login/callback/salesforce"},
		{"own", "login/callback/own", "login/callback/none"},
	} {
		p := ada()
		at, err := p.Visit(app.AuthCodeURL("s", oauth2.SetAuthURLParam("connection", tt.connection)), g.issuer+tt.path)
		if err != nil || at.URL.Query().Get("code") == "" {
			t.Fatalf("%s: %v %+v", tt.connection, err, at)
		}
		if page, err := p.Visit(g.issuer+tt.elsewhere+"?"+at.URL.RawQuery, callback); err != nil || page.Status != 400 {
			t.Errorf("%s at %s: %v %d", tt.connection, tt.elsewhere, err, page.Status)
		}
	}
	if n := g.salesforce.Requests("token"); n != 0 {
		t.Errorf("%d codes were redeemed", n)
	}
	if q := g.visit(ada(), oauth2.SetAuthURLParam("connection", "own")); q.Get("code") == "" {
		t.Errorf("at its own callback: %v", q)
	}
}

// TestH06CodeIsGoodForItsClientInTimeAlone tries each fault alone and together.
func TestH06CodeIsGoodForItsClientInTimeAlone(t *testing.T) {
	t.Parallel()
	g := start(t)
	redeem := func(code string, more ...string) answer {
		return g.post("oauth/token", append([]string{"grant_type", "authorization_code", "client_id", "app", "client_secret", appSecret,
			"code", code, "redirect_uri", callback, "code_verifier", verifier}, more...)...)
	}
	other := []string{"client_id", "other", "client_secret", appSecret + "-of-another"}
	p := ada()
	for name, try := range map[string]func(code string) answer{
		"another client":           func(code string) answer { return redeem(code, other...) },
		"expired":                  func(code string) answer { g.clock.forward(2 * time.Minute); return redeem(code) },
		"expired, another client":  func(code string) answer { g.clock.forward(2 * time.Minute); return redeem(code, other...) },
		"used":                     func(code string) answer { redeem(code); return redeem(code) },
		"used, another client":     func(code string) answer { redeem(code); return redeem(code, other...) },
		"used, expired":            func(code string) answer { redeem(code); g.clock.forward(2 * time.Minute); return redeem(code) },
		"after another client had": func(code string) answer { redeem(code, other...); return redeem(code) },
		"without its verifier":     func(code string) answer { return redeem(code, "code_verifier", "") },
		"after a wrong verifier":   func(code string) answer { redeem(code, "code_verifier", strings.Repeat("w", 43)); return redeem(code) },
	} {
		if a := try(g.visit(p).Get("code")); a.status != 403 || a.str("error") != "invalid_grant" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := redeem(g.visit(p).Get("code")); a.status != 200 {
		t.Errorf("as it should be: %d %s", a.status, a.body)
	}
}

// TestH09DisabledConnectionIsUsedByNothing.
func TestH09DisabledConnectionIsUsedByNothing(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	token := g.signIn(p)
	g.change(func(c *vault.Connection) { c.Active = false })
	if a := g.exchange(token.RefreshToken); a.status != 403 || a.str("reason") != "connection_disabled" {
		t.Errorf("exchange: %d %s", a.status, a.body)
	}
	if q := g.visit(p); q.Get("error") == "" {
		t.Errorf("the session of a disabled connection signs in: %v", q)
	}
	if q := g.visit(ada(), oauth2.SetAuthURLParam("connection", "salesforce")); q.Get("error") != "invalid_request" {
		t.Errorf("by its name: %v", q)
	}
}

// TestH12HostileTextFromUpstreamIsHarmless puts hostile text where Salesforce's
// errors are.
func TestH12HostileTextFromUpstreamIsHarmless(t *testing.T) {
	t.Parallel()
	g := start(t)
	app, _ := g.application()
	for name, text := range map[string]string{
		"script": "<script>alert(1)</script>", "right to left": "\u202eevil", "line ends": "a\r\nSet-Cookie: x=y", "long": strings.Repeat("z", 60<<10), "not UTF-8": "\xff\xfe", "NUL": "a\x00b",
	} {
		p := ada()
		at, err := p.Visit(app.AuthCodeURL("s"), g.issuer+"login/callback")
		if err != nil {
			t.Fatal(err)
		}
		q := url.Values{"state": {at.URL.Query().Get("state")}, "error": {text[:min(len(text), 100)]}, "error_description": {text}, "error_uri": {text}}
		page, err := p.Visit(g.issuer+"login/callback?"+q.Encode(), callback)
		if err != nil || page.URL.Query().Get("error") != "access_denied" {
			t.Errorf("%s: %v %+v", name, err, page)
			continue
		}
		if d := page.URL.Query().Get("error_description"); len(d) > 1000 || strings.ContainsAny(d, "\r\n\x00\u202e") || !utf8.ValidString(d) {
			t.Errorf("%s: %d bytes %q", name, len(d), d)
		}
	}
}

// TestH25ManyLoginsOfOneBrowserAtOnce begins a hundred sign-ins and finishes the
// first and the last: the cookies do not grow with them.
func TestH25ManyLoginsOfOneBrowserAtOnce(t *testing.T) {
	t.Parallel()
	g := start(t)
	app, _ := g.application()
	p := ada()
	var answers []simtest.Page
	for range 100 {
		at, err := p.Visit(app.AuthCodeURL("s", oauth2.SetAuthURLParam("prompt", "login")), g.issuer+"login/callback")
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, at)
	}
	size := 0
	for _, c := range p.Client.Jar.Cookies(mustURL(t, g.issuer)) {
		size += len(c.Name) + len(c.Value)
	}
	if size > 2000 {
		t.Errorf("the cookies are %d bytes", size)
	}
	for _, at := range []simtest.Page{answers[0], answers[99]} {
		if page, err := p.Visit(at.URL.String(), callback); err != nil || page.URL.Query().Get("code") == "" {
			t.Errorf("%v %+v", err, page)
		}
	}
}

// TestH32StoreThatFailsIsNoSuccess has the disk full while something is to be
// kept or forgotten: the answer says so, and afterwards all is as it was.
func TestH32StoreThatFailsIsNoSuccess(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	token := g.signIn(p)
	hint, _ := token.Extra("id_token").(string)
	code := g.visit(p).Get("code")
	credentials := []string{"client_id", "app", "client_secret", appSecret}
	g.clock.forward(30 * time.Second)
	g.disk.full.Store(true)
	for name, a := range map[string]answer{
		"revocation": g.post("oauth/revoke", append(credentials, "token", token.RefreshToken)...),
		"refresh":    g.post("oauth/token", append(credentials, "grant_type", "refresh_token", "refresh_token", token.RefreshToken)...),
		"code":       g.post("oauth/token", append(credentials, "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier)...),
		"push":       g.push(),
	} {
		if a.status != 503 || a.str("error") != "temporarily_unavailable" || strings.Contains(string(a.body), "device") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	page, err := p.Visit(g.issuer+"oidc/logout?"+form("id_token_hint", hint, "post_logout_redirect_uri", appURL+"/").Encode(), appURL)
	if err != nil || page.Status != 503 {
		t.Errorf("sign out: %v %d", err, page.Status)
	}
	if a := g.exchange(token.RefreshToken); a.status != 503 || a.str("access_token") != "" {
		t.Errorf("an exchange that cannot be recorded: %d %s", a.status, a.body)
	}
	if a := g.post("oauth/introspect", append(credentials, "token", token.RefreshToken)...); a.status != 200 {
		t.Errorf("what only reads: %d %s", a.status, a.body)
	}
	g.disk.full.Store(false)
	if a := g.post("oauth/token", append(credentials, "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier)...); a.status != 200 {
		t.Errorf("the code afterwards: %d %s", a.status, a.body)
	}
	if a := g.post("oauth/token", append(credentials, "grant_type", "refresh_token", "refresh_token", token.RefreshToken)...); a.status != 200 {
		t.Errorf("the refresh token afterwards: %d %s", a.status, a.body)
	}
}

// TestH41Point13DiskThatIsFullAfterARotationLosesNothing fills the disk between
// Salesforce's answer and its keeping.
func TestH41Point13DiskThatIsFullAfterARotationLosesNothing(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.clock.forward(3 * time.Hour)
	entered, release := g.salesforce.Hold("token:refresh_token")
	answered := make(chan answer)
	go func() { answered <- g.exchange(token.RefreshToken) }()
	<-entered
	g.disk.full.Store(true)
	release()
	for g.salesforce.Requests("introspect") < 2 { // the access token that came is looked at, and the disk is full
		runtime.Gosched()
	}
	g.disk.full.Store(false)
	if a := <-answered; a.status != 200 || g.query(a) != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	g.clock.forward(3 * time.Hour)
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.salesforce.Replays() != 0 {
		t.Errorf("the next refresh: %d %s, %d replays", a.status, a.body, g.salesforce.Replays())
	}
}

// TestH31FiftyRefreshesAtOnceHaveOneOutcome shows one refresh token fifty times,
// with leeway and without.
func TestH31FiftyRefreshesAtOnceHaveOneOutcome(t *testing.T) {
	t.Parallel()
	for name, leeway := range map[string]time.Duration{"none": 0, "half a minute": 30 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			g.update(func(c *vault.Client) { c.RefreshLeeway = leeway })
			token := g.signIn(ada())
			var wg sync.WaitGroup
			var mu sync.Mutex
			fresh, refused := map[string]int{}, 0
			for range 50 {
				wg.Go(func() {
					a := g.post("oauth/token", "grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret, "refresh_token", token.RefreshToken)
					mu.Lock()
					defer mu.Unlock()
					if a.status == 200 {
						fresh[a.str("refresh_token")]++
					} else {
						refused++
					}
				})
			}
			wg.Wait()
			if len(fresh) != 1 || (refused > 0) == (leeway > 0) {
				t.Errorf("%d refresh tokens, %d refused", len(fresh), refused)
			}
			for rt := range fresh {
				if a := g.exchange(rt); (a.status == 200) != (leeway > 0) {
					t.Errorf("afterwards: %d %s", a.status, a.body)
				}
			}
		})
	}
}
