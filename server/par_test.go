package server_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
)

// push pushes the usual authorization request; more overrides.
func (g *gateway) push(more ...string) answer {
	g.t.Helper()
	return g.post("oauth/par", append([]string{"client_id", "app", "client_secret", appSecret, "redirect_uri", callback, "response_type", "code",
		"scope", "openid offline_access", "state", "the-state", "code_challenge", s256(verifier), "code_challenge_method", "S256"}, more...)...)
}

// update changes the application.
func (g *gateway) update(fn func(*vault.Client)) {
	g.t.Helper()
	g.put(func(tx *vault.Tx) error {
		c, err := tx.Clients.Get("app")
		if err != nil {
			return err
		}
		fn(&c)
		return tx.Clients.Put(c)
	})
}

func TestPushedRequestSignsInOnce(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.push()
	if a.status != 201 || !strings.HasPrefix(a.str("request_uri"), "urn:ietf:params:oauth:request_uri:") || a.json["expires_in"] != float64(60) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	at := g.issuer + "authorize?" + form("client_id", "app", "request_uri", a.str("request_uri"), "state", "of somebody else").Encode()
	page, err := ada().Visit(at, callback)
	if err != nil || page.URL.Query().Get("code") == "" || page.URL.Query().Get("state") != "the-state" {
		t.Fatalf("%v %+v", err, page)
	}
	if b := g.post("oauth/token", "grant_type", "authorization_code", "client_id", "app", "client_secret", appSecret, "code", page.URL.Query().Get("code"),
		"redirect_uri", callback, "code_verifier", verifier); b.status != 200 {
		t.Errorf("%d %s", b.status, b.body)
	}
	if page, err := ada().Visit(at, callback); err != nil || page.Status != 400 {
		t.Errorf("the second time: %v %d", err, page.Status)
	}
}

func TestPushedRequestIsItsClientsForAMinute(t *testing.T) {
	t.Parallel()
	g := start(t)
	uri := g.push().str("request_uri")
	if a := g.get("authorize?" + form("client_id", "other", "request_uri", uri).Encode()); a.status != 400 || a.header.Get("Location") != "" {
		t.Errorf("another client: %d %v", a.status, a.header)
	}
	g.clock.forward(61 * time.Second)
	if a := g.get("authorize?" + form("client_id", "app", "request_uri", uri).Encode()); a.status != 400 {
		t.Errorf("expired: %d %v", a.status, a.header)
	}
}

func TestWhatIsWrongWithAPushedRequestIsToldAtOnce(t *testing.T) {
	t.Parallel()
	g := start(t)
	for name, tt := range map[string]struct {
		form   []string
		status int
		error  string
	}{
		"wrong secret":     {[]string{"client_secret", "wrong"}, 401, "invalid_client"},
		"unknown client":   {[]string{"client_id", "nobody"}, 401, "invalid_client"},
		"redirect URI":     {[]string{"redirect_uri", "https://evil.example/"}, 400, "invalid_request"},
		"no redirect URI":  {[]string{"redirect_uri", ""}, 400, "invalid_request"},
		"response type":    {[]string{"response_type", "token"}, 400, "unsupported_response_type"},
		"plain PKCE":       {[]string{"code_challenge_method", "plain"}, 400, "invalid_request"},
		"a reference":      {[]string{"request_uri", "urn:ietf:params:oauth:request_uri:x"}, 400, "invalid_request"},
		"an object of air": {[]string{"request", "e30.e30."}, 400, "invalid_request_object"},
	} {
		if a := g.push(tt.form...); a.status != tt.status || a.str("error") != tt.error || a.str("error_description") == "" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestClientThatMustPushIsRefusedOtherwise(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.update(func(c *vault.Client) { c.RequirePAR = true })
	a := g.get("authorize?" + form("client_id", "app", "redirect_uri", callback, "response_type", "code", "scope", "openid", "state", "s").Encode())
	u, _ := url.Parse(a.header.Get("Location"))
	if u.Query().Get("error") != "invalid_request" || !strings.Contains(u.Query().Get("error_description"), "push") {
		t.Errorf("%d %v", a.status, a.header)
	}
	page, err := ada().Visit(g.issuer+"authorize?"+form("client_id", "app", "request_uri", g.push().str("request_uri")).Encode(), callback)
	if err != nil || page.URL.Query().Get("code") == "" {
		t.Errorf("%v %+v", err, page)
	}
}

// TestChoiceOfAConnectionKeepsAPushedRequest goes by the page to choose on.
func TestChoiceOfAConnectionKeepsAPushedRequest(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.put(func(tx *vault.Tx) error { return tx.Connections.Put(g.connection("sandbox")) })
	at := g.issuer + "authorize?" + form("client_id", "app", "request_uri", g.push().str("request_uri")).Encode()
	p := ada()
	page, err := p.Visit(at, callback)
	if err != nil || page.Status != 200 || !strings.Contains(page.Body, "connection=sandbox") {
		t.Fatalf("%v %d %s", err, page.Status, page.Body)
	}
	if page, err = p.Visit(at+"&connection=sandbox", callback); err != nil || page.URL.Query().Get("code") == "" {
		t.Errorf("%v %+v", err, page)
	}
}
