package server_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"sallyport/server"
	"sallyport/server/branding"
	"sallyport/vault"
)

// brand sends the form of the branding, with a logo unless it is nil.
func (a *administrator) brand(logo []byte, fields ...string) page {
	a.t.Helper()
	return a.brandAt("/admin/settings", logo, fields...)
}

func (a *administrator) brandAt(path string, logo []byte, fields ...string) page {
	a.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i+1 < len(fields); i += 2 {
		if err := form.WriteField(fields[i], fields[i+1]); err != nil {
			a.t.Fatal(err)
		}
	}
	if logo != nil {
		part, err := form.CreateFormFile("logo", "logo.svg") // its name counts for nothing
		if err != nil {
			a.t.Fatal(err)
		}
		part.Write(logo)
	}
	form.Close()
	req, err := http.NewRequest(http.MethodPost, strings.TrimSuffix(a.issuer, "/")+path, &body)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Origin", strings.TrimSuffix(a.issuer, "/"))
	return a.do(req)
}

func aLogo(t *testing.T, c color.Color) []byte {
	m := image.NewPaletted(image.Rect(0, 0, 200, 50), color.Palette{c})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// publish publishes the draft of the branding that the page shows.
func (a *administrator) publishBranding() page {
	a.t.Helper()
	found := seenShown.FindStringSubmatch(a.get("/admin/settings").body)
	if found == nil {
		a.t.Fatal("there is no draft")
	}
	return a.post("/admin/settings/publish", "seen", found[1])
}

// public is a page or file as anybody gets it.
func (g *gateway) public(path string) (*http.Response, string) {
	g.t.Helper()
	resp, err := http.Get(strings.TrimSuffix(g.issuer, "/") + path)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return resp, string(body)
}

var branded = regexp.MustCompile(`/branding/[A-Za-z0-9_./-]+`)

func TestUsersSeeTheBrandingOnceItIsPublished(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	logo := aLogo(t, color.NRGBA{0x1a, 0x5f, 0xb4, 0xff})
	saved := a.brand(logo, branding.FieldName, "Acme", branding.FieldAccent, "#1A5FB4", branding.FieldSupport, "https://help.acme.example/")
	for _, want := range []string{"Saved as a draft", "Branding that is not published", "200 × 50 pixels", "#1a5fb4, contrast 5.6", `<template shadowrootmode="open">`, "/admin/settings/files/logo-"} {
		if !strings.Contains(saved.body, want) {
			t.Errorf("no %q in %d\n%s", want, saved.status, saved.body)
		}
	}
	if _, body := g.public("/nowhere"); strings.Contains(body, "Acme") || !strings.Contains(body, "Sallyport") {
		t.Errorf("users see a draft: %s", body)
	}
	if page := a.publishBranding(); !strings.Contains(page.body, "Users see it from now on") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	for _, path := range []string{"/nowhere", "/account", "/activate", "/authorize"} {
		_, body := g.public(path)
		if !strings.Contains(body, `alt="Acme"`) || strings.Contains(body, "Sallyport") {
			t.Errorf("%s: %s", path, body)
		}
		if got, want := strings.Contains(body, "https://help.acme.example/"), path == "/nowhere" || path == "/authorize"; got != want {
			t.Errorf("%s: link to help %v", path, got)
		}
		links := branded.FindAllString(body, -1)
		if len(links) != 4 { // icon, two stylesheets, logo
			t.Errorf("%s: links %v", path, links)
		}
		for _, link := range links {
			resp, file := g.public(link)
			h := resp.Header
			if resp.StatusCode != http.StatusOK || h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Set-Cookie") != "" {
				t.Errorf("%s: %d %v", link, resp.StatusCode, h)
			}
			switch h.Get("Content-Type") {
			case "text/css; charset=utf-8":
				if !strings.HasPrefix(file, ":root, :host { --accent: #") {
					t.Errorf("%s: %s", link, file)
				}
			case "image/png":
				if _, err := png.Decode(strings.NewReader(file)); err != nil || file == string(logo) {
					t.Errorf("%s was not drawn again: %v", link, err)
				}
			default:
				t.Errorf("%s is %s", link, h.Get("Content-Type"))
			}
		}
	}
	for _, path := range []string{"/admin", "/admin/nowhere", "/admin/clients/nobody"} {
		if page := a.get(path); strings.Contains(page.body, "Acme") {
			t.Errorf("%s has the branding", path)
		}
	}
	if changed := strings.Join(lines(g, "sallyport_console_changed"), "\n"); strings.Count(changed, "→ Acme") != 2 || strings.Count(changed, "200 × 50 pixels") != 2 {
		t.Errorf("events of the draft and of its publication: %s", changed)
	}
}

