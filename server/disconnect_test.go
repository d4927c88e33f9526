package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"sallyport/connections"
	"sallyport/connections/simulator"
	"sallyport/connections/simulator/simtest"
	"sallyport/server"
	"sallyport/server/api"
	"sallyport/vault"
)

// me signs somebody in for the My Account API.
func (g *gateway) me(p *simtest.Person) string {
	g.t.Helper()
	return g.signIn(p, oauth2.SetAuthURLParam("audience", g.issuer+"me/"),
		oauth2.SetAuthURLParam("scope", "openid read:me:connected_accounts delete:me:connected_accounts")).AccessToken
}

// accounts are a user's, as the My Account API lists them.
func (g *gateway) accounts(me, query string) (list []api.ConnectedAccount, next string) {
	g.t.Helper()
	a := g.call(me, "GET", "me/v1/connected-accounts/accounts"+query, "")
	var body struct {
		Accounts []api.ConnectedAccount
		Next     string
	}
	if err := json.Unmarshal(a.body, &body); a.status != 200 || err != nil {
		g.t.Fatalf("%d %s", a.status, a.body)
	}
	return body.Accounts, body.Next
}

// disconnection is how far that of the connection has come.
func (g *gateway) disconnection() (d api.Disconnection) {
	g.t.Helper()
	d, err := api.DisconnectionOf(g.t.Context(), g.vault, "salesforce", "")
	if err != nil {
		g.t.Fatal(err)
	}
	return d
}

// TestH33UserDisconnectsAnAccount: from the next request on, here and at
// Salesforce, and nobody else's.
func TestH33UserDisconnectsAnAccount(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	me, hers, graces := g.me(p), g.signIn(p), g.signIn(grace())
	before := g.exchange(hers.RefreshToken)
	list, next := g.accounts(me, "")
	if len(list) != 1 || next != "" || list[0].Connection != "salesforce" || list[0].AccessType != "offline" || list[0].Username != "ada@example.com" ||
		list[0].InstanceURL != g.upstream || list[0].Account != simulator.DefaultUsers()[0].ID {
		t.Fatalf("%+v %q", list, next)
	}
	path := "me/v1/connected-accounts/accounts/" + list[0].ID
	if a := g.call(g.me(grace()), "DELETE", path, ""); a.status != 404 {
		t.Errorf("by somebody else: %d %s", a.status, a.body)
	}
	if a := g.call(me, "DELETE", path, ""); a.status != 204 || a.header.Get("X-Sallyport-Revocation") != "revoked" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	if a := g.exchange(hers.RefreshToken); a.str("reason") != "not_connected" || a.str("reconnect_uri") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if g.query(before) != 401 || g.salesforce.Requests("revoke") != 1 {
		t.Errorf("the token that was given out is answered %d; %d revocations", g.query(before), g.salesforce.Requests("revoke"))
	}
	if list, _ := g.accounts(me, ""); len(list) != 0 {
		t.Errorf("still listed: %+v", list)
	}
	if a := g.call(me, "DELETE", path, ""); a.status != 404 {
		t.Errorf("twice: %d %s", a.status, a.body)
	}
	if a := g.exchange(graces.RefreshToken); a.status != 200 || g.query(a) != 200 {
		t.Errorf("another user's: %d %s", a.status, a.body)
	}
	if page := g.visitLink(p, g.exchange(hers.RefreshToken)); page.Status != 200 {
		t.Fatalf("connecting again: %d %s", page.Status, page.Body)
	}
	if a := g.exchange(hers.RefreshToken); a.status != 200 || g.query(a) != 200 {
		t.Errorf("connected again: %d %s", a.status, a.body)
	}
	if again, _ := g.accounts(me, ""); len(again) != 1 || again[0].ID == list[0].ID {
		t.Errorf("connected again, it has the old account's ID: %+v", again)
	}
}

