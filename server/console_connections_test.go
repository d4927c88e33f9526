package server_test

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

// salesforceForm is the form of a connection to the simulated Salesforce, as it
// is first sent; more overrides.
func (g *gateway) salesforceForm(more ...string) []string {
	form := map[string][]string{
		"strategy": {"salesforce"}, "name": {"acme"}, "display_name": {"Acme"}, "environment": {"my-domain"}, "options.login_url": {g.upstream},
		"options.client_id": {"consumer-key"}, "options.client_secret": {"consumer-secret"}, "scope": {"openid", "id", "api", "refresh_token"},
		"connected_accounts.active": {"true"}, "options.token_grant": {"authorization_code"}, "client": {"app"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		form[more[i]] = []string{more[i+1]}
		if more[i+1] == "" {
			delete(form, more[i])
		}
	}
	var pairs []string
	for name, values := range form {
		for _, value := range values {
			pairs = append(pairs, name, value)
		}
	}
	return pairs
}

var seenShown = regexp.MustCompile(`name="seen" value="([^"]+)"`)

// publish publishes the draft of a connection as its page shows it.
func (a *administrator) publish(name string) page {
	a.t.Helper()
	shown := a.get("/admin/connections/" + name)
	found := seenShown.FindStringSubmatch(shown.body)
	if found == nil {
		a.t.Fatalf("nothing to publish: %d %s", shown.status, shown.body)
	}
	return a.post("/admin/connections/"+name+"/publish", "seen", html.UnescapeString(found[1]))
}

// stored is a connection as it is published.
func (g *gateway) stored(name string) (c vault.Connection, ok bool) {
	g.t.Helper()
	ok, err := vault.Exists(g.vault.View(g.t.Context(), func(tx *vault.Tx) (err error) { c, err = tx.Connections.Get(name); return err }))
	if err != nil {
		g.t.Fatal(err)
	}
	return c, ok
}

func TestConnectionIsDraftedLookedAtAndPublished(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	if page := a.get("/admin/connections/new"); page.status != http.StatusOK || !strings.Contains(page.body, "<code>"+g.issuer+"login/callback</code>") {
		t.Fatalf("the callback URL is not shown: %d %s", page.status, page.body)
	}
	page := a.post("/admin/connections/new", g.salesforceForm()...)
	for _, want := range []string{"Saved as a draft", "Not published yet", "Saved by <bdi>ada@example.com</bdi>", "Application (app)", "/admin/connections/acme/try"} {
		if page.status != http.StatusOK || !strings.Contains(page.body, want) {
			t.Fatalf("no %q: %d %s", want, page.status, page.body)
		}
	}
	if list := a.get("/admin/connections"); !strings.Contains(list.body, "Acme") || !strings.Contains(list.body, "Draft") {
		t.Errorf("not in the list: %s", list.body)
	}
	if page := a.publish("acme"); !strings.Contains(page.body, "Published. It is in use.") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	c, _ := g.stored("acme")
	if !c.Active || !c.TokenVault || c.ID == "" || c.Options["login_url"] != g.upstream || c.ClientSecret.Reveal() != "consumer-secret" || c.SecretSet.IsZero() || len(c.Scopes) > 0 || len(c.Options) != 1 {
		t.Errorf("published: %+v", c)
	}
	token := g.signIn(ada(), oauth2.SetAuthURLParam("connection", "acme"))
	if answer := g.exchange(token.RefreshToken, "connection", "acme"); answer.status != http.StatusOK || g.query(answer) != http.StatusOK {
		t.Errorf("exchange: %d %s", answer.status, answer.body)
	}
}

// TestH09DraftIsUsedByNobody: neither a sign-in nor an exchange can name it.
func TestH09DraftIsUsedByNobody(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	before := g.signIn(ada())
	a.post("/admin/connections/new", g.salesforceForm()...)
	if query := g.visit(ada(), oauth2.SetAuthURLParam("connection", "acme")); query.Get("error") == "" || query.Get("code") != "" {
		t.Errorf("signed in by a draft: %v", query)
	}
	if answer := g.exchange(before.RefreshToken, "connection", "acme"); answer.status == http.StatusOK {
		t.Errorf("exchanged by a draft: %s", answer.body)
	}
	// A draft of a published connection leaves that one as it is.
	a.post("/admin/connections/salesforce/edit", g.salesforceForm("options.client_id", "another-key")...)
	if c, _ := g.stored("salesforce"); c.ClientID != "consumer-key" {
		t.Errorf("%+v", c)
	}
	if answer := g.exchange(before.RefreshToken); answer.status != http.StatusOK {
		t.Errorf("exchange beside a draft: %s", answer.body)
	}
}

// TestH36ConsoleShowsNoSecretOfAConnection: what was entered once stands on no
// page, and stays when it is not entered again.
func TestH36ConsoleShowsNoSecretOfAConnection(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	const secret, next = "canary-of-the-secret", "canary-of-the-next"
	see := func(step string, page page) {
		t.Helper()
		if strings.Contains(page.body, "canary") {
			t.Errorf("%s shows a secret", step)
		}
	}
	form := g.salesforceForm("options.client_secret", secret, "options.client_secret_next", next)
	fault := a.post("/admin/connections/new", append(form, "options.org_id", "wrong")...)
	see("a fault", fault)
	if strings.Count(fault.body, "Enter it again") != 2 || strings.Contains(fault.body, "it stays") {
		t.Errorf("secrets that were entered have to be entered again: %s", fault.body)
	}
	see("the draft", a.post("/admin/connections/new", form...))
	see("published", a.publish("acme"))
	for _, path := range []string{"", "/edit", "/file"} {
		see(path, a.get("/admin/connections/acme"+path))
	}
	kept := g.salesforceForm("options.client_secret", "", "display_name", "Other")
	see("changed", a.post("/admin/connections/acme/edit", kept...))
	see("published again", a.publish("acme"))
	see("undo", a.get("/admin/connections/acme/undo"))
	c, _ := g.stored("acme")
	if c.ClientSecret.Reveal() != secret || c.Options["client_secret_next"] != next || c.DisplayName != "Other" {
		t.Errorf("not kept: %+v", c)
	}
	page := a.post("/admin/connections/acme/edit", g.salesforceForm("options.client_secret", "canary-two", "remove.options.client_secret_next", "true")...)
	see("another one", page)
	if !strings.Contains(page.body, "another one") {
		t.Errorf("the draft does not say that the secret is another one: %s", page.body)
	}
	see("published with another", a.publish("acme"))
	if c, _ := g.stored("acme"); c.ClientSecret.Reveal() != "canary-two" || c.Options["client_secret_next"] != "" {
		t.Errorf("%+v", c)
	}
}

func TestFaultOfAConnectionStandsAtItsField(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	for _, tt := range []struct{ field, value, at, problem string }{
		{"name", "", "name", "should be letters"},
		{"name", "-x", "name", "should be letters"},
		{"name", "new", "name", "is taken"},
		{"name", "salesforce", "name", "is taken"},
		{"options.login_url", "https://na139.salesforce.com", "options.login_url", "My Domain"},
		{"options.login_url", "https://acme.my.salesforce.com.evil.example", "options.login_url", "only looks like"},
		{"options.login_url", "", "options.login_url", "is missing"},
		{"options.client_id", "", "options.client_id", "is missing"},
		{"options.org_id", "001000000000000", "options.org_id", "should be the ID of an org"},
		{"more_scopes", "wrong\"scope", "more_scopes", "characters that no scope has"},
		{"options.keep_alive_days", "0", "options.keep_alive_days", "from 1 to 365"},
		{"options.upstream_params", "display", "options.upstream_params", "lines such as"},
		{"options.upstream_params", "state = fixed", "options.upstream_params", "the gateway itself decides"},
		{"options.token_user", "jobs@acme.com", "options.token_user", "needs a token_grant"},
		{"display_name", strings.Repeat("x", 201), "display_name", "at most 200"},
	} {
		page := a.post("/admin/connections/new", g.salesforceForm(tt.field, tt.value)...)
		at := fmt.Sprintf(`aria-invalid="true" aria-describedby="%s-fault"`, tt.at)
		if page.status != http.StatusBadRequest || !strings.Contains(page.body, at) || !strings.Contains(html.UnescapeString(page.body), tt.problem) || !strings.Contains(page.body, "It was not saved yet.") {
			t.Errorf("%s=%q: %d %.3000s", tt.field, tt.value, page.status, page.body)
		}
		if tt.value != "" && !strings.Contains(page.body, html.EscapeString(tt.value)) {
			t.Errorf("%s=%q: what was entered is lost", tt.field, tt.value)
		}
	}
	if page := a.get("/admin/connections/acme"); page.status != http.StatusNotFound {
		t.Errorf("something was kept: %d", page.status)
	}
	if page := a.post("/admin/connections/new", g.salesforceForm("strategy", "none")...); page.status != http.StatusBadRequest {
		t.Errorf("a strategy that is none: %d", page.status)
	}
}

func TestPastedAddressFillsHostAndEnvironment(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	for i, tt := range []struct{ environment, address, strategy, loginURL string }{
		{"production", "", "salesforce", ""},
		{"sandbox", "", "salesforce-sandbox", ""},
		{"production", "https://acme.lightning.force.com/lightning/setup/SetupOneHome/home", "salesforce", "https://acme.my.salesforce.com"},
		{"production", "acme--uat.sandbox.my.salesforce-setup.com", "salesforce-sandbox", "https://acme--uat.sandbox.my.salesforce.com"},
		{"production", "https://acme.my.site.com/partners/s/login", "salesforce-community", "https://acme.my.site.com/partners"},
		{"site", "https://acme.my.salesforce.com/.well-known/openid-configuration", "salesforce", "https://acme.my.salesforce.com"},
		{"site", "https://portal.acme.com", "salesforce-community", "https://portal.acme.com"},
	} {
		name := fmt.Sprintf("c%d", i)
		if page := a.post("/admin/connections/new", g.salesforceForm("name", name, "environment", tt.environment, "options.login_url", tt.address)...); page.status != http.StatusOK {
			t.Errorf("%+v: %d %s", tt, page.status, page.body)
			continue
		}
		a.publish(name)
		if c, _ := g.stored(name); c.Strategy != tt.strategy || c.Options["login_url"] != tt.loginURL {
			t.Errorf("%+v: %s at %q", tt, c.Strategy, c.Options["login_url"])
		}
		found := a.get("/admin/connections/new/recognise?" + url.Values{"address": {tt.address}, "environment": {tt.environment}}.Encode())
		if !strings.Contains(found.body, `"login_url":"`+tt.loginURL+`"`) {
			t.Errorf("%+v: a script is told %s", tt, found.body)
		}
	}
}

// TestPublishingTakesWhatWasLookedAt: a draft that somebody else saved meanwhile
// is not published unseen, nor over a change of what it replaces.
func TestPublishingTakesWhatWasLookedAt(t *testing.T) {
	t.Parallel()
	g := start(t)
	a, other := g.administrator("ada@example.com", vault.Editor), g.administrator("grace@example.com", vault.Editor)
	a.post("/admin/connections/salesforce/edit", g.salesforceForm("display_name", "Ours")...)
	seen := seenShown.FindStringSubmatch(a.get("/admin/connections/salesforce").body)[1]
	other.post("/admin/connections/salesforce/edit", g.salesforceForm("display_name", "Theirs")...)
	if page := a.post("/admin/connections/salesforce/publish", "seen", seen); page.status != http.StatusConflict || !strings.Contains(page.body, "changed meanwhile") {
		t.Errorf("another's draft: %d", page.status)
	}
	seen = seenShown.FindStringSubmatch(a.get("/admin/connections/salesforce").body)[1]
	g.change(func(c *vault.Connection) { c.TokenVault = false })
	if page := a.post("/admin/connections/salesforce/publish", "seen", seen); page.status != http.StatusConflict {
		t.Errorf("over another change: %d", page.status)
	}
	if page := a.publish("salesforce"); page.status != http.StatusOK {
		t.Errorf("%d", page.status)
	}
	if page := a.post("/admin/connections/salesforce/publish", "seen", seen); page.status != http.StatusConflict {
		t.Errorf("nothing to publish: %d", page.status)
	}
	if c, _ := g.stored("salesforce"); c.DisplayName != "Theirs" || !c.TokenVault {
		t.Errorf("%+v", c)
	}
}

func TestDraftSaysWhatItMeansForUsers(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	page := a.post("/admin/connections/salesforce/edit", g.salesforceForm("options.client_id", "another", "options.own_callback", "true", "scope", "web", "connected_accounts.active", "", "client", "spa")...)
	for _, want := range []string{
		"The callback URL becomes " + g.issuer + "login/callback/salesforce", "Refresh tokens belong to the app", "have not allowed web:",
		"refused with not_stored", "Application (app) can neither", "With web, a token that leaks",
	} {
		if !strings.Contains(html.UnescapeString(page.body), want) {
			t.Errorf("no %q in %s", want, page.body)
		}
	}
	if page := a.post("/admin/connections/salesforce/discard"); !strings.Contains(page.body, "The draft was discarded") || strings.Contains(page.body, "not published") {
		t.Errorf("%s", page.body)
	}
	a.post("/admin/connections/new", g.salesforceForm()...)
	if page := a.post("/admin/connections/acme/discard"); page.url != "/admin/connections?notice=discarded" || strings.Contains(page.body, "Acme") {
		t.Errorf("%s %s", page.url, page.body)
	}
}

func TestOtherProvidersHaveTheFieldsOfTheirStrategy(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	page := a.get("/admin/connections/new?strategy=oidc")
	if !strings.Contains(page.body, `id="options.issuer"`) || strings.Contains(page.body, "environment") {
		t.Errorf("%s", page.body)
	}
	page = a.post("/admin/connections/new", "strategy", "oidc", "name", "idp", "options.issuer", "https://idp.example", "options.client_id", "c", "options.client_secret", "s",
		"scope", "openid email offline_access", "options.refresh_tokens", "reusable", "options.private_key", "", "options.upstream_params", "prompt = consent\nlogin_hint from login_hint")
	if page.status != http.StatusOK {
		t.Fatalf("%d %s", page.status, page.body)
	}
	a.publish("idp")
	c, _ := g.stored("idp")
	if c.Strategy != "oidc" || strings.Join(c.Scopes, " ") != "openid email offline_access" || c.Options["issuer"] != "https://idp.example" || c.TokenVault ||
		c.Upstream["prompt"].Value != "consent" || c.Upstream["login_hint"].Alias != "login_hint" {
		t.Errorf("%+v", c)
	}
	if page := a.get("/admin/connections/new?strategy=none"); page.status != http.StatusNotFound {
		t.Errorf("a strategy that is none: %d", page.status)
	}
}

func TestViewerSeesConnectionsAndChangesNone(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	a.post("/admin/connections/salesforce/edit", g.salesforceForm("display_name", "Changed")...)
	v := g.administrator("eve@example.com", vault.Viewer)
	for _, path := range []string{"", "/salesforce", "/salesforce/file"} {
		page := v.get("/admin/connections" + path)
		if page.status != http.StatusOK || strings.Contains(page.body, "Danger zone") || strings.Contains(page.body, `/publish"`) || strings.Contains(page.body, "connections/new") {
			t.Errorf("%s: %d %s", path, page.status, page.body)
		}
	}
	for _, path := range []string{"/new", "/salesforce/edit", "/salesforce/undo", "/salesforce/delete"} {
		if page := v.get("/admin/connections" + path); page.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, page.status)
		}
	}
	for _, path := range []string{"new", "salesforce/edit", "salesforce/publish", "salesforce/discard", "salesforce/undo", "salesforce/on", "salesforce/off", "salesforce/certificate", "salesforce/delete"} {
		if page := v.post("/admin/connections/"+path, g.salesforceForm("confirm", "salesforce")...); page.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, page.status)
		}
	}
	if c, _ := g.stored("salesforce"); c.DisplayName != "Salesforce" || !c.Active {
		t.Errorf("%+v", c)
	}
}

