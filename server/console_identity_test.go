package server_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/connections/simulator/simtest"
	"sallyport/vault"
)

// admit has administrators sign in with the connection.
func (g *gateway) admit() { g.change(func(c *vault.Connection) { c.ForAdmins = true }) }

var awayLink = regexp.MustCompile(`<a class="button primary" href="([^"]+)">Go on</a>`)

// sentTo is where a form of the console sends the browser, without a script.
func (a *administrator) sentTo(path string, fields ...string) *url.URL {
	a.t.Helper()
	p := a.post(path, append(fields, "connection", "salesforce")...)
	link := awayLink.FindStringSubmatch(p.body)
	if p.status != http.StatusOK || link == nil {
		a.t.Fatalf("%s sends nobody away: %d %s", path, p.status, text(p.body))
	}
	there, err := url.Parse(html.UnescapeString(link[1]))
	if err != nil {
		a.t.Fatal(err)
	}
	return there
}

// loginAs logs somebody in at Salesforce, in the administrator's browser, and
// returns the URL by which they come back.
func (a *administrator) loginAs(p *simtest.Person, there *url.URL) string {
	a.t.Helper()
	p.Client.Jar = a.browser.Jar
	end, err := p.Visit(there.String(), a.issuer+"login/callback")
	if err != nil {
		a.t.Fatal(err)
	}
	if end.Status != 0 {
		a.t.Fatalf("Salesforce: %d %s", end.Status, end.Body)
	}
	return end.URL.String()
}

// through sends a form of the console, logs somebody in at Salesforce, and comes
// back.
func (a *administrator) through(p *simtest.Person, path string, fields ...string) page {
	a.t.Helper()
	return a.get(a.loginAs(p, a.sentTo(path, fields...)))
}

// byIdentity is an administrator who has an identity alone.
func (g *gateway) byIdentity(name string, role vault.Role, p *simtest.Person) *administrator {
	g.t.Helper()
	a := g.stranger()
	a.get(g.invitation(role))
	if p := a.through(p, "/admin/welcome/connection", "name", name); p.status != http.StatusOK || !strings.Contains(p.body, "<h1>Dashboard</h1>") {
		g.t.Fatalf("invited by identity: %d %s", p.status, text(p.body))
	}
	return a
}

// admin is what is kept of an administrator.
func (g *gateway) admin(name string) (found vault.Admin) {
	g.t.Helper()
	g.put(func(tx *vault.Tx) error {
		for a, err := range tx.Admins.All("") {
			if err != nil {
				return err
			}
			if a.Name == name {
				found = a
			}
		}
		return nil
	})
	return found
}

// adminCookie is the cookie of a browser's session in the console.
func (a *administrator) adminCookie() string {
	a.t.Helper()
	u, err := url.Parse(a.issuer)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, c := range a.browser.Jar.Cookies(u) {
		if c.Name == "sallyport-admin" {
			return c.Value
		}
	}
	return ""
}

func isIn(p page) bool {
	return p.status == http.StatusOK && strings.Contains(p.body, "<h1>Dashboard</h1>")
}

