package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
)

// TestH22ConsoleSessionIsNoPathAndNobodyElses shows cookies that are none.
func TestH22ConsoleSessionIsNoPathAndNobodyElses(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	u, _ := url.Parse(g.issuer)
	var name, good string
	for _, c := range a.browser.Jar.Cookies(u.JoinPath("admin")) {
		if strings.Contains(c.Name, "admin") && !strings.Contains(c.Name, "challenge") {
			name, good = c.Name, c.Value
		}
	}
	for _, value := range []string{"", "../../root.key", "..%2f..%2froot.key", "%00", strings.Repeat("A", 7000), good[:len(good)-2] + "AA", good + good, vault.Hash(good)} {
		req := g.request(http.MethodGet, "admin/users", "", "")
		req.Header.Set("Cookie", name+"="+value)
		if answer := g.do(req); answer.status != http.StatusSeeOther || !strings.HasPrefix(answer.header.Get("Location"), "/admin/sign-in") {
			t.Errorf("%.40q: %d %v", value, answer.status, answer.header)
		}
	}
	if page := a.get("/admin/users"); page.status != http.StatusOK {
		t.Errorf("the session itself: %d", page.status)
	}
}

// pathOf are the places of a route at which something has to stand.
var pathOf = regexp.MustCompile(`:\w+`)

// TestH23ConsoleIsNeitherFramedNorKept looks at all pages, as a stranger and as an
// owner.
func TestH23ConsoleIsNeitherFramedNorKept(t *testing.T) {
	t.Parallel()
	g := start(t)
	a, n := g.administrator("ada@example.com", vault.Owner), 0
	for _, route := range g.server.Routes() {
		path, ok := strings.CutPrefix(route, "GET /admin")
		if !ok || strings.HasSuffix(path, "/live") || strings.HasSuffix(path, "/try/events") {
			continue
		}
		for _, browser := range []*http.Client{a.browser, http.DefaultClient} {
			resp, err := browser.Get(g.issuer + "admin" + pathOf.ReplaceAllString(path, "salesforce"))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			h := resp.Header
			csp := h.Get("Content-Security-Policy")
			if !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || h.Get("X-Frame-Options") != "DENY" ||
				h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" || h.Get("Cross-Origin-Opener-Policy") != "same-origin" {
				t.Errorf("%s: %d %v", path, resp.StatusCode, h)
			}
			n++
		}
	}
	if n < 60 {
		t.Errorf("only %d answers", n)
	}
	if page := g.stranger().get(g.invitation(vault.Viewer)); strings.Contains(page.url, "invite") {
		t.Errorf("the invitation stays in the address: %s", page.url)
	}
}

// TestH44WhoMayNotIsRefusedEveryChange has a viewer and an editor try all that
// changes something.
func TestH44WhoMayNotIsRefusedEveryChange(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.signIn(ada())
	viewer, editor := g.administrator("grace@example.com", vault.Viewer), g.administrator("hedy@example.com", vault.Editor)
	own := []string{"/sign-out", "/prove", "/prove/connection", "/theme", "/me/identity", "/me/identity/remove", "/me/passkey", "/me/passkey/begin", "/me/passkey/remove", "/me/password", "/me/sign-out", "/audit/verify", "/audit/export", "/keys/count"}
	owners := []string{"/administrators", "/administrators/:id/role", "/administrators/:id/remove", "/keys/rotate", "/keys/rekey", "/settings", "/settings/publish", "/settings/discard"}
	tried := 0
	for _, route := range g.server.Routes() {
		path, ok := strings.CutPrefix(route, "POST /admin")
		if !ok || strings.HasPrefix(path, "/sign-in") || strings.HasPrefix(path, "/welcome") || slices.Contains(own, path) {
			continue
		}
		who := []*administrator{viewer}
		if slices.Contains(owners, path) {
			who = append(who, editor)
		}
		for _, a := range who {
			if page := a.post("/admin"+pathOf.ReplaceAllString(path, "salesforce"), "role", "owner"); page.status != http.StatusForbidden || !strings.Contains(page.body, "This takes the role") {
				t.Errorf("%s: %s gets %d", path, a.name, page.status)
			}
			tried++
		}
	}
	if tried < 30 {
		t.Errorf("only %d were tried", tried)
	}
}

