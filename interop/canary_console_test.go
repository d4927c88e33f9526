package interop

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	endian "encoding/binary"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

const consolePassword = "correct-horse-battery-staple-1843"

var (
	invitation = regexp.MustCompile(`http://\S+/admin\?invite=[A-Z2-7]+`)
	otpSecret  = regexp.MustCompile(`<code>([A-Z2-7]{32})</code>`)
	pageLink   = regexp.MustCompile(`href="(/admin[^"#]*)`)
)

// administrator takes up the invitation that the gateway printed when it started,
// and has a browser that is signed in to the console.
func (d *day) administrator(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Transport: counted{d}}
	post := func(path string, form url.Values) string {
		req, err := http.NewRequest(http.MethodPost, d.issuer+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", strings.TrimSuffix(d.issuer, "/"))
		return body(t)(browser.Do(req))
	}
	link := ""
	eventually(t, "invitation", func() bool {
		link = invitation.FindString(d.process.out.String())
		return link != ""
	})
	body(t)(browser.Get(link))
	found := otpSecret.FindStringSubmatch(post("admin/welcome", url.Values{"name": {"ada@example.com"}, "password": {consolePassword}, "again": {consolePassword}}))
	if found == nil {
		t.Fatal("the console shows no secret of one-time passwords")
	}
	d.seen.add(found[1], consolePassword)
	if page := post("admin/welcome/confirm", url.Values{"code": {oneTimePassword(t, found[1])}}); !strings.Contains(page, "<h1>Dashboard</h1>") {
		t.Fatalf("the administrator does not get in: %s", page)
	}
	return browser
}

// oneTimePassword is that of a secret, now (RFC 6238).
func oneTimePassword(t *testing.T, secret string) string {
	t.Helper()
	key, err := base32.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	endian.Write(mac, endian.BigEndian, time.Now().Unix()/30)
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", endian.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}

// consolePages are all pages of the console that links lead to, by their paths, up
// to a number.
func (d *day) consolePages(t *testing.T, browser *http.Client, most int) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for ahead := []string{"/admin"}; len(ahead) > 0 && len(pages) < most; ahead = ahead[1:] {
		path := ahead[0]
		if _, read := pages[path]; read {
			continue
		}
		pages[path] = body(t)(browser.Get(strings.TrimSuffix(d.issuer, "/") + path))
		for _, link := range pageLink.FindAllStringSubmatch(pages[path], -1) {
			ahead = append(ahead, html.UnescapeString(link[1]))
		}
	}
	return pages
}

// body is what was answered, whatever the status.
func body(t *testing.T) func(*http.Response, error) string {
	t.Helper()
	return func(resp *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}
