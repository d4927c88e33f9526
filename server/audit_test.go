package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"sallyport/connections/simulator"
	"sallyport/server"
	"sallyport/vault"
)

// happened is an event as an export has it.
type happened struct {
	ID           string         `json:"log_id"`
	Type         string         `json:"type"`
	Client       string         `json:"client_id"`
	User         string         `json:"user_id"`
	Connection   string         `json:"connection"`
	Account      string         `json:"identity_user_id"`
	IP           string         `json:"ip"`
	UserAgent    string         `json:"user_agent"`
	Scope        string         `json:"scope"`
	Description  string         `json:"description"`
	Reason       string         `json:"reason"`
	Class        string         `json:"reason_class"`
	Correlation  string         `json:"correlation_id"`
	Details      map[string]any `json:"details"`
	Chain, Hash  string
	Seq          int
	IsMarkOfTest bool `json:"-"`
}

// events are those after an ID, once all that have begun are written.
func (g *gateway) events(after string) (list []happened) {
	g.t.Helper()
	if err := g.vault.Record(g.t.Context(), vault.Event{Type: "mark"}); err != nil {
		g.t.Fatal(err)
	}
	found, err := g.vault.LogsAfter(g.t.Context(), after, 10_000)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, e := range found {
		var h happened
		if err := json.Unmarshal(e.Line, &h); err != nil {
			g.t.Fatalf("%v: %s", err, e.Line)
		}
		h.IsMarkOfTest = h.Type == "mark"
		list = append(list, h)
	}
	return list
}

// lastEvent is the ID of the last event.
func (g *gateway) lastEvent() string {
	all := g.events("")
	return all[len(all)-1].ID
}

// audited is something that is asked of the gateway, and the one event that it
// leaves.
type audited struct {
	name   string
	routes string // that it is about
	kind   string // type of the event; "" for none
	reason string
	ask    func(g *gateway) func() answer // prepares, and then asks
}

func (g *gateway) app(path string, pairs ...string) answer {
	return g.post(path, append([]string{"client_id", "app", "client_secret", appSecret}, pairs...)...)
}

func asking(do func(g *gateway) answer) func(*gateway) func() answer {
	return func(g *gateway) func() answer { return func() answer { return do(g) } }
}

// visiting has Ada's browser open a page of the gateway, signed in before.
func visiting(path func(g *gateway) string) func(*gateway) func() answer {
	return func(g *gateway) func() answer {
		p := ada()
		g.signIn(p)
		at := path(g)
		return func() answer {
			if _, err := p.Visit(g.issuer+at, appURL); err != nil {
				g.t.Fatal(err)
			}
			return answer{}
		}
	}
}

func authorizePath(more ...string) func(*gateway) string {
	return func(*gateway) string {
		return "authorize?" + form(append([]string{"response_type", "code", "client_id", "app", "redirect_uri", callback, "scope", "openid", "state", "s"}, more...)...).Encode()
	}
}

