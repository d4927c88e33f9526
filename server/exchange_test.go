package server_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/connections/simulator"
	"sallyport/connections/simulator/simtest"
	"sallyport/vault"
)

// TestPoint12FiftyExchangesOfAnExpiredTokenRefreshOnce is what the vault is for.
func TestPoint12FiftyExchangesOfAnExpiredTokenRefreshOnce(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	before := g.salesforce.Requests("token:refresh_token")
	g.clock.forward(3 * time.Hour)
	var wg sync.WaitGroup
	var mu sync.Mutex
	tokens := map[string]int{}
	for range 50 {
		wg.Go(func() {
			a := g.exchange(token.RefreshToken)
			mu.Lock()
			defer mu.Unlock()
			if tokens[a.str("access_token")]++; a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
	if n := g.salesforce.Requests("token:refresh_token") - before; n != 1 || len(tokens) != 1 {
		t.Errorf("%d refreshes upstream, %d different tokens; want 1 and 1", n, len(tokens))
	}
	if g.salesforce.Replays() != 0 || g.salesforce.ConcurrentRefreshes() != 0 {
		t.Errorf("%d replays, %d concurrent refreshes", g.salesforce.Replays(), g.salesforce.ConcurrentRefreshes())
	}
}

func TestPoint10RejectedTokenIsReplaced(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	first := g.exchange(token.RefreshToken)
	g.salesforce.ExpireSessions()
	if status := g.query(first); status != 401 {
		t.Fatalf("Salesforce still takes the token: %d", status)
	}
	second := g.exchange(token.RefreshToken, "rejected_token", first.str("access_token"))
	if second.status != 200 || g.query(second) != 200 {
		t.Errorf("%d %s", second.status, second.body)
	}
	third := g.exchange(token.RefreshToken, "rejected_token", first.str("access_token"))
	if third.str("access_token") != second.str("access_token") {
		t.Error("a token that was replaced already was refreshed again")
	}
}

// TestExchangesKeepTheRefreshTokenFromIdling goes on for longer than an unused
// refresh token would live, but not for longer than it lives in any case.
func TestExchangesKeepTheRefreshTokenFromIdling(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	for range 3 {
		g.clock.forward(9 * 24 * time.Hour)
		if a := g.exchange(token.RefreshToken); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	g.clock.forward(4 * 24 * time.Hour)
	if a := g.exchange(token.RefreshToken); a.status != 401 {
		t.Errorf("after its whole life: %d %s", a.status, a.body)
	}
}

func TestMinTTLBringsATokenThatLastsLonger(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	first := g.exchange(token.RefreshToken)
	g.clock.forward(90 * time.Minute)
	if a := g.exchange(token.RefreshToken); a.str("access_token") != first.str("access_token") {
		t.Error("a token that was good for half an hour was refreshed")
	}
	if a := g.exchange(token.RefreshToken, "min_ttl", "3600"); a.status != 200 || a.str("access_token") == first.str("access_token") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestRefusalsSayWhyAndWhatToDo is the table of the reasons, in both shapes.
func TestRefusalsSayWhyAndWhatToDo(t *testing.T) {
	t.Parallel()
	type want struct {
		auth0Status, rfcStatus int
		auth0, rfc             string
		class                  string
		reconnect              bool
	}
	user := want{401, 400, "federated_connection_refresh_token_not_found", "invalid_grant", "user", true}
	policy := want{403, 403, "unauthorized_client", "unauthorized_client", "operator", false}
	retry := want{503, 503, "temporarily_unavailable", "temporarily_unavailable", "retry", false}
	noLink := func(w want) want { w.reconnect = false; return w }
	for _, tt := range []struct {
		name, reason string
		prepare      func(g *gateway)
		form         []string
		want         want
		says         string
	}{
		{"the account is gone", "not_connected", func(g *gateway) { g.forget() }, nil, user, "must connect"},
		{"no refresh token came", "not_stored", func(g *gateway) {
			g.tokens(func(ts *vault.TokenSet) { ts.RefreshToken = vault.Secret{} })
			g.clock.forward(3 * time.Hour)
		}, nil, want{401, 400, "federated_connection_refresh_token_not_found", "invalid_target", "operator", true}, "Refresh Token Policy"},
		{"the connection keeps no tokens", "not_stored", func(g *gateway) { g.change(func(c *vault.Connection) { c.TokenVault = false }) }, nil,
			want{401, 400, "federated_connection_refresh_token_not_found", "invalid_target", "operator", false}, "connected_accounts.active"},
		{"revoked at Salesforce", "reauthorization_required", func(g *gateway) {
			g.salesforce.RevokeUser("ada@example.com")
			g.clock.forward(3 * time.Hour)
		}, nil, user, "expired access/refresh token"},
		{"a scope is missing", "insufficient_scope", func(*gateway) {}, []string{"scope", "api wave_api"}, user, "wave_api"},
		{"several accounts", "ambiguous_account", func(g *gateway) { g.second() }, nil, noLink(user), "login_hint"},
		{"a hint that fits nobody", "not_connected", func(*gateway) {}, []string{"login_hint", "nobody@example.com"},
			want{401, 400, "user_not_found", "invalid_grant", "user", true}, "login_hint"},
		{"not enabled for the client", "client_not_allowed", func(g *gateway) { g.change(func(c *vault.Connection) { c.Clients = nil }) }, nil, policy, "enabled_clients"},
		{"switched off", "connection_disabled", func(g *gateway) { g.change(func(c *vault.Connection) { c.Active = false }) }, nil, policy, "authentication.active"},
		{"blocked", "user_blocked", func(g *gateway) { g.block() }, nil, policy, "blocked"},
		{"not active there", "user_blocked", func(g *gateway) {
			g.clock.forward(3 * time.Hour)
			g.salesforce.Fail("token", 400, "inactive_user", "user is inactive")
		}, nil, policy, "Activate the user"},
		{"Salesforce is down", "upstream_unavailable", func(g *gateway) {
			g.clock.forward(3 * time.Hour)
			g.salesforce.Fail("token", 503, "", "")
		}, nil, retry, "Nothing is lost"},
		{"Salesforce is asked too often", "upstream_rate_limited", func(g *gateway) {
			g.clock.forward(3 * time.Hour)
			g.salesforce.Fail("token", 400, "rate_limit_exceeded", "login rate exceeded")
		}, nil, retry, "too often"},
		{"the secret is wrong", "connection_misconfigured", func(g *gateway) {
			g.clock.forward(3 * time.Hour)
			g.change(func(c *vault.Connection) { c.ClientSecret = vault.NewSecret("wrong") })
		}, nil, want{502, 502, "server_error", "server_error", "operator", false}, "consumer secret"},
	} {
		for _, shape := range []string{"Auth0", "RFC 8693"} {
			t.Run(tt.name+", "+shape, func(t *testing.T) {
				t.Parallel()
				g := start(t)
				token := g.signIn(ada())
				tt.prepare(g)
				form, status, code := tt.form, tt.want.auth0Status, tt.want.auth0
				if shape != "Auth0" {
					form = append([]string{"grant_type", exchangeGrant, "requested_token_type", accessType, "connection", "", "audience", "salesforce"}, form...)
					status, code = tt.want.rfcStatus, tt.want.rfc
				}
				a := g.exchange(token.RefreshToken, form...)
				if a.status != status || a.str("error") != code || a.str("reason") != tt.reason || a.str("reason_class") != tt.want.class ||
					a.str("connection") != "salesforce" || a.str("correlation_id") == "" || !strings.Contains(a.str("error_description"), tt.says) {
					t.Errorf("%d %s", a.status, a.body)
				}
				if link := a.str("reconnect_uri"); (link != "") != tt.want.reconnect {
					t.Errorf("reconnect_uri %q", link)
				}
				if (a.header.Get("Retry-After") != "") != (tt.want.class == "retry") || a.header.Get("WWW-Authenticate") != "" {
					t.Errorf("headers %v", a.header)
				}
			})
		}
	}
}

// tokens changes the token set of the only account.
func (g *gateway) tokens(fn func(*vault.TokenSet)) {
	g.t.Helper()
	g.put(func(tx *vault.Tx) error {
		for ts, err := range tx.TokenSets.All("") {
			if err != nil {
				return err
			}
			fn(&ts)
			return tx.TokenSets.Put(ts)
		}
		return vault.ErrNotFound
	})
}

func (g *gateway) forget() {
	g.put(func(tx *vault.Tx) error {
		return tx.TokenSets.Delete(vault.IdentityKey("salesforce", simulator.DefaultOrgID+"/"+simulator.DefaultUsers()[0].ID))
	})
}

func (g *gateway) block() {
	g.user(func(u *vault.User) { u.Blocked = true })
}

func (g *gateway) user(fn func(*vault.User)) {
	g.t.Helper()
	g.put(func(tx *vault.Tx) error {
		u, err := tx.Users.Get("salesforce|" + simulator.DefaultUsers()[0].ID)
		if err != nil {
			return err
		}
		fn(&u)
		return tx.Users.Put(u)
	})
}

// second gives the user a second account.
func (g *gateway) second() {
	i := vault.Identity{Connection: "salesforce", Strategy: "salesforce", Subject: "00D/005", UserID: "005", User: "salesforce|" + simulator.DefaultUsers()[0].ID}
	g.put(func(tx *vault.Tx) error { return tx.Identities.Put(i) })
	g.user(func(u *vault.User) { u.Identities = append(u.Identities, i.Key()) })
}

func TestTransientFailureLosesNothing(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.clock.forward(3 * time.Hour)
	for range 3 {
		g.salesforce.Fail("token", 503, "", "")
		if a := g.exchange(token.RefreshToken); a.status != 503 || a.header.Get("Retry-After") != "15" {
			t.Fatalf("%d %v %s", a.status, a.header, a.body)
		}
		g.clock.forward(15 * time.Second)
	}
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 {
		t.Errorf("after the outage: %d %s", a.status, a.body)
	}
}

// TestPoint14LostAnswerOfARotationEndsInReauthorization loses the one answer in which
// the new refresh token was: the old one is spent, and must not be shown again.
func TestPoint14LostAnswerOfARotationEndsInReauthorization(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.clock.forward(3 * time.Hour)
	g.salesforce.Lose("token")
	if a := g.exchange(token.RefreshToken); a.status != 503 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	g.clock.forward(14 * time.Second)
	before := g.salesforce.Requests("introspect")
	a := g.exchange(token.RefreshToken)
	if a.status != 503 || a.str("reason") != "upstream_unavailable" || a.header.Get("Retry-After") != "1" || g.salesforce.Requests("introspect") != before {
		t.Fatalf("while the request may be under way: %d %v %s", a.status, a.header, a.body)
	}
	g.clock.forward(time.Second)
	a = g.exchange(token.RefreshToken)
	if a.str("reason") != "reauthorization_required" || g.salesforce.Replays() != 0 {
		t.Errorf("%d %s, %d replays", a.status, a.body, g.salesforce.Replays())
	}
}

func TestH07ReconnectLinkBringsTheAccountBackOnce(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	token := g.signIn(p)
	g.salesforce.RevokeUser("ada@example.com")
	g.clock.forward(3 * time.Hour)
	link := g.exchange(token.RefreshToken).str("reconnect_uri")
	page, err := p.Visit(link, appURL)
	if err != nil || page.Status != 200 || !strings.Contains(page.Body, "Connected again") {
		t.Fatalf("%v %d %s", err, page.Status, page.Body)
	}
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if page, err := p.Visit(link, appURL); err != nil || page.Status != 400 {
		t.Errorf("the link works twice: %v %d", err, page.Status)
	}
}

// TestH04H43ReconnectLinkIsForItsUserAlone has somebody else follow the link, signed
// in or not: nothing of theirs may land in the account.
func TestH04H43ReconnectLinkIsForItsUserAlone(t *testing.T) {
	t.Parallel()
	signedIn, fresh := grace(), grace()
	for name, p := range map[string]*simtest.Person{"signed in": signedIn, "in a fresh browser": fresh} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			if p == signedIn {
				g.signIn(p)
			}
			token := g.signIn(ada())
			g.salesforce.RevokeUser("ada@example.com")
			g.clock.forward(3 * time.Hour)
			link := g.exchange(token.RefreshToken).str("reconnect_uri")
			if page, err := p.Visit(link, appURL); err != nil || page.Status != 403 {
				t.Errorf("%v %d %s", err, page.Status, page.Body)
			}
			if a := g.exchange(token.RefreshToken); a.str("reason") != "reauthorization_required" {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
}

func TestSigningInAgainBringsADeadAccountBack(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	token := g.signIn(p)
	g.salesforce.RevokeUser("ada@example.com")
	g.clock.forward(3 * time.Hour)
	if a := g.exchange(token.RefreshToken); a.str("reason") != "reauthorization_required" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	g.signIn(p) // and not by the session alone
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestH39UsersGetTheirOwnTokens runs two users' refreshes at once.
func TestH39UsersGetTheirOwnTokens(t *testing.T) {
	t.Parallel()
	g := start(t)
	hers, graces := g.signIn(ada()), g.signIn(grace())
	g.clock.forward(3 * time.Hour)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			token, account := hers, simulator.DefaultUsers()[0].ID
			if i%2 == 1 {
				token, account = graces, simulator.DefaultUsers()[1].ID
			}
			a := g.exchange(token.RefreshToken)
			info := g.get("healthz")
			if a.status != 200 || a.str("account") != account || !strings.HasSuffix(a.str("id"), account) || info.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
}

// TestIntrospectionIsReliedOnUnlessToldOtherwise after an answer that was lost.
func TestIntrospectionIsReliedOnUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	for trust, status := range map[string]int{"": 200, "true": 200, "false": 401} {
		g := start(t, func(a *simulator.App) { a.NoRotation = true })
		g.change(func(c *vault.Connection) {
			if trust != "" {
				c.Options["trust_introspection"] = trust
			}
		})
		token := g.signIn(ada())
		g.clock.forward(3 * time.Hour)
		g.salesforce.Lose("token:refresh_token")
		if a := g.exchange(token.RefreshToken); a.status != 503 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		g.clock.forward(time.Minute)
		asked := g.salesforce.Requests("introspect")
		a := g.exchange(token.RefreshToken)
		if a.status != status || status == 401 && (a.str("reason") != "reauthorization_required" || !strings.Contains(a.str("error_description"), "trust_introspection") || g.salesforce.Requests("introspect") != asked) {
			t.Errorf("trust_introspection %q: %d %s", trust, a.status, a.body)
		}
	}
}
