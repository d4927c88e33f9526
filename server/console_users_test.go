package server_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/connections/simulator"
	"sallyport/vault"
)

// adasPage is the path of a user's page, and of that of her account.
func (g *gateway) adasPage() (user, account string) {
	g.t.Helper()
	u := simulator.DefaultUsers()[0]
	user = "/admin/users/" + url.PathEscape("salesforce|"+u.ID)
	var ts vault.TokenSet
	g.put(func(tx *vault.Tx) (err error) {
		ts, err = tx.TokenSets.Get(vault.IdentityKey("salesforce", simulator.DefaultOrgID+"/"+u.ID))
		return err
	})
	return user, user + "/accounts/" + ts.ID
}

// shows is a page that must say some things, and not others, which begin with "!".
func (a *administrator) shows(page page, says ...string) {
	a.t.Helper()
	if page.status != http.StatusOK {
		a.t.Errorf("%s: %d %s", page.url, page.status, page.body)
	}
	for _, s := range says {
		s, not := strings.CutPrefix(s, "!")
		if strings.Contains(html.UnescapeString(page.body), s) == not {
			a.t.Errorf("%s: says %q: %v\n%s", page.url, s, !not, page.body)
		}
	}
}

func TestUsersAreFoundInTheConsole(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	a.shows(a.get("/admin/users"), "Nobody has signed in yet", "still being made ready")
	g.signIn(ada())
	g.signIn(grace())
	g.work()
	u := simulator.DefaultUsers()[0]
	a.shows(a.get("/admin/users"), "ada@example.com", "grace@example.com", "Healthy", "!still being made ready", "!Next page")
	for _, q := range []string{"ada@example.com", "ADA@example.com ", u.ID, "salesforce|" + u.ID, "salesforce|" + u.ID[:len(u.ID)-1]} {
		if q == "salesforce|"+u.ID[:len(u.ID)-1] && strings.HasPrefix(simulator.DefaultUsers()[1].ID, u.ID[:len(u.ID)-1]) {
			continue
		}
		a.shows(a.get("/admin/users?q="+url.QueryEscape(q)), "ada@example.com", "!grace@example.com")
	}
	a.shows(a.get("/admin/users?q=salesforce"), "ada@example.com", "grace@example.com")
	a.shows(a.get("/admin/users?q=ada&connection="), "Nobody is found")
	a.shows(a.get("/admin/users?q=ada@example.com&connection=none"), "Nobody is found")
	a.shows(a.get("/admin/users?connection=salesforce"), "ada@example.com", "grace@example.com")
}

// TestListsOfUsersArePaged, whole or of a connection, each user once.
func TestListsOfUsersArePaged(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	g.put(func(tx *vault.Tx) error {
		for i := range 120 {
			_, err := tx.SignIn(vault.Identity{Connection: "salesforce", Strategy: "salesforce", Subject: fmt.Sprintf("00D/%03d", i), UserID: fmt.Sprintf("%03d", i), Profile: vault.Profile{Email: fmt.Sprintf("u%03d@example.com", i)}})
			if err != nil {
				return err
			}
		}
		return nil
	})
	next, row := regexp.MustCompile(`href="(/admin/users\?[^"]*)">Next page`), regexp.MustCompile(`<bdi>(u\d{3}@example.com)</bdi>`)
	for _, path := range []string{"/admin/users", "/admin/users?connection=salesforce", "/admin/users?q=salesforce|"} {
		seen, pages := map[string]int{}, 0
		for path != "" && pages < 10 {
			page := a.get(path)
			pages++
			for _, m := range row.FindAllStringSubmatch(page.body, -1) {
				seen[m[1]]++
			}
			path = ""
			if m := next.FindStringSubmatch(page.body); m != nil {
				path = html.UnescapeString(m[1])
			}
		}
		if len(seen) != 120 || seen["u119@example.com"] != 1 || pages != 3 {
			t.Errorf("%d users on %d pages", len(seen), pages)
		}
	}
}

