package server_test

import (
	"encoding/base64"
	"image/color"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"sallyport/connections/simulator/simtest"
	"sallyport/server/branding"
	"sallyport/vault"
)

// clientsPage is where the branding of the application is changed.
const clientsPage = "/admin/clients/app/branding"

var revision = regexp.MustCompile(`name="revision" value="([^"]+)"`)

// brandClient sends the form of the application's branding, as it was just opened.
func (a *administrator) brandClient(logo []byte, fields ...string) page {
	a.t.Helper()
	found := revision.FindStringSubmatch(a.get(clientsPage).body)
	if found == nil {
		a.t.Fatal("no form")
	}
	return a.brandAt(clientsPage, logo, append(fields, "revision", found[1])...)
}

// opened is a page as somebody gets it.
func (g *gateway) opened(p *simtest.Person, path string) string {
	g.t.Helper()
	page, err := p.Visit(g.issuer+path, callback)
	if err != nil {
		g.t.Fatal(err)
	}
	return page.Body
}

// pagesOfApp are the pages that the application's users meet, as somebody gets
// them who is new here.
func (g *gateway) pagesOfApp() map[string]string {
	g.t.Helper()
	_, userCode := g.device()
	token := g.signIn(ada())
	g.forget()
	refused := g.exchange(token.RefreshToken)
	p, stranger := ada(), grace()
	g.visit(p)
	g.visit(stranger)
	app, _ := g.application()
	g.put(func(tx *vault.Tx) error { return tx.Connections.Put(g.connection("second")) })
	pages := map[string]string{
		"choose":       g.opened(ada(), strings.TrimPrefix(app.AuthCodeURL("s"), g.issuer)),
		"device":       g.opened(p, "activate?user_code="+userCode),
		"denied":       g.allow(p, userCode, "deny").Body,
		"form_post":    g.opened(p, strings.TrimPrefix(app.AuthCodeURL("s", oauth2.SetAuthURLParam("response_mode", "form_post"), oauth2.SetAuthURLParam("connection", "salesforce")), g.issuer)),
		"sign out":     g.opened(p, "oidc/logout?client_id=app"),
		"signed out":   g.opened(ada(), "v2/logout?client_id=app"),
		"other's link": g.visitLink(stranger, refused).Body,
	}
	g.thirdParty()
	page, _ := g.asked(ada(), oauth2.SetAuthURLParam("connection", "salesforce"))
	pages["consent"] = page.Body
	return pages
}

// pagesOfNoApp are pages of which nobody has shown that they are the
// application's.
func (g *gateway) pagesOfNoApp() map[string]string {
	pages := map[string]string{}
	for _, path := range []string{"account", "activate", "nowhere", "authorize", "authorize?client_id=app&response_type=code&redirect_uri=https://evil.example/",
		"login/callback?state=x", "oidc/logout?client_id=app&post_logout_redirect_uri=https://evil.example/", "activate?user_code=BCDF-GHJK"} {
		pages[path] = g.opened(ada(), path)
	}
	return pages
}

func TestPagesOfAnApplicationHaveItsBranding(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	a.brand(nil, branding.FieldName, "Acme", branding.FieldSupport, "https://help.acme.example/")
	a.publishBranding()
	g.update(func(c *vault.Client) { c.LogoutURIs = nil })
	saved := a.brandClient(aLogo(t, color.Black), branding.FieldName, "Orders", branding.FieldAccent, "#1A5FB4")
	base := "/branding/" + base64.RawURLEncoding.EncodeToString([]byte("app")) + "/"
	for _, want := range []string{"Users see it from now on", `alt="Orders"`, "200 × 50 pixels", "#1a5fb4, contrast 5.6", base + "logo-"} {
		if !strings.Contains(saved.body, want) {
			t.Errorf("no %q in %d\n%s", want, saved.status, saved.body)
		}
	}
	for name, body := range g.pagesOfApp() {
		if !strings.Contains(body, `alt="Orders"`) || strings.Contains(body, "Acme") {
			t.Errorf("%s: %s", name, body)
		}
		if got, want := strings.Contains(body, "https://help.acme.example/"), name == "other's link"; got != want {
			t.Errorf("%s: link to the help of the settings: %v", name, got)
		}
		links := branded.FindAllString(body, -1)
		if len(links) != 4 { // icon, two stylesheets, logo
			t.Errorf("%s: links %v", name, links)
		}
		for _, link := range links {
			resp, _ := g.public(link)
			if h := resp.Header; !strings.HasPrefix(link, base) || resp.StatusCode != http.StatusOK || h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Set-Cookie") != "" {
				t.Errorf("%s: %d %v", link, resp.StatusCode, h)
			}
		}
	}
	for path, body := range g.pagesOfNoApp() {
		if !strings.Contains(body, "<bdi>Acme</bdi>") || strings.Contains(body, "Orders") || strings.Contains(body, base) {
			t.Errorf("%s: %s", path, body)
		}
	}
	if changed := strings.Join(lines(g, "sallyport_console_changed"), "\n"); !strings.Contains(changed, "branding of application app") || !strings.Contains(changed, "→ Orders") {
		t.Errorf("events: %s", changed)
	}
}

