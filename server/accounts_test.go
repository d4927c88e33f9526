package server_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"sallyport/connections/simulator"
	"sallyport/connections/simulator/simtest"
	"sallyport/vault"
)

// org adds a simulated org of its own, and a connection to it by the name.
func (g *gateway) org(name, id string, users []simulator.User, clients ...string) *simulator.Salesforce {
	g.t.Helper()
	sf := &simulator.Salesforce{Org: simulator.Org{ID: id}, Users: users, Now: g.clock.Now, Apps: g.salesforce.Apps}
	upstream := httptest.NewServer(sf)
	g.t.Cleanup(upstream.Close)
	g.put(func(tx *vault.Tx) error {
		c := g.connection(name)
		c.Options["login_url"], c.Clients = upstream.URL, clients
		return tx.Connections.Put(c)
	})
	return sf
}

// same adds a connection to the org that is there already.
func (g *gateway) same(name string) {
	g.put(func(tx *vault.Tx) error { return tx.Connections.Put(g.connection(name)) })
}

// connect has a user follow the link of a refused exchange, and sign in at
// Salesforce as somebody.
func (g *gateway) connect(p *simtest.Person, as simulator.User, refused answer) simtest.Page {
	g.t.Helper()
	name, password := p.Username, p.Password
	defer func() { p.Username, p.Password = name, password }()
	p.Username, p.Password = as.Username, as.Password
	page, err := p.Visit(refused.str("reconnect_uri"), appURL)
	if err != nil {
		g.t.Fatal(err)
	}
	return page
}

// TestPoint26SecondOrgIsNotAnsweredByTheFirstOnesCookie connects a further
// account at the login host at which the first is signed in.
func TestPoint26SecondOrgIsNotAnsweredByTheFirstOnesCookie(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.same("second")
	p, graces := ada(), simulator.DefaultUsers()[1]
	token := g.signIn(p, oauth2.SetAuthURLParam("connection", "salesforce"))
	refused := g.exchange(token.RefreshToken, "connection", "second")
	if refused.str("reason") != "not_connected" || refused.str("reconnect_uri") == "" {
		t.Fatalf("%d %s", refused.status, refused.body)
	}
	if page := g.connect(p, graces, refused); page.Status != 200 || !strings.Contains(page.Body, "<h1>Connected</h1>") {
		t.Fatalf("%d %s", page.Status, page.Body)
	}
	if a := g.exchange(token.RefreshToken, "connection", "second"); a.status != 200 || a.str("account") != graces.ID {
		t.Errorf("at the second: %d %s", a.status, a.body)
	}
	if a := g.exchange(token.RefreshToken); a.status != 200 || a.str("account") != simulator.DefaultUsers()[0].ID {
		t.Errorf("at the first: %d %s", a.status, a.body)
	}
}

// TestPoint26SignInByASecondConnectionAsksWho signs in by another connection to
// the same login host, in a browser that is signed in by the first.
func TestPoint26SignInByASecondConnectionAsksWho(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.same("second")
	g.org("elsewhere", "00D000000000062EAA", nil, "app")
	p := ada()
	g.signIn(p, oauth2.SetAuthURLParam("connection", "salesforce"))
	app, _ := g.application()
	prompt := func(connection string) string {
		at, err := p.Visit(app.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("connection", connection)), g.salesforceURL(connection))
		if err != nil {
			t.Fatal(err)
		}
		return at.URL.Query().Get("prompt")
	}
	if got := prompt("second"); got != "select_account" {
		t.Errorf("at the same host: prompt %q", got)
	}
	if got := prompt("elsewhere"); got != "" {
		t.Errorf("at another host: prompt %q", got)
	}
}

// salesforceURL is the login host of a connection.
func (g *gateway) salesforceURL(connection string) (url string) {
	g.put(func(tx *vault.Tx) error {
		c, err := tx.Connections.Get(connection)
		url = c.Options["login_url"]
		return err
	})
	return url
}

