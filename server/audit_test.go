package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"sallyport/connections/simulator"
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
	reads := []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json", "/static/*", "/branding/:file", "/branding/:client/:file", "/healthz", "/readyz",
		"/api/v2/clients/:id", "/api/v2/grants", "/api/v2/keys/signing", "/api/v2/keys/vault", "/api/v2/logs/key", "/api/v2/moves/:id/contents", "/api/v2/logs/:id", "/me/v1/grants",
		"/api/v2/users", "/api/v2/users/:id", "/api/v2/users/:id/connected-accounts", "/api/v2/users/:id/federated-connections-tokensets", "/api/v2/connections/:id/explain",
		"/api/v2/connections/:id/disconnect", "/me/v1/connected-accounts/accounts", "/me/v1/connected-accounts/connections",
		"/api/v2/webhooks", "/api/v2/webhooks/:name", "/api/v2/webhooks/:name/deliveries",
		"/account", "/account/sign-in"}
	for _, route := range g.server.Routes() {
		method, path, _ := strings.Cut(route, " ")
		known := slices.ContainsFunc(auditedRequests, func(r audited) bool { return r.routes == route })
		if strings.HasPrefix(path, "/admin") {
			continue // see TestEachChangeInTheConsoleLeavesAnEvent
		}
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

// TestH36MisplacedTokensAreNotInTheLog sends a token as whatever a request has, and
// looks for it in the log of events; the application that did so is named there.
func TestH36MisplacedTokensAreNotInTheLog(t *testing.T) {
	t.Parallel()
	g := start(t)
	misplaced := g.exchange(g.signIn(ada()).RefreshToken).str("access_token")
	for _, name := range []string{"scope", "subject_token", "subject_token_type", "requested_token_type", "connection", "login_hint", "audience", "resource"} {
		if a := g.exchange(misplaced, name, misplaced); a.status < 400 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	const letters = "UIXGFHXNPXIZAIHQXDDVMGTWIU" // of a ticket: no digit among them, by chance
	g.exchange(misplaced, "subject_token_type", "urn:ietf:params:oauth:request_uri:"+letters)
	g.app("oauth/token", "grant_type", misplaced)
	g.app("oauth/token", "grant_type", "authorization_code", "code", misplaced, "redirect_uri", misplaced)
	g.app("oauth/revoke", "token", misplaced, "token_type_hint", misplaced)
	g.app("oauth/par", "response_type", misplaced, "scope", misplaced)
	g.app("oauth/par", "response_type", "code", "redirect_uri", callback, "connection", misplaced)
	g.post("oauth/token", "grant_type", "client_credentials", "client_id", misplaced, "client_secret", "wrong")
	g.get("authorize?" + form("client_id", misplaced).Encode())
	g.get("authorize?" + form("client_id", "app", "redirect_uri", misplaced).Encode())
	g.get("authorize?" + form("client_id", "app", "redirect_uri", callback, "response_type", "code", "connection", misplaced).Encode())
	g.get("login/callback?" + form("state", misplaced, "code", misplaced).Encode())
	g.call(g.manager(), http.MethodDelete, "api/v2/users/"+misplaced, "")
	g.lastEvent()
	var log bytes.Buffer
	if _, err := g.vault.ExportLogs(t.Context(), &log, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, misplaced) || strings.Contains(line, letters) || strings.Contains(line, url.QueryEscape(misplaced)) {
			t.Errorf("a token is in the log: %s", line)
		}
	}
	if !strings.Contains(log.String(), `"invalid_request: subject_token_type '`) || strings.Count(log.String(), `"client_id":"app"`) < 8 {
		t.Errorf("what was refused to whom is not in the log:\n%s", log.String())
	}
}

// TestApplicationThatDoesNotWaitIsNoFailureOfTheGateways has one close its
// connection during a refresh, which goes on, and whose tokens are there afterwards.
func TestApplicationThatDoesNotWaitIsNoFailureOfTheGateways(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.clock.forward(3 * time.Hour)
	before := g.lastEvent()
	entered, release := g.salesforce.Hold("token:refresh_token")
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-entered
		leave()
	}()
	body := form("grant_type", federatedGrant, "client_id", "app", "client_secret", appSecret, "subject_token", token.RefreshToken, "subject_token_type", refreshType,
		"requested_token_type", federatedType, "connection", "salesforce").Encode()
	req := g.request(http.MethodPost, "oauth/token", "application/x-www-form-urlencoded", body)
	if resp, err := http.DefaultClient.Do(req.WithContext(ctx)); err == nil {
		resp.Body.Close()
		t.Fatal("there was an answer")
	}
	for !strings.Contains(g.log.String(), `"status":499`) {
		runtime.Gosched()
	}
	release()
	if a := g.exchange(token.RefreshToken); a.status != http.StatusOK || g.salesforce.Requests("token:refresh_token") != 1 {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
	if e := g.events(before)[0]; e.Type != "feta" || e.Reason != "temporarily_unavailable" || !strings.Contains(e.Description, "closed the connection") {
		t.Errorf("%+v", e)
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
