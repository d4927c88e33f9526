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

	"sallyport/vault"
)

var (
	hiddenField  = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
	clientSecret = regexp.MustCompile(`<dt>Client secret</dt><dd class="copy"><code>([A-Z2-7]{52})</code>`)
)

// hidden are the hidden fields of a page's forms.
func (p page) hidden() (fields []string) {
	for _, m := range hiddenField.FindAllStringSubmatch(p.body, -1) {
		if m[1] != "return" {
			fields = append(fields, m[1], html.UnescapeString(m[2]))
		}
	}
	return fields
}

// fill sends the form of a page, with what it hides.
func (a *administrator) fill(path string, fields ...string) page {
	a.t.Helper()
	return a.post(path, append(a.get(path).hidden(), fields...)...)
}

// clientNamed is the client of a name.
func (g *gateway) clientNamed(name string) (found vault.Client) {
	g.t.Helper()
	g.put(func(tx *vault.Tx) error {
		for c, err := range tx.Clients.All("") {
			if err != nil {
				return err
			}
			if c.Name == name {
				found = c
			}
		}
		return nil
	})
	return found
}

// ofKind says what kind of application the client of all tests is.
func (g *gateway) ofKind(kind string) {
	g.t.Helper()
	g.put(func(tx *vault.Tx) error {
		c, err := tx.Clients.Get("app")
		if err != nil {
			return err
		}
		c.AppType = kind
		return tx.Clients.Put(c)
	})
}

func TestApplicationIsAddedWithWhatItsKindNeeds(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	for kind, want := range map[string]struct {
		grants []string
		secret bool
	}{
		"regular_web":     {[]string{"authorization_code", "refresh_token", federatedGrant}, true},
		"spa":             {[]string{"authorization_code", "refresh_token"}, false},
		"native":          {[]string{"authorization_code", "refresh_token"}, false},
		"non_interactive": {[]string{"client_credentials", federatedGrant}, true},
	} {
		page := a.fill("/admin/clients/new", "name", "A "+kind, "app_type", kind, "callbacks", "http://new.example/a\r\nhttp://new.example/b", "connections", "salesforce")
		c := g.clientNamed("A " + kind)
		if page.status != http.StatusOK || !slices.Equal(c.GrantTypes, want.grants) || !slices.Equal(c.RedirectURIs, []string{"http://new.example/a", "http://new.example/b"}) {
			t.Errorf("%s: %d %q %q", kind, page.status, c.GrantTypes, c.RedirectURIs)
		}
		if !c.Rotate || c.RefreshLifetime != 30*24*time.Hour || c.RefreshIdle != 15*24*time.Hour || c.RefreshLeeway != 30*time.Second || !c.FirstParty {
			t.Errorf("%s: refresh tokens %+v", kind, c)
		}
		shown := clientSecret.FindStringSubmatch(page.body)
		if (shown != nil) != want.secret || c.Public() == want.secret || want.secret && !slices.Equal(c.SecretHashes, []string{vault.Hash(shown[1])}) {
			t.Errorf("%s: secret %q, hashes %q, method %s", kind, shown, c.SecretHashes, c.AuthMethod)
		}
		g.put(func(tx *vault.Tx) error {
			connection, err := tx.Connections.Get("salesforce")
			if err == nil && !connection.Allows(c.ID) {
				t.Errorf("%s: the connection is not enabled", kind)
			}
			return err
		})
	}
}

