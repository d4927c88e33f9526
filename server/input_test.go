package server_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"sallyport/connections/simulator"
	"sallyport/vault"
)

// TestWrongInputAtTheTokenEndpoint is a table of what can be wrong, each with
// the error that is documented for it.
func TestWrongInputAtTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	code := func() string { return g.visit(ada()).Get("code") }
	redeem := []string{"grant_type", "authorization_code", "client_id", "app", "client_secret", appSecret, "redirect_uri", callback, "code_verifier", verifier}
	exchange := []string{"grant_type", federatedGrant, "client_id", "app", "client_secret", appSecret, "subject_token", token.RefreshToken,
		"subject_token_type", refreshType, "requested_token_type", federatedType, "connection", "salesforce"}
	for _, tt := range []struct {
		name   string
		form   []string
		status int
		error  string
	}{
		{"nothing", nil, 400, "invalid_request"},
		{"unknown grant type", []string{"grant_type", "magic", "client_id", "app", "client_secret", appSecret}, 400, "unsupported_grant_type"},
		{"unknown client", []string{"grant_type", "client_credentials", "client_id", "nobody", "client_secret", appSecret}, 401, "invalid_client"},
		{"wrong secret", []string{"grant_type", "client_credentials", "client_id", "app", "client_secret", "wrong"}, 401, "invalid_client"},
		{"no secret", []string{"grant_type", "client_credentials", "client_id", "app"}, 401, "invalid_client"},
		{"no client", []string{"grant_type", "client_credentials", "client_secret", appSecret}, 401, "invalid_client"},
		{"secret of a public client", []string{"grant_type", "refresh_token", "client_id", "spa", "client_secret", "x", "refresh_token", "v1.a.b"}, 401, "invalid_client"},
		{"grant not allowed", []string{"grant_type", "client_credentials", "client_id", "other", "client_secret", appSecret + "-of-another"}, 403, "unauthorized_client"},
		{"unknown audience", []string{"grant_type", "client_credentials", "client_id", "app", "client_secret", appSecret, "audience", "https://nowhere"}, 403, "access_denied"},
		{"no code", redeem, 400, "invalid_request"},
		{"unknown code", append(redeem, "code", "unknown"), 403, "invalid_grant"},
		{"wrong verifier", append(redeem, "code", code(), "code_verifier", strings.Repeat("w", 43)), 403, "invalid_grant"},
		{"no verifier", append(redeem, "code", code(), "code_verifier", ""), 403, "invalid_grant"},
		{"another redirect URI", append(redeem, "code", code(), "redirect_uri", callback+"/"), 403, "invalid_grant"},
		{"another client's code", append(redeem, "code", code(), "client_id", "other", "client_secret", appSecret+"-of-another"), 403, "invalid_grant"},
		{"unknown refresh token", []string{"grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret, "refresh_token", "v1.unknown.secret"}, 403, "invalid_grant"},
		{"no refresh token at all", []string{"grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret}, 400, "invalid_request"},
		{"another client's refresh token", []string{"grant_type", "refresh_token", "client_id", "other", "client_secret", appSecret + "-of-another", "refresh_token", token.RefreshToken}, 403, "invalid_grant"},
		{"no scope that was granted", []string{"grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret, "refresh_token", token.RefreshToken, "scope", "read:things"}, 400, "invalid_scope"},
		{"exchange: unknown connection", append(exchange, "connection", "nowhere"), 400, "invalid_request"},
		{"exchange: no connection", append(exchange, "connection", ""), 400, "invalid_request"},
		{"exchange: unknown subject", append(exchange, "subject_token", "v1.unknown.secret"), 401, "invalid_grant"},
		{"exchange: another client's subject", append(exchange, "client_id", "other", "client_secret", appSecret+"-of-another"), 401, "invalid_grant"},
		{"exchange: ID token as subject", append(exchange, "subject_token", token.Extra("id_token").(string), "subject_token_type", accessType), 401, "invalid_grant"},
		{"exchange: ID token's type", append(exchange, "subject_token_type", "urn:ietf:params:oauth:token-type:id_token"), 400, "invalid_request"},
		{"exchange: type that does not fit", append(exchange, "subject_token_type", accessType), 401, "invalid_grant"},
		{"exchange: requested type", append(exchange, "requested_token_type", "https://auth0.com/oauth/token-type/federated-connection-access-token"), 400, "invalid_request"},
		{"exchange: min_ttl", append(exchange, "min_ttl", "soon"), 400, "invalid_request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := g.post("oauth/token", tt.form...)
			if a.status != tt.status || a.str("error") != tt.error || a.str("error_description") == "" || a.str("correlation_id") == "" {
				t.Errorf("%d %s, want %d %s", a.status, a.body, tt.status, tt.error)
			}
			if a.header.Get("Content-Type") != "application/json" || a.header.Get("WWW-Authenticate") != "" {
				t.Errorf("headers %v", a.header)
			}
		})
	}
	if a := g.exchange(token.RefreshToken); a.status != 200 {
		t.Errorf("a stranger's mistakes cost the application its grant: %s", a.body)
	}
}

func TestWrongBodiesAtTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	g := start(t)
	for _, tt := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"no type", "", "grant_type=client_credentials", 400},
		{"XML", "text/xml", "<grant/>", 400},
		{"malformed JSON", "application/json", "{", 400},
		{"nested JSON", "application/json", `{"grant_type":["a"]}`, 400},
		{"malformed form", "application/x-www-form-urlencoded", "grant_type=%zz", 400},
		{"twice the same", "application/x-www-form-urlencoded", "grant_type=a&grant_type=b", 400},
		{"oversized form", "application/x-www-form-urlencoded", "grant_type=" + strings.Repeat("a", 100<<10), 413},
		{"oversized JSON", "application/json", `{"grant_type":"` + strings.Repeat("a", 100<<10) + `"}`, 413},
		{"binary", "application/x-www-form-urlencoded", "grant_type=\xff\xfe", 400},
	} {
		if a := g.do(g.request("POST", "oauth/token", tt.contentType, tt.body)); a.status != tt.status || a.str("error") != "invalid_request" {
			t.Errorf("%s: %d %s", tt.name, a.status, a.body)
		}
	}
	req := g.request("POST", "oauth/token", "application/x-www-form-urlencoded", "grant_type=client_credentials")
	req.SetBasicAuth("app", "wrong")
	if a := g.do(req); a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("a wrong secret in the header: %d %v", a.status, a.header)
	}
}

