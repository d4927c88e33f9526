package server

import (
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
	"sallyport/vault/bolt"
)

// FuzzCookie sends cookies that nobody signed: none of them carries an ID.
func FuzzCookie(f *testing.F) {
	store, err := bolt.Open(filepath.Join(f.TempDir(), "vault.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { store.Close() })
	v, err := vault.Open(f.Context(), store, vault.NewKey())
	if err != nil {
		f.Fatal(err)
	}
	s := &Server{Config: Config{Vault: v}}
	s.cookies = s.newCookies()
	e := echo.New()
	w := httptest.NewRecorder()
	if err := s.setCookie(e.NewContext(httptest.NewRequest("GET", "/", nil), w), sessionCookie, "an-id"); err != nil {
		f.Fatal(err)
	}
	good := w.Result().Cookies()[0].Value
	for _, seed := range []string{"", good, good[1:], good + "A", "MTc5|x|y", "../../etc/passwd", "a|b|c|d", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", sessionCookie+"="+value)
		id := s.cookie(e.NewContext(r, httptest.NewRecorder()), sessionCookie)
		if id != "" && (id != "an-id" || len(value) < len(good)) {
			t.Errorf("%q carries %q", value, id)
		}
	})
}