// TestH50ConsolePasswordsAreGuessedForAWhileAlone: then even the right one waits,
// from the address that guessed.
func TestH50ConsolePasswordsAreGuessedForAWhileAlone(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	other := g.administrator("grace@example.com", vault.Owner)
	enter := func(a *administrator, password string) page {
		return g.stranger().post("/admin/sign-in", "name", a.name, "password", password, "code", a.code())
	}
	g.clock.forward(time.Hour)
	wrong := map[int]int{}
	for range 12 {
		wrong[g.stranger().post("/admin/sign-in", "name", a.name, "password", "wrong", "code", "000000").status]++
	}
	if wrong[http.StatusForbidden] != 10 || wrong[http.StatusTooManyRequests] != 2 {
		t.Errorf("%v", wrong)
	}
	code := a.code()
	g.clock.forward(-30 * time.Second)
	if page := g.stranger().post("/admin/sign-in", "name", a.name, "password", adminPassword, "code", code); page.status != http.StatusTooManyRequests {
		t.Errorf("the right one, after too many wrong ones: %d", page.status)
	}
	if page := enter(other, adminPassword); page.status != http.StatusOK {
		t.Errorf("somebody else pays for it: %d", page.status)
	}
	g.clock.forward(2 * time.Minute)
	if page := enter(a, adminPassword); page.status != http.StatusOK {
		t.Errorf("it is not forgiven: %d", page.status)
	}
}

// TestH50OneTimePasswordsAreGuessedForAWhileAlone has somebody who knows the
// password try the rest: after five, none is looked at, and the log says that
// somebody knows the password.
func TestH50OneTimePasswordsAreGuessedForAWhileAlone(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	before := g.lastEvent()
	for i := range 5 {
		if page := g.stranger().post("/admin/sign-in", "name", a.name, "password", adminPassword, "code", fmt.Sprintf("00000%d", i)); page.status != http.StatusForbidden {
			t.Errorf("%d", page.status)
		}
	}
	if page := g.stranger().post("/admin/sign-in", "name", a.name, "password", adminPassword, "code", a.code()); page.status != http.StatusForbidden {
		t.Errorf("the right one, after too many wrong ones: %d", page.status)
	}
	if e := g.events(before)[0]; e.Type != "sallyport_console_sign_in_failed" || !strings.Contains(e.Description, "the password is right") {
		t.Errorf("%+v", e)
	}
	g.clock.forward(10 * time.Minute)
	if page := g.stranger().post("/admin/sign-in", "name", a.name, "password", adminPassword, "code", a.code()); page.status != http.StatusOK {
		t.Errorf("it is not forgiven: %d", page.status)
	}
}

// TestH51ConsoleStrangersForgeNoLog enters names that would be further lines, and
// many of them.
func TestH51ConsoleStrangersForgeNoLog(t *testing.T) {
	t.Parallel()
	g := start(t)
	before := g.lastEvent()
	for i := range 150 {
		g.stranger().post("/admin/sign-in", "name", fmt.Sprintf("nobody%d\r\n{\"level\":\"FORGED\"}\x1b[31m", i), "password", "x", "code", "000000", "return", "/admin/\r\nx")
	}
	list := g.events(before)
	if len(list) > 70 {
		t.Errorf("%d events", len(list))
	}
	for line := range strings.Lines(g.log.String()) {
		if strings.HasPrefix(line, `{"level":"FORGED"`) || strings.Contains(line, "\x1b") {
			t.Errorf("a line of a stranger's: %q", line)
		}
	}
}