func TestApplicationSentTwiceIsAddedOnce(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	form := append(a.get("/admin/clients/new").hidden(), "name", "Once", "app_type", "regular_web")
	first, second := a.post("/admin/clients/new", form...), a.post("/admin/clients/new", form...)
	secret := clientSecret.FindStringSubmatch(first.body)
	if secret == nil || strings.Contains(first.url, secret[1]) {
		t.Fatalf("no secret, or one in the URL: %d %s", first.status, first.url)
	}
	if clientSecret.MatchString(second.body) || !strings.Contains(second.body, "The application was added already") {
		t.Errorf("the second time: %d %s", second.status, second.body)
	}
	c := g.clientNamed("Once")
	for _, path := range []string{"", "/call", "/rotate", "/call?sdk=go"} {
		if page := a.get("/admin/clients/" + c.ID + path); page.status != http.StatusOK || strings.Contains(page.body, secret[1]) {
			t.Errorf("%s: %d, or the secret is there again", path, page.status)
		}
	}
	if page := a.get("/admin/clients/" + c.ID); !strings.Contains(page.body, "set, from <time") {
		t.Error("it is not said since when the secret is")
	}
	if strings.Contains(g.log.String(), secret[1]) {
		t.Error("the secret is in the log")
	}
}

func TestFaultsOfAnApplicationStandAtTheirFields(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.ofKind("regular_web")
	a := g.administrator("ada@example.com", vault.Editor)
	before := g.clientNamed("Application")
	for _, test := range []struct{ field, value, id, says string }{
		{"name", " ", "name", "is missing"},
		{"callbacks", "https://*.example.com/", "callbacks", "has a wildcard"},
		{"callbacks", "javascript:alert(1)", "callbacks", "has a scheme that is no place to go"},
		{"allowed_logout_urls", "nowhere", "allowed_logout_urls", "is not an absolute URL"},
		{"web_origins", "https://app.example/path", "web_origins", "should be an origin"},
		{"leeway", "301", "leeway", "from 0 to 300"},
		{"leeway", "-1", "leeway", "whole number"},
		{"token_lifetime", "soon", "token_lifetime", "whole number"},
		{"token_lifetime", "0", "token_lifetime", "whole number"},
		{"idle_token_lifetime", "99999999999", "idle_token_lifetime", "should be a number of seconds from 1"},
	} {
		form := map[string]string{"name": "Application", "callbacks": callback, "grant_types": "authorization_code"}
		form[test.field] = test.value
		var fields []string
		for name, value := range form {
			fields = append(fields, name, value)
		}
		page := a.fill("/admin/clients/app", fields...)
		input := regexp.MustCompile(`id="` + test.id + `"[^>]* aria-invalid="true" aria-describedby="fault"`)
		if page.status != http.StatusBadRequest || !input.MatchString(page.body) || !strings.Contains(page.body, test.says) {
			t.Errorf("%s=%q: %d, fault at the field: %t, says %q: %t", test.field, test.value, page.status, input.MatchString(page.body), test.says, strings.Contains(page.body, test.says))
		}
	}
	if after := g.clientNamed("Application"); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("changed by faulty forms: %+v", after)
	}
}

func TestApplicationIsChangedAsTheFormSays(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.ofKind("regular_web")
	a := g.administrator("ada@example.com", vault.Editor)
	page := a.fill("/admin/clients/app", "name", "New name", "callbacks", callback+"\n"+callback+"/2", "web_origins", "https://b.example, https://c.example",
		"grant_types", "authorization_code", "grant_types", federatedGrant, "grant_types", "password", "token_lifetime", "3600", "leeway", "0")
	c := g.clientNamed("New name")
	if page.status != http.StatusOK || !strings.Contains(page.url, "notice=saved") || c.ID != "app" {
		t.Fatalf("%d %s %+v", page.status, page.url, c)
	}
	if c.FirstParty || c.Rotate || c.RefreshLifetime != time.Hour || c.RefreshIdle != 0 || c.RefreshLeeway != 0 || len(c.LogoutURIs) != 0 ||
		!slices.Equal(c.GrantTypes, []string{"authorization_code", federatedGrant}) || len(c.RedirectURIs) != 2 || len(c.Origins) != 2 || len(c.SecretHashes) != 1 {
		t.Errorf("%+v", c)
	}
	g.put(func(tx *vault.Tx) error {
		connection, err := tx.Connections.Get("salesforce")
		if connection.Allows("app") || !connection.Allows("other") {
			t.Errorf("enabled for %q", connection.Clients)
		}
		return err
	})
}