// lines are the events of a kind, in the log.
func lines(g *gateway, kind string) (lines []string) {
	g.t.Helper()
	g.lastEvent() // before which all are written
	entries, err := g.vault.LogsAfter(g.t.Context(), "", 1000)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(string(e.Line), kind) {
			lines = append(lines, string(e.Line))
		}
	}
	return lines
}

func TestOwnersAloneChangeTheBranding(t *testing.T) {
	t.Parallel()
	g := start(t)
	owner := g.administrator("ada@example.com", vault.Owner)
	owner.brand(nil, branding.FieldName, "Acme")
	for _, role := range []vault.Role{vault.Viewer, vault.Editor} {
		a := g.administrator(string(role)+"@example.com", role)
		if page := a.get("/admin/settings"); page.status != http.StatusOK || strings.Contains(page.body, "Save draft") || strings.Contains(page.body, "Publish") || !strings.Contains(page.body, g.issuer) {
			t.Errorf("%s: %d %s", role, page.status, page.body)
		}
		if page := a.brand(nil, branding.FieldName, "Evil"); page.status != http.StatusForbidden {
			t.Errorf("%s saves a draft: %d", role, page.status)
		}
		for _, path := range []string{"/admin/settings/publish", "/admin/settings/discard"} {
			if page := a.post(path); page.status != http.StatusForbidden {
				t.Errorf("%s, %s: %d", role, path, page.status)
			}
		}
	}
	if page := owner.get("/admin/settings"); !strings.Contains(page.body, `value="Acme"`) {
		t.Errorf("%s", page.body)
	}
}

func TestFaultsOfTheBrandingStandBesideTheirFields(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	for name, test := range map[string]struct {
		logo   []byte
		fields []string
		says   string
	}{
		"pale colour":    {nil, []string{branding.FieldAccent, "#ffcc00"}, "has a contrast of 1.3 to the page"},
		"a rule of CSS":  {nil, []string{branding.FieldAccent, "#1a5fb4;}body{display:none"}, "six hexadecimal digits"},
		"a script":       {nil, []string{branding.FieldSupport, "javascript:alert(1)"}, "should be an address"},
		"no image":       {[]byte("<svg onload=alert(1)>"), []string{branding.FieldName, "Acme"}, "should be an image"},
		"too large":      {make([]byte, branding.MostLogo+1), []string{branding.FieldName, "Acme"}, "is of 65 KiB, and may be of 64 at most"},
		"logo, no name":  {aLogo(t, color.Black), nil, "is needed with a logo"},
		"logo not again": {aLogo(t, color.Black), nil, "Choose the logo again"},
	} {
		page := a.brand(test.logo, test.fields...)
		if page.status != http.StatusBadRequest || !strings.Contains(page.body, test.says) || !strings.Contains(page.body, "It was not saved") || !strings.Contains(page.body, `aria-invalid="true"`) {
			t.Errorf("%s: %d %s", name, page.status, page.body)
		}
	}
	if page := a.brand(make([]byte, 2<<20), branding.FieldName, "Acme"); page.status != http.StatusRequestEntityTooLarge || !strings.Contains(page.body, "64 KiB at most") {
		t.Errorf("2 MiB: %d %s", page.status, page.body)
	}
	if page := a.post("/admin/settings", branding.FieldName, "Acme"); page.status != http.StatusBadRequest {
		t.Errorf("another form: %d", page.status)
	}
	if page := a.get("/admin/settings"); strings.Contains(page.body, "not published") {
		t.Error("something was saved")
	}
}