func TestUserIsShownBlockedAndSignedOut(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Editor)
	p := ada()
	token := g.signIn(p)
	user, _ := g.adasPage()
	a.shows(a.get(user), "ada@example.com", "Token health", "Application", "1 refresh token", "Browsers in which", "Block")
	a.shows(a.post(user+"/block", "blocked", "true"), "Unblock", "cannot sign in")
	if e := g.exchange(token.RefreshToken); e.status != http.StatusForbidden {
		t.Errorf("blocked: %d %s", e.status, e.body)
	}
	a.shows(a.post(user+"/block", "blocked", "false"), "The user can sign in again")
	if e := g.exchange(token.RefreshToken); e.status != http.StatusOK {
		t.Errorf("unblocked: %d %s", e.status, e.body)
	}
	a.shows(a.post(user+"/sign-out"), "Signed out everywhere", "No application can do anything")
	if e := g.exchange(token.RefreshToken); e.status == http.StatusOK {
		t.Errorf("signed out: %d %s", e.status, e.body)
	}
	again := g.signIn(p)
	a.shows(a.post(user+"/take-back", "client", "other"), "Taken back", "1 refresh token")
	a.shows(a.post(user+"/take-back", "client", "app"), "Taken back", "!1 refresh token")
	if e := g.exchange(again.RefreshToken); e.status == http.StatusOK {
		t.Errorf("taken back: %d %s", e.status, e.body)
	}
	if page := a.get("/admin/users/nobody"); page.status != http.StatusNotFound || !strings.Contains(page.body, "No such user") {
		t.Errorf("%d %s", page.status, page.body)
	}
}

// TestTokenHealthIsShownWithoutTokens: its state, what came of refreshes, and what
// can be done.
func TestTokenHealthIsShownWithoutTokens(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Editor)
	token := g.signIn(ada())
	_, account := g.adasPage()
	secrets := func() []string {
		var ts vault.TokenSet
		g.tokens(func(t *vault.TokenSet) { ts = *t })
		return []string{"!" + ts.AccessToken.Reveal(), "!" + ts.RefreshToken.Reveal(), ts.AccessToken.Fingerprint(), ts.RefreshToken.Fingerprint()}
	}
	a.shows(a.get(account), append(secrets(), "Healthy", "1 of 5", "api", "None yet", "when an application asks after")...)
	before := g.exchange(token.RefreshToken).str("access_token")
	a.shows(a.post(account+"/refresh"), append(secrets(), "There is a new access token", "Refreshed", "!None yet")...)
	if now := g.exchange(token.RefreshToken).str("access_token"); now == before || now == "" {
		t.Error("there is no new access token")
	}
	g.salesforce.Fail("token:refresh_token", http.StatusBadRequest, "inactive_user", "user is frozen")
	if page := a.post(account + "/refresh"); page.status != http.StatusBadGateway || !strings.Contains(page.body, `role="alert"`) || !strings.Contains(page.body, "token still good") {
		t.Errorf("%d %s", page.status, page.body)
	}
	g.clock.forward(time.Minute)
	g.salesforce.Fail("token:refresh_token", http.StatusBadRequest, "invalid_grant", "expired access/refresh token")
	if page := a.post(account + "/refresh"); page.status != http.StatusBadGateway || !strings.Contains(page.body, "Refused for good") {
		t.Errorf("%d %s", page.status, page.body)
	}
	a.shows(a.get(account), append(secrets(), "Reauthorization needed", "no longer accepts this user's refresh token", "!Refresh now")...)
	g.work()
	a.shows(a.get("/admin/accounts?state=reauthorize"), "ada@example.com", "Reauthorization needed")
	a.shows(a.get("/admin/accounts?state=expiring"), "There is none now")
	a.shows(a.get("/admin/accounts?state=nonsense"), "Choose a state")

	if page := a.post(account+"/link", "client", "elsewhere"); page.status != http.StatusBadRequest {
		t.Errorf("a link for another application: %d", page.status)
	}
	page := a.post(account+"/link", "client", "app")
	link := regexp.MustCompile(g.issuer + `login/reconnect\?ticket=[A-Z2-7]+`).FindString(page.body)
	if link == "" {
		t.Fatalf("no link: %d %s", page.status, page.body)
	}
	if end, err := ada().Visit(link, appURL); err != nil || end.Status != http.StatusOK || !strings.Contains(end.Body, "Connected again") {
		t.Errorf("%v %+v", err, end)
	}
	a.shows(a.get(account), "Healthy", "!"+link)
}