// TestAccountsComeInPages, by either name that Auth0's SDKs have for the cursor.
func TestAccountsComeInPages(t *testing.T) {
	t.Parallel()
	g := start(t)
	me := g.me(ada())
	for n := range 4 {
		i := vault.Identity{Connection: "salesforce", Subject: fmt.Sprint("00D/", n), UserID: fmt.Sprint(n), User: "salesforce|" + simulator.DefaultUsers()[0].ID}
		g.user(func(u *vault.User) { u.Identities = append(u.Identities, i.Key()) })
		g.put(func(tx *vault.Tx) error {
			return errors.Join(tx.Identities.Put(i), tx.TokenSets.Put(vault.TokenSet{Identity: i.Key(), ID: fmt.Sprint("cac_", n)}))
		})
	}
	for _, cursor := range []string{"from", "next"} {
		seen, after := map[string]bool{}, ""
		for range 3 {
			list, next := g.accounts(me, "?take=2&connection=salesforce&connection=second"+after)
			for _, a := range list {
				seen[a.ID] = true
			}
			after = "&" + cursor + "=" + next
		}
		if len(seen) != 5 || after != "&"+cursor+"=" {
			t.Errorf("%s: %v, then %s", cursor, seen, after)
		}
	}
	if list, _ := g.accounts(me, "?connection=second"); len(list) != 0 {
		t.Errorf("of another connection: %+v", list)
	}
	for _, query := range []string{"?take=0", "?take=21", "?take=x", "?from=cac_nobody"} {
		if a := g.call(me, "GET", "me/v1/connected-accounts/accounts"+query, ""); a.status != 400 {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}

// TestH32StoreThatFailsDisconnectsNothing: and nobody is told that it did.
func TestH32StoreThatFailsDisconnectsNothing(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	me, token, manager := g.me(p), g.signIn(p), g.manager()
	list, _ := g.accounts(me, "")
	for what, try := range map[string]func() answer{
		"disconnect": func() answer { return g.call(me, "DELETE", "me/v1/connected-accounts/accounts/"+list[0].ID, "") },
		"disconnect all": func() answer {
			return g.call(manager, "POST", "api/v2/connections/salesforce/disconnect", `{"all":true}`)
		},
	} {
		g.disk.full.Store(true)
		a := try()
		g.disk.full.Store(false)
		if a.status != 503 || strings.Contains(string(a.body), "no space") {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
		if a := g.exchange(token.RefreshToken); a.status != 200 || g.salesforce.Requests("revoke") != 0 {
			t.Errorf("after %s, which failed: %d %s", what, a.status, a.body)
		}
	}
}

// TestDisconnectingSaysWhatIsNotRevoked, and goes on trying.
func TestDisconnectingSaysWhatIsNotRevoked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil  func(g *gateway, token string)
		result string
		reason string
		later  string // state, after a while
	}{
		"Salesforce is down": {func(g *gateway, _ string) { g.salesforce.Fail("revoke", 503, "", "") }, "pending", "Salesforce", ""},
		"the grant is dead already": {func(g *gateway, token string) {
			g.salesforce.RevokeUser("ada@example.com")
			g.clock.forward(3 * time.Hour)
			g.exchange(token)
		}, "ended", "", ""},
		"a refresh without an answer left it good": {func(g *gateway, token string) {
			g.clock.forward(3 * time.Hour)
			g.salesforce.Fail("token", 503, "", "")
			g.exchange(token)
			g.clock.forward(time.Minute)
		}, "revoked", "", ""},
		"a refresh without an answer spent it": {func(g *gateway, token string) {
			g.clock.forward(3 * time.Hour)
			g.salesforce.Lose("token")
			g.exchange(token)
			g.clock.forward(time.Minute)
		}, "failed", "cannot be told", "failed"},
		"a refresh is under way": {func(g *gateway, token string) {
			g.clock.forward(3 * time.Hour)
			g.salesforce.Fail("token", 503, "", "")
			g.exchange(token)
			g.tokens(func(ts *vault.TokenSet) {
				ts.Attempt = &vault.Attempt{ID: "another", Until: g.clock.Now().Add(10 * time.Second)}
			})
		}, "pending", "under way", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			p := ada()
			me, token := g.me(p), g.signIn(p)
			g.work() // what the two sign-ins left
			list, _ := g.accounts(me, "")
			tt.spoil(g, token.RefreshToken)
			a := g.call(me, "DELETE", "me/v1/connected-accounts/accounts/"+list[0].ID, "")
			if a.status != 204 || a.header.Get("X-Sallyport-Revocation") != tt.result {
				t.Fatalf("%d %v %s", a.status, a.header, a.body)
			}
			if a := g.exchange(token.RefreshToken); a.str("reason") != "not_connected" {
				t.Errorf("%d %s", a.status, a.body)
			}
			if d := g.disconnection(); tt.reason != "" && (len(d.Open) != 1 || !strings.Contains(d.Open[0].Reason, tt.reason)) {
				t.Errorf("%+v", d)
			}
			g.clock.forward(2 * time.Hour)
			g.work()
			open := g.disconnection().Open
			if tt.later == "" && len(open) != 0 || tt.later != "" && (len(open) != 1 || open[0].State != tt.later) {
				t.Errorf("later: %+v", open)
			}
			if g.salesforce.Replays() != 0 || tt.later == "" && g.salesforce.Grants("consumer-key") != 0 {
				t.Errorf("%d replays, %d grants live on", g.salesforce.Replays(), g.salesforce.Grants("consumer-key"))
			}
		})
	}
}