func TestAdministratorSignsInWithAnIdentity(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.admit()
	salesforce := g.tap()
	g.byIdentity("ada@example.com", vault.Editor, ada())
	before, last := g.everything(), g.lastEvent()

	a := g.stranger()
	if p := a.get("/admin/keys"); !strings.Contains(p.body, "Sign in with <bdi>Salesforce</bdi>") {
		t.Fatalf("no button: %s", text(p.body))
	}
	there := a.sentTo("/admin/sign-in/connection", "return", "/admin/keys")
	query := there.Query()
	if got := query.Get("scope"); got != "openid id" || query.Get("code_challenge_method") != "S256" || query.Get("nonce") == "" {
		t.Errorf("asked for %q: %s", got, there)
	}
	if p := a.get(a.loginAs(ada(), there)); p.status != http.StatusOK || p.url != "/admin/keys" {
		t.Fatalf("signed in: %d %s %s", p.status, p.url, text(p.body))
	}
	signedIn := slices.ContainsFunc(g.events(last), func(e happened) bool {
		by, _ := e.Details["administrator"].(map[string]any)
		return e.Type == "sallyport_console_signed_in" && by["name"] == "ada@example.com" && strings.Contains(e.Description, "salesforce")
	})
	if !signedIn {
		t.Errorf("events: %+v", g.events(last))
	}

	var more []string
	for _, record := range g.everything() {
		if !slices.Contains(before, record) && !strings.HasPrefix(record, "adminsessions ") {
			more = append(more, record)
		}
	}
	if len(more) > 0 {
		t.Errorf("kept: %v", more)
	}
	secrets := salesforce.seen()
	if len(secrets) < 6 {
		t.Fatalf("only %d canaries", len(secrets))
	}
	for _, secret := range secrets {
		for place, text := range map[string]string{"log": g.log.String(), "events": fmt.Sprint(g.events(""))} {
			if strings.Contains(text, secret) {
				t.Errorf("%.12s… is in the %s", secret, place)
			}
		}
	}
}

// TestH13AdministratorsAreNotFoundByTheirEMailAddress: ada@example.com at
// Salesforce is nobody here, although an administrator is called so.
func TestH13AdministratorsAreNotFoundByTheirEMailAddress(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.admit()
	g.administrator("ada@example.com", vault.Owner)
	a, last := g.stranger(), g.lastEvent()
	p := a.through(ada(), "/admin/sign-in/connection")
	if p.status != http.StatusForbidden || !strings.Contains(p.body, "You are ada@example.com at Salesforce, and no administrator has that identity") ||
		!strings.Contains(p.body, "<h1>Sign in to the console</h1>") || a.adminCookie() != "" {
		t.Errorf("%d %s", p.status, text(p.body))
	}
	if !slices.ContainsFunc(g.events(last), func(e happened) bool { return e.Type == "sallyport_console_sign_in_failed" }) {
		t.Errorf("events: %+v", g.events(last))
	}
	for range 12 {
		p = a.through(ada(), "/admin/sign-in/connection")
	}
	if p.status != http.StatusTooManyRequests {
		t.Errorf("after many: %d", p.status)
	}
}

func TestAdministratorIsInvitedByIdentity(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.admit()
	g.byIdentity("Ada", vault.Owner, ada())
	made := g.admin("Ada")
	if made.Role != vault.Owner || !made.Password.IsZero() || len(made.Identities) != 1 || made.Identities[0].Title != "ada@example.com" {
		t.Errorf("%+v", made)
	}
	a := g.stranger()
	a.get(g.invitation(vault.Owner))
	if p := a.post("/admin/welcome/connection", "name", "", "connection", "salesforce"); p.status != http.StatusBadRequest || !strings.Contains(p.body, `id="identity-owner"`) {
		t.Errorf("without a name: %d", p.status)
	}
	if p := a.through(ada(), "/admin/welcome/connection", "name", "Another"); p.status != http.StatusConflict || !strings.Contains(p.body, "<h1>Welcome to the console</h1>") {
		t.Errorf("an identity that is somebody's: %d %s", p.status, text(p.body))
	}
	if p := a.through(grace(), "/admin/welcome/connection", "name", "Grace"); !isIn(p) {
		t.Errorf("the invitation was used by a failure: %d %s", p.status, text(p.body))
	}
	if p := g.stranger().post("/admin/welcome/connection", "name", "Eve", "connection", "salesforce"); p.status != http.StatusForbidden {
		t.Errorf("uninvited: %d", p.status)
	}
}

