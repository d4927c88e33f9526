package server_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"sallyport/connections/simulator"
	"sallyport/vault"
)

// ownToken is an access token of the application's own, of no user.
func (g *gateway) ownToken() string {
	g.t.Helper()
	a := g.post("oauth/token", "grant_type", "client_credentials", "client_id", "app", "client_secret", appSecret, "audience", "https://api.example")
	if a.status != 200 {
		g.t.Fatalf("%d %s", a.status, a.body)
	}
	return a.str("access_token")
}

// ofClients is a gateway whose connection has tokens of its own: of Grace, as
// whom the app runs.
func ofClients(t *testing.T, kind string) *gateway {
	t.Helper()
	grant := "client_credentials"
	if kind == "fixed user" {
		grant = "jwt_bearer"
	}
	g := asserting(t, grant, func(a *simulator.App) { a.Preauthorized, a.RunAs = true, "grace@example.com" })
	if kind == "fixed user" {
		g.change(func(c *vault.Connection) { c.Options["token_user"] = "grace@example.com" })
	}
	return g
}

var rfcShape = []string{"grant_type", exchangeGrant, "requested_token_type", accessType, "connection", "", "audience", "salesforce"}

// TestMachineClientExchangesItsOwnToken, for a Salesforce token that all clients
// of the connection share, in both shapes.
func TestMachineClientExchangesItsOwnToken(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"client credentials", "fixed user"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			g := ofClients(t, kind)
			own := g.ownToken()
			first := g.exchange(own, "subject_token_type", accessType)
			if first.status != 200 || g.query(first) != 200 || first.str("account") != simulator.DefaultUsers()[1].ID ||
				!strings.Contains(first.str("scope"), "api") || first.json["expires_in"].(float64) < 60 {
				t.Errorf("%d %s\n%s", first.status, first.body, g.log)
			}
			again := g.exchange(own, append(rfcShape, "subject_token_type", accessType)...)
			if again.status != 200 || again.str("access_token") != first.str("access_token") {
				t.Errorf("%d %s", again.status, again.body)
			}
			g.clock.forward(3 * time.Hour)
			own = g.ownToken()
			before := g.salesforce.Requests("token")
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					if a := g.exchange(own, "subject_token_type", accessType); a.status != 200 || a.str("access_token") == first.str("access_token") {
						t.Errorf("%d %s", a.status, a.body)
					}
				})
			}
			wg.Wait()
			if n := g.salesforce.Requests("token") - before; n != 1 {
				t.Errorf("50 exchanges at once asked Salesforce %d times, want 1", n)
			}
			g.holdsNoRefreshToken()
		})
	}
}

// TestFirstExchangesOfAConnectionAskOnce, although there is nothing yet that
// they could wait for together.
func TestFirstExchangesOfAConnectionAskOnce(t *testing.T) {
	t.Parallel()
	g := ofClients(t, "client credentials")
	own := g.ownToken()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if a := g.exchange(own, "subject_token_type", accessType); a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
	if n := g.tokenRequests("client_credentials"); n != 1 {
		t.Errorf("asked %d times, want 1", n)
	}
}