var auditedRequests = []audited{
	{"code", "POST /oauth/token", "seacft", "", func(g *gateway) func() answer {
		code := g.visit(ada()).Get("code")
		return func() answer {
			return g.app("oauth/token", "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier)
		}
	}},
	{"code that is unknown", "POST /oauth/token", "feacft", "invalid_grant", asking(func(g *gateway) answer {
		return g.app("oauth/token", "grant_type", "authorization_code", "code", "unknown", "redirect_uri", callback)
	})},
	{"refresh", "POST /oauth/token", "sertft", "", func(g *gateway) func() answer {
		token := g.signIn(ada())
		return func() answer {
			return g.app("oauth/token", "grant_type", "refresh_token", "refresh_token", token.RefreshToken)
		}
	}},
	{"refresh with a token that is unknown", "POST /oauth/token", "fertft", "invalid_grant", asking(func(g *gateway) answer {
		return g.app("oauth/token", "grant_type", "refresh_token", "refresh_token", "unknown")
	})},
	{"refresh with a token that was used", "POST /oauth/token", "ferrt", "invalid_grant", func(g *gateway) func() answer {
		token := g.signIn(ada())
		g.app("oauth/token", "grant_type", "refresh_token", "refresh_token", token.RefreshToken)
		return func() answer {
			return g.app("oauth/token", "grant_type", "refresh_token", "refresh_token", token.RefreshToken)
		}
	}},
	{"client credentials", "POST /oauth/token", "seccft", "", asking(func(g *gateway) answer {
		return g.app("oauth/token", "grant_type", "client_credentials", "audience", "https://api.example")
	})},
	{"client credentials for an API that is unknown", "POST /oauth/token", "feccft", "access_denied", asking(func(g *gateway) answer {
		return g.app("oauth/token", "grant_type", "client_credentials", "audience", "https://nothing.example")
	})},
	{"exchange", "POST /oauth/token", "seta", "", func(g *gateway) func() answer {
		token := g.signIn(ada())
		return func() answer { return g.exchange(token.RefreshToken) }
	}},
	{"exchange, account missing", "POST /oauth/token", "feta", "not_connected", func(g *gateway) func() answer {
		token := g.signIn(ada())
		g.same("second")
		return func() answer { return g.exchange(token.RefreshToken, "connection", "second") }
	}},
	{"exchange, scope missing", "POST /oauth/token", "feta", "insufficient_scope", func(g *gateway) func() answer {
		token := g.signIn(ada())
		return func() answer { return g.exchange(token.RefreshToken, "scope", "nobody_has_it") }
	}},
	{"exchange of a token that is unknown", "POST /oauth/token", "feta", "invalid_grant", asking(func(g *gateway) answer { return g.exchange("unknown") })},
	{"exchange by a stranger", "POST /oauth/token", "feta", "invalid_client", asking(func(g *gateway) answer { return g.exchange("x", "client_secret", "wrong") })},
	{"grant that there is not", "POST /oauth/token", "sallyport_request_refused", "unsupported_grant_type", asking(func(g *gateway) answer {
		return g.app("oauth/token", "grant_type", "password")
	})},
	{"garbage", "POST /oauth/token", "sallyport_request_refused", "invalid_request", asking(func(g *gateway) answer {
		return g.do(g.request("POST", "oauth/token", "application/json", "{"))
	})},
	{"device that waits", "POST /oauth/token", "", "", func(g *gateway) func() answer {
		code, _ := g.device()
		return func() answer { return g.poll(code) }
	}},
	{"device", "POST /oauth/token", "sede", "", func(g *gateway) func() answer {
		code, userCode := g.device()
		g.allow(ada(), userCode, "allow")
		return func() answer { return g.poll(code) }
	}},
	{"device that is refused", "POST /oauth/token", "fede", "access_denied", func(g *gateway) func() answer {
		code, userCode := g.device()
		g.allow(ada(), userCode, "deny")
		return func() answer { return g.poll(code) }
	}},
	{"device asks", "POST /oauth/device/code", "", "", asking(func(g *gateway) answer { g.device(); return answer{} })},
	{"device may not", "POST /oauth/device/code", "fdeaz", "unauthorized_client", asking(func(g *gateway) answer { return g.app("oauth/device/code") })},
	{"user code that is wrong", "GET /activate", "fdeac", "wrong_user_code", asking(func(g *gateway) answer { return g.get("activate?user_code=BBBB-BBBB") })},
	{"user code that is wrong, typed", "POST /activate", "fdeac", "wrong_user_code", asking(func(g *gateway) answer { return g.post("activate", "user_code", "BBBB-BBBB") })},
	{"user denies a device", "POST /activate/decide", "fdecc", "", func(g *gateway) func() answer {
		_, userCode := g.device()
		return func() answer { g.allow(ada(), userCode, "deny"); return answer{} }
	}},
	{"push", "POST /oauth/par", "", "", asking(func(g *gateway) answer { return g.push() })},
	{"push of what is wrong", "POST /oauth/par", "fpar", "invalid_request", asking(func(g *gateway) answer { return g.app("oauth/par", "redirect_uri", "https://evil.example") })},
	{"revocation", "POST /oauth/revoke", "srrt", "", func(g *gateway) func() answer {
		token := g.signIn(ada())
		return func() answer { return g.app("oauth/revoke", "token", token.RefreshToken) }
	}},
	{"revocation of an access token", "POST /oauth/revoke", "sallyport_access_token_revoked", "", func(g *gateway) func() answer {
		token := g.signIn(ada())
		return func() answer { return g.app("oauth/revoke", "token", token.AccessToken) }
	}},
	{"revocation of a JWT", "POST /oauth/revoke", "sallyport_request_refused", "unsupported_token_type", asking(func(g *gateway) answer { return g.app("oauth/revoke", "token", "a.b.c") })},
	{"introspection by a stranger", "POST /oauth/introspect", "sallyport_request_refused", "invalid_client", asking(func(g *gateway) answer {
		return g.post("oauth/introspect", "client_id", "app", "client_secret", "wrong", "token", "t")
	})},
	{"introspection", "POST /oauth/introspect", "", "", asking(func(g *gateway) answer { return g.app("oauth/introspect", "token", "t") })},
	{"userinfo with a token that is wrong", "GET /userinfo", "sallyport_request_refused", "invalid_token", asking(func(g *gateway) answer { return g.get("userinfo", "Authorization", "Bearer wrong") })},
	{"userinfo without a token", "POST /userinfo", "sallyport_request_refused", "invalid_token", asking(func(g *gateway) answer { return g.post("userinfo") })},

	{"sign-in", "GET /login/callback", "s", "", asking(func(g *gateway) answer { g.visit(ada()); return answer{} })},
	{"sign-in that is denied", "GET /login/callback", "f", "access_denied", asking(func(g *gateway) answer {
		g.trigger("user-inactive", simulator.Target{})
		g.visit(ada())
		return answer{}
	})},
	{"sign-in of a user who is blocked", "GET /login/callback", "f", "access_denied", func(g *gateway) func() answer {
		g.signIn(ada())
		g.block()
		return func() answer { g.visit(ada()); return answer{} }
	}},
	{"callback of nobody's", "GET /login/callback", "f", "invalid_request", asking(func(g *gateway) answer { return g.get("login/callback?state=x&code=y") })},
	{"callback of nobody's, of a connection", "GET /login/callback/:connection", "f", "invalid_request", asking(func(g *gateway) answer { return g.get("login/callback/own?state=x&code=y") })},
	{"sign-in by the session", "GET /authorize", "s", "", visiting(authorizePath())},
	{"silent sign-in", "GET /authorize", "ssa", "", visiting(authorizePath("prompt", "none"))},
	{"silent sign-in of nobody", "GET /authorize", "fsa", "login_required", asking(func(g *gateway) answer { return g.get(authorizePath("prompt", "none")(g)) })},
	{"authorization request of nobody's", "POST /authorize", "f", "invalid_request", asking(func(g *gateway) answer { return g.post("authorize", "client_id", "unknown") })},
	{"reconnect", "GET /login/callback", "connected_accounts_connection_succeeded", "", func(g *gateway) func() answer {
		g.same("second")
		p := ada()
		token := g.signIn(p, oauth2.SetAuthURLParam("connection", "salesforce"))
		refused := g.exchange(token.RefreshToken, "connection", "second")
		return func() answer { g.connect(p, simulator.DefaultUsers()[1], refused); return answer{} }
	}},
	{"reconnect by a link that is over", "GET /login/reconnect", "connected_accounts_connection_failed", "invalid_request", asking(func(g *gateway) answer { return g.get("login/reconnect?ticket=unknown") })},
	{"consent", "POST /consent", "sallyport_consent_given", "", func(g *gateway) func() answer {
		g.thirdParty()
		p := ada()
		_, interaction := g.asked(p)
		return func() answer { g.decide(p, interaction, "allow"); return answer{} }
	}},
	{"consent denied", "POST /consent", "sallyport_consent_denied", "access_denied", func(g *gateway) func() answer {
		g.thirdParty()
		p := ada()
		_, interaction := g.asked(p)
		return func() answer { g.decide(p, interaction, "deny"); return answer{} }
	}},
	{"question that is over", "GET /consent", "f", "invalid_request", asking(func(g *gateway) answer { return g.get("consent?interaction=unknown") })},
	{"logout", "GET /oidc/logout", "slo", "", func(g *gateway) func() answer {
		p := ada()
		hint, _ := g.signIn(p).Extra("id_token").(string)
		return func() answer {
			_, _ = p.Visit(g.issuer+"oidc/logout?"+form("id_token_hint", hint, "post_logout_redirect_uri", appURL+"/").Encode(), appURL)
			return answer{}
		}
	}},
	{"logout to where it may not", "GET /oidc/logout", "flo", "invalid_request", asking(func(g *gateway) answer {
		return g.get("oidc/logout?client_id=app&post_logout_redirect_uri=https://evil.example/")
	})},
	{"logout to where it may not, posted", "POST /oidc/logout", "flo", "invalid_request", asking(func(g *gateway) answer {
		return g.post("oidc/logout", "client_id", "app", "post_logout_redirect_uri", "https://evil.example/")
	})},
	{"logout that was confirmed", "POST /oidc/logout/confirm", "slo", "", func(g *gateway) func() answer {
		p := ada()
		g.signIn(p)
		return func() answer {
			resp, err := p.Client.PostForm(g.issuer+"oidc/logout/confirm", form("client_id", "app"))
			if err == nil {
				resp.Body.Close()
			}
			return answer{}
		}
	}},
	{"Auth0's logout", "GET /v2/logout", "slo", "", visiting(func(*gateway) string { return "v2/logout?client_id=app&returnTo=" + url.QueryEscape(appURL+"/") })},
	{"Auth0's logout to where it may not", "GET /v2/logout", "flo", "invalid_request", asking(func(g *gateway) answer { return g.get("v2/logout?client_id=app&returnTo=https://evil.example/") })},

	{"client changed", "PATCH /api/v2/clients/:id", "sapi", "", managing("PATCH", "api/v2/clients/app", `{"name":"New name","app_type":"regular_web"}`)},
	{"client that there is not changed", "PATCH /api/v2/clients/:id", "fapi", "inexistent_client", managing("PATCH", "api/v2/clients/nobody", `{"name":"New name"}`)},
	{"secret rotated", "POST /api/v2/clients/:id/rotate-secret", "sapi", "", managing("POST", "api/v2/clients/app/rotate-secret", ``)},
	{"secret rotated, badly", "POST /api/v2/clients/:id/rotate-secret", "fapi", "invalid_body", managing("POST", "api/v2/clients/app/rotate-secret", `{"x":1}`)},
	{"grants deleted", "DELETE /api/v2/grants", "sapi", "", managing("DELETE", "api/v2/grants?user_id=nobody", ``)},
	{"grant deleted", "DELETE /api/v2/grants/:id", "sapi", "", func(g *gateway) func() answer {
		g.thirdParty()
		g.allowed()
		manager := g.manager()
		id := list(g.t, g.call(manager, "GET", "api/v2/grants", ""))[0]["id"].(string)
		return func() answer { return g.call(manager, "DELETE", "api/v2/grants/"+id, "") }
	}},
	{"grant that there is not deleted", "DELETE /api/v2/grants/:id", "fapi", "inexistent_grant", managing("DELETE", "api/v2/grants/unknown", ``)},
	{"keys rotated", "POST /api/v2/keys/signing/rotate", "sapi", "", managing("POST", "api/v2/keys/signing/rotate", `{}`)},
	{"backup", "GET /api/v2/backup", "mgmt_api_read", "", managing("GET", "api/v2/backup", ``)},
	{"log exported", "GET /api/v2/logs/export", "sallyport_logs_exported", "", managing("GET", "api/v2/logs/export", ``)},
	{"clients read", "GET /api/v2/clients", "", "", managing("GET", "api/v2/clients", ``)},
	{"clients read by a stranger", "GET /api/v2/clients", "fapi", "invalid_token", asking(func(g *gateway) answer { return g.call("", "GET", "api/v2/clients", "") })},
	{"log read by who may not", "GET /api/v2/logs", "fapi", "insufficient_scope", func(g *gateway) func() answer {
		manager := g.manager("read:clients")
		return func() answer { return g.call(manager, "GET", "api/v2/logs", "") }
	}},
	{"own grant taken back", "DELETE /me/v1/grants/:id", "sallyport_consent_withdrawn", "", func(g *gateway) func() answer {
		g.thirdParty()
		token := g.allowed(oauth2.SetAuthURLParam("audience", g.issuer+"me/"), oauth2.SetAuthURLParam("scope", "openid read:me:grants delete:me:grants"))
		id := list(g.t, g.call(token.AccessToken, "GET", "me/v1/grants", ""))[0]["id"].(string)
		return func() answer { return g.call(token.AccessToken, "DELETE", "me/v1/grants/"+id, "") }
	}},
	{"grants taken back by a stranger", "DELETE /me/v1/grants/:id", "sallyport_request_refused", "invalid_token", asking(func(g *gateway) answer { return g.call("wrong", "DELETE", "me/v1/grants/x", "") })},
}

func managing(method, path, body string) func(*gateway) func() answer {
	return func(g *gateway) func() answer {
		manager := g.manager()
		return func() answer { return g.call(manager, method, path, body) }
	}
}

// TestEachRequestLeavesOneEvent tries the table above: whatever is given out, done
// or refused leaves one event, which says why, and is found by what the answer
// carried.
func TestEachRequestLeavesOneEvent(t *testing.T) {
	t.Parallel()
	for _, tt := range auditedRequests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			ask := tt.ask(g)
			before := g.lastEvent()
			a := ask()
			list := slices.DeleteFunc(g.events(before), func(h happened) bool { return h.IsMarkOfTest })
			if tt.kind == "" {
				if len(list) != 0 {
					t.Errorf("it leaves %+v", list)
				}
				return
			}
			if len(list) != 1 {
				t.Fatalf("%d %s left %+v", a.status, a.body, list)
			}
			e := list[0]
			if e.Type != tt.kind || e.Reason != tt.reason {
				t.Errorf("it left %+v", e)
			}
			if id := a.header.Get("X-Correlation-Id"); e.Correlation == "" || a.header != nil && id != e.Correlation {
				t.Errorf("the event has %q, and the answer %q", e.Correlation, id)
			}
			if id := a.str("correlation_id"); id != "" && id != e.Correlation {
				t.Errorf("the event has %q, and the error %q", e.Correlation, id)
			}
			if e.IP != "127.0.0.1" || e.UserAgent == "" {
				t.Errorf("whence? %+v", e)
			}
			if a.status >= 400 && (e.Description == "" || e.Reason == "") {
				t.Errorf("why? %+v", e)
			}
		})
	}
}

