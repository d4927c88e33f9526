package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"sallyport/connections/simulator/simtest"
	"sallyport/vault"
)

// inGerman is a browser whose user reads German.
func inGerman(p *simtest.Person) *simtest.Person {
	p.Client.Transport = accepting{p.Client.Transport, "de-AT,de;q=0.9,en;q=0.1"}
	return p
}

// accepting adds the header Accept-Language to requests.
type accepting struct {
	http.RoundTripper
	languages string
}

func (a accepting) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept-Language", a.languages)
	next := a.RoundTripper
	if next == nil {
		next = http.DefaultTransport
	}
	return next.RoundTrip(r)
}

const german = `<html lang="de" dir="ltr">`

func TestPagesAreInTheLanguageOfTheBrowser(t *testing.T) {
	t.Parallel()
	g := start(t)
	_, userCode := g.device()
	for path, says := range map[string]string{
		"account":                                "Bei Ihrem Konto anmelden",
		"activate":                               "Ein Gerät verbinden",
		"activate?user_code=" + userCode:         "Application</bdi> verbinden?",
		"activate?user_code=BCDF-GHJK":           "Der Code „BCDF-GHJK“ ist unbekannt",
		"nowhere":                                "Unter dieser Adresse gibt es nichts.",
		"login/callback?state=x":                 "Diese Anmeldung ist abgelaufen",
		"login/reconnect?ticket=x":               "Dieser Link gilt nicht mehr",
		"authorize?client_id=nobody":             `<p dir="auto" lang="en">No application with this client_id`,
		"v2/logout":                              "Sie sind abgemeldet",
		"consent?interaction=x":                  "Diese Frage ist schon beantwortet",
		"oidc/logout?post_logout_redirect_uri=x": "Diese Anfrage lässt sich nicht beantworten",
	} {
		if body := g.opened(inGerman(ada()), path); !strings.Contains(body, german) || !strings.Contains(body, says) {
			t.Errorf("%s: no %q in %s", path, says, body)
		}
		if body := g.opened(ada(), path); !strings.Contains(body, `<html lang="en" dir="ltr">`) || strings.Contains(body, says) {
			t.Errorf("%s, to others: %s", path, body)
		}
	}
	if page := g.administrator("ada@example.com", vault.Viewer).get("/admin/nowhere"); !strings.Contains(page.body, `lang="en"`) {
		t.Errorf("the console: %s", page.body)
	}
	p := inGerman(ada())
	g.visit(p)
	if body := g.opened(p, "account"); !strings.Contains(body, "Sie sind als <bdi>ada@example.com</bdi>") || !strings.Contains(body, "Dort für Sie handeln darf: <bdi>Application</bdi>.") {
		t.Errorf("%s", body)
	}
	if page := g.ownPost(p, "disconnect", "account", "none"); !strings.Contains(page.Body, "Es war schon getrennt.") {
		t.Errorf("%s", page.Body)
	}
}

