package server_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

func s256(verifier string) string { return oauth2.S256ChallengeFromVerifier(verifier) }

// TestResponseModes has the answer brought in each of the ways there are.
func TestResponseModes(t *testing.T) {
	t.Parallel()
	g := start(t)
	app, _ := g.application()
	ask := func(mode string, more ...oauth2.AuthCodeOption) (string, map[string][]string, string) {
		t.Helper()
		page, err := ada().Visit(app.AuthCodeURL("the-state", append(more, oauth2.SetAuthURLParam("response_mode", mode))...), callback)
		if err != nil {
			t.Fatal(err)
		}
		return page.Body, nil, page.URL.String()
	}
	if _, _, url := ask("query"); !strings.HasPrefix(url, callback+"?code=") {
		t.Errorf("query: %s", url)
	}
	if _, _, url := ask("fragment"); !strings.HasPrefix(url, callback+"#code=") {
		t.Errorf("fragment: %s", url)
	}
	body, _, _ := ask("form_post")
	fields := map[string]string{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		fields[m[1]] = html.UnescapeString(m[2])
	}
	if !strings.Contains(body, `action="`+callback+`"`) || fields["code"] == "" || fields["state"] != "the-state" || fields["iss"] != g.issuer {
		t.Errorf("form_post: %v in %s", fields, body)
	}
	if body, _, _ := ask("web_message", oauth2.SetAuthURLParam("prompt", "none")); !strings.Contains(body, "login_required") || !strings.Contains(body, appURL) {
		t.Errorf("web_message: %s", body)
	}
	a := g.get("authorize?" + form("client_id", "app", "redirect_uri", callback, "response_type", "code", "scope", "openid", "response_mode", "web_message", "prompt", "none").Encode())
	if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors "+appURL) || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "script-src 'self'") || a.header.Get("X-Frame-Options") != "" {
		t.Errorf("web_message: %v", a.header)
	}
}
