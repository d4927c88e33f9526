package server_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sallyport/server/admin"
	"sallyport/vault"
)

// administrator is a browser with the console, and what its user knows.
type administrator struct {
	*gateway
	browser              *http.Client
	name, password, totp string
}

const adminPassword = "correct horse battery staple"

// stranger is a browser that has not been to the console yet.
func (g *gateway) stranger() *administrator {
	g.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	return &administrator{gateway: g, browser: &http.Client{Jar: jar}, password: adminPassword}
}

// administrator is somebody who took up an invitation.
func (g *gateway) administrator(name string, role vault.Role) *administrator {
	g.t.Helper()
	a := g.stranger()
	a.takeUp(a.invitation(role), name)
	return a
}

func (g *gateway) invitation(role vault.Role) string {
	g.t.Helper()
	link, err := admin.Invite(g.t.Context(), g.vault, g.issuer, vault.AdminInvite{Role: role, By: "a test"}, vault.Event{})
	if err != nil {
		g.t.Fatal(err)
	}
	return link
}

var secretShown = regexp.MustCompile(`<code>([A-Z2-7]{32})</code>`)

// takeUp opens a link, and does what the pages ask.
func (a *administrator) takeUp(link, name string) page {
	a.t.Helper()
	a.name = name
	if page := a.get(link); page.status != http.StatusOK {
		return page
	}
	page := a.post("/admin/welcome", "name", name, "password", a.password, "again", a.password)
	found := secretShown.FindStringSubmatch(page.body)
	if found == nil {
		a.t.Fatalf("no secret of one-time passwords: %d %s", page.status, page.body)
	}
	a.totp = found[1]
	return a.post("/admin/welcome/confirm", "code", a.code())
}

// code is the present one-time password, which has not been used yet.
func (a *administrator) code() string {
	a.t.Helper()
	a.clock.forward(30 * time.Second)
	code, err := totp.GenerateCode(a.totp, a.clock.Now())
	if err != nil {
		a.t.Fatal(err)
	}
	return code
}

func (a *administrator) get(path string) page { return a.send(http.MethodGet, path, nil) }

func (a *administrator) post(path string, fields ...string) page {
	return a.send(http.MethodPost, path, fields)
}

func (a *administrator) send(method, path string, fields []string) page {
	a.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = strings.TrimSuffix(a.issuer, "/") + path
	}
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	req, err := http.NewRequest(method, path, strings.NewReader(form.Encode()))
	if err != nil {
		a.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", strings.TrimSuffix(a.issuer, "/"))
	}
	return a.do(req)
}

// page is what came in the end, after redirects.
type page struct {
	status int
	url    string
	body   string
}

func (a *administrator) do(req *http.Request) page {
	a.t.Helper()
	resp, err := a.browser.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return page{resp.StatusCode, resp.Request.URL.RequestURI(), string(body)}
}

func TestInvitationMakesOneAdministrator(t *testing.T) {
	t.Parallel()
	g := start(t)
	link := g.invitation(vault.Owner)
	a := g.stranger()
	if page := a.takeUp(link, "ada@example.com"); page.status != http.StatusOK || !strings.Contains(page.body, "<h1>Dashboard</h1>") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	if page := g.stranger().get(link); page.status != http.StatusForbidden || !strings.Contains(page.body, "This link no longer works") {
		t.Errorf("a second time: %d", page.status)
	}
	late := g.invitation(vault.Viewer)
	g.clock.forward(25 * time.Hour)
	if page := g.stranger().get(late); page.status != http.StatusForbidden {
		t.Errorf("after a day: %d", page.status)
	}
}

func TestAdministratorSignsInByPasswordAndOneTimePassword(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	a.post("/admin/sign-out")
	if page := a.get("/admin"); !strings.Contains(page.body, "Sign in to the console") {
		t.Fatalf("signed out: %s", page.body)
	}
	code := a.code()
	for name, form := range map[string][]string{
		"wrong password":  {"name", a.name, "password", "wrong", "code", code},
		"wrong code":      {"name", a.name, "password", a.password, "code", "000000"},
		"wrong name":      {"name", "eve@example.com", "password", a.password, "code", code},
		"nothing at all":  {},
		"no password set": {"name", "", "password", "", "code", code},
	} {
		if page := a.post("/admin/sign-in", form...); page.status != http.StatusForbidden || !strings.Contains(page.body, "That is not right") {
			t.Errorf("%s: %d", name, page.status)
		}
	}
	if page := a.post("/admin/sign-in", "name", "ADA@example.com", "password", a.password, "code", code, "return", "/admin?x=1"); page.status != http.StatusOK || !strings.Contains(page.body, "Dashboard") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	other := g.stranger()
	if page := other.post("/admin/sign-in", "name", a.name, "password", a.password, "code", code); page.status != http.StatusForbidden {
		t.Errorf("a one-time password is good twice: %d", page.status)
	}
}

// TestH21ConsoleSessionEnds when it is not used, and in any case; and each
// sign-in has an ID of its own.
func TestH21ConsoleSessionEnds(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	in := func() bool { return strings.Contains(a.get("/admin").body, "<h1>Dashboard</h1>") }
	for range 4 {
		g.clock.forward(29 * time.Minute)
		if !in() {
			t.Fatal("it ends although it is used")
		}
	}
	g.clock.forward(31 * time.Minute)
	if in() {
		t.Error("it does not end when it is not used")
	}
	a.post("/admin/sign-in", "name", a.name, "password", a.password, "code", a.code())
	for range 25 {
		g.clock.forward(29 * time.Minute)
		in()
	}
	if in() {
		t.Error("it does not end after half a day")
	}
}

func TestH20ConsoleTakesNoFormsOfOtherSites(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	for _, header := range [][2]string{{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
		req, err := http.NewRequest(http.MethodPost, g.issuer+"admin/sign-out", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(header[0], header[1])
		if page := a.do(req); page.status != http.StatusForbidden {
			t.Errorf("%v: %d", header, page.status)
		}
	}
	if !strings.Contains(a.get("/admin").body, "<h1>Dashboard</h1>") {
		t.Error("the session was ended by another site")
	}
}

func TestH18ConsoleReturnsToItselfAlone(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	for _, to := range []string{"//evil.example", "https://evil.example/admin", `/\evil.example`, "/admin/../login", "/administer", "/admin//evil", "javascript:alert(1)", "/%61dmin/..%2f", "\t//evil.example"} {
		a.post("/admin/sign-out")
		page := a.post("/admin/sign-in", "name", a.name, "password", a.password, "code", a.code(), "return", to)
		if page.status != http.StatusOK || !strings.Contains(page.body, "<h1>Dashboard</h1>") {
			t.Errorf("%q: %d %.200s", to, page.status, page.body)
		}
	}
}