// TestH38ConnectionsOwnTokensAreForItsClientsAlone is the table of who may not
// have them, and of whom a client's own token brings nothing.
func TestH38ConnectionsOwnTokensAreForItsClientsAlone(t *testing.T) {
	t.Parallel()
	ofOther := []string{"client_id", "other", "client_secret", appSecret + "-of-another"}
	for _, tt := range []struct {
		name    string
		prepare func(g *gateway)
		form    []string
		status  int // in Auth0's shape
		says    string
	}{
		{"not enabled for the client", func(g *gateway) { g.change(func(c *vault.Connection) { c.Clients = []string{"other"} }) }, nil, 403, "enabled_clients"},
		{"switched off", func(g *gateway) { g.change(func(c *vault.Connection) { c.Active = false }) }, nil, 403, "authentication.active"},
		{"keeps no tokens", func(g *gateway) { g.change(func(c *vault.Connection) { c.TokenVault = false }) }, nil, 401, "connected_accounts.active"},
		{"another client's token", func(*gateway) {}, ofOther, 401, "issued to this client"},
		{"an account that it is not", func(*gateway) {}, []string{"login_hint", "ada@example.com"}, 401, "login_hint"},
		{"a connection that does not exist", func(*gateway) {}, []string{"connection", "nowhere"}, 400, "nowhere"},
		{"a connection of users", func(g *gateway) { g.change(func(c *vault.Connection) { c.Options["token_grant"] = "" }) }, nil, 401, "not valid"},
		{"a scope that is not granted", func(*gateway) {}, []string{"scope", "wave_api"}, 401, "wave_api"},
		{"no user to run as", func(g *gateway) { g.salesforce.Apps[0].RunAs = "" }, nil, 502, "Run As"},
		{"no scope for it", func(g *gateway) { g.salesforce.Apps[0].Scopes = []string{"full", "refresh_token"} }, nil, 502, "scope"},
		{"a wrong secret", func(g *gateway) { g.change(func(c *vault.Connection) { c.ClientSecret = vault.NewSecret("wrong") }) }, nil, 502, "consumer secret"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := ofClients(t, "client credentials")
			own := g.ownToken()
			tt.prepare(g)
			a := g.exchange(own, append([]string{"subject_token_type", accessType}, tt.form...)...)
			if a.status != tt.status || !strings.Contains(a.str("error_description"), tt.says) || a.str("reconnect_uri") != "" || a.str("access_token") != "" {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
}

// TestUsersHaveNoPartInAConnectionsOwnTokens: they cannot sign in there, and what
// they hold brings none of it.
func TestUsersHaveNoPartInAConnectionsOwnTokens(t *testing.T) {
	t.Parallel()
	g := asserting(t, "authorization_code", func(a *simulator.App) { a.RunAs = "grace@example.com" })
	token := g.signIn(ada())
	g.put(func(tx *vault.Tx) error {
		c := g.connection("machine")
		c.Options["token_grant"] = "client_credentials"
		return tx.Connections.Put(c)
	})
	if a := g.exchange(token.RefreshToken, "connection", "machine"); a.str("reason") != "not_stored" || a.str("reason_class") != "operator" || a.str("reconnect_uri") != "" {
		t.Errorf("a user's token: %d %s", a.status, a.body)
	}
	if query := g.visit(ada(), oauth2.SetAuthURLParam("connection", "machine")); query.Get("error") != "invalid_request" {
		t.Errorf("a sign-in there: %v", query)
	}
	g.signIn(grace()) // who is not asked to choose between the two
}

// TestFixedUserWhoMayNotIsTheOperatorsMatter: there is no user to be sent to
// connect again.
func TestFixedUserWhoMayNotIsTheOperatorsMatter(t *testing.T) {
	t.Parallel()
	g := ofClients(t, "fixed user")
	g.salesforce.Apps[0].Preauthorized = false
	a := g.exchange(g.ownToken(), "subject_token_type", accessType)
	if a.status != 502 || a.str("reason") != "connection_misconfigured" || !strings.Contains(a.str("error_description"), "Permitted Users") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestOtherSettingsBringOtherTokensAtOnce: a token of the user before is not
// given out because it is still good.
func TestOtherSettingsBringOtherTokensAtOnce(t *testing.T) {
	t.Parallel()
	g := ofClients(t, "fixed user")
	own := g.ownToken()
	if a := g.exchange(own, "subject_token_type", accessType); a.str("account") != simulator.DefaultUsers()[1].ID {
		t.Fatalf("%d %s", a.status, a.body)
	}
	g.change(func(c *vault.Connection) { c.Options["token_user"] = "ada@example.com" })
	for range 2 {
		if a := g.exchange(own, "subject_token_type", accessType, "login_hint", "ada@example.com"); a.str("account") != simulator.DefaultUsers()[0].ID || g.query(a) != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if n := g.tokenRequests(jwtGrant); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

func TestH37BoundTokenOfAClientIsExchangedByItsHolderAlone(t *testing.T) {
	t.Parallel()
	g := ofClients(t, "client credentials")
	key, other := newSigner(t), newSigner(t)
	proof := func(s signer) string { return s.proof(g, "POST", "oauth/token", "", "", nil) }
	own := g.prove("oauth/token", proof(key), "grant_type", "client_credentials", "client_id", "app", "client_secret", appSecret, "audience", "https://api.example")
	if own.status != 200 || own.str("token_type") != "DPoP" {
		t.Fatalf("%d %s", own.status, own.body)
	}
	exchange := []string{"grant_type", federatedGrant, "client_id", "app", "client_secret", appSecret, "subject_token", own.str("access_token"),
		"subject_token_type", accessType, "requested_token_type", federatedType, "connection", "salesforce"}
	for name, header := range map[string]string{"without a proof": "", "with another key": proof(other)} {
		if a := g.prove("oauth/token", header, exchange...); a.status != 401 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := g.prove("oauth/token", proof(key), exchange...); a.status != 200 || g.query(a) != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