// TestH15IdentityIsAddedByWhoIsSignedIn, freshly proved, and to one administrator
// alone (H16).
func TestH15IdentityIsAddedByWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.admit()
	a, other := g.administrator("ada@example.com", vault.Viewer), g.administrator("eve@example.com", vault.Viewer)
	last := g.lastEvent()

	theirs := a.loginAs(ada(), a.sentTo("/admin/me/identity"))
	a.post("/admin/sign-out")
	if p := a.get(theirs); p.status != http.StatusForbidden || len(g.admin(a.name).Identities) != 0 {
		t.Errorf("signed out meanwhile: %d", p.status)
	}
	a.post("/admin/sign-in", "name", a.name, "password", a.password, "code", a.code())
	codes := g.salesforce.Requests("token:authorization_code")
	swapped := a.loginAs(ada(), a.sentTo("/admin/me/identity"))
	a.post("/admin/sign-out")
	a.post("/admin/sign-in", "name", other.name, "password", other.password, "code", other.code())
	if p := a.get(swapped); p.status != http.StatusForbidden || len(g.admin(other.name).Identities) != 0 {
		t.Errorf("of whoever was there before: %d", p.status)
	}
	if g.salesforce.Requests("token:authorization_code") != codes {
		t.Error("a code was shown for somebody who was not there")
	}
	a.post("/admin/sign-out")
	a.post("/admin/sign-in", "name", a.name, "password", a.password, "code", a.code())

	if there := a.sentTo("/admin/me/identity"); there.Query().Get("prompt") != "login" {
		t.Errorf("not proved freshly: %s", there)
	}
	if p := a.through(ada(), "/admin/me/identity"); p.url != "/admin/me?notice=saved" || !strings.Contains(p.body, "<bdi>ada@example.com</bdi>") {
		t.Fatalf("added: %d %s", p.status, text(p.body))
	}
	if !slices.ContainsFunc(g.events(last), func(e happened) bool {
		changed, _ := e.Details["changed"].(map[string]any)
		said, _ := changed["Identities"].(string)
		return e.Type == "sallyport_console_changed" && strings.Contains(said, "salesforce|")
	}) {
		t.Errorf("events: %+v", g.events(last))
	}
	if p := other.through(ada(), "/admin/me/identity"); p.status != http.StatusConflict || !strings.Contains(p.body, "of one alone") || len(g.admin(other.name).Identities) != 0 {
		t.Errorf("by a second administrator: %d %s", p.status, text(p.body))
	}
	if p := g.stranger().through(ada(), "/admin/sign-in/connection"); !isIn(p) {
		t.Errorf("sign in with it: %d", p.status)
	}
	removed := regexp.MustCompile(`name="identity" value="([^"]+)"`).FindStringSubmatch(a.get("/admin/me").body)
	if p := a.post("/admin/me/identity/remove", "identity", removed[1]); p.url != "/admin/me?notice=saved" || len(g.admin(a.name).Identities) != 0 {
		t.Errorf("taken away: %d", p.status)
	}
	if p := g.stranger().through(ada(), "/admin/sign-in/connection"); p.status != http.StatusForbidden {
		t.Errorf("sign in with one that was taken away: %d", p.status)
	}
}

// TestAdministratorKeepsOneWayIn: the only identity of somebody without a password
// stays theirs.
func TestAdministratorKeepsOneWayIn(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.admit()
	a := g.byIdentity("Ada", vault.Owner, ada())
	removed := regexp.MustCompile(`name="identity" value="([^"]+)"`).FindStringSubmatch(a.get("/admin/me").body)
	if p := a.post("/admin/me/identity/remove", "identity", removed[1]); p.status != http.StatusConflict || len(g.admin("Ada").Identities) != 1 {
		t.Errorf("the only way in: %d", p.status)
	}
	if p := a.post("/admin/connections/salesforce/off"); p.status != http.StatusConflict || !strings.Contains(p.body, "No owner has another way to sign in") {
		t.Errorf("switched off: %d %s", p.status, text(p.body))
	}
	if c, _ := g.stored("salesforce"); !c.Active {
		t.Error("nobody can sign in any more")
	}
	g.administrator("grace@example.com", vault.Owner)
	if p := a.post("/admin/connections/salesforce/off"); p.status != http.StatusOK {
		t.Errorf("with another owner: %d %s", p.status, text(p.body))
	}
}