// TestH50WrongSecretsAreTriedForAWhileAlone, and cost nobody else anything.
func TestH50WrongSecretsAreTriedForAWhileAlone(t *testing.T) {
	t.Parallel()
	g := start(t)
	try := func(client, secret string) answer {
		return g.post("oauth/token", "grant_type", "client_credentials", "client_id", client, "client_secret", secret, "audience", "https://api.example")
	}
	statuses := map[int]int{}
	var last answer
	for range 20 {
		last = try("app", "wrong")
		statuses[last.status]++
	}
	if statuses[401] != 10 || statuses[429] != 10 || last.str("error") != "too_many_requests" || last.header.Get("Retry-After") == "" || last.header.Get("X-RateLimit-Reset") == "" {
		t.Errorf("%v, %v %s", statuses, last.header, last.body)
	}
	if a := try("other", appSecret+"-of-another"); a.status != 403 {
		t.Errorf("another client pays for it: %d %s", a.status, a.body)
	}
	if a := try("app", appSecret); a.status != 200 {
		t.Errorf("the right secret is locked out: %d %s", a.status, a.body)
	}
	g.clock.forward(7 * time.Second)
	if a := try("app", "wrong"); a.status != 401 {
		t.Errorf("it is not forgiven: %d %s", a.status, a.body)
	}
}

// TestUntrustedAuthorizationRequestsGetAPage sends nobody to a redirect URI
// that is not the client's.
func TestUntrustedAuthorizationRequestsGetAPage(t *testing.T) {
	t.Parallel()
	g := start(t)
	good := []string{"client_id", "app", "redirect_uri", callback, "response_type", "code", "scope", "openid", "state", "s"}
	for name, change := range map[string][]string{
		"unknown client":          {"client_id", "nobody"},
		"no client":               {"client_id", ""},
		"no redirect URI":         {"redirect_uri", ""},
		"unregistered":            {"redirect_uri", "https://evil.example/callback"},
		"one more slash":          {"redirect_uri", callback + "/"},
		"a query more":            {"redirect_uri", callback + "?x=1"},
		"user name":               {"redirect_uri", "http://app.example@evil.example/callback"},
		"another client's":        {"redirect_uri", "http://other.example/callback"},
		"dot segments":            {"redirect_uri", appURL + "/x/../callback"},
		"hostile client ID":       {"client_id", "<script>alert(1)</script>"},
		"oversized client ID":     {"client_id", strings.Repeat("a", 4<<10)},
		"script as redirect URI ": {"redirect_uri", "javascript:alert(1)"},
	} {
		a := g.get("authorize?" + form(append(good, change...)...).Encode())
		if a.status != 400 || a.header.Get("Location") != "" || !strings.Contains(string(a.body), "<h1") || bytes.Contains(a.body, []byte("<script")) {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
		if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", name, csp)
		}
	}
}

