package connections_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/connections"
	"sallyport/vault"
)

// TestH46InsideIsNotReached tries the ways there are to write an address that is
// not a public one.
func TestH46InsideIsNotReached(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(inside.Close)
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := connections.NewHTTPClient(nil)
	for _, host := range []string{
		"127.0.0.1", "localhost", "127.1", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "2130706433", "0x7f000001", "017700000001", "127.0.0.1.",
		"169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "198.18.0.1", "192.0.0.192", "224.0.0.1", "255.255.255.255",
		"[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[2001:db8::1]", "[::127.0.0.1]",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		req, err := http.NewRequestWithContext(ctx, "GET", "http://"+host+":"+port+"/", nil)
		if err != nil {
			cancel()
			continue // not even a URL
		}
		if resp, err := client.Do(req); err == nil {
			t.Errorf("%s was reached: %s", host, resp.Status)
			resp.Body.Close()
		} else if ctx.Err() != nil {
			t.Errorf("%s was dialled", host)
		}
		cancel()
	}
	if reached.Load() != 0 {
		t.Errorf("inside was reached %d times", reached.Load())
	}
}

// TestH46RedirectsAreNotFollowed, since they could lead inside.
func TestH46RedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Bool
	there := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	t.Cleanup(there.Close)
	here := httptest.NewServer(http.RedirectHandler(there.URL, http.StatusTemporaryRedirect))
	t.Cleanup(here.Close)
	resp, err := connections.NewHTTPClient(loopback()).Get(here.URL)
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect || followed.Load() {
		t.Errorf("%v %v, followed %v", resp, err, followed.Load())
	}
}

// TestH48UselessAnswersLoseNothing has the token endpoint answer in each way
// that says nothing: none of them ends a grant, or takes longer than its time.
func TestH48UselessAnswersLoseNothing(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	for name, handler := range map[string]http.HandlerFunc{
		"HTML": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>Down for maintenance</html>")
		},
		"empty":          func(http.ResponseWriter, *http.Request) {},
		"truncated JSON": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"access_token":"at","id":`) },
		"no token":       func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ok":true}`) },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(strings.Repeat("x", 64<<10))
			for range 1 << 14 { // a GiB, if somebody reads it
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
		"gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			chunk := make([]byte, 1<<20)
			for range 64 {
				if _, err := z.Write(chunk); err != nil {
					return
				}
			}
		},
		"redirect loop": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		},
		"slow": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			select {
			case <-stop:
			case <-r.Context().Done():
			}
		},
		"502": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) },
		"404": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "nothing", http.StatusNotFound) },
		"a 400 that is no OAuth error": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `[{"errorCode":"UNKNOWN"}]`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			far := httptest.NewServer(handler)
			t.Cleanup(far.Close)
			o := &org{url: far.URL}
			p := o.open(t, vault.Connection{Name: "salesforce", Strategy: "salesforce", ClientID: "key", Options: map[string]string{"login_url": far.URL}})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_, err := p.Refresh(ctx, vault.TokenSet{Identity: "salesforce|o/u", RefreshToken: vault.NewSecret("rt")})
			var upstream *connections.Error
			if !errors.As(err, &upstream) || upstream.Kind != connections.Unavailable || errors.Is(err, vault.ErrReauthorize) || errors.Is(err, vault.ErrUnspent) {
				t.Errorf("Refresh = %v", err)
			}
		})
	}
	t.Cleanup(func() { close(stop) })
}
