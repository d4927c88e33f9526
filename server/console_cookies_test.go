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

// TestH25ManyTabsOfTheConsoleLeaveOneChallenge begins a hundred sign-ins with a
// passkey in one browser: neither its cookies nor the vault grow with them.
func TestH25ManyTabsOfTheConsoleLeaveOneChallenge(t *testing.T) {
	t.Parallel()
	g := startAt(t, "localhost") // passkeys are of names, and not of addresses
	a := g.stranger()
	for range 100 {
		if page := a.post("/admin/sign-in/passkey/begin"); page.status != http.StatusOK {
			t.Fatalf("%d %s", page.status, page.body)
		}
	}
	kept, size := 0, 0
	g.put(func(tx *vault.Tx) error {
		for _, err := range tx.AdminChallenges.All("") {
			if err != nil {
				return err
			}
			kept++
		}
		return nil
	})
	for _, c := range a.browser.Jar.Cookies(mustURL(t, g.issuer+"admin")) {
		size += len(c.Name) + len(c.Value)
	}
	if kept != 1 || size > 1000 {
		t.Errorf("%d challenges, and cookies of %d bytes", kept, size)
	}
}

func TestPasskeyOfAnAddressIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	page := startAt(t, "127.0.0.1").stranger().post("/admin/sign-in/passkey/begin")
	if page.status != http.StatusBadRequest || !strings.Contains(page.body, "issuer is an IP address") {
		t.Errorf("%d %s", page.status, page.body)
	}
}

// TestH25CookieOfTheConsoleCannotBeTossed has whoever holds a neighbouring host
// give an administrator's browser cookies of their own: with a domain, and so
// without the prefix that keeps domains out, and as many as a browser takes.
func TestH25CookieOfTheConsoleCannotBeTossed(t *testing.T) {
	t.Parallel()
	g := startTLS(t, "https://login.example.com/")
	browser := func() *administrator {
		a := g.stranger()
		a.browser.Transport = inside{g.server}
		return a
	}
	attacker, ada := browser(), browser()
	attacker.takeUp(attacker.invitation(vault.Viewer), "mallory@example.com")
	ada.takeUp(ada.invitation(vault.Owner), "ada@example.com")
	for _, c := range attacker.browser.Jar.Cookies(mustURL(t, g.issuer+"admin")) {
		name, prefixed := strings.CutPrefix(c.Name, "__Host-")
		if !prefixed {
			t.Errorf("the cookie %s has no prefix", c.Name)
		}
		for _, tossed := range []string{name + "=" + c.Value, "x=" + strings.Repeat("A", 8<<10)} {
			for whose, a := range map[string]*administrator{"a stranger": browser(), "Ada": ada} {
				req := g.request(http.MethodGet, "admin/me", "", "")
				req.Header.Set("Cookie", tossed)
				page := a.do(req)
				if strings.Contains(page.body, "mallory@example.com") || page.status != http.StatusOK {
					t.Errorf("%s with the cookie %.40s: %d %s", whose, tossed, page.status, page.url)
				}
				if whose == "Ada" && !strings.Contains(page.body, "ada@example.com") {
					t.Errorf("Ada is out of the console by the cookie %.40s", tossed)
				}
			}
		}
	}
}

// startTLS starts a gateway under an address of https that is reached without a
// network.
func startTLS(t *testing.T, issuer string) *gateway {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	g := &gateway{t: t, issuer: issuer, clock: &clock{}}
	if g.vault, err = vault.Open(t.Context(), store, vault.NewKey()); err != nil {
		t.Fatal(err)
	}
	g.vault.Now = g.clock.Now
	if g.server, err = server.New(t.Context(), server.Config{Issuer: issuer, Vault: g.vault, Now: g.clock.Now, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	return g
}

// inside is a network with a gateway alone in it.
type inside struct{ http.Handler }

func (i inside) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	if req.Body == nil {
		req.Body = http.NoBody
	}
	req.RequestURI, req.RemoteAddr = req.URL.RequestURI(), "192.0.2.1:1234"
	w := httptest.NewRecorder()
	i.ServeHTTP(w, req)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}