// TestLooksAreOfWhatIsThere: nobody gets a look made, or served, by asking for it.
func TestLooksAreOfWhatIsThere(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.update(func(c *vault.Client) { c.Appearance = vault.Appearance{Accent: "#1a5fb4"} })
	named := func(id string) string { return "/branding/" + base64.RawURLEncoding.EncodeToString([]byte(id)) }
	for _, path := range []string{
		named("nobody") + "/colours-0123456789ab.css", named("app") + "/logo-0123456789ab.png", named("app") + "/app.css", named("app") + "/",
		"/branding/%2e%2e/colours-0123456789ab.css", "/branding/app/colours-0123456789ab.css", named("other") + "/colours-0123456789ab.css", "/branding/" + strings.Repeat("A", 9000) + "/x",
	} {
		if resp, _ := g.public(path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%.80s: %d", path, resp.StatusCode)
		}
	}
	resp, sheet := g.public(named("app") + "/colours-0123456789ab.css")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != "no-cache" || !strings.Contains(sheet, "--accent: #1a5fb4;") {
		t.Errorf("of before: %d %v %s", resp.StatusCode, resp.Header, sheet)
	}
}

// TestH24HostileBrandingOfAnApplicationIsRefused, and what got in by another way is
// text.
func TestH24HostileBrandingOfAnApplicationIsRefused(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	for name, test := range map[string]struct {
		logo   []byte
		fields []string
		says   string
	}{
		"a rule of CSS": {nil, []string{branding.FieldAccent, "#1a5fb4;}body{display:none"}, "six hexadecimal digits"},
		"pale":          {nil, []string{branding.FieldAccent, "#ffcc00"}, "choose a darker one"},
		"a script":      {nil, []string{branding.FieldSupport, "javascript:alert(1)"}, "should be an address"},
		"no image":      {[]byte("<svg onload=alert(1)>"), []string{branding.FieldName, "Orders"}, "should be an image"},
		"logo, no name": {aLogo(t, color.Black), nil, "is needed with a logo"},
	} {
		page := a.brandClient(test.logo, test.fields...)
		if page.status != http.StatusBadRequest || !strings.Contains(page.body, test.says) || !strings.Contains(page.body, "It was not saved") || !strings.Contains(page.body, `aria-invalid="true"`) {
			t.Errorf("%s: %d %s", name, page.status, page.body)
		}
	}
	if page := a.brandClient(make([]byte, 2<<20)); page.status != http.StatusRequestEntityTooLarge {
		t.Errorf("2 MiB: %d", page.status)
	}
	const hostile = `</bdi><script>alert(1)</script>`
	g.update(func(c *vault.Client) {
		c.LogoutURIs = nil
		c.Appearance = vault.Appearance{Name: hostile, Logo: []byte("<svg onload=alert(1)>"), Accent: "red;}", Support: "javascript:alert(1)"}
	})
	body := g.opened(ada(), "v2/logout?client_id=app")
	if strings.Contains(body, "<script") || strings.Contains(body, "javascript:") || strings.Contains(body, "/branding/") || !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("%s", body)
	}
}

func TestBrandingOfAnApplicationIsChangedByThoseWhoSawIt(t *testing.T) {
	t.Parallel()
	g := start(t)
	a, viewer := g.administrator("ada@example.com", vault.Editor), g.administrator("vera@example.com", vault.Viewer)
	if page := viewer.get(clientsPage); page.status != http.StatusOK || strings.Contains(page.body, "<form class=\"stack\"") {
		t.Errorf("a viewer sees it: %d %s", page.status, page.body)
	}
	if page := viewer.brandAt(clientsPage, nil, branding.FieldName, "Orders"); page.status != http.StatusForbidden {
		t.Errorf("a viewer changes it: %d", page.status)
	}
	opened := revision.FindStringSubmatch(a.get(clientsPage).body)[1]
	a.brandClient(nil, branding.FieldName, "Orders")
	if page := a.brandAt(clientsPage, nil, branding.FieldName, "Evil", "revision", opened); page.status != http.StatusConflict {
		t.Errorf("opened before: %d", page.status)
	}
	if page := a.get("/admin/clients/nobody/branding"); page.status != http.StatusNotFound {
		t.Errorf("nobody's: %d", page.status)
	}
	g.update(func(c *vault.Client) { c.LogoutURIs = nil })
	a.brandClient(nil)
	if body := g.opened(ada(), "v2/logout?client_id=app"); !strings.Contains(body, "Sallyport") || strings.Contains(body, "Orders") {
		t.Errorf("emptied: %s", body)
	}
}