// TestAdministratorProvesWhoTheyAreWithTheirIdentity, who was not asked when they
// signed in.
func TestAdministratorProvesWhoTheyAreWithTheirIdentity(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.admit()
	g.byIdentity("Ada", vault.Owner, ada())
	g.byIdentity("Grace", vault.Owner, grace())
	a := g.stranger()
	a.through(ada(), "/admin/sign-in/connection")

	p := a.get("/admin/keys/rotate")
	if !strings.Contains(p.body, "<h1>Is it you?</h1>") || !strings.Contains(p.body, "Log in at <bdi>Salesforce</bdi>") {
		t.Fatalf("%d %s", p.status, text(p.body))
	}
	if p := a.through(grace(), "/admin/prove/connection", "return", "/admin/keys/rotate"); p.status != http.StatusForbidden || !strings.Contains(p.body, "identity of another administrator") {
		t.Errorf("by another's identity: %d %s", p.status, text(p.body))
	}
	there := a.sentTo("/admin/prove/connection", "return", "/admin/keys/rotate")
	if there.Query().Get("prompt") != "login" {
		t.Errorf("not asked anew: %s", there)
	}
	if p := a.get(a.loginAs(ada(), there)); p.url != "/admin/keys/rotate" || p.status != http.StatusOK {
		t.Errorf("proved: %d %s %s", p.status, p.url, text(p.body))
	}
	g.clock.forward(11 * time.Minute)
	if p := a.get("/admin/keys/rotate"); !strings.Contains(p.body, "<h1>Is it you?</h1>") {
		t.Error("a proof is good for more than ten minutes")
	}
	g.change(func(c *vault.Connection) { c.Active = false })
	if p := a.get("/admin/prove"); !strings.Contains(p.body, "no way to show it") {
		t.Errorf("without a way: %s", text(p.body))
	}
}

// TestH09ConnectionThatDoesNotAdmitAdministrators lets none in, whatever is sent.
func TestH09ConnectionThatDoesNotAdmitAdministrators(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.admit()
	g.byIdentity("Ada", vault.Owner, ada())
	g.put(func(tx *vault.Tx) error {
		draft := g.connection("draft")
		draft.ForAdmins = true
		return tx.Drafts.Put(vault.Draft{Connection: draft, By: "a test"})
	})
	if p := g.stranger().get("/admin/sign-in"); strings.Contains(p.body, `value="draft"`) {
		t.Error("a draft is offered")
	}
	if p := g.stranger().post("/admin/sign-in/connection", "connection", "draft"); p.status != http.StatusForbidden || awayLink.MatchString(p.body) {
		t.Errorf("a draft: %d", p.status)
	}
	for name, change := range map[string]func(*vault.Connection){
		"not allowed":             func(c *vault.Connection) { c.ForAdmins = false },
		"switched off":            func(c *vault.Connection) { c.Active = false },
		"another of the name":     func(c *vault.Connection) { c.ID = "con_another" },
		"allowed, and as it was":  func(c *vault.Connection) {},
		"without the application": func(c *vault.Connection) { c.Clients = nil },
	} {
		fine := strings.HasPrefix(name, "allowed") || strings.HasPrefix(name, "without")
		g.change(func(c *vault.Connection) { *c = g.connection("salesforce"); c.ForAdmins = true })
		a := g.stranger()
		back := a.loginAs(ada(), a.sentTo("/admin/sign-in/connection"))
		g.change(change)
		codes := g.salesforce.Requests("token:authorization_code")
		if p := a.get(back); isIn(p) != fine || !fine && !strings.Contains(p.body, "<h1>Sign in to the console</h1>") {
			t.Errorf("%s, on the way: %d %s", name, p.status, text(p.body))
		}
		if shown := g.salesforce.Requests("token:authorization_code") > codes; shown != (fine || name == "another of the name") {
			t.Errorf("%s: a code was shown: %v", name, shown)
		}
		if p := g.stranger().get("/admin/sign-in"); strings.Contains(p.body, "Sign in with <bdi>Salesforce</bdi>") != (fine || name == "another of the name") {
			t.Errorf("%s, offered: %s", name, text(p.body))
		}
		if p := g.stranger().post("/admin/sign-in/connection", "connection", "salesforce"); awayLink.MatchString(p.body) != (fine || name == "another of the name") {
			t.Errorf("%s, forged: %d", name, p.status)
		}
	}
}

