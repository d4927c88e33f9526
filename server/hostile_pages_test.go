package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

// TestH18NobodyIsSentElsewhere tries each parameter by which a page could be
// made to lead away.
func TestH18NobodyIsSentElsewhere(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	hint, _ := token.Extra("id_token").(string)
	for _, evil := range []string{"//evil.example", `/\evil.example`, "/%09/evil.example", "https:evil.example", "https://evil.example/", "https://app.example.evil.example/",
		appURL + "@evil.example/", appURL + ":80/", "javascript:alert(1)", "data:text/html,x", appURL, appURL + "/x", "HTTP://APP.EXAMPLE/", appURL + "/?x=1", appURL + "/#x"} {
		for _, path := range []string{
			"oidc/logout?" + form("id_token_hint", hint, "post_logout_redirect_uri", evil).Encode(),
			"oidc/logout?" + form("client_id", "app", "post_logout_redirect_uri", evil).Encode(),
			"v2/logout?" + form("client_id", "app", "returnTo", evil).Encode(),
		} {
			if a := g.get(path); a.header.Get("Location") != "" || a.status != 400 {
				t.Errorf("%s: %d %v", path, a.status, a.header)
			}
		}
	}
}

// TestH20FormsOfOtherSitesAreRefused posts to each form of a page as another
// site's would.
func TestH20FormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	g := start(t)
	for _, path := range []string{"consent", "oidc/logout/confirm", "activate", "activate/decide"} {
		for name, headers := range map[string]map[string]string{
			"cross-site":      {"Sec-Fetch-Site": "cross-site"},
			"same-site":       {"Sec-Fetch-Site": "same-site"},
			"another origin":  {"Origin": "https://evil.example"},
			"null":            {"Origin": "null"},
			"another port":    {"Origin": "http://127.0.0.1:1"},
			"method override": {"Sec-Fetch-Site": "cross-site", "X-HTTP-Method-Override": "GET"},
			"as text":         {"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"},
		} {
			req := g.request("POST", path, "application/x-www-form-urlencoded", "decision=allow&user_code=BCDFGHJK&interaction=x")
			for k, v := range headers {
				req.Header.Set(k, v)
			}
			if a := g.do(req); a.status != 403 {
				t.Errorf("%s, %s: %d", path, name, a.status)
			}
		}
	}
}

// TestH21LogoutEndsTheSessionForGood shows the cookie of a session that ended.
func TestH21LogoutEndsTheSessionForGood(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	hint, _ := g.signIn(p).Extra("id_token").(string)
	var cookie string
	for _, c := range p.Client.Jar.Cookies(mustURL(t, g.issuer)) {
		if c.Name == "sallyport-session" {
			cookie = c.Name + "=" + c.Value
		}
	}
	p.Visit(g.issuer+"oidc/logout?"+form("id_token_hint", hint).Encode(), appURL)
	if a := g.get("authorize?"+form("client_id", "app", "redirect_uri", callback, "response_type", "code", "prompt", "none").Encode(), "Cookie", cookie); !strings.Contains(a.header.Get("Location"), "login_required") {
		t.Errorf("the cookie lives: %v", a.header)
	}
}

// TestH23AnswersAreNeitherFramedNorKept looks at the headers of all kinds of
// answers.
func TestH23AnswersAreNeitherFramedNorKept(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.put(func(tx *vault.Tx) error { return tx.Connections.Put(g.connection("sandbox")) })
	for path, public := range map[string]bool{
		"authorize": false, "authorize?" + form("client_id", "app", "redirect_uri", callback, "response_type", "code").Encode(): false, "login/callback?state=x": false,
		"oidc/logout": false, "activate": false, "consent?interaction=x": false, "nothing": false, "userinfo": false, "oauth/token": false, "login/reconnect?ticket=x": false,
		".well-known/jwks.json": true, ".well-known/openid-configuration": true,
	} {
		a := g.get(path)
		csp := a.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script-src") || strings.Contains(csp, "unsafe") ||
			a.header.Get("X-Frame-Options") != "DENY" || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, a.header)
		}
		if kept := a.header.Get("Cache-Control") != "no-store"; kept != public {
			t.Errorf("%s: Cache-Control %q", path, a.header.Get("Cache-Control"))
		}
	}
}

