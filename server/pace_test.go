package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sallyport/server"
)

// TestH50AClientIsHeldToItsPaceAlone, once it is known to be that client: what
// anybody can say of himself must not use up what is another's.
func TestH50AClientIsHeldToItsPaceAlone(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.server.Pace = server.Pace{Client: 1}
	ask := func(client, secret string) answer {
		return g.post("oauth/introspect", "client_id", client, "client_secret", secret, "token", "unknown")
	}
	for i := range 5 {
		if a := ask("app", "wrong"); a.status != 401 {
			t.Fatalf("wrong secret %d: %d %s", i, a.status, a.body)
		}
	}
	first := ask("app", appSecret)
	if first.status != 200 || first.header.Get("X-RateLimit-Limit") != "10" || first.header.Get("X-RateLimit-Remaining") != "9" || first.header.Get("X-RateLimit-Reset") == "" {
		t.Errorf("first: %d %v", first.status, first.header)
	}
	for range 9 {
		if a := ask("app", appSecret); a.status != 200 {
			t.Fatalf("within the limit: %d %s", a.status, a.body)
		}
	}
	a := ask("app", appSecret)
	if a.status != 429 || a.str("error") != "too_many_requests" || a.header.Get("Retry-After") != "1" || a.header.Get("X-RateLimit-Remaining") != "0" || a.str("correlation_id") == "" {
		t.Errorf("over the limit: %d %v %s", a.status, a.header, a.body)
	}
	if a := ask("other", appSecret+"-of-another"); a.status != 200 {
		t.Errorf("another client pays for it: %d %s", a.status, a.body)
	}
	g.clock.forward(time.Second)
	if a := ask("app", appSecret); a.status != 200 {
		t.Errorf("a second later: %d %s", a.status, a.body)
	}
}

// TestH50AnAddressIsHeldToItsPace at what strangers can ask, and with the public
// clients that it names.
func TestH50AnAddressIsHeldToItsPace(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.server.Pace = server.Pace{Address: 1}
	ask := func(from, method, path, form string) *http.Response {
		r := httptest.NewRequest(method, path, strings.NewReader(form))
		r.RemoteAddr = from
		if form != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		g.server.ServeHTTP(w, r)
		return w.Result()
	}
	signIn := func(from string) *http.Response { return ask(from, "GET", "/authorize?client_id=nobody", "") }
	for range 10 {
		if r := signIn("192.0.2.1:1000"); r.StatusCode != 400 {
			t.Fatalf("within the limit: %d", r.StatusCode)
		}
	}
	if r := signIn("192.0.2.1:2000"); r.StatusCode != 429 || r.Header.Get("Retry-After") != "1" || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		t.Errorf("over the limit: %d %v", r.StatusCode, r.Header)
	}
	if r := signIn("192.0.2.2:1000"); r.StatusCode != 400 {
		t.Errorf("another address pays for it: %d", r.StatusCode)
	}
	redeem := "grant_type=authorization_code&client_id=spa&code=c&redirect_uri=x&code_verifier=" + strings.Repeat("v", 43)
	if r := ask("192.0.2.1:3000", "POST", "/oauth/token", redeem); r.StatusCode != 429 {
		t.Errorf("a public client at that address: %d", r.StatusCode)
	}
	if r := ask("192.0.2.3:3000", "POST", "/oauth/token", redeem); r.StatusCode == 429 {
		t.Error("the public client at another address is locked out")
	}
	for _, path := range []string{"/.well-known/jwks.json", "/healthz", "/static/none"} {
		if r := ask("192.0.2.1:4000", "GET", path, ""); r.StatusCode == 429 {
			t.Errorf("%s, which costs nothing, is refused", path)
		}
	}
}

func TestH50AUserIsHeldToOnePaceByAllClients(t *testing.T) {
	t.Parallel()
	g := start(t)
	user := g.signIn(ada())
	g.server.Pace = server.Pace{User: 1}
	for range 10 {
		if a := g.exchange(user.RefreshToken); a.status != 200 {
			t.Fatalf("within the limit: %d %s", a.status, a.body)
		}
	}
	if a := g.exchange(user.RefreshToken); a.status != 429 || a.header.Get("Retry-After") != "1" || a.str("error") != "too_many_requests" {
		t.Errorf("over the limit: %d %v %s", a.status, a.header, a.body)
	}
	if a := g.get("userinfo", "Authorization", "Bearer "+user.AccessToken); a.status != 429 {
		t.Errorf("userinfo, over the limit: %d", a.status)
	}
	another := g.signIn(grace())
	if a := g.exchange(another.RefreshToken); a.status != 200 {
		t.Errorf("another user pays for it: %d %s", a.status, a.body)
	}
	g.clock.forward(time.Second)
	if a := g.exchange(user.RefreshToken); a.status != 200 {
		t.Errorf("a second later: %d %s", a.status, a.body)
	}
}