// TestEachRouteIsAudited finds routes that are not in the table, and not among
// those that give nothing out and do nothing.
func TestEachRouteIsAudited(t *testing.T) {
	t.Parallel()
	g := start(t)
	reads := []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json", "/static/*", "/healthz", "/readyz",
		"/api/v2/clients/:id", "/api/v2/grants", "/api/v2/keys/signing", "/api/v2/logs/key", "/api/v2/logs/:id", "/me/v1/grants"}
	for _, route := range g.server.Routes() {
		method, path, _ := strings.Cut(route, " ")
		known := slices.ContainsFunc(auditedRequests, func(r audited) bool { return r.routes == route })
		if !known && method != http.MethodOptions && !(slices.Contains(reads, path) && (method == http.MethodGet || method == http.MethodHead)) && path != "" && !strings.HasPrefix(method, "echo") {
			t.Errorf("%s: what does it leave?", route)
		}
	}
}

// TestExchangeSaysWhatWasGivenToWhom is Auth0's seta, and feta.
func TestExchangeSaysWhatWasGivenToWhom(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	before := g.lastEvent()
	a := g.exchange(token.RefreshToken)
	e := g.events(before)[0]
	user := simulator.DefaultUsers()[0]
	if e.Client != "app" || e.User != "salesforce|"+user.ID || e.Connection != "salesforce" || e.Account != user.ID || !strings.Contains(e.Scope, "api") ||
		e.Details["token_thumbprint"] != vault.Hash(a.str("access_token")) || e.Details["subject_token_type"] != refreshType ||
		e.Details["issued_token_type"] != federatedType || e.Details["is_privileged_worker"] != false || e.Details["expires_at"] == nil {
		t.Errorf("%+v", e)
	}
	before = g.lastEvent()
	g.exchange(token.RefreshToken, "scope", "nobody_has_it")
	e = g.events(before)[0]
	if e.Details["failure_reason"] != "insufficient_scope" || e.Class != "user" || e.User == "" || !strings.Contains(e.Description, "nobody_has_it") {
		t.Errorf("%+v", e)
	}
}

// TestRefreshUpstreamIsRecordedBeforeTheExchange that it was for, and by the same
// request.
func TestRefreshUpstreamIsRecordedBeforeTheExchange(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.clock.forward(3 * time.Hour)
	before := g.lastEvent()
	a := g.exchange(token.RefreshToken)
	list := g.events(before)
	if len(list) != 3 || list[0].Type != "sallyport_upstream_refresh_succeeded" || list[1].Type != "seta" || list[0].Correlation != a.header.Get("X-Correlation-Id") {
		t.Errorf("%+v", list)
	}
}

// TestH36NoSecretIsInTheLog looks for everything that was secret on the way.
func TestH36NoSecretIsInTheLog(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	code := g.visit(p).Get("code")
	app, _ := g.application()
	token, err := app.Exchange(g.t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{appSecret, "consumer-secret", p.Password, code, verifier, token.AccessToken, token.RefreshToken, token.Extra("id_token").(string), "the-state", "the-nonce"}
	secrets = append(secrets, g.exchange(token.RefreshToken).str("access_token"))
	g.clock.forward(3 * time.Hour)
	secrets = append(secrets, g.exchange(token.RefreshToken).str("access_token"))
	rotated := g.app("oauth/token", "grant_type", "refresh_token", "refresh_token", token.RefreshToken)
	secrets = append(secrets, rotated.str("refresh_token"), rotated.str("access_token"), g.manager())
	refused := g.exchange(rotated.str("refresh_token"), "scope", "nobody_has_it")
	secrets = append(secrets, mustURL(t, refused.str("reconnect_uri")).Query().Get("ticket"))
	g.app("oauth/token", "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", "the-wrong-verifier-that-is-long-enough-to-be-one")
	g.exchange(token.RefreshToken, "client_secret", "the-wrong-secret-of-somebody")
	g.trigger("refresh-expired", simulator.Target{})
	g.clock.forward(3 * time.Hour)
	g.exchange(rotated.str("refresh_token"))
	secrets = append(secrets, "the-wrong-verifier", "the-wrong-secret")
	for _, c := range p.Client.Jar.Cookies(mustURL(t, g.issuer)) {
		secrets = append(secrets, c.Value)
	}
	g.tokens(func(ts *vault.TokenSet) { secrets = append(secrets, ts.AccessToken.Reveal(), ts.RefreshToken.Reveal()) })
	g.lastEvent()
	var log bytes.Buffer
	if n, err := g.vault.ExportLogs(t.Context(), &log, time.Time{}); err != nil || n < 10 {
		t.Fatalf("%d events, %v", n, err)
	}
	for i, s := range secrets {
		if len(s) > 4 && strings.Contains(log.String(), s) {
			t.Errorf("secret %d is in the log: %s", i, s)
		}
	}
}

// TestH51StrangersCannotFillTheLog refuses the same a thousand times, and much
// else from an address.
func TestH51StrangersCannotFillTheLog(t *testing.T) {
	t.Parallel()
	g := start(t)
	before := g.lastEvent()
	for range 50 {
		g.exchange("x", "client_secret", "wrong")
	}
	for i := range 200 {
		g.post("oauth/token", "grant_type", "refresh_token", "refresh_token", "x", "client_id", fmt.Sprint("nobody\r\n", i))
	}
	g.clock.forward(2 * time.Minute)
	if err := g.server.TendLogs(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := g.events(before)
	if len(list) > 130 {
		t.Errorf("%d events", len(list))
	}
	repeated := 0.0
	for _, e := range list {
		if n, ok := e.Details["repeated"].(float64); ok {
			repeated += n
		}
		if strings.ContainsAny(e.Client, "\r\n") {
			t.Errorf("%+v", e)
		}
	}
	if len(list)-1-int(countRepeated(list)) != 250-int(repeated) {
		t.Errorf("%d events, %v repeated", len(list), repeated)
	}
}

// countRepeated is how many events are counts of others.
func countRepeated(list []happened) (n int) {
	for _, e := range list {
		if e.Details["repeated"] != nil {
			n++
		}
	}
	return n
}

// TestH44TheLogCannotBeRewrittenOverTheAPI tries all methods on it.
func TestH44TheLogCannotBeRewrittenOverTheAPI(t *testing.T) {
	t.Parallel()
	g := start(t)
	manager, id := g.manager(), g.lastEvent()
	for _, path := range []string{"logs", "logs/" + id, "logs/export", "logs/key", "logs/settings", "tenants/settings"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			if a := g.call(manager, method, "api/v2/"+path, `{"retention_days":0}`); a.status != 404 && a.status != 405 {
				t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
			}
		}
	}
}

// TestLogsAreReadAsAtAuth0 pages through them both ways.
func TestLogsAreReadAsAtAuth0(t *testing.T) {
	t.Parallel()
	g := start(t)
	manager := g.manager()
	token := g.signIn(ada())
	for range 5 {
		g.exchange(token.RefreshToken)
	}
	g.exchange(token.RefreshToken, "scope", "nobody_has_it")
	all := g.events("")
	newest := list(t, g.call(manager, "GET", "api/v2/logs?per_page=3", ""))
	if len(newest) != 3 || newest[0]["log_id"] != all[len(all)-1].ID || newest[0]["_id"] != newest[0]["log_id"] || newest[1]["type"] != "feta" {
		t.Errorf("%v", newest)
	}
	var read []string
	for next := "/api/v2/logs?take=4&from="; ; {
		a := g.call(manager, "GET", next[1:], "")
		page := list(t, a)
		for _, e := range page {
			read = append(read, e["log_id"].(string))
		}
		link, _, ok := strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), `>; rel="next"`)
		if !ok {
			t.Fatalf("link %q", a.header.Get("Link"))
		}
		if len(page) == 0 {
			if link != next {
				t.Errorf("after the last: %q, and not %q", link, next)
			}
			break
		}
		next = link
	}
	for i, e := range all {
		if i >= len(read) || read[i] != e.ID {
			t.Fatalf("read %v", read)
		}
	}
	if a := g.call(manager, "GET", "api/v2/logs/"+all[0].ID, ""); a.status != 200 || a.str("log_id") != all[0].ID {
		t.Errorf("one: %d %s", a.status, a.body)
	}
	if a := g.call(manager, "GET", "api/v2/logs/0", ""); a.status != 404 {
		t.Errorf("none: %d %s", a.status, a.body)
	}
	for q, want := range map[string]int{
		"type:seta": 5, `type:"feta"`: 1, "type:seta AND client_id:app": 5, "type:seta AND client_id:other": 0, "reason:insufficient_scope": 1, "type:set": 0,
	} {
		if found := list(t, g.call(manager, "GET", "api/v2/logs?q="+url.QueryEscape(q), "")); len(found) != want {
			t.Errorf("%s: %d", q, len(found))
		}
	}
	for _, query := range []string{"q=type:s*", "q=seta", "q=type:a+OR+type:b", "q=nothing:1", "q=date:[2020+TO+2030]", "take=0", "take=1000", "from=%0a", "from=../x", "per_page=0", "page=99&per_page=100", "sort=date:1", "sort=user_id:-1"} {
		if a := g.call(manager, "GET", "api/v2/logs?"+query, ""); a.status != 400 || a.str("errorCode") != "invalid_query_string" {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	totals := g.call(manager, "GET", "api/v2/logs?include_totals=true&per_page=2", "")
	if totals.json["length"] != 2.0 || totals.json["total"] != float64(len(all)) {
		t.Errorf("%s", totals.body)
	}
	export := g.call(manager, "GET", "api/v2/logs/export", "")
	key, err := vault.ParseLogKey([]byte(g.call(manager, "GET", "api/v2/logs/key", "").str("public_key")))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := vault.VerifyLogs(bytes.NewReader(export.body), key); err != nil || r.FaultCount != 0 || r.Events < uint64(len(all)) {
		t.Errorf("the export: %+v %v", r, err)
	}
}

// serveAgain starts another server on the vault.
func (g *gateway) serveAgain(r vault.LogRetention) (err error) {
	g.server, err = server.New(g.t.Context(), server.Config{Issuer: g.issuer, Vault: g.vault, Logs: r, Now: g.clock.Now})
	return err
}

// TestH44RetentionHasAFloorAndItsChangeIsAnEvent (H44).
func TestH44RetentionHasAFloorAndItsChangeIsAnEvent(t *testing.T) {
	t.Parallel()
	g := start(t)
	day := 24 * time.Hour
	for _, r := range []vault.LogRetention{{Age: time.Hour, Bytes: 1 << 30}, {Age: 90 * day, Bytes: 1}} {
		if err := g.vault.SetLogRetention(t.Context(), r, nil); err == nil {
			t.Errorf("%+v will do", r)
		}
	}
	before := g.lastEvent()
	for range 2 {
		if err := g.serveAgain(vault.LogRetention{Age: 30 * day, Bytes: 1 << 30}); err != nil {
			t.Fatal(err)
		}
	}
	list := g.events(before)
	if len(list) != 2 || list[0].Type != "sallyport_log_retention_changed" || list[0].Details["before"] != "not set" || list[0].Details["after"] != "30 days, 1024 MB" {
		t.Errorf("%+v", list)
	}
	g.clock.forward(31 * day)
	if err := g.server.TendLogs(t.Context()); err != nil {
		t.Fatal(err)
	}
	list = g.events("")
	if len(list) != 2 || list[0].Type != "sallyport_logs_pruned" {
		t.Errorf("after a month: %+v", list)
	}
}