// TestTrustedAuthorizationErrorsGoToTheClient goes by redirect.
func TestTrustedAuthorizationErrorsGoToTheClient(t *testing.T) {
	t.Parallel()
	g := start(t)
	good := []string{"client_id", "app", "redirect_uri", callback, "response_type", "code", "scope", "openid", "state", "s"}
	for name, tt := range map[string]struct {
		change []string
		error  string
	}{
		"response type":       {[]string{"response_type", "token"}, "unsupported_response_type"},
		"no response type":    {[]string{"response_type", ""}, "invalid_request"},
		"plain PKCE":          {[]string{"code_challenge", verifier, "code_challenge_method", "plain"}, "invalid_request"},
		"request object":      {[]string{"request", "e30.e30."}, "invalid_request_object"},
		"prompt":              {[]string{"prompt", "none login"}, "invalid_request"},
		"max_age":             {[]string{"max_age", "-1"}, "invalid_request"},
		"unknown connection":  {[]string{"connection", "nowhere"}, "invalid_request"},
		"unknown audience":    {[]string{"audience", "https://nowhere"}, "access_denied"},
		"oversized parameter": {[]string{"nonce", strings.Repeat("n", 9<<10)}, "invalid_request"},
		"response mode":       {[]string{"response_mode", "carrier_pigeon"}, "invalid_request"},
	} {
		a := g.get("authorize?" + form(append(good, tt.change...)...).Encode())
		u, err := url.Parse(a.header.Get("Location"))
		if err != nil || a.status != 302 || !strings.HasPrefix(u.String(), callback+"?") {
			t.Errorf("%s: %d %v", name, a.status, a.header)
			continue
		}
		if q := u.Query(); q.Get("error") != tt.error || q.Get("error_description") == "" || q.Get("state") != "s" || q.Get("iss") != g.issuer {
			t.Errorf("%s: %v", name, q)
		}
	}
	if a := g.get("authorize?" + form(append(good, "state", "", "auth0Client", "e30=", "ext-x", "1")...).Encode()); a.status != 302 || !strings.HasPrefix(a.header.Get("Location"), g.upstream) {
		t.Errorf("without state, with unknown parameters: %d %v", a.status, a.header)
	}
}