func TestHostileNameOfTheBrandingIsText(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	const name = `</bdi><script>alert(1)</script>`
	if page := a.brand(nil, branding.FieldName, name); page.status != http.StatusOK || strings.Contains(page.body, name) {
		t.Errorf("the console: %d", page.status)
	}
	a.publishBranding()
	if _, body := g.public("/account"); strings.Contains(body, "<script") || !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("%s", body)
	}
}

func TestNobodyPublishesWhatTheyHaveNotSeen(t *testing.T) {
	t.Parallel()
	g := start(t)
	ada, bob := g.administrator("ada@example.com", vault.Owner), g.administrator("bob@example.com", vault.Owner)
	ada.brand(nil, branding.FieldName, "Acme")
	looked := seenShown.FindStringSubmatch(ada.get("/admin/settings").body)[1]
	bob.brand(nil, branding.FieldName, "Evil")
	if page := ada.post("/admin/settings/publish", "seen", looked); page.status != http.StatusConflict {
		t.Errorf("%d", page.status)
	}
	bob.post("/admin/settings/discard")
	if page := ada.post("/admin/settings/publish", "seen", looked); page.status != http.StatusConflict {
		t.Errorf("discarded: %d", page.status)
	}
	if _, body := g.public("/account"); !strings.Contains(body, "Sallyport") {
		t.Error("something was published")
	}
}

func TestLogoStaysUntilItIsRemoved(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	a.brand(aLogo(t, color.Black), branding.FieldName, "Acme")
	a.publishBranding()
	_, before := g.public("/account")
	logo := regexp.MustCompile(`/branding/logo-[a-z0-9]+\.png`).FindString(before)
	a.brand(nil, branding.FieldName, "Acme & Sons")
	a.publishBranding()
	if _, body := g.public("/account"); !strings.Contains(body, logo) || !strings.Contains(body, "Acme &amp; Sons") {
		t.Errorf("%s", body)
	}
	a.brand(aLogo(t, color.White), branding.FieldName, "Acme")
	a.publishBranding()
	if resp, _ := g.public(logo); resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("of before: %d %v", resp.StatusCode, resp.Header)
	}
	a.brand(nil, branding.FieldName, "Acme", "remove_logo", "true")
	a.publishBranding()
	if _, body := g.public("/account"); strings.Contains(body, "/branding/logo") || !strings.Contains(body, "<bdi>Acme</bdi>") {
		t.Errorf("%s", body)
	}
	if resp, _ := g.public(logo); resp.StatusCode != http.StatusNotFound {
		t.Errorf("removed: %d", resp.StatusCode)
	}
}

// TestFilesOfALookAreServedByAllInstances, also by one that has not heard of it yet.
func TestFilesOfALookAreServedByAllInstances(t *testing.T) {
	t.Parallel()
	g := start(t)
	other, err := server.New(t.Context(), server.Config{Issuer: g.issuer, Vault: g.vault, Now: g.clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		other.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	a := g.administrator("ada@example.com", vault.Owner)
	a.brand(nil, branding.FieldName, "Acme", branding.FieldAccent, "#1a5fb4")
	a.publishBranding()
	_, body := g.public("/account")
	for _, link := range branded.FindAllString(body, -1) {
		if w := ask(link); w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", link, w.Code, w.Header())
		}
	}
	if body := ask("/account").Body.String(); !strings.Contains(body, "Acme") {
		t.Errorf("%s", body)
	}
}

// TestPagesLookAsBeforeWhileTheStoreFails, and do not wait for it.
func TestPagesLookAsBeforeWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	a.brand(nil, branding.FieldName, "Acme")
	a.publishBranding()
	if err := g.vault.Close(); err != nil && !errors.Is(err, errDiskFull) {
		t.Fatal(err)
	}
	resp, body := g.public("/account/sign-in?connection=salesforce")
	if resp.StatusCode < 500 || !strings.Contains(body, "<bdi>Acme</bdi>") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}