// TestH01AdministratorComesBackInTheBrowserThatBegan, once, and before long; and
// what comes of anything else is the console's page.
func TestH01AdministratorComesBackInTheBrowserThatBegan(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.admit()
	g.byIdentity("Ada", vault.Owner, ada())
	codes := g.salesforce.Requests("token:authorization_code")
	refused := func(what string, p page) {
		t.Helper()
		if p.status < http.StatusBadRequest || isIn(p) || !strings.Contains(p.body, "Sign in to the console") {
			t.Errorf("%s: %d %s", what, p.status, text(p.body))
		}
	}

	a := g.stranger()
	back := a.loginAs(ada(), a.sentTo("/admin/sign-in/connection"))
	refused("a browser that began nothing", g.stranger().get(back))
	if p := a.get(back); !isIn(p) {
		t.Errorf("a stranger spends what somebody else began: %d", p.status)
	}
	codes++
	a.post("/admin/sign-out")
	refused("a second time", a.get(back))

	victim := g.stranger()
	victim.sentTo("/admin/sign-in/connection")
	refused("somebody else's answer", victim.get(a.loginAs(ada(), a.sentTo("/admin/sign-in/connection"))))

	back = a.loginAs(ada(), a.sentTo("/admin/sign-in/connection"))
	g.clock.forward(16 * time.Minute)
	refused("expired", a.get(back))
	refused("made up", a.get("/login/callback?state=console-MADEUP&code=x"))
	state := a.sentTo("/admin/sign-in/connection").Query().Get("state")
	refused("denied", a.get("/login/callback?error=access_denied&error_description=end-user+denied+authorization&state="+state))
	state = a.sentTo("/admin/sign-in/connection").Query().Get("state")
	refused("no code", a.get("/login/callback?state="+state))
	if got := g.salesforce.Requests("token:authorization_code"); got != codes {
		t.Errorf("%d codes were shown", got-codes)
	}
	back = a.loginAs(ada(), a.sentTo("/admin/sign-in/connection"))
	g.salesforce.Set(func() { g.salesforce.Apps[0].ConsumerSecret = "another" })
	refused("provider refuses", a.get(back))
}

// TestH21SessionOfTheConsoleChangesWithASignInByIdentity: an ID that was planted
// is worth nothing.
func TestH21SessionOfTheConsoleChangesWithASignInByIdentity(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.admit()
	g.byIdentity("Ada", vault.Owner, ada())
	a := g.administrator("eve@example.com", vault.Viewer)
	planted := a.adminCookie()
	back := a.loginAs(ada(), a.sentTo("/admin/sign-in/connection"))
	if p := a.get(back); !isIn(p) || a.adminCookie() == planted {
		t.Fatalf("%d: the session keeps its ID", p.status)
	}
	u, err := url.Parse(g.issuer)
	if err != nil {
		t.Fatal(err)
	}
	eve := g.stranger()
	eve.browser.Jar.SetCookies(u, []*http.Cookie{{Name: "sallyport-admin", Value: planted}})
	if p := eve.get("/admin"); isIn(p) {
		t.Error("the session of before is still good")
	}
}

