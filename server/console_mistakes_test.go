package server_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/connections/simulator"
	"sallyport/connections/simulator/simtest"
	"sallyport/vault"
)

// TestTrialNamesTheMistake: what people set up wrong at Salesforce most often, with
// the step at which a trial finds it, its cause and its cure. Where Salesforce
// shows the mistake on a page of its own and sends nobody back, the trial's page
// explains what stands there.
func TestTrialNamesTheMistake(t *testing.T) {
	t.Parallel()
	for _, tt := range mistakes() {
		t.Run(tt.mistake, func(t *testing.T) {
			t.Parallel()
			tt.show(t)
		})
	}
}

// theirs is the place of mistakes that show on a page of Salesforce's own.
const theirs = "Salesforce's page"

// mistake is one that people make, and where it shows.
type mistake struct {
	mistake     string
	make        func(*gateway)
	step        string // title of the step, or theirs
	state       string // of the step, or what Salesforce's page says
	cause, cure string // parts of them
}

func mistakes() []mistake {
	app := func(change func(*simulator.App)) func(*gateway) {
		return func(g *gateway) {
			g.salesforce.Set(func() {
				g.salesforce.Apps = slices.Clone(g.salesforce.Apps)
				change(&g.salesforce.Apps[0])
			})
		}
	}
	connection := func(change func(*vault.Connection)) func(*gateway) {
		return func(g *gateway) { g.change(change) }
	}
	fault := func(name string, target simulator.Target) func(*gateway) {
		return func(g *gateway) {
			if err := g.salesforce.Trigger(name, target); err != nil {
				g.t.Fatal(err)
			}
		}
	}
	return []mistake{
		{"consumer key of another app", connection(func(c *vault.Connection) { c.ClientID = "3MVG9another" }),
			"Client credentials", "failed", "does not know the consumer key", "Compare client_id with the app's"},
		{"consumer secret cut short", connection(func(c *vault.Connection) { c.ClientSecret = vault.NewSecret("consumer-secre") }),
			"Client credentials", "failed", "does not accept the consumer secret", "Copy it anew"},
		{"app created a minute ago", app(func(a *simulator.App) { a.KnownFrom = time.Now().Add(10 * time.Minute) }),
			"Client credentials", "failed", "does not know the consumer key", "takes up to ten minutes"},
		{"app demands DPoP", fault("dpop-nonce", simulator.Target{}),
			"Client credentials", "failed", "bound to a key (DPoP)", "Switch that off"},
		{"login_url of no org", connection(func(c *vault.Connection) { c.Options["login_url"] += "/h/nobody" }),
			"Discovery", "failed", "There is no sign-in at this address", "Correct login_url"},
		{"callback URL not registered", app(func(a *simulator.App) { a.Callbacks = []string{"https://gateway.example/login/callback"} }),
			"Authorization request", "failed", "The callback URL is not registered", "character for character"},
		{"PKCE required, and off (strategy oauth2)", connection(plainOAuth2), "Authorization request", "failed", "It requires PKCE", "Set pkce_enabled to true"},
		{"PKCE not required", app(func(a *simulator.App) { a.RequirePKCE = false }),
			"Authorization request", "warned", "Require Proof Key for Code Exchange (PKCE) is off", "Switch it on"},
		{"secret not required", app(func(a *simulator.App) { a.SecretOptionalWeb = true }),
			"Authorization request", "warned", "Require Secret for Web Server Flow is off", "Switch it on"},
		{"app without the scope refresh_token", app(func(a *simulator.App) { a.Scopes = []string{"openid", "id", "api"} }),
			theirs, "OAUTH_APPROVAL_ERROR_GENERIC", "it lacks a scope that was asked for", "Add the scopes of the connection to the app"},
		{"app without the scope api", app(func(a *simulator.App) { a.Scopes = []string{"openid", "id", "refresh_token"} }),
			theirs, "OAUTH_APPROVAL_ERROR_GENERIC", "it lacks a scope that was asked for", "Add the scopes of the connection to the app"},
		{"app not installed in the org", app(func(a *simulator.App) { a.InstalledIn = []string{} }),
			theirs, "OAUTH_EC_APP_NOT_FOUND", "not in the org that the user signed in to", "Install it there"},
		{"sandbox user at the production login host", func(g *gateway) {
			g.salesforce.Set(func() {
				g.salesforce.Orgs = []simulator.Org{{MyDomain: "acme--uat", Sandbox: true, Users: simulator.DefaultUsers()}}
			})
			g.change(func(c *vault.Connection) { c.Options["login_url"] += "/h/login.salesforce" })
		}, theirs, "Check your username and password", "users of a sandbox are unknown at login.salesforce.com", "Use the strategy salesforce-sandbox"},
		{"app blocked", fault("app-blocked", simulator.Target{}),
			"Sign-in and callback", "failed", "has blocked the app", "Unblock it"},
		{"user not approved by an administrator", app(func(a *simulator.App) { a.Preauthorized, a.PermittedUsers = true, []string{"ada@example.com"} }),
			"Sign-in and callback", "failed", "for users that an administrator has approved", "Give the user a profile or permission set of the app"},
		{"IP restriction", fault("ip-restricted", simulator.Target{}),
			"Sign-in and callback", "failed", "does not allow the gateway's address", "IP Relaxation"},
		{"user frozen", fault("user-inactive", simulator.Target{}),
			"Sign-in and callback", "failed", "frozen or not active", "Activate the user"},
		{"org suspended", fault("org-suspended", simulator.Target{}),
			"Sign-in and callback", "failed", "locked, closed or suspended", "Ask Salesforce"},
		{"connection for another org", connection(func(c *vault.Connection) { c.Options["org_id"] = "00D000000000009EAA" }),
			"ID token", "failed", "org", ""},
		{"ID token of another app", fault("wrong-audience", simulator.Target{Endpoint: "token:authorization_code", Times: 4}),
			"ID token", "failed", "for another app than client_id", ""},
		{"refresh_token not asked for", connection(func(c *vault.Connection) { c.Scopes = []string{"openid", "api"} }),
			"Refresh", "failed", "No refresh token came", "add refresh_token to its option scope"},
		{"refresh_token asked for and withheld", fault("scopes-withheld", simulator.Target{}),
			"Refresh", "failed", "No refresh token came", "Perform requests at any time"},
		{"refresh tokens expire immediately", fault("refresh-expired", simulator.Target{}),
			"Refresh", "failed", "expire refresh tokens immediately", "Set the policy to valid until revoked"},
		{"api not asked for", connection(func(c *vault.Connection) { c.Scopes = []string{"openid", "id", "refresh_token"} }),
			"API", "failed", "The token lacks the scope api", "let the user connect again"},
		{"edition without an API", fault("api-disabled", simulator.Target{}),
			"API", "failed", "edition has no API", "Ask Salesforce"},
		{"limit of API calls used up", fault("request-limit", simulator.Target{}),
			"API", "failed", "limit of API calls is used up", "Wait, or raise it"},
	}
}

