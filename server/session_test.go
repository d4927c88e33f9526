package server_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/server"
	"sallyport/vault"
	"sallyport/vault/bolt"
)

// TestCookiesOnHTTPSAreOfThisHostAlone looks at the cookie of a sign-in that
// begins at a gateway with https.
func TestCookiesOnHTTPSAreOfThisHostAlone(t *testing.T) {
	t.Parallel()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	v, err := vault.Open(t.Context(), store, vault.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, vault: v, upstream: "https://login.salesforce.com"}
	g.put(func(tx *vault.Tx) error { return g.tenant(tx) })
	s, err := server.New(t.Context(), server.Config{Issuer: "https://login.example.com/", Vault: v, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "https://login.example.com/authorize?"+
		form("client_id", "app", "redirect_uri", callback, "response_type", "code", "scope", "openid").Encode(), nil))
	cookies := w.Result().Cookies()
	if w.Code != 302 || len(cookies) != 1 {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	c := cookies[0]
	if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("%+v", c)
	}
	if w.Header().Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security")
	}
}

// TestH08H22CookieOfAnotherGatewayIsNone shows cookies that were not signed here,
// or were signed for another purpose.
func TestH08H22CookieOfAnotherGatewayIsNone(t *testing.T) {
	t.Parallel()
	g, other := start(t), start(t)
	p := ada()
	other.signIn(p)
	var session, browser string
	for _, c := range p.Client.Jar.Cookies(mustURL(t, other.issuer)) {
		switch c.Name {
		case "sallyport-session":
			session = c.Value
		case "sallyport-browser":
			browser = c.Value
		}
	}
	silent := "authorize?" + form("client_id", "app", "redirect_uri", callback, "response_type", "code", "scope", "openid", "prompt", "none").Encode()
	for name, cookie := range map[string]string{
		"of another gateway": "sallyport-session=" + session,
		"long":               "sallyport-session=" + strings.Repeat("a", 8<<10),
		"path":               "sallyport-session=../../etc/passwd",
	} {
		if a := g.get(silent, "Cookie", cookie); !strings.Contains(a.header.Get("Location"), "login_required") {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
	if a := other.get(silent, "Cookie", "sallyport-session="+browser); !strings.Contains(a.header.Get("Location"), "login_required") {
		t.Errorf("the browser's cookie as a session's: %v", a.header)
	}
	if a := other.get(silent, "Cookie", "sallyport-session="+session); !strings.Contains(a.header.Get("Location"), "code=") {
		t.Errorf("the right one: %v", a.header)
	}
}
