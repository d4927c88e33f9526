package server_test

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/connections"
	"sallyport/server"
	"sallyport/server/api"
	"sallyport/vault"
)

// behindProxy is the same gateway where the proxies of this machine are trusted.
func (g *gateway) behindProxy() *httptest.Server {
	g.t.Helper()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	s, err := server.New(g.t.Context(), server.Config{Issuer: g.issuer, Vault: g.vault, HTTP: connections.NewHTTPClient(loopback),
		TrustedProxies: loopback, Now: g.clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		g.t.Fatal(err)
	}
	running := httptest.NewServer(s)
	g.t.Cleanup(running.Close)
	return running
}

var secrets = map[string]string{"app": appSecret, "other": appSecret + "-of-another"}

// world is two applications, two connections, and two users, of whom Grace has
// signed in to one of the applications alone.
type world struct {
	*gateway
	proxied *httptest.Server
	users   map[string]string            // IDs, by name
	tokens  map[string]map[string]string // refresh tokens, by application and user
}

func newWorld(t *testing.T) *world {
	t.Helper()
	g := start(t)
	w := &world{gateway: g, proxied: g.behindProxy(), users: map[string]string{}, tokens: map[string]map[string]string{"app": {}, "other": {}}}
	a, h := ada(), grace()
	w.tokens["app"]["ada"], w.tokens["app"]["grace"] = g.signIn(a).RefreshToken, g.signIn(h).RefreshToken
	w.tokens["other"]["ada"] = g.signInTo(a, "other", secrets["other"])
	g.put(func(tx *vault.Tx) error {
		for u, err := range tx.Users.All("") {
			if err != nil {
				return err
			}
			name := strings.Split(u.Profile.Username, "@")[0]
			w.users[name] = u.ID
			// Each has an account with tokens at a second connection, too.
			ts, err := tx.TokenSets.Get(u.Identities[0])
			if err != nil {
				return err
			}
			i, err := tx.Identities.Get(u.Identities[0])
			if err != nil {
				return err
			}
			i.Connection = "second"
			ts.Identity, ts.ID = i.Key(), ts.ID+"2"
			u.Identities = append(u.Identities, i.Key())
			if err := errors.Join(tx.Identities.Put(i), tx.TokenSets.Put(ts), tx.Users.Put(u)); err != nil {
				return err
			}
		}
		return tx.Connections.Put(g.connection("second"))
	})
	return w
}

// client changes one.
func (w *world) client(id string, change func(*vault.Client)) {
	w.t.Helper()
	w.put(func(tx *vault.Tx) error {
		c, err := tx.Clients.Get(id)
		if err != nil {
			return err
		}
		change(&c)
		return tx.Clients.Put(c)
	})
}

// ask exchanges a refresh token of a user's that was issued to a client, as
// another client maybe, from an address.
func (w *world) ask(address, client, issuedTo, user, connection string, scopes []string) answer {
	w.t.Helper()
	form := form("grant_type", federatedGrant, "client_id", client, "client_secret", secrets[client], "subject_token", w.tokens[issuedTo][user],
		"subject_token_type", refreshType, "requested_token_type", federatedType, "connection", connection, "scope", strings.Join(scopes, " "))
	req, err := http.NewRequest("POST", w.proxied.URL+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Forwarded-For", address)
	return w.do(req)
}

// TestH38OneOfAllClientsConnectionsAndUsersIsAllowed lets both applications show
// the tokens of both users, also those that are not theirs, at each connection.
func TestH38OneOfAllClientsConnectionsAndUsersIsAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.client("app", func(c *vault.Client) {
		c.TokenVault = &vault.TokenVault{Connections: []vault.TokenAccess{{Connection: "salesforce"}}}
	})
	w.client("other", func(c *vault.Client) { c.TokenVault = &vault.TokenVault{} })
	w.put(func(tx *vault.Tx) error {
		u, err := tx.Users.Get(w.users["grace"])
		if err != nil {
			return err
		}
		u.Blocked = true
		return tx.Users.Put(u)
	})
	asked := 0
	for client := range secrets {
		for issuedTo, tokens := range w.tokens {
			for user := range tokens {
				for _, connection := range []string{"salesforce", "second", "none"} {
					a := w.ask("192.0.2.7", client, issuedTo, user, connection, nil)
					allowed := client == "app" && issuedTo == "app" && user == "ada" && connection == "salesforce"
					if (a.status == 200) != allowed || (a.str("access_token") != "") != allowed {
						t.Errorf("%s with the token of %s for %s at %s: %d %s", client, user, issuedTo, connection, a.status, a.body)
					}
					asked++
				}
			}
		}
	}
	if asked != 18 {
		t.Errorf("%d were asked", asked)
	}
}

// some are a part of a list, chosen by chance.
func some[T any](r *rand.Rand, list ...T) (part []T) {
	for _, e := range list {
		if r.IntN(2) == 0 {
			part = append(part, e)
		}
	}
	return part
}

func rarely(r *rand.Rand) bool { return r.IntN(8) == 0 }

// policy is one by chance, or none.
func policy(r *rand.Rand) *vault.TokenVault {
	if r.IntN(3) == 0 {
		return nil
	}
	p := &vault.TokenVault{}
	for _, connection := range []string{"salesforce", "second"} {
		if rarely(r) {
			continue
		}
		a := vault.TokenAccess{Connection: connection}
		if r.IntN(2) == 0 {
			a.Scopes = append(some(r, "api", "openid", "full"), "id")
		}
		if r.IntN(2) == 0 {
			a.Networks = append(some(r, netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")), netip.MustParsePrefix("192.0.2.7/32"))
		}
		p.Connections = append(p.Connections, a)
	}
	return p
}

// TestExplainAndTheExchangeAgree draws settings and requests by chance, and holds
// three against each other: the exchange, what explain says, and the policy as
// this test understands it.
func TestExplainAndTheExchangeAgree(t *testing.T) {
	t.Parallel()
	t.Run("in a vault of before, whose grants cannot be found yet", func(t *testing.T) {
		t.Parallel()
		explainAndExchange(t, newWorld(t))
	})
	t.Run("where they can", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		for done := false; !done; {
			var err error
			if done, err = w.vault.IndexSome(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		explainAndExchange(t, w)
	})
}

func explainAndExchange(t *testing.T, w *world) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	allowed, reasons := 0, map[string]int{}
	for n := range 300 {
		client, user, connection := []string{"app", "other"}[r.IntN(2)], []string{"ada", "grace"}[r.IntN(2)], []string{"salesforce", "second"}[r.IntN(2)]
		address := netip.MustParseAddr([]string{"10.1.2.3", "192.0.2.7", "192.0.2.8", "2001:db8::1", "::ffff:10.0.0.1"}[r.IntN(5)])
		var asked []string
		if r.IntN(2) == 0 {
			asked = some(r, "api", "id", "chatter_api")
		}
		var c vault.Client
		var conn vault.Connection
		var ts vault.TokenSet
		blocked := rarely(r)
		w.client(client, func(to *vault.Client) {
			to.TokenVault = policy(r)
			to.GrantTypes = []string{"authorization_code", "refresh_token"}
			if !rarely(r) {
				to.GrantTypes = append(to.GrantTypes, exchangeGrant)
			}
			c = *to
		})
		w.put(func(tx *vault.Tx) (err error) {
			conn = w.connection(connection)
			conn.Active, conn.TokenVault, conn.Clients = !rarely(r), !rarely(r), some(r, "other", "spa")
			if !rarely(r) {
				conn.Clients = append(conn.Clients, client)
			}
			u, err := tx.Users.Get(w.users[user])
			if err != nil {
				return err
			}
			u.Blocked = blocked
			key := u.Identities[slices.Index([]string{"salesforce", "second"}, connection)]
			if ts, err = tx.TokenSets.Get(key); err != nil {
				return err
			}
			ts.Scopes = append(some(r, "api", "openid", "refresh_token"), "id")
			if rarely(r) {
				ts.Scopes = append(ts.Scopes, "full")
			}
			return errors.Join(tx.Connections.Put(conn), tx.Users.Put(u), tx.TokenSets.Put(ts))
		})

		issuedTo := client
		if w.tokens[client][user] == "" {
			issuedTo = "app" // Grace's, which is not the other's to show
		}
		got := w.ask(address.String(), client, issuedTo, user, connection, asked)
		said, err := server.Explain(t.Context(), w.vault, api.ExplainRequest{Connection: connection, Client: client, User: w.users[user], Scopes: asked, Address: address})
		if err != nil {
			t.Fatal(err)
		}
		want := !blocked && issuedTo == client && slices.Contains(c.GrantTypes, exchangeGrant) && slices.Contains(conn.Clients, client) &&
			conn.Active && conn.TokenVault && mayHave(c, conn, ts, address) && covers(conn, ts.Scopes, asked)
		if (got.status == 200) != want || said.Allowed != want || (got.str("access_token") != "") != want || issuedTo == client && got.str("reason") != said.Reason {
			t.Fatalf("seed %d, case %d: %s for %s at %s from %s, asking %v of %v\npolicy %+v, want %v\nexchange: %d %s\nexplain: %+v",
				seed, n, client, user, connection, address, asked, ts.Scopes, c.TokenVault, want, got.status, got.body, said)
		}
		if reasons[said.Reason]++; want {
			allowed++
		}
	}
	if allowed < 10 || len(reasons) < 5 {
		t.Errorf("seed %d: %d were allowed, and the reasons were %v", seed, allowed, reasons)
	}
}

// mayHave is what token_vault allows, said once more.
func mayHave(c vault.Client, conn vault.Connection, ts vault.TokenSet, from netip.Addr) bool {
	if c.TokenVault == nil {
		return true
	}
	for _, a := range c.TokenVault.Connections {
		if a.Connection != conn.Name {
			continue
		}
		near := len(a.Networks) == 0
		for _, network := range a.Networks {
			near = near || network.Contains(from.Unmap())
		}
		carried := slices.DeleteFunc(slices.Clone(ts.Scopes), func(s string) bool { return s == "refresh_token" })
		return near && (len(a.Scopes) == 0 || covers(conn, a.Scopes, carried))
	}
	return false
}

func covers(conn vault.Connection, all, some []string) bool {
	for _, scope := range some {
		if !slices.Contains(connections.Granted(conn, all), scope) {
			return false
		}
	}
	return true
}

// TestRefusalByPolicySaysWhereToChangeIt.
func TestRefusalByPolicySaysWhereToChangeIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tt := range map[string]struct {
		access vault.TokenAccess
		says   []string
	}{
		"scopes":  {vault.TokenAccess{Connection: "salesforce", Scopes: []string{"id", "openid"}}, []string{"also has api,", "cannot be narrowed", "token_vault"}},
		"network": {vault.TokenAccess{Connection: "salesforce", Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, []string{"192.0.2.7", "networks", "--trusted-proxies"}},
		"list":    {vault.TokenAccess{Connection: "second"}, []string{"token_vault.connections"}},
	} {
		w.client("app", func(c *vault.Client) { c.TokenVault = &vault.TokenVault{Connections: []vault.TokenAccess{tt.access}} })
		a := w.ask("192.0.2.7", "app", "app", "ada", "salesforce", nil)
		if a.status != 403 || a.str("reason") != "client_not_allowed" || a.str("reason_class") != "operator" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		for _, part := range tt.says {
			if !strings.Contains(a.str("error_description"), part) {
				t.Errorf("%s: %s", name, a.str("error_description"))
			}
		}
	}
}

// TestPolicyIsAskedAgainAfterARefresh: what changed while Salesforce took its
// time counts.
func TestPolicyIsAskedAgainAfterARefresh(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *world){
		"the policy": func(w *world) { w.client("app", func(c *vault.Client) { c.TokenVault = &vault.TokenVault{} }) },
		"the grant": func(w *world) {
			w.post("oauth/revoke", "client_id", "app", "client_secret", appSecret, "token", w.tokens["app"]["ada"])
		},
		"the user":       func(w *world) { w.block() },
		"the connection": func(w *world) { w.gateway.change(func(c *vault.Connection) { c.Active = false }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.clock.forward(3 * time.Hour)
			w.salesforce.Tamper("token", func(map[string]any) { change(w) })
			if a := w.ask("192.0.2.7", "app", "app", "ada", "salesforce", nil); a.status == 200 || a.str("access_token") != "" {
				t.Errorf("%d %s", a.status, a.body)
			}
			if w.salesforce.Requests("token:refresh_token") != 1 {
				t.Error("there was no refresh")
			}
		})
	}
}
