package simulator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport/connections/simulator"
)

func TestUntrustedRequestsAreAnsweredBareAndNeverRedirected(t *testing.T) {
	o := start(t, func(_ *simulator.Salesforce, a *simulator.App) { a.RequirePKCE = true })
	for _, test := range []struct {
		name    string
		request url.Values
		body    string
	}{
		{"unknown client", request("client_id", "3MVG9other"), "error=invalid_client_id&error_description=client%20identifier%20invalid"},
		{"client before redirect", request("client_id", "x", "redirect_uri", "x"), "error=invalid_client_id&error_description=client%20identifier%20invalid"},
		{"no redirect", request("redirect_uri", ""), "error=redirect_uri_missing&error_description=redirect_uri%20not%20provided"},
		{"unregistered redirect", request("redirect_uri", "https://evil.example/"), "error=redirect_uri_mismatch&error_description=redirect_uri%20must%20match%20configuration"},
		{"a slash more", request("redirect_uri", callback+"/"), "error=redirect_uri_mismatch&error_description=redirect_uri%20must%20match%20configuration"},
		{"redirect before response type", request("redirect_uri", "x", "response_type", "x"), "error=redirect_uri_mismatch&error_description=redirect_uri%20must%20match%20configuration"},
		{"no challenge", request(), "error=invalid_request&error_description=missing%20required%20code%20challenge"},
		{"plain", request("code_challenge", "abc", "code_challenge_method", "plain"), "error=invalid_request&error_description=code%20challenge%20method%20not%20supported"},
		{"challenge before scopes", request("scope", "nonsense"), "error=invalid_request&error_description=missing%20required%20code%20challenge"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := o.get(authorizePath(test.request), "")
			if _, ok := r.Header["Content-Type"]; ok {
				t.Errorf("Content-Type %q", r.Header.Get("Content-Type"))
			}
			if r.StatusCode != 400 || r.body != test.body || r.Header.Get("Location") != "" {
				t.Errorf("%d %s", r.StatusCode, r.body)
			}
		})
	}
}

func TestErrorsAreRedirectedToTheCallback(t *testing.T) {
	o := start(t)
	const state = "&state=s+t%2B1"
	for _, test := range []struct {
		name     string
		request  url.Values
		location string
	}{
		{"response type", request("response_type", "id_token"), callback + "?error=unsupported_response_type&error_description=response+type+not+supported" + state},
		{"response type before scopes", request("response_type", "x", "scope", "nonsense"), callback + "?error=unsupported_response_type&error_description=response+type+not+supported" + state},
		{"token, in the fragment", request("response_type", "token"), callback + "#error=unsupported_response_type&error_description=response+type+not+supported" + state},
		{"callback with a query", request("response_type", "x", "redirect_uri", "https://gateway.example/other?x=1"), "https://gateway.example/other?x=1&error=unsupported_response_type&error_description=response+type+not+supported" + state},
		{"no such scope", request("scope", "openid nonsense"), callback + "?error=invalid_scope&error_description=the+requested+scope+is+not+allowed" + state},
		{"no state", request("scope", "nonsense", "state", ""), callback + "?error=invalid_scope&error_description=the+requested+scope+is+not+allowed"},
		{"immediate, nobody there", request("immediate", "true"), callback + "?error=immediate_unsuccessful" + state},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := o.get(authorizePath(test.request), "")
			if r.StatusCode != http.StatusFound || r.Header.Get("Location") != test.location {
				t.Errorf("%d %s\nwant %s", r.StatusCode, r.Header.Get("Location"), test.location)
			}
		})
	}
}

func TestAuthorizationRequestMayBePosted(t *testing.T) {
	o := start(t)
	if r := o.post("/services/oauth2/authorize", request()); r.StatusCode != 200 || !strings.Contains(r.body, `action="/sim/login"`) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

func TestScopeTheAppLacksFailsAfterLoginOnAPage(t *testing.T) {
	o := start(t, func(_ *simulator.Salesforce, a *simulator.App) { a.Scopes = []string{"openid", "api"} })
	b := o.browser()
	page := b.get(authorizePath(request("scope", "openid refresh_token")))
	if page.StatusCode != 200 {
		t.Fatalf("before login: %d", page.StatusCode)
	}
	r := b.login(page)
	if r.Header.Get("Content-Type") != asHTML || !strings.Contains(r.body, "OAUTH_APPROVAL_ERROR_GENERIC") ||
		!strings.Contains(r.body, "An unexpected error has occurred during authentication. Please try again.") {
		t.Errorf("after login: %d %s", r.StatusCode, r.body)
	}
}

func TestScopes(t *testing.T) {
	for _, test := range []struct {
		name  string
		app   []string
		asked string
		want  string
	}{
		{"none asked: the app's", []string{"api", "openid"}, "", "api openid"},
		{"some", nil, "openid api", "openid api"},
		{"twice", nil, "api api", "api"},
		{"one of a group brings all", []string{"id", "refresh_token"}, "profile offline_access", "profile offline_access"},
		{"full", []string{"full"}, "web api email", "web api email"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := start(t, func(_ *simulator.Salesforce, a *simulator.App) { a.Scopes = test.app })
			if got := o.signIn("scope", test.asked).Scope; got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestImmediateSucceedsOnlyForApprovedUsers(t *testing.T) {
	o := start(t)
	b := o.browser()
	r := b.login(b.get(authorizePath(request())))
	if q := b.atCallback(b.get(authorizePath(request("immediate", "true")))); q.Get("error") != "immediate_unsuccessful" {
		t.Errorf("unapproved: %v", q)
	}
	b.submit(r, url.Values{"decision": {"allow"}})
	if q := b.atCallback(b.get(authorizePath(request("immediate", "true")))); q.Get("code") == "" {
		t.Errorf("approved: %v", q)
	}
	if q := b.atCallback(b.get(authorizePath(request("immediate", "true", "prompt", "login")))); q.Get("error") != "immediate_unsuccessful" {
		t.Errorf("prompt=login: %v", q)
	}
}
