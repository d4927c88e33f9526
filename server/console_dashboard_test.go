package server_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport/connections"
	"sallyport/server"
	"sallyport/vault"
)

// dashboard is what a viewer reads there, who has just come.
func (g *gateway) dashboard() string {
	g.t.Helper()
	p := g.administrator(fmt.Sprint("ada", g.clock.Now().UnixNano(), "@example.com"), vault.Viewer).get("/admin")
	if p.status != http.StatusOK {
		g.t.Fatalf("%d %s", p.status, p.body)
	}
	return p.body
}

// TestDashboardCountsAccountsByHealth with a link to those in each state.
func TestDashboardCountsAccountsByHealth(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.signIn(grace())
	g.signIn(ada())
	g.work()
	if body := g.dashboard(); !strings.Contains(body, `<a href="/admin/accounts?state=healthy"><span class="hidden">Healthy: </span>2</a>`) {
		t.Errorf("%s", body)
	}
	for _, state := range vault.Healths {
		if body := g.dashboard(); !strings.Contains(body, `/admin/accounts?state=`+string(state)+`"`) {
			t.Errorf("no %s", state)
		}
	}
}

// TestDashboardTellsFailuresByCause: how often, what to do, and where the events
// are, and the plots have the same numbers as their tables.
func TestDashboardTellsFailuresByCause(t *testing.T) {
	t.Parallel()
	g := start(t)
	now := g.clock.Now().UTC()
	g.clock.forward(now.Truncate(time.Hour).Add(time.Hour + 10*time.Minute).Sub(now)) // all within one hour
	token := g.signIn(grace()).RefreshToken
	if body := text(g.dashboard()); !strings.Contains(body, "Failures of the last day None") || !strings.Contains(body, "There was none in this time.") {
		t.Errorf("before: %s", body)
	}
	for range 3 {
		g.exchange(token, "scope", "not_granted")
	}
	for range 2 {
		g.exchange(token)
	}
	g.change(func(c *vault.Connection) { c.Active = false })
	g.exchange(token)
	g.exchange(token, "connection", `"><script>`)
	g.work()
	since := url.QueryEscape(g.clock.Now().UTC().Add(-24 * time.Hour).Truncate(time.Hour).Format(time.RFC3339))
	body := g.dashboard()
	for _, want := range []string{
		"insufficient_scope</code>", `<td class="number">3</td>`, `<a href="/admin/connections/salesforce/edit">Have the connection ask for it`,
		"connection_disabled</code>", `<a href="/admin/connections/salesforce">Switch it on.</a>`,
		"/admin/events?connection=salesforce&amp;reason=insufficient_scope&amp;since=" + since + "&amp;type=feta",
		"2 gave a token", "5 refused", `<desc id="exchanges-desc">2 gave a token, at most 2 in a column; 5 refused`,
		`<rect class="done" x="230"`, `height="100"`, `<td class="number">2</td><td class="number">5</td>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(body, "<script>") {
		t.Error("a connection that is none is told of")
	}
	if n := strings.Count(body, `<tr><th scope="row">`); n != 24 {
		t.Errorf("%d hours", n)
	}
	g.clock.forward(26 * time.Hour)
	if body := text(g.dashboard()); !strings.Contains(body, "Failures of the last day None") {
		t.Errorf("a day later: %s", body)
	}
	week := g.administrator("eve@example.com", vault.Viewer).get("/admin?over=week").body
	if !strings.Contains(week, "2 gave a token") || strings.Count(week, `<tr><th scope="row">`) != 28 {
		t.Error("it is not in the week")
	}
}

// TestDashboardLeadsToTheFirstToken, step by step, and says no more of it then.
func TestDashboardLeadsToTheFirstToken(t *testing.T) {
	t.Parallel()
	g := start(t)
	const title = "Four steps to a first token"
	body := text(g.dashboard())
	if !strings.Contains(body, title) || !strings.Contains(body, "Done: Set up a connection") || !strings.Contains(body, "Done: Add an application") ||
		!strings.Contains(body, "To do: Try the connection") || !strings.Contains(body, "To do: Get the first token") {
		t.Errorf("at first: %s", body)
	}
	token := g.signIn(grace()).RefreshToken
	if body := text(g.dashboard()); !strings.Contains(body, "Done: Try the connection") || !strings.Contains(body, "To do: Get the first token") {
		t.Errorf("with an account: %s", body)
	}
	g.exchange(token)
	g.work()
	if body := g.dashboard(); strings.Contains(body, title) {
		t.Error("it is told what it has done")
	}
}

// TestDashboardTellsWhatBreaks: each thing that it looks at, and when there is
// none.
func TestDashboardTellsWhatBreaks(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		make func(*gateway)
		want []string
	}{
		"nothing": {func(*gateway) {}, []string{"Nothing that we can see"}},
		"credentials that are refused": {func(g *gateway) {
			g.put(func(tx *vault.Tx) error {
				return tx.Probes.Put(vault.Probe{Connection: "salesforce", At: g.clock.Now(), Since: g.clock.Now().Add(-3 * time.Hour), State: vault.StepFailed, Cause: "The secret is wrong.", Cure: "Copy it anew.", Expires: g.clock.Now().Add(day)})
			})
		}, []string{"Now 3 hours ago", "refuses the gateway’s credentials", "The secret is wrong.", "Copy it anew. Try the connection"}},
		"tokens that end": {func(g *gateway) {
			g.signIn(grace())
			g.tokens(func(ts *vault.TokenSet) { ts.RefreshToken, ts.Expires = vault.Secret{}, g.clock.Now().Add(2*time.Hour) })
			g.work()
		}, []string{"In a day", "1 account at ", "will have no token any more"}},
		"tokens that end this week": {func(g *gateway) {
			g.signIn(grace())
			g.tokens(func(ts *vault.TokenSet) { ts.RefreshToken, ts.Expires = vault.Secret{}, g.clock.Now().Add(5*day) })
			g.work()
		}, []string{"In a week", "1 account at "}},
		"a certificate": {func(g *gateway) {
			cert, err := connections.NewCertificate("salesforce", g.clock.Now().Add(-10*365*day+10*day))
			if err != nil {
				g.t.Fatal(err)
			}
			g.change(func(c *vault.Connection) { c.Certificates = []vault.Certificate{cert} })
		}, []string{"Later in 10 days", "A certificate by which the gateway proves itself to", "Make the next one, and upload it there. See the connection"}},
		"a signing key that is overdue": {func(g *gateway) { g.clock.forward(90 * day) }, []string{"Now 1 day ago", "should have been made by the gateway, and was not"}},
		"a signing key that follows": {func(g *gateway) { g.clock.forward(89*day + time.Hour); g.work() },
			[]string{"In a day in 24 hours", "begins to sign. It is published already."}},
		"a log that is nearly full": {func(g *gateway) {
			if err := g.vault.SetLogRetention(g.t.Context(), vault.LogRetention{Age: 90 * day, Bytes: 16 << 20}, func(_, _ vault.LogRetention) vault.Event {
				return vault.Event{Correlation: vault.Said("a test"), Type: "s"}
			}); err != nil {
				g.t.Fatal(err)
			}
			g.put(func(tx *vault.Tx) error {
				return tx.Chains.Put(vault.Chain{ID: "ABCDEFGHIJ", Head: vault.Place{Bytes: 15 << 20}})
			})
		}, []string{"The log of events has 15 of the 16 MB that it may have", "before their 90 days are over"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			tt.make(g)
			body := text(g.dashboard())
			for _, want := range tt.want {
				if !strings.Contains(body, want) {
					t.Errorf("no %q in %s", want, body)
				}
			}
			if name != "nothing" && strings.Contains(body, "Nothing that we can see") {
				t.Error("nothing is seen")
			}
		})
	}
}

// TestDashboardTellsOfTheGatewaysOwnCertificate, of which the program knows.
func TestDashboardTellsOfTheGatewaysOwnCertificate(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Viewer)
	s, err := server.New(t.Context(), server.Config{Issuer: g.issuer, Vault: g.vault, Now: g.clock.Now, Log: slog.New(slog.DiscardHandler), TLSUntil: g.clock.Now().Add(3 * 24 * time.Hour),
		HTTP: connections.NewHTTPClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	if err != nil {
		t.Fatal(err)
	}
	running := httptest.NewServer(s)
	t.Cleanup(running.Close)
	if body := text(a.get(running.URL + "/admin").body); !strings.Contains(body, "The gateway’s own TLS certificate ends") {
		t.Errorf("%s", body)
	}
}

// TestDashboardTellsWhatARestoredBackupLeftOpen.
func TestDashboardTellsWhatARestoredBackupLeftOpen(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.signIn(grace())
	g.tokens(func(ts *vault.TokenSet) { ts.Rotation = vault.Rotates })
	again := g.restored(g.backup())
	again.work()
	if body := text(again.dashboard()); !strings.Contains(body, "The vault was restored from a backup. Of 1 account it is not known") {
		t.Errorf("%s", body)
	}
}