// TestH01H05H07CallbackIsAnsweredOnceInTheBrowserThatBegan: nothing is
// redeemed for an answer that belongs to no login of this browser.
func TestH01H05H07CallbackIsAnsweredOnceInTheBrowserThatBegan(t *testing.T) {
	t.Parallel()
	g := start(t)
	app, _ := g.application()
	back := func() (*url.URL, []string) { // an answer of Salesforce that was not delivered, and the cookies it belongs to
		p := ada()
		page, err := p.Visit(app.AuthCodeURL("s"), g.issuer+"login/callback")
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(g.issuer)
		var cookies []string
		for _, c := range p.Client.Jar.Cookies(u) {
			cookies = append(cookies, c.Name+"="+c.Value)
		}
		return page.URL, cookies
	}
	deliver := func(u *url.URL, query url.Values, cookies []string) answer {
		return g.get(strings.TrimPrefix(u.Path, "/")+"?"+query.Encode(), "Cookie", strings.Join(cookies, "; "))
	}
	refused := func(name string, a answer) {
		t.Helper()
		if a.status != 400 || a.header.Get("Location") != "" || !strings.Contains(string(a.body), "Go back to the application") {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
	u, cookies := back()
	_, others := back()
	without := func(name string) url.Values { q := u.Query(); q.Del(name); return q }
	with := func(name, value string) url.Values { q := u.Query(); q.Add(name, value); return q }
	refused("no state", deliver(u, without("state"), cookies))
	refused("two states", deliver(u, with("state", "x"), cookies))
	refused("two codes", deliver(u, with("code", "x"), cookies))
	foreign := u.Query()
	foreign.Set("state", "foreign")
	refused("foreign state", deliver(u, foreign, cookies))
	refused("no cookie", deliver(u, u.Query(), nil))
	refused("tampered cookie", deliver(u, u.Query(), []string{"sallyport-browser=forged"}))
	refused("another connection's callback", deliver(&url.URL{Path: "/login/callback/own"}, u.Query(), cookies))
	if n := g.salesforce.Requests("token"); n != 0 {
		t.Errorf("%d codes were redeemed", n)
	}
	u, cookies = back()
	refused("another browser", deliver(u, u.Query(), others))
	refused("after another browser showed it", deliver(u, u.Query(), cookies))

	u, cookies = back()
	g.clock.forward(16 * time.Minute)
	refused("expired", deliver(u, u.Query(), cookies))
	if n := g.salesforce.Requests("token"); n != 0 {
		t.Errorf("%d codes were redeemed", n)
	}

	u, cookies = back()
	if a := deliver(u, u.Query(), cookies); a.status != 302 || !strings.HasPrefix(a.header.Get("Location"), callback+"?code=") {
		t.Errorf("the right one: %d %v", a.status, a.header)
	}
	refused("replayed", deliver(u, u.Query(), cookies))
	if n := g.salesforce.Requests("token"); n != 1 {
		t.Errorf("%d codes were redeemed, want 1", n)
	}

	u, cookies = back()
	g.change(func(c *vault.Connection) { c.Active = false })
	refused("disabled meanwhile", deliver(u, u.Query(), cookies)) // H09
}

func TestRefusalAtSalesforceReachesTheClientEscaped(t *testing.T) {
	t.Parallel()
	g := start(t)
	app, _ := g.application()
	p := ada()
	at, err := p.Visit(app.AuthCodeURL("s"), g.issuer+"login/callback")
	if err != nil {
		t.Fatal(err)
	}
	q := url.Values{"state": {at.URL.Query().Get("state")}, "error": {"access_denied"}, "error_description": {"<script>\r\nX: y\u202e" + strings.Repeat("z", 8<<10)}}
	page, err := p.Visit(g.issuer+"login/callback?"+q.Encode(), callback)
	if err != nil || page.URL.Query().Get("error") != "access_denied" {
		t.Fatalf("%v %+v", err, page)
	}
	if d := page.URL.Query().Get("error_description"); len(d) > 1000 || strings.ContainsAny(d, "\r\n\u202e") || !strings.Contains(d, "did not allow") {
		t.Errorf("description %q", d)
	}
}

func TestBlockedUserDoesNotSignIn(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	token := g.signIn(p)
	g.block()
	if q := g.visit(p); q.Get("error") != "access_denied" {
		t.Errorf("%v", q)
	}
	if a := g.post("oauth/token", "grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret, "refresh_token", token.RefreshToken); a.status != 403 || a.str("error_description") != "user is blocked" {
		t.Errorf("refresh: %d %s", a.status, a.body)
	}
	if a := g.get("userinfo", "Authorization", "Bearer "+token.AccessToken); a.status != 401 {
		t.Errorf("userinfo: %d", a.status)
	}
}

func TestH19HostHeaderDecidesNothing(t *testing.T) {
	t.Parallel()
	g := start(t)
	req := g.request("GET", "authorize?"+form("client_id", "app", "redirect_uri", callback, "response_type", "code", "scope", "openid").Encode(), "", "")
	req.Host = "evil.example"
	req.Header.Set("X-Forwarded-Host", "evil.example")
	req.Header.Set("X-Forwarded-Proto", "https")
	req.Header.Set("Forwarded", "host=evil.example")
	if location := g.do(req).header.Get("Location"); strings.Contains(location, "evil") || !strings.Contains(location, url.QueryEscape(g.issuer+"login/callback")) {
		t.Errorf("sent to %s", location)
	}
	req = g.request("GET", ".well-known/openid-configuration", "", "")
	req.Host = "evil.example"
	if a := g.do(req); a.str("issuer") != g.issuer || bytes.Contains(a.body, []byte("evil")) {
		t.Errorf("metadata %s", a.body)
	}
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	t.Parallel()
	g := start(t)
	for path, want := range map[string]int{"": 404, "nothing": 404, "oauth/nothing": 404, "oauth/token": 405, "static/nothing": 404, "login/reconnect?ticket=x": 400} {
		if a := g.get(path); a.status != want {
			t.Errorf("GET /%s: %d, want %d", path, a.status, want)
		}
	}
	if a := g.get("oauth/token"); a.str("error") != "invalid_request" {
		t.Errorf("for programs: %s", a.body)
	}
	for path, want := range map[string]string{"healthz": "ok\n", "readyz": "ready\n"} {
		if a := g.get(path); a.status != 200 || string(a.body) != want {
			t.Errorf("GET /%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestScriptsOfStrangersCannotReadTokens(t *testing.T) {
	t.Parallel()
	g := start(t)
	for origin, want := range map[string]bool{appURL: true, "https://evil.example": false, "null": false} {
		req := g.request("OPTIONS", "oauth/token", "", "")
		req.Header.Set("Origin", origin)
		req.Header.Set("Access-Control-Request-Method", "POST")
		a := g.do(req)
		if got := a.header.Get("Access-Control-Allow-Origin") == origin; got != want || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", origin, a.header)
		}
	}
	if a := g.get(".well-known/jwks.json", "Origin", "https://evil.example"); a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("what is public: %v", a.header)
	}
}

func TestMetadataNamesWhatIsThere(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.get(".well-known/openid-configuration")
	if b := g.get(".well-known/oauth-authorization-server"); a.status != 200 || !bytes.Equal(a.body, b.body) {
		t.Errorf("%d %s", a.status, a.body)
	}
	for name, v := range a.json {
		endpoint, ok := v.(string)
		if !ok || name == "issuer" {
			continue
		}
		path, ours := strings.CutPrefix(endpoint, g.issuer)
		if got := g.get(path); !ours || got.status == 404 {
			t.Errorf("%s: %s answers %d", name, endpoint, got.status)
		}
	}
	if b := g.get(".well-known/openid-configuration", "If-None-Match", a.header.Get("ETag")); b.status != 304 || len(b.body) != 0 {
		t.Errorf("with its ETag: %d", b.status)
	}
}

// TestH36NoSecretIsFoundAnywhere runs the flows, and then looks for each
// secret that was seen on the way in the file, the log, the metrics and the
// errors that were answered.
func TestH36NoSecretIsFoundAnywhere(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	token := g.signIn(p)
	first := g.exchange(token.RefreshToken)
	g.clock.forward(3 * time.Hour)
	second := g.exchange(token.RefreshToken)
	refreshed := g.post("oauth/token", "grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret, "refresh_token", token.RefreshToken)
	spent := g.visit(p).Get("code")
	said := [][]byte{
		g.post("oauth/token", "grant_type", "authorization_code", "client_id", "app", "client_secret", appSecret, "code", spent, "redirect_uri", callback).body,
		g.exchange("v1.unknown." + token.RefreshToken).body,
		g.exchange(refreshed.str("refresh_token"), "connection", "nowhere").body,
		g.get("userinfo", "Authorization", "Bearer "+token.AccessToken+"x").body,
	}
	g.salesforce.Fail("token", 400, "invalid_grant", "expired access/refresh token")
	g.clock.forward(3 * time.Hour)
	refused := g.exchange(refreshed.str("refresh_token"))
	ticket := refused.str("reconnect_uri")[strings.Index(refused.str("reconnect_uri"), "=")+1:]

	var stored []string
	g.put(func(tx *vault.Tx) error {
		stored = nil
		for ts, err := range tx.TokenSets.All("") {
			if err != nil {
				return err
			}
			stored = append(stored, ts.AccessToken.Reveal(), ts.RefreshToken.Reveal())
		}
		for k, err := range tx.Keys.All("") {
			if err != nil {
				return err
			}
			stored = append(stored, k.PKCS8.Reveal()[40:100])
		}
		return nil
	})
	u, _ := url.Parse(g.issuer)
	for _, c := range p.Client.Jar.Cookies(u) {
		stored = append(stored, c.Value)
	}
	secrets := append(stored, appSecret, "consumer-secret", g.key.Reveal(), token.AccessToken, token.RefreshToken, token.Extra("id_token").(string),
		first.str("access_token"), second.str("access_token"), refreshed.str("access_token"), refreshed.str("refresh_token"), spent, ticket,
		verifier, simulator.DefaultUsers()[0].Password)

	families, err := g.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := json.Marshal(families)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(g.path)
	if err != nil {
		t.Fatal(err)
	}
	for place, content := range map[string][]byte{"the store": file, "the log": []byte(g.log.String()), "the metrics": metrics, "an error": bytes.Join(said, nil)} {
		if len(content) == 0 {
			t.Errorf("%s is empty", place)
		}
		for i, secret := range secrets {
			if len(secret) < 8 {
				t.Fatalf("secret %d is %q", i, secret)
			}
			if bytes.Contains(content, []byte(secret)) || bytes.Contains(content, []byte(url.QueryEscape(secret))) {
				t.Errorf("secret %d is in %s", i, place)
			}
		}
	}
	for _, personal := range []string{"ada@example.com", "salesforce|005"} {
		if bytes.Contains(file, []byte(personal+"\"")) {
			t.Errorf("%s is in the store", personal)
		}
	}
}