// TestH04H15FurtherAccountNeedsItsUserThere opens the link where its user is not:
// nothing of whoever opens it may land in the account.
func TestH04H15FurtherAccountNeedsItsUserThere(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.same("second")
	p := ada()
	token := g.signIn(p, oauth2.SetAuthURLParam("connection", "salesforce"))
	link := g.exchange(token.RefreshToken, "connection", "second")
	if page, err := grace().Visit(link.str("reconnect_uri"), appURL); err != nil || page.Status != 403 || !strings.Contains(page.Body, "still good") {
		t.Errorf("in a fresh browser: %v %d %s", err, page.Status, page.Body)
	}
	// A browser in which the user signs out, and somebody else in, before the answer comes.
	at, err := p.Visit(link.str("reconnect_uri"), g.issuer+"login/callback")
	if err != nil || at.URL.Query().Get("code") == "" {
		t.Fatalf("%v %+v", err, at)
	}
	g.put(func(tx *vault.Tx) error {
		for s, err := range tx.Sessions.All("") {
			if err != nil {
				return err
			}
			return tx.Sessions.Delete(s.Hash)
		}
		return nil
	})
	before := g.salesforce.Requests("token")
	if page, err := p.Visit(at.URL.String(), appURL); err != nil || page.Status != 403 || g.salesforce.Requests("token") != before {
		t.Errorf("signed out meanwhile: %v %d, %d codes redeemed", err, page.Status, g.salesforce.Requests("token")-before)
	}
	other := grace()
	g.signIn(other, oauth2.SetAuthURLParam("connection", "salesforce"))
	link = g.exchange(token.RefreshToken, "connection", "second")
	if page, err := other.Visit(link.str("reconnect_uri"), appURL); err != nil || page.Status != 403 {
		t.Errorf("where somebody else is signed in: %v %d", err, page.Status)
	}
	if a := g.exchange(token.RefreshToken, "connection", "second"); a.str("reason") != "not_connected" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestH16AccountIsConnectedToOneUserAlone tries to connect an account that is
// another user's, one after the other and at the same time.
func TestH16AccountIsConnectedToOneUserAlone(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.same("second")
	people := []*simtest.Person{ada(), grace()}
	var tokens []*oauth2.Token
	for _, p := range people {
		tokens = append(tokens, g.signIn(p, oauth2.SetAuthURLParam("connection", "salesforce")))
	}
	var wg sync.WaitGroup
	status := make([]int, len(people))
	for i, p := range people {
		refused := g.exchange(tokens[i].RefreshToken, "connection", "second")
		wg.Go(func() { status[i] = g.connect(p, simulator.DefaultUsers()[0], refused).Status })
	}
	wg.Wait()
	if slices.Sort(status); status[0] != 200 || status[1] != 409 {
		t.Errorf("both at once: %v", status)
	}
	connected := 0
	for _, token := range tokens {
		if a := g.exchange(token.RefreshToken, "connection", "second"); a.status == 200 {
			connected++
		}
	}
	if connected != 1 {
		t.Errorf("%d users have the account", connected)
	}
}

// TestSessionOfAUserWithSeveralAccountsSuffices: the account that the user
// signed in with answers, without another sign-in.
func TestSessionOfAUserWithSeveralAccountsSuffices(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	token := g.signIn(p)
	graces := simulator.DefaultUsers()[1]
	if page := g.connect(p, graces, g.exchange(token.RefreshToken, "login_hint", graces.Username)); page.Status != 200 {
		t.Fatalf("%d %s", page.Status, page.Body)
	}
	before := g.salesforce.Requests("authorize")
	if token := g.signIn(p); token.RefreshToken == "" || g.salesforce.Requests("authorize") != before {
		t.Error("the user was sent to Salesforce again")
	}
	for hint, account := range map[string]string{"ada@example.com": simulator.DefaultUsers()[0].ID, "grace@example.com": graces.ID, graces.ID: graces.ID} {
		if a := g.exchange(token.RefreshToken, "login_hint", hint); a.status != 200 || a.str("account") != account {
			t.Errorf("%s: %d %s", hint, a.status, a.body)
		}
	}
	if a := g.exchange(token.RefreshToken); a.str("reason") != "ambiguous_account" {
		t.Errorf("without a hint: %d %s", a.status, a.body)
	}
}

// TestH38H39EveryoneGetsTheirOwnAndNothingElse asks for everything, as everybody:
// users, some with several accounts, by clients, at connections of which not all
// are for all, with hints that fit and hints that do not. What comes is checked
// by asking Salesforce whose the token is. All of it runs at once, while access
// tokens expire.
func TestH38H39EveryoneGetsTheirOwnAndNothingElse(t *testing.T) {
	t.Parallel()
	g := start(t)
	var here []simulator.User
	for _, name := range []string{"ada", "grace", "mary", "alan"} {
		here = append(here, simulator.User{Username: name + "@b.example", Password: name, LastName: name, Email: name + "@example.com"})
	}
	g.org("b", "00D00000000b0b1", here, "app", "other")
	g.org("c", "00D00000000c0c1", here, "other")
	g.same("d")
	clients := map[string]string{"app": appSecret, "other": appSecret + "-of-another"}
	enabled := map[string][]string{"salesforce": {"app", "other"}, "b": {"app", "other"}, "c": {"other"}, "d": {"app", "other"}}

	// accounts are who has what where: the whole of what may come out.
	people := []*simtest.Person{ada(), grace()}
	plan := []map[string][]string{
		{"salesforce": {"ada@example.com"}, "b": {"ada@b.example", "alan@b.example"}, "c": {"mary@b.example"}},
		{"salesforce": {"grace@example.com"}, "b": {"grace@b.example"}, "d": {"ada@example.com"}},
	}
	tokens := make([]map[string]string, len(people))
	for i, p := range people {
		tokens[i] = map[string]string{}
		for client, secret := range clients {
			tokens[i][client] = g.signInTo(p, client, secret)
		}
		for connection, names := range plan[i] {
			for _, name := range names {
				if connection == "salesforce" {
					continue
				}
				users := append(slices.Clone(here), simulator.DefaultUsers()...)
				u := users[slices.IndexFunc(users, func(u simulator.User) bool { return u.Username == name })]
				refused := g.exchangeBy("other", clients["other"], tokens[i]["other"], connection, name)
				if page := g.connect(p, u, refused); page.Status != 200 {
					t.Fatalf("connect %s at %s: %d %s, after %s", name, connection, page.Status, page.Body, refused.body)
				}
			}
		}
	}
	hints := []string{"", "ada@example.com", "grace@example.com", "ada@b.example", "alan@b.example", "grace@b.example", "mary@b.example", "nobody"}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for round := range 3 {
		var wg sync.WaitGroup
		for range 60 {
			i, hint := random.IntN(len(people)), hints[random.IntN(len(hints))]
			connection := []string{"salesforce", "b", "c", "d"}[random.IntN(4)]
			client := []string{"app", "other"}[random.IntN(2)]
			var want []string
			for _, name := range plan[i][connection] {
				if hint == "" || hint == name || name == "ada@b.example" && hint == "ada@example.com" || name == "grace@b.example" && hint == "grace@example.com" {
					want = append(want, name) // an e-mail address is a hint, too
				}
			}
			if !slices.Contains(enabled[connection], client) {
				want = nil
			}
			wg.Go(func() {
				what := fmt.Sprintf("round %d: %s by %s at %s, hint %q", round, people[i].Username, client, connection, hint)
				a := g.exchangeBy(client, clients[client], tokens[i][client], connection, hint)
				switch {
				case len(want) != 1 && (a.status == 200 || a.str("access_token") != ""):
					t.Errorf("%s: got %s, and should not", what, a.body)
				case len(want) == 1 && a.status != 200:
					t.Errorf("%s: %d %s", what, a.status, a.body)
				case len(want) == 1 && g.whose(a) != want[0]:
					t.Errorf("%s: the token is %s's", what, g.whose(a))
				}
			})
		}
		wg.Wait()
		g.clock.forward(3 * time.Hour)
	}
}

// signInTo signs somebody in to a client, and returns its refresh token.
func (g *gateway) signInTo(p *simtest.Person, client, secret string) string {
	g.t.Helper()
	app, _ := g.application()
	app.ClientID, app.ClientSecret = client, secret
	if client == "other" {
		app.RedirectURL = "http://other.example/callback"
	}
	page, err := p.Visit(app.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("connection", "salesforce")), app.RedirectURL)
	if err != nil {
		g.t.Fatal(err)
	}
	token, err := app.Exchange(g.t.Context(), page.URL.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		g.t.Fatalf("%v %s", err, page.URL)
	}
	return token.RefreshToken
}

func (g *gateway) exchangeBy(client, secret, token, connection, hint string) answer {
	g.t.Helper()
	return g.exchange(token, "client_id", client, "client_secret", secret, "connection", connection, "login_hint", hint)
}

// whose is the username that Salesforce knows the token of an exchange by.
func (g *gateway) whose(a answer) string {
	g.t.Helper()
	req, err := http.NewRequest("GET", a.str("instance_url")+"/services/oauth2/userinfo", nil)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.str("access_token"))
	return g.do(req).str("preferred_username")
}