// TestH24HostileNamesAreOnlyText puts script where names are, and looks at the
// pages that show them.
func TestH24HostileNamesAreOnlyText(t *testing.T) {
	t.Parallel()
	g := start(t)
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>` + "\u202e"
	g.update(func(c *vault.Client) { c.Name, c.FirstParty = hostile, false })
	g.change(func(c *vault.Connection) { c.DisplayName = hostile })
	g.put(func(tx *vault.Tx) error {
		rs, err := tx.ResourceServers.Get("https://api.example")
		if err != nil {
			return err
		}
		rs.Name, rs.Scopes = hostile, []vault.Scope{{Value: "read:things", Description: hostile}}
		return tx.ResourceServers.Put(rs)
	})
	harmless := func(name, body string) {
		t.Helper()
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") || !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s: %s", name, body)
		}
	}
	p := ada()
	page, _ := g.asked(p, oauth2.SetAuthURLParam("audience", "https://api.example"), oauth2.SetAuthURLParam("scope", "openid read:things"))
	harmless("consent", page.Body)
	page, err := p.Visit(g.issuer+"oidc/logout?client_id=app", appURL)
	if err != nil {
		t.Fatal(err)
	}
	harmless("sign out", page.Body)
	g.update(func(c *vault.Client) { c.FirstParty = true })
	app, _ := g.application()
	if page, err = ada().Visit(app.AuthCodeURL(hostile, oauth2.SetAuthURLParam("response_mode", "form_post")), callback); err != nil {
		t.Fatal(err)
	}
	harmless("form_post", page.Body)
	g.put(func(tx *vault.Tx) error {
		c := g.connection("second")
		c.DisplayName = hostile
		return tx.Connections.Put(c)
	})
	if page, err = ada().Visit(app.AuthCodeURL("s"), callback); err != nil {
		t.Fatal(err)
	}
	harmless("choose", page.Body)
}

// TestH28TokensStandForOneThing shows each kind of token where another belongs.
func TestH28TokensStandForOneThing(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	api := g.signIn(ada(), oauth2.SetAuthURLParam("audience", "https://api.example"), oauth2.SetAuthURLParam("scope", "read:things offline_access"))
	machine := g.post("oauth/token", "grant_type", "client_credentials", "client_id", "app", "client_secret", appSecret, "audience", "https://api.example").str("access_token")
	id, _ := token.Extra("id_token").(string)
	for name, tok := range map[string]string{"ID token": id, "refresh token": token.RefreshToken, "an API's token": api.AccessToken, "a machine's token": machine, "a session's cookie": "MTc5"} {
		if a := g.get("userinfo", "Authorization", "Bearer "+tok); a.status != 401 {
			t.Errorf("%s at userinfo: %d %s", name, a.status, a.body)
		}
	}
	for name, tok := range map[string]string{"ID token": id, "access token": token.AccessToken, "an API's token": api.AccessToken} {
		if a := g.post("oauth/token", "grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret, "refresh_token", tok); a.status != 403 {
			t.Errorf("%s as a refresh token: %d %s", name, a.status, a.body)
		}
	}
	for name, tok := range map[string][2]string{"ID token": {id, accessType}, "machine's": {machine, accessType}, "refresh as access": {token.RefreshToken, accessType}, "access as refresh": {token.AccessToken, refreshType}} {
		if a := g.exchange(tok[0], "subject_token_type", tok[1]); a.status != 401 {
			t.Errorf("%s as a subject token: %d %s", name, a.status, a.body)
		}
	}
	if a := g.exchange(api.AccessToken, "subject_token_type", accessType, "client_id", "other", "client_secret", appSecret+"-of-another"); a.status != 401 {
		t.Errorf("another application's token: %d %s", a.status, a.body)
	}
}

// TestH34PKCEIsNotTakenOut begins with a challenge, or without one, and redeems
// the code the other way.
func TestH34PKCEIsNotTakenOut(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	bare := func() string {
		page, err := p.Visit(g.issuer+"authorize?"+form("client_id", "app", "redirect_uri", callback, "response_type", "code", "scope", "openid").Encode(), callback)
		if err != nil {
			t.Fatal(err)
		}
		return page.URL.Query().Get("code")
	}
	for name, tt := range map[string]struct {
		code, verifier string
		status         int
	}{
		"with, without":       {g.visit(p).Get("code"), "", 403},
		"with, another":       {g.visit(p).Get("code"), strings.Repeat("x", 43), 403},
		"with, too short":     {g.visit(p).Get("code"), verifier[:42], 403},
		"with, its challenge": {g.visit(p).Get("code"), s256(verifier), 403},
		"without, with":       {bare(), verifier, 403},
		"with, with":          {g.visit(p).Get("code"), verifier, 200},
		"without, without":    {bare(), "", 200},
	} {
		if a := g.post("oauth/token", "grant_type", "authorization_code", "client_id", "app", "client_secret", appSecret, "code", tt.code, "redirect_uri", callback, "code_verifier", tt.verifier); a.status != tt.status {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for name, change := range map[string][]string{
		"plain": {"code_challenge", verifier, "code_challenge_method", "plain"}, "no method": {"code_challenge", s256(verifier)},
		"short": {"code_challenge", "abc", "code_challenge_method", "S256"}, "implicit": {"response_type", "token"}, "hybrid": {"response_type", "code id_token"},
	} {
		a := g.get("authorize?" + form(append([]string{"client_id", "app", "redirect_uri", callback, "response_type", "code", "scope", "openid"}, change...)...).Encode())
		u, _ := url.Parse(a.header.Get("Location"))
		if u.Query().Get("error") == "" || a.status != http.StatusFound {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
}

// TestH51StrangersDoNotFillTheMetricsOrTheLog sends what nobody could have
// foreseen.
func TestH51StrangersDoNotFillTheMetricsOrTheLog(t *testing.T) {
	t.Parallel()
	g := start(t)
	series := func() (n int) {
		families, err := g.metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			n += len(f.GetMetric())
		}
		return n
	}
	strange := func(i int) {
		suffix := strings.Repeat("x", i)
		g.get("nothing/" + suffix)
		g.post("oauth/token", "grant_type", "magic"+suffix, "client_id", "nobody"+suffix, "client_secret", "x")
		g.exchange("v1.x."+suffix+"y", "connection", "nowhere"+suffix)
		g.do(g.request("MAGIC"+strings.ToUpper(suffix), "authorize", "", ""))
	}
	strange(1)
	before := series()
	for i := range 30 {
		strange(i + 2)
	}
	if after := series(); after > before {
		t.Errorf("%d series became %d", before, after)
	}
	g.get("nothing?x=%0d%0aevil:%20line%1b%5b31m")
	g.post("oauth/token", "grant_type", "a\r\n{\"level\":\"INFO\"}\x1b[31m", "client_id", "x\r\ny", "client_secret", "z")
	for line := range strings.Lines(g.log.String()) {
		if !strings.HasPrefix(line, `{"time":`) || strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\x1b\r") {
			t.Errorf("log line %q", line)
		}
	}
}