// show makes the mistake, and has a trial find it.
func (tt mistake) show(t *testing.T) {
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	tt.make(g)
	shown := a.begin()
	var there simtest.Page
	if strings.Contains(shown.body, "Your turn:") {
		person := grace()
		if shown, there = a.signInAs(person, shown); there.URL == nil { // it asked for the password time and again
			there = askedAgain(t, person)
		}
	}
	if tt.step == theirs {
		if !strings.Contains(there.Body, tt.state) {
			t.Errorf("Salesforce shows %d %s", there.Status, text(there.Body))
		}
		explained := text(shown.body)
		at := strings.Index(explained, tt.state)
		if at < 0 || !strings.Contains(explained[at:], tt.cause) || !strings.Contains(explained[at:], tt.cure) {
			t.Errorf("not explained: %s", explained)
		}
		return
	}
	at := strings.Index(shown.body, "<h3>"+tt.step+"</h3>")
	if at < 0 {
		t.Fatalf("%d %s", shown.status, text(shown.body))
	}
	end := strings.Index(shown.body[at:], "</li>\n        <li")
	if end < 0 {
		end = len(shown.body) - at
	}
	step := text(shown.body[at : at+end])
	state := map[string]string{"failed": " Wrong ", "warned": " Look at this "}[tt.state]
	if !strings.Contains(step, tt.step+state) || !strings.Contains(step, tt.cause) || !strings.Contains(step, tt.cure) {
		t.Errorf("%s\n%s", step, g.log)
	}
	if tt.state == "failed" && !strings.Contains(shown.body, "It does not work yet.") {
		t.Error("it is said to work")
	}
}

// TestMistakesAreDocumented: docs/console.md has each, and where it shows.
func TestMistakesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/console.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| mistake | where it shows |\n|---|---|\n")
	for _, m := range mistakes() {
		where := m.step
		if m.step == theirs {
			where += ": `" + m.state + "`"
		}
		table.WriteString("| " + m.mistake + " | " + where + " |\n")
	}
	if !strings.Contains(string(page), table.String()) {
		t.Errorf("the table should be\n%s", table.String())
	}
}

// plainOAuth2 makes a connection one of the strategy oauth2, as somebody may who
// does not know that there is one for Salesforce.
func plainOAuth2(c *vault.Connection) {
	at := c.Options["login_url"] + "/services/oauth2/"
	c.Strategy, c.Scopes = "oauth2", []string{"openid", "api"}
	c.Options = map[string]string{
		"authorizationURL": at + "authorize", "tokenURL": at + "token", "userInfoURL": at + "userinfo", "profile.id": "/user_id", "pkce_enabled": "false",
	}
}

// askedAgain is the page at which somebody ended who was asked for their password time
// and again.
func askedAgain(t *testing.T, p *simtest.Person) simtest.Page {
	t.Helper()
	last := p.Visited[len(p.Visited)-1]
	if !strings.HasSuffix(last, "/sim/login") {
		t.Fatalf("ended at %s", last)
	}
	return simtest.Page{Body: "Check your username and password"}
}