// TestFormThatWasOvertakenChangesNothing: whoever opened a page before somebody
// else's change would undo it without a word.
func TestFormThatWasOvertakenChangesNothing(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	opened := a.get("/admin/clients/app").hidden()
	g.change(func(c *vault.Connection) { c.Clients = nil })
	page := a.post("/admin/clients/app", append(opened, "name", "Late", "connections", "salesforce", "leeway", "30")...)
	if page.status != http.StatusBadRequest || !strings.Contains(page.body, "Somebody else changed this application") || g.clientNamed("Late").ID != "" {
		t.Errorf("%d", page.status)
	}
}

// TestSecretIsReplacedWithoutAGap: the application works on with the one that it
// has, until that is ended.
func TestSecretIsReplacedWithoutAGap(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	good := func(secret string) bool {
		return g.post("oauth/token", "grant_type", "client_credentials", "client_id", "app", "client_secret", secret, "audience", "https://api.example").status == http.StatusOK
	}
	form := append(a.get("/admin/clients/app/rotate").hidden(), "keep_previous", "yes")
	page := a.post("/admin/clients/app/rotate", form...)
	found := clientSecret.FindStringSubmatch(page.body)
	if found == nil || !good(found[1]) || !good(appSecret) {
		t.Fatalf("after it was replaced: %d %q", page.status, found)
	}
	if again := a.post("/admin/clients/app/rotate", form...); clientSecret.MatchString(again.body) || !strings.Contains(again.body, "was replaced already") || !good(found[1]) {
		t.Errorf("sent again: %d", again.status)
	}
	if page := a.post("/admin/clients/app/end-secret"); page.status != http.StatusOK || good(appSecret) || !good(found[1]) {
		t.Errorf("the previous one was ended: %d", page.status)
	}
	leaked := a.fill("/admin/clients/app/rotate")
	if next := clientSecret.FindStringSubmatch(leaked.body); next == nil || good(found[1]) || !good(next[1]) {
		t.Errorf("a leaked one: %d", leaked.status)
	}
	if page := a.get("/admin/clients/spa/rotate"); page.status != http.StatusConflict || !strings.Contains(page.body, "has no secret") {
		t.Errorf("of a public client: %d", page.status)
	}
}

func TestDeletedApplicationLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.signIn(grace())
	a := g.administrator("ada@example.com", vault.Owner)
	page := a.get("/admin/clients/app/delete")
	for _, want := range []string{"Delete <bdi>Application</bdi>?", "<dt>Sign-ins that end</dt><dd>2</dd>", "<dt>Connections it loses</dt><dd>1</dd>", "<dt>APIs it may no longer call</dt><dd>1</dd>"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("no %q", want)
		}
	}
	if page := a.post("/admin/clients/app/delete"); !strings.Contains(page.url, "notice=deleted") {
		t.Fatalf("%d %s", page.status, page.url)
	}
	g.put(func(tx *vault.Tx) error {
		for grant, err := range tx.Grants.All("") {
			if err != nil || grant.Client == "app" {
				t.Errorf("a grant is left: %v", err)
			}
		}
		connection, err := tx.Connections.Get("salesforce")
		if connection.Allows("app") {
			t.Error("the connection still names it")
		}
		return err
	})
	req := g.request(http.MethodGet, "userinfo", "", "")
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	if answer := g.do(req); answer.status != http.StatusUnauthorized {
		t.Errorf("its access tokens are still good: %d", answer.status)
	}
	if page := a.post("/admin/clients/app/delete"); page.status != http.StatusNotFound {
		t.Errorf("a second time: %d", page.status)
	}
}