// TestRevocationThatIsGivenUpIsTold: after a week in vain it is listed, without
// its token.
func TestRevocationThatIsGivenUpIsTold(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	me := g.me(p)
	list, _ := g.accounts(me, "")
	g.salesforce.Fail("revoke", 503, "", "")
	g.call(me, "DELETE", "me/v1/connected-accounts/accounts/"+list[0].ID, "")
	g.clock.forward(8 * 24 * time.Hour)
	g.work()
	d := g.disconnection()
	if len(d.Open) != 1 || d.Open[0].State != "failed" || !strings.Contains(d.Open[0].Reason, "for a week") || d.Open[0].Account != list[0].ID {
		t.Errorf("%+v", d)
	}
	g.put(func(tx *vault.Tx) error {
		for r, err := range tx.Revocations.All("") {
			if err != nil || !r.Tokens.RefreshToken.IsZero() || !r.Tokens.AccessToken.IsZero() {
				t.Errorf("it keeps tokens: %v", err)
			}
		}
		return nil
	})
}

// many fills the store with accounts whose refresh tokens Salesforce knows.
func (g *gateway) many(n int) {
	g.t.Helper()
	g.put(func(tx *vault.Tx) error {
		for i := range n {
			id := fmt.Sprint("salesforce|00D/", i)
			if err := tx.TokenSets.Put(vault.TokenSet{
				Identity: id, ID: fmt.Sprint("cac_", i), AccessToken: vault.NewSecret(fmt.Sprint("at", i)), Expires: tx.Now().Add(time.Hour),
				RefreshToken: vault.NewSecret(g.salesforce.Grant(fmt.Sprintf("u%d@example.com", i), "consumer-key", "api")), Params: map[string]string{"instance_url": g.upstream},
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// broken is a network that stops the process after some requests of a kind.
type broken struct {
	http.RoundTripper
	left atomic.Int64
	stop func()
}

func (b *broken) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/revoke") && b.left.Add(-1) == 0 {
		b.stop()
	}
	return b.RoundTripper.RoundTrip(req)
}

// instance is another one on the same store, or one that was started again.
func (g *gateway) instance(network *broken) *server.Server {
	g.t.Helper()
	v, err := vault.Open(g.t.Context(), g.disk, g.key)
	if err != nil {
		g.t.Fatal(err)
	}
	v.Now = g.clock.Now
	c := connections.NewHTTPClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	if network != nil {
		network.RoundTripper = c.Transport
		c.Transport = network
	}
	s, err := server.New(g.t.Context(), server.Config{Issuer: g.issuer, Vault: v, HTTP: c, Now: g.clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		g.t.Fatal(err)
	}
	return s
}

// TestDisconnectingAllEndsEveryGrant of 10,000 accounts, or of fewer where tests
// are to be quick: here at once, and at Salesforce by and by, whatever happens to
// the process that is at it.
func TestDisconnectingAllEndsEveryGrant(t *testing.T) {
	t.Parallel()
	accounts := 350
	if os.Getenv("SALLYPORT_TEST_TOOLS") == "required" { // as make test has it
		accounts = 10_000
	}
	g := start(t)
	p := ada()
	token, manager := g.signIn(p), g.manager()
	g.many(accounts)
	const path = "api/v2/connections/salesforce/disconnect"
	if a := g.call(manager, "POST", path, `{}`); a.status != 400 {
		t.Errorf("without a word that it is all: %d %s", a.status, a.body)
	}
	if a := g.call(manager, "POST", "api/v2/connections/nowhere/disconnect", `{"all":true}`); a.status != 404 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.call(manager, "GET", path, ""); a.str("state") != "none" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.exchange(token.RefreshToken); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}

	if a := g.call(manager, "POST", path, `{"all":true}`); a.status != 202 || a.str("state") != "running" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	refused := g.exchange(token.RefreshToken)
	if refused.str("reason") != "not_connected" || g.salesforce.Requests("revoke") != 0 {
		t.Fatalf("at once: %d %s", refused.status, refused.body)
	}
	g.put(func(tx *vault.Tx) error {
		conn, err := tx.Connections.Get("salesforce")
		for ts, err := range tx.TokenSets.All("") {
			if err != nil || ts.Connected(conn) {
				t.Fatalf("%s can still be used, %v", ts.Identity, err)
			}
		}
		return err
	})
	if page := g.visitLink(p, refused); page.Status != 200 {
		t.Fatalf("connecting again meanwhile: %d %s", page.Status, page.Body)
	}

	// The first instance stops after a part of the taking away, the second after
	// a part of the revoking, and the third finds Salesforce down for a while.
	if done, err := g.vault.DisconnectSome(t.Context(), "salesforce"); done || err != nil {
		t.Fatal(done, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	network := &broken{stop: stop}
	network.left.Store(1 << 40)
	second := g.instance(network)
	if err := second.WorkNow(ctx); err != nil || g.disconnection().Accounts > 101 || g.salesforce.Requests("revoke") == 0 {
		t.Errorf("while the first may be at it: %v, %+v", err, g.disconnection())
	}
	g.clock.forward(2 * time.Minute)
	network.left.Store(100)
	if err := second.WorkNow(ctx); err == nil {
		t.Error("it was not stopped")
	}
	d := g.disconnection()
	if d.State != "running" || d.Accounts != accounts+1 || d.Revoked < 99 || d.Pending < accounts/4 || d.Revoked+d.Pending != d.Accounts {
		t.Errorf("stopped: %+v", d)
	}
	g.salesforce.Fail("revoke", 503, "", "")
	g.clock.forward(time.Hour)
	third := g.instance(nil)
	if err := third.WorkNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	d = g.disconnection()
	reasons := 0
	for _, r := range d.Open {
		if r.Reason != "" {
			reasons++
		}
	}
	if d.Pending == 0 || reasons == 0 {
		t.Errorf("while Salesforce is down: %+v, %d with a reason", d, reasons)
	}
	for range 3 {
		g.clock.forward(3 * time.Hour)
		if err := third.WorkNow(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	a := g.call(g.manager(), "GET", path, "")
	d = g.disconnection()
	if a.str("state") != "done" || d.Accounts != accounts+1 || d.Revoked != d.Accounts || d.Pending+d.Failed+d.Ended != 0 || len(d.Open) != 0 {
		t.Errorf("in the end: %s", a.body)
	}
	if n := g.salesforce.Grants("consumer-key"); n != 1 {
		t.Errorf("%d grants live on at Salesforce", n)
	}
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 {
		t.Errorf("who connected again is disconnected: %d %s", a.status, a.body)
	}
}