func TestWhatCannotBeUndoneIsAskedForAndProved(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Editor)
	token := g.signIn(ada())
	user, account := g.adasPage()
	g.clock.forward(11 * time.Minute)
	for _, path := range []string{account + "/disconnect", user + "/delete"} {
		if page := a.get(path); !strings.Contains(page.body, "Is it you?") {
			t.Errorf("%s asks for no proof: %s", path, page.body)
		}
		if page := a.post(path); !strings.Contains(page.body, "Is it you?") {
			t.Errorf("%s needs no proof: %s", path, page.body)
		}
	}
	if e := g.exchange(token.RefreshToken); e.status != http.StatusOK {
		t.Fatalf("%d %s", e.status, e.body)
	}
	a.shows(a.post("/admin/prove", "password", a.password, "code", a.code(), "return", account+"/disconnect"), "Disconnect this account?", "ada@example.com at Salesforce")
	a.shows(a.post(account+"/disconnect"), "Disconnected, and revoked at the identity provider", "No tokens")
	if page := a.get(account); page.status != http.StatusNotFound {
		t.Errorf("afterwards: %d", page.status)
	}
	a.shows(a.get(user+"/delete"), "Delete this user?", "salesforce|"+simulator.DefaultUsers()[0].ID)
	a.shows(a.post(user+"/delete"), "The user is deleted", "Nobody has signed in yet")
	if page := a.get(user); page.status != http.StatusNotFound {
		t.Errorf("afterwards: %d", page.status)
	}
}

// TestViewerChangesNoUser, not even with the URLs at hand.
func TestViewerChangesNoUser(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("viewer@example.com", vault.Viewer)
	g.signIn(ada())
	user, account := g.adasPage()
	a.shows(a.get(user), "ada@example.com", "!Block", "!Delete", "!Take back")
	a.shows(a.get(account), "Healthy", "!Refresh now", "!Disconnect", "!Make a link")
	for _, path := range []string{user + "/block", user + "/sign-out", user + "/take-back", user + "/delete", account + "/refresh", account + "/link", account + "/disconnect"} {
		if page := a.post(path, "blocked", "true", "client", "app"); page.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, page.status)
		}
	}
	if g.salesforce.Requests("token:refresh_token") != 0 {
		t.Error("a viewer had an account refreshed")
	}
}

// TestHostileUsersAreOnlyText, by ID, name and whatever else a provider says.
func TestHostileUsersAreOnlyText(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Editor)
	for _, hostile := range []string{`"><script>alert(1)</script>`, "../../admin", "a/b?c=d#e|f%2Fg", "\u202egro.live", "javascript:alert(1)", strings.Repeat("x", 3000)} {
		var id string
		g.put(func(tx *vault.Tx) error {
			u, err := tx.SignIn(vault.Identity{Connection: "salesforce", Strategy: "oidc", Subject: hostile, UserID: hostile, Org: hostile,
				Profile: vault.Profile{Name: hostile, Email: hostile, Username: hostile}})
			if err != nil {
				return err
			}
			id = u.ID
			return tx.TokenSets.Put(vault.TokenSet{Identity: u.Identities[0], ID: "cac_1", RefreshToken: vault.NewSecret("rt"), Scopes: []string{hostile},
				Params: map[string]string{"instance_url": hostile}, Refusal: &vault.Refusal{Why: hostile}})
		})
		user := "/admin/users/" + url.PathEscape(id)
		for _, path := range []string{"/admin/users", "/admin/users?q=" + url.QueryEscape(hostile), user, user + "/accounts/cac_1", user + "/delete"} {
			page := a.get(path)
			if page.status != http.StatusOK || strings.Contains(page.body, "<script>alert") || strings.Contains(page.body, "\u202e") || strings.Contains(page.body, `href="javascript:`) {
				t.Errorf("%.60q: %d %.300s", path, page.status, page.body)
			}
		}
		a.shows(a.post(user+"/block", "blocked", "true"), "Unblock")
		a.shows(a.post(user+"/delete"), "The user is deleted")
	}
}