// TestH44ViewersChangeNoApplication, and what cannot be undone takes a fresh
// proof of who it is.
func TestH44ViewersChangeNoApplication(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("vera@example.com", vault.Viewer)
	page := a.get("/admin/clients/app")
	if page.status != http.StatusOK || !strings.Contains(page.body, `<fieldset class="plain" disabled>`) || strings.Contains(page.body, "/delete") || strings.Contains(page.body, ">Save<") {
		t.Errorf("what a viewer sees: %d", page.status)
	}
	for _, path := range []string{"/admin/clients/new", "/admin/clients/app", "/admin/clients/app/rotate", "/admin/clients/app/end-secret", "/admin/clients/app/delete"} {
		if page := a.post(path, "name", "Mine"); page.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, page.status)
		}
	}
	e := g.administrator("ed@example.com", vault.Editor)
	g.clock.forward(20 * time.Minute)
	for _, path := range []string{"/admin/clients/app/rotate", "/admin/clients/app/end-secret", "/admin/clients/app/delete"} {
		if page := e.post(path); !strings.HasPrefix(page.url, "/admin/prove") {
			t.Errorf("%s without a fresh proof: %d %s", path, page.status, page.url)
		}
	}
	if c := g.clientNamed("Application"); c.ID != "app" || !slices.Equal(c.SecretHashes, []string{vault.Hash(appSecret)}) {
		t.Errorf("changed: %+v", c)
	}
}

func TestApplicationsAreListedAPageAtATime(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Viewer)
	g.put(func(tx *vault.Tx) error {
		for i := range 120 {
			if err := tx.Clients.Put(vault.Client{ID: fmt.Sprintf("many-%03d", i), Name: fmt.Sprintf("Number %d", i), AuthMethod: "none", AppType: "spa"}); err != nil {
				return err
			}
		}
		return nil
	})
	next := regexp.MustCompile(`href="(/admin/clients\?after=[^"]+)">Next page`)
	seen, path := 0, "/admin/clients"
	for range 10 {
		page := a.get(path)
		n := strings.Count(page.body, `<th scope="row">`)
		if n > 50 {
			t.Fatalf("%d on a page", n)
		}
		seen += n
		link := next.FindStringSubmatch(page.body)
		if link == nil {
			break
		}
		path = html.UnescapeString(link[1])
	}
	if seen != 124 {
		t.Errorf("%d applications", seen)
	}
}

// TestH24HostileApplicationsAreOnlyText: an ID or a name of a tenant file may be
// anything.
func TestH24HostileApplicationsAreOnlyText(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	for _, id := range []string{`<script>alert(1)</script>`, `../admin?x#y`, `a/b%2Fc|d`, "'; rm -rf / #", "`id` $(id) \\", "\"\n\"", "../../etc", "\u202egpj.exe"} {
		g.put(func(tx *vault.Tx) error {
			connection, err := tx.Connections.Get("salesforce")
			if err != nil {
				return err
			}
			connection.Clients = append(connection.Clients, id)
			if err := tx.Connections.Put(connection); err != nil {
				return err
			}
			return tx.Clients.Put(vault.Client{ID: id, Name: id, AuthMethod: "client_secret_post", SecretHashes: []string{vault.Hash(appSecret)},
				RedirectURIs: []string{"https://app.example/'$(id)\"`/callback"}, GrantTypes: []string{"authorization_code", "refresh_token", federatedGrant}})
		})
		for _, path := range []string{"", "/call", "/call?sdk=go", "/call?sdk=node", "/call?sdk=python", "/call?sdk=nextjs", "/branding", "/rotate", "/delete"} {
			page := a.get("/admin/clients/" + strings.ReplaceAll(url.PathEscape(id), "..", "%2E%2E") + path)
			if page.status != http.StatusOK || strings.Contains(page.body, "<script>alert") {
				t.Errorf("%q%s: %d", id, path, page.status)
			}
		}
	}
	if page := a.get("/admin/clients"); page.status != http.StatusOK || strings.Contains(page.body, "<script>alert") {
		t.Errorf("the list: %d", page.status)
	}
	if page := a.get("/admin/clients/nobody"); page.status != http.StatusNotFound || !strings.Contains(page.body, "No such application") {
		t.Errorf("one that is not there: %d", page.status)
	}
}