// TestLanguageThatTheApplicationAsksForIsKept from the first page to the last,
// through the identity provider (OpenID Connect Core 1.0, section 3.1.2.1). It goes
// before that of the browser.
func TestLanguageThatTheApplicationAsksForIsKept(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.thirdParty()
	english := ada()
	english.Client.Transport = accepting{english.Client.Transport, "en"}
	page, interaction := g.asked(english, oauth2.SetAuthURLParam("ui_locales", "fr de-CH en"))
	for _, want := range []string{german, "Application</bdi> bittet um Zugriff", "Erfahren, wer Sie sind", "Ihr Konto bei Salesforce nutzen", "Weiterarbeiten, während Sie nicht da sind", "Erlauben"} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("no %q in %s", want, page.Body)
		}
	}
	q, _ := g.decide(english, interaction, "deny")
	if q.Get("error") != "access_denied" || q.Get("error_description") != "The user did not allow it." {
		t.Errorf("the application is told %v", q)
	}
	g.put(func(tx *vault.Tx) error { return tx.Connections.Put(g.connection("second")) })
	app, _ := g.application()
	choose := g.opened(english, strings.TrimPrefix(app.AuthCodeURL("s", oauth2.SetAuthURLParam("ui_locales", "de"), oauth2.SetAuthURLParam("prompt", "login")), g.issuer))
	if !strings.Contains(choose, "Bei <bdi>Application</bdi> anmelden") || !strings.Contains(choose, "ui_locales=de") {
		t.Errorf("choose: %s", choose)
	}
	// A sign-in of its own, so that it comes back from the identity provider.
	g.update(func(c *vault.Client) { c.FirstParty = true })
	stranger := ada()
	stranger.Client.Transport = accepting{stranger.Client.Transport, "en"}
	back, err := stranger.Visit(app.AuthCodeURL("s", oauth2.SetAuthURLParam("ui_locales", "de"), oauth2.SetAuthURLParam("connection", "salesforce"),
		oauth2.SetAuthURLParam("response_mode", "form_post")), callback)
	if err != nil || !strings.Contains(back.Body, german) || !strings.Contains(back.Body, "Das dauert nur einen Augenblick.") {
		t.Errorf("back from the identity provider: %v %s", err, back.Body)
	}
	if device := g.opened(english, "activate?ui_locales=de"); !strings.Contains(device, german) {
		t.Errorf("a page that is asked for it itself: %s", device)
	}
	signOut := g.opened(english, "oidc/logout?client_id=app&ui_locales=de")
	if !strings.Contains(signOut, "Abmelden?") || !strings.Contains(signOut, `name="ui_locales" value="de"`) {
		t.Errorf("sign out: %s", signOut)
	}
	g.update(func(c *vault.Client) { c.LogoutURIs = nil })
	resp, err := english.Client.PostForm(g.issuer+"oidc/logout/confirm", form("client_id", "app", "ui_locales", "de"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 8<<10)
	n, _ := resp.Body.Read(buf)
	if !strings.Contains(string(buf[:n]), "Sie sind abgemeldet") {
		t.Errorf("signed out: %s", buf[:n])
	}
}

func TestHostileLanguagesAreHarmless(t *testing.T) {
	t.Parallel()
	g := start(t)
	for _, locales := range []string{strings.Repeat("de-", 3500), "de\r\nSet-Cookie: x=y", "../../../etc/passwd", `"><script>alert(1)</script>`, "\x00", "\xff", strings.Repeat("de ", 600), "de de de"} {
		for _, path := range []string{"account", "nowhere", "v2/logout", "activate"} {
			resp, body := g.public("/" + path + "?ui_locales=" + url.QueryEscape(locales))
			if resp.StatusCode >= 500 || resp.Header.Get("Set-Cookie") != "" && path != "v2/logout" || strings.Contains(body, "<script>alert") || !strings.Contains(body, "<html lang=") {
				t.Errorf("%s, %.40q: %d %v %s", path, locales, resp.StatusCode, resp.Header, body)
			}
		}
		app, _ := g.application()
		page, err := ada().Visit(app.AuthCodeURL("s", oauth2.SetAuthURLParam("ui_locales", locales)), callback)
		if err != nil || page.Status >= 500 || !strings.HasPrefix(page.URL.String(), callback) {
			t.Errorf("%.40q: %d %v %v", locales, page.Status, page.URL, err)
		}
		p := ada()
		p.Client.Transport = accepting{p.Client.Transport, strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '.'
			}
			return r
		}, locales)}
		if body := g.opened(p, "account"); !strings.Contains(body, "<html lang=") {
			t.Errorf("Accept-Language %.40q: %s", locales, body)
		}
	}
}

func TestLanguagesThereAreStandInTheMetadata(t *testing.T) {
	t.Parallel()
	g := start(t)
	for _, path := range []string{".well-known/openid-configuration", ".well-known/oauth-authorization-server"} {
		list, _ := g.get(path).json["ui_locales_supported"].([]any)
		if !slices.Equal(list, []any{"en", "de"}) {
			t.Errorf("%s: %v", path, list)
		}
	}
}

// TestRefusalsOfUsersAreInTheirLanguage, where nobody but the user is told.
func TestRefusalsOfUsersAreInTheirLanguage(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.forget()
	refused := g.exchange(token.RefreshToken)
	if !strings.Contains(refused.str("error_description"), "user") {
		t.Errorf("programs are told %s", refused.body)
	}
	p := inGerman(grace())
	g.visit(p)
	if body := g.visitLink(p, refused).Body; !strings.Contains(body, german) || !strings.Contains(body, "Dieser Link ist für jemand anderen") {
		t.Errorf("%s", body)
	}
}