// TestH24NamesOfConnectionsAndApplicationsAreOnlyText, wherever they stand.
func TestH24NamesOfConnectionsAndApplicationsAreOnlyText(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	const hostile = `"><script>alert(1)</script>`
	g.put(func(tx *vault.Tx) error {
		app, err := tx.Clients.Get("app")
		app.Name = hostile
		return errors.Join(err, tx.Clients.Put(app))
	})
	a.post("/admin/connections/new", g.salesforceForm("display_name", hostile, "options.upstream_params", "x = "+hostile)...)
	for _, path := range []string{"", "/acme", "/acme/edit", "/new"} {
		if page := a.get("/admin/connections" + path); page.status != http.StatusOK || strings.Contains(page.body, "<script>alert") {
			t.Errorf("%s: %d", path, page.status)
		}
	}
	for _, name := range []string{"..%2f..%2fetc", "%00", "a%0d%0ab", strings.Repeat("x", 5000), "%3Cscript%3E"} {
		if page := a.get("/admin/connections/" + name); page.status != http.StatusNotFound {
			t.Errorf("%.40s: %d", name, page.status)
		}
	}
}

func TestListOfConnectionsIsPaged(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.put(func(tx *vault.Tx) error {
		for i := range 70 {
			c := g.connection(fmt.Sprintf("a%02d", i))
			c.DisplayName = ""
			var err error
			if i%2 == 0 {
				err = tx.Connections.Put(c)
			} else {
				err = tx.Drafts.Put(vault.Draft{Connection: c})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	a := g.administrator("ada@example.com", vault.Viewer)
	row := regexp.MustCompile(`<a href="/admin/connections/([a-z0-9]+)"><bdi>`)
	var names []string
	for path := "/admin/connections"; path != ""; {
		page := a.get(path)
		for _, m := range row.FindAllStringSubmatch(page.body, -1) {
			names = append(names, m[1])
		}
		next := regexp.MustCompile(`href="([^"]*after=[^"]*)"`).FindStringSubmatch(page.body)
		path = ""
		if next != nil {
			path = html.UnescapeString(next[1])
		}
	}
	if len(names) != 71 || names[0] != "a00" || names[69] != "a69" || names[70] != "salesforce" {
		t.Errorf("%d: %v", len(names), names)
	}
}