// TestH44OnlyAnOwnerLetsAdministratorsInByAConnection, and changes one by which
// they come in: whoever has its identity provider could be any of them.
func TestH44OnlyAnOwnerLetsAdministratorsInByAConnection(t *testing.T) {
	t.Parallel()
	g := start(t)
	editor, owner := g.administrator("ed@example.com", vault.Editor), g.administrator("ada@example.com", vault.Owner)
	const edit = "/admin/connections/salesforce/edit"
	form := func(more ...string) []string {
		return g.salesforceForm(append([]string{"name", "salesforce", "display_name", "Salesforce"}, more...)...)
	}
	if p := editor.get(edit); strings.Contains(p.body, `name="administrators.active"`) {
		t.Error("an editor is offered it")
	}
	if p := editor.post(edit, form("administrators.active", "true")...); p.status != http.StatusBadRequest || !strings.Contains(p.body, "takes the role owner") {
		t.Errorf("allowed by an editor: %d", p.status)
	}

	owner.post(edit, form("administrators.active", "true")...)
	seen := html.UnescapeString(seenShown.FindStringSubmatch(owner.get("/admin/connections/salesforce").body)[1])
	if p := editor.get("/admin/connections/salesforce"); strings.Contains(p.body, "/publish") || !strings.Contains(p.body, "an owner has to publish it") {
		t.Errorf("an editor is offered to publish it: %s", text(p.body))
	}
	if p := editor.post("/admin/connections/salesforce/publish", "seen", seen); p.status != http.StatusForbidden {
		t.Errorf("published by an editor: %d", p.status)
	}
	if c, _ := g.stored("salesforce"); c.ForAdmins {
		t.Fatal("it is allowed")
	}
	g.clock.forward(11 * time.Minute)
	if p := owner.post("/admin/connections/salesforce/publish", "seen", seen); !strings.Contains(p.body, "Is it you?") {
		t.Errorf("without a fresh proof: %d %s", p.status, text(p.body))
	}
	owner.post("/admin/prove", "password", owner.password, "code", owner.code())
	if p := owner.publish("salesforce"); p.status != http.StatusOK {
		t.Fatalf("by an owner: %d %s", p.status, text(p.body))
	}
	if c, _ := g.stored("salesforce"); !c.ForAdmins {
		t.Fatal("it is not allowed")
	}

	evil := "https://evil.example"
	editor.post(edit, form("options.login_url", evil)...)
	seen = html.UnescapeString(seenShown.FindStringSubmatch(owner.get("/admin/connections/salesforce").body)[1])
	for _, tt := range []struct {
		path   string
		fields []string
	}{
		{"/publish", []string{"seen", seen}},
		{"/undo", owner.get("/admin/connections/salesforce/undo").hidden()},
		{"/on", nil},
		{"/delete", []string{"confirm", "salesforce"}},
	} {
		editor.prove()
		if p := editor.post("/admin/connections/salesforce"+tt.path, tt.fields...); tt.path != "/on" && p.status != http.StatusForbidden {
			t.Errorf("%s by an editor: %d %s", tt.path, p.status, text(p.body))
		}
	}
	if c, ok := g.stored("salesforce"); !ok || !c.ForAdmins || c.Options["login_url"] == evil {
		t.Errorf("changed by an editor: %+v", c)
	}
	if p := editor.post("/admin/connections/salesforce/off"); p.status != http.StatusOK {
		t.Errorf("switched off: %d %s", p.status, text(p.body))
	}
	if p := editor.post("/admin/connections/salesforce/on"); p.status != http.StatusForbidden {
		t.Errorf("switched on again by an editor: %d", p.status)
	}
	editor.prove()
	if p := editor.post("/admin/connections/salesforce/delete", "confirm", "salesforce"); p.status != http.StatusForbidden {
		t.Errorf("deleted by an editor: %d", p.status)
	}
}

// prove shows once more who it is.
func (a *administrator) prove() {
	a.t.Helper()
	if p := a.post("/admin/prove", "password", a.password, "code", a.code()); p.status != http.StatusOK {
		a.t.Fatalf("prove: %d %s", p.status, text(p.body))
	}
}

