package oidc_test

import (
	"strings"
	"testing"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// TestH17RedirectURIs holds a registered redirect URI against what resembles
// it. Only the same letters pass (RFC 9700, section 2.1).
func TestH17RedirectURIs(t *testing.T) {
	t.Parallel()
	registered := []string{"https://app.example.com/cb", "https://app.example.com/cb?tenant=1", "https://*.example.com/cb",
		"com.example.app:/cb", "http://localhost/cb", "http://127.0.0.1/loop", "http://[::1]/loop", "http://127.0.0.1:8080/port?x=1"}
	web := vault.Client{ID: "web", AppType: "regular_web", RedirectURIs: registered}
	native := vault.Client{ID: "native", AppType: "native", RedirectURIs: registered}

	for _, uri := range registered {
		for _, c := range []vault.Client{web, native} {
			if err := oidc.CheckRedirectURI(c, uri); err != nil {
				t.Errorf("%s: %s is registered, but: %v", c.ID, uri, err)
			}
		}
	}
	for _, uri := range []string{ // RFC 8252, section 7.3
		"http://127.0.0.1:1/loop", "http://127.0.0.1:51004/loop", "http://127.0.0.1:65535/loop",
		"http://[::1]:51004/loop", "http://127.0.0.1/port?x=1", "http://127.0.0.1:9/port?x=1",
	} {
		if err := oidc.CheckRedirectURI(native, uri); err != nil {
			t.Errorf("native: %s: %v", uri, err)
		}
		if oidc.CheckRedirectURI(web, uri) == nil {
			t.Errorf("web: %s passes", uri)
		}
	}
	corpus := []string{
		// nothing, or part of it
		"", " ", "/", "/cb", "app.example.com/cb", "//app.example.com/cb", "https:", "https://", "https:///cb", "https:/app.example.com/cb", "https:app.example.com/cb",
		// the end
		"https://app.example.com", "https://app.example.com/", "https://app.example.com/c", "https://app.example.com/cb/", "https://app.example.com/cb.", "https://app.example.com/cbx",
		"https://app.example.com/cb ", "https://app.example.com/cb%20", "https://app.example.com/cb%00", "https://app.example.com/cb\x00", "https://app.example.com/cb\t", "https://app.example.com/cb\n",
		"https://app.example.com/cb;x", "https://app.example.com/cb/x", "https://app.example.com/cb/../evil",
		// query and fragment
		"https://app.example.com/cb?", "https://app.example.com/cb?x=1", "https://app.example.com/cb?tenant=2", "https://app.example.com/cb?tenant=1&x=1", "https://app.example.com/cb?tenant=1&tenant=1",
		"https://app.example.com/cb?tenant=%31", "https://app.example.com/cb?Tenant=1", "https://app.example.com/cb?tenant=1&", "https://app.example.com/cb?&tenant=1", "https://app.example.com/cb?tenant=1;x",
		"https://app.example.com/cb#", "https://app.example.com/cb#x", "https://app.example.com/cb?tenant=1#x", "https://app.example.com/cb%23", "#https://app.example.com/cb",
		"https://evil.example/?https://app.example.com/cb", "https://evil.example/#https://app.example.com/cb", "https://evil.example?@app.example.com/cb", "https://evil.example#@app.example.com/cb",
		// user info
		"https://user@app.example.com/cb", "https://user:pw@app.example.com/cb", "https://@app.example.com/cb", "https://app.example.com@evil.example/cb", "https://app.example.com:443@evil.example/cb",
		"https://app.example.com%40evil.example/cb", "https://evil.example%40app.example.com/cb", "https://evil.example%2f@app.example.com/cb", "https://evil.example\\@app.example.com/cb", "https://evil.example:x@app.example.com/cb",
		// backslashes and slashes
		"https:\\\\app.example.com\\cb", "https://app.example.com\\cb", "https://app.example.com\\.evil.example/cb", "https://evil.example\\app.example.com/cb", "https://app.example.com//cb", "https:////app.example.com/cb",
		"/\\app.example.com/cb", "https://app.example.com/\\cb", "https://app.example.com%5ccb", "\\/\\/app.example.com/cb",
		// encodings
		"https://app.example.com%2fcb", "https://app.example.com/%63b", "https://app.example.com/%2563b", "https://app.example.com/cb%2f", "https://app.example.com/cb%2f..", "https%3A%2F%2Fapp.example.com%2Fcb",
		"https://app%2eexample.com/cb", "https://%61pp.example.com/cb", "https://app.example.com/%c0%afcb", "https://app.example.com/cb%0d%0aSet-Cookie:x", "https://app.example.com/cb%3Ftenant=1", "https://app.example.com/cb%252f",
		// dots
		"https://app.example.com/./cb", "https://app.example.com/x/../cb", "https://app.example.com/cb/.", "https://app.example.com/cb/..", "https://app.example.com/..;/cb", "https://app.example.com/%2e%2e/cb", "https://app.example.com/cb/%2e%2e/evil", "https://app.example.com./cb",
		// case
		"HTTPS://app.example.com/cb", "https://APP.example.com/cb", "https://app.example.com/CB", "Https://App.Example.Com/Cb",
		// port
		"https://app.example.com:443/cb", "https://app.example.com:/cb", "https://app.example.com:8443/cb", "https://app.example.com:0443/cb", "https://app.example.com:80/cb",
		// scheme
		"http://app.example.com/cb", "ftp://app.example.com/cb", "javascript:alert(1)", "javascript://app.example.com/cb", "data:text/html,x", "view-source:https://app.example.com/cb", "blob:https://app.example.com/cb", " https://app.example.com/cb", "https ://app.example.com/cb", "\thttps://app.example.com/cb",
		// host
		"https://app.example.com.evil.example/cb", "https://evilapp.example.com/cb", "https://app-example.com/cb", "https://appxexample.com/cb", "https://example.com/cb", "https://app.example.comevil/cb", "https://app.example.co/cb", "https://app.example.com,evil.example/cb",
		"https://sub.app.example.com/cb", "https://x.example.com/cb", "https://evil.com/.example.com/cb", "https://app.example.com\u3002evil.example/cb",
		// international names
		"https://\u0430pp.example.com/cb", "https://xn--pp-6kc.example.com/cb", "https://app.ex\u0430mple.com/cb", "https://app\uff0eexample.com/cb", "https://app.example.com/\uff43b", "https://a\u200bpp.example.com/cb", "https://app.example.com/cb\u202e",
		// other schemes of native applications
		"com.example.app://cb", "com.example.app:cb", "com.example.app:/cb/", "com.example.app:/CB", "COM.EXAMPLE.APP:/cb", "com.example.appx:/cb", "com.example.app:/cb?x",
		// several
		"https://app.example.com/cb https://app.example.com/cb", "https://app.example.com/cb,https://evil.example", "https://app.example.com/cb|https://evil.example", "https://app.example.com/cbhttps://app.example.com/cb",
		// loopback, near and far (RFC 8252, sections 7.3 and 8.3)
		"http://localhost:8080/cb", "http://localhost./cb", "http://localhost.evil.example/cb", "http://localhost@evil.example/cb", "http://127.0.0.1:8080@evil.example/loop", "http://127.0.0.1@evil.example/loop", "http://127.0.0.1.evil.example/loop", "http://127.0.0.1:80.evil.example/loop",
		"http://127.0.0.1:/loop", "http://127.0.0.1:0/loop", "http://127.0.0.1:65536/loop", "http://127.0.0.1:99999999999999999999/loop", "http://127.0.0.1:-1/loop", "http://127.0.0.1:+80/loop", "http://127.0.0.1:80x/loop", "http://127.0.0.1:8 0/loop", "http://127.0.0.1:\u0661/loop",
		"http://127.0.0.1:80/loop/", "http://127.0.0.1:80/Loop", "http://127.0.0.1:80/loop?x", "http://127.0.0.1:80/loop#x", "http://127.0.0.1:80/x/../loop", "http://127.0.0.1:80", "http://127.0.0.1:80/", "http://127.0.0.1:80:81/loop", "http://127.0.0.1:80\\loop",
		"https://127.0.0.1:80/loop", "http://127.1:80/loop", "http://127.0.0.2:80/loop", "http://0x7f.0.0.1:80/loop", "http://2130706433:80/loop", "http://0.0.0.0:80/loop", "http://127.0.0.1%2f:80/loop", "http://user@127.0.0.1:80/loop",
		"http://[::1]:0/loop", "http://[::1]x:80/loop", "http://[::1%25lo]:80/loop", "http://[0:0:0:0:0:0:0:1]:80/loop", "http://[::ffff:127.0.0.1]:80/loop", "http://::1:80/loop", "http://[::1]:80@evil.example/loop", "http://[::1].evil.example/loop",
		"http://[::1%lo]:80/loop", "http://[::1%25eth0]/loop", "http://[0::1]:80/loop", "http://[::]:80/loop", "http://[::1]]:80/loop", "http://[[::1]]:80/loop", "http://[::1]:80:81/loop", "http://[::1]:/loop", "http://[::1]:080000/loop", "HTTP://[::1]:80/loop",
		"http://127.0.0.1:00/loop", "http://127.0.0.1:%38%30/loop", "http://127.0.0.1:80%2floop", "http://127.0.0.1:80;/loop", "http://127.0.0.1:80,81/loop", "http://127.0.0.1 :80/loop", "http://127.0.0.1\t:80/loop", "http://127.0.0.1.:80/loop", "http://127.0.0.01:80/loop", "http://0177.0.0.1:80/loop", "http://127.0.0.1\uff0e:80/loop",
		"HTTP://127.0.0.1:80/loop", "http:/127.0.0.1:80/loop", "http:127.0.0.1:80/loop", "http:\\127.0.0.1:80/loop", "http:///127.0.0.1:80/loop", "ws://127.0.0.1:80/loop", "http://127.0.0.1:80/loop%00", "http://127.0.0.1:80//loop", "http://127.0.0.1:80/%6coop", "http://127.0.0.1:80?/loop", "http://127.0.0.1:80#@/loop",
		// wildcards, which mean nothing
		"https://app.example.com/*", "https://*/cb", "https://*", "*", "https://*.example.com/", "https://a.*.example.com/cb", "https://x.example.com/cb?*", "https://%2a.example.com/cb", "https://evil.example/.example.com/cb", "https://x.y.example.com/cb", "https://.example.com/cb",
		// encoded twice and more
		"https://app.example.com%252fcb", "https://app.example.com/%252e%252e/cb", "https://app.example.com%252eevil.example/cb", "https://app.example.com/cb%25%32%66", "https://app.example.com/cb%u002f", "https%253A%252F%252Fapp.example.com%252Fcb", "https://app.example.com/cb?tenant=%2531",
		// a second answer smuggled in
		"https://app.example.com/cb?code=x", "https://app.example.com/cb?state=x", "https://app.example.com/cb?tenant=1&code=x", "https://app.example.com/cb&redirect_uri=https://evil.example", "https://app.example.com/cb?redirect_uri=https://evil.example", "https://app.example.com/cb%26x=1", "https://app.example.com/cb\r\nLocation: https://evil.example",
		"http://127.0.0.1:8080/port", "http://127.0.0.1:9/port?x=2", "http://127.0.0.1:9/port?x=1&y=2",
	}
	seen := map[string]bool{}
	for _, uri := range corpus {
		if seen[uri] {
			t.Errorf("%q comes twice", uri)
		}
		seen[uri] = true
	}
	if len(seen) < 200 {
		t.Errorf("only %d variants", len(seen))
	}
	for _, uri := range corpus {
		for _, c := range []vault.Client{web, native, {}} {
			want(t, oidc.CheckRedirectURI(c, uri), oidc.InvalidRequest, "redirect_uri")
			if oidc.CheckRedirectURI(c, uri) == nil {
				t.Errorf("%s: %q passes", c.ID, uri)
			}
		}
	}
}

// A description is shown on a page: it quotes what was sent, but not for long
// and not with any character.
func TestRedirectURIIsQuotedWithCare(t *testing.T) {
	t.Parallel()
	err := oidc.CheckRedirectURI(public, "https://evil.example/\"<script>\u202e\n"+strings.Repeat("x", 2000))
	if s := err.Error(); len(s) > 400 || strings.ContainsAny(s, "\"\n\u202e") {
		t.Error(s)
	}
}