// TestUserIsNoAdministrator: who signs in to an application with an account that is
// an administrator's is not in the console, and the other way about.
func TestUserIsNoAdministrator(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.admit()
	a := g.byIdentity("Ada", vault.Owner, ada())
	if p := a.get("/account"); !strings.Contains(p.body, "Choose") && strings.Contains(p.body, "Sign out") {
		t.Errorf("an administrator is a user: %s", text(p.body))
	}
	person := ada()
	g.visit(person)
	user := g.stranger()
	user.browser.Jar = person.Client.Jar
	if p := user.get("/admin"); isIn(p) {
		t.Error("a user is an administrator")
	}
}

// TestProviderThatDidNotAskAnewProvesNothing: whoever is at an administrator's
// browser can have it leave out that it should ask, and its auth_time tells.
func TestProviderThatDidNotAskAnewProvesNothing(t *testing.T) {
	t.Parallel()
	f := federate(t)
	f.changeUpstream(func(c *vault.Connection) { c.ForAdmins = true })
	forward := func(d time.Duration) { f.clock.forward(d); f.there.clock.forward(d) }
	a, person := f.stranger(), ada()
	a.get(f.invitation(vault.Owner))
	upstream := []string{"connection", "upstream", "return", "/admin/keys/rotate"}
	if p := a.through(person, "/admin/welcome/connection", append(upstream, "name", "Ada")...); !isIn(p) {
		t.Fatalf("invited: %d %s", p.status, text(p.body))
	}
	forward(11 * time.Minute)
	if p := a.get("/admin/keys/rotate"); !strings.Contains(p.body, "Is it you?") {
		t.Fatalf("%d %s", p.status, text(p.body))
	}
	there := a.sentTo("/admin/prove/connection", upstream...)
	query := there.Query()
	if query.Get("max_age") != "0" || query.Get("prompt") != "login" || query.Get("scope") != "openid profile email" {
		t.Errorf("asked: %s", there)
	}
	query.Del("max_age")
	query.Del("prompt")
	there.RawQuery = query.Encode()
	if p := a.get(a.loginAs(person, there)); p.status != http.StatusForbidden || !strings.Contains(p.body, "did not ask you again who you are") {
		t.Errorf("without being asked: %d %s", p.status, text(p.body))
	}
	if p := a.through(person, "/admin/prove/connection", upstream...); p.url != "/admin/keys/rotate" || p.status != http.StatusOK {
		t.Errorf("asked: %d %s", p.status, text(p.body))
	}

	f.changeUpstream(func(c *vault.Connection) { c.Options["issuer"] = "http://127.0.0.1:1/" })
	if p := f.stranger().post("/admin/sign-in/connection", upstream...); p.status != http.StatusServiceUnavailable || !strings.Contains(p.body, "<h1>Sign in to the console</h1>") || !strings.Contains(p.body, "Upstream") {
		t.Errorf("provider down: %d %s", p.status, text(p.body))
	}
}

// TestRefreshTokenOfAnAdministratorIsRevoked: one that came because nothing less
// can be asked of the provider.
func TestRefreshTokenOfAnAdministratorIsRevoked(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.change(func(c *vault.Connection) {
		c.Strategy, c.ForAdmins, c.Scopes = "oauth2", true, []string{"id", "api", "refresh_token"}
		c.Options = map[string]string{"authorizationURL": g.upstream + "/services/oauth2/authorize", "tokenURL": g.upstream + "/services/oauth2/token",
			"userInfoURL": g.upstream + "/services/oauth2/userinfo", "profile.id": "/user_id"}
	})
	g.byIdentity("Ada", vault.Owner, ada())
	if g.waiting() != 1 {
		t.Errorf("%d refresh tokens are to be revoked", g.waiting())
	}
	for _, record := range g.everything() {
		if strings.HasPrefix(record, "tokensets ") || strings.HasPrefix(record, "users ") || strings.HasPrefix(record, "identities ") {
			t.Errorf("kept: %s", record)
		}
	}
}
