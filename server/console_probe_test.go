package server_test

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sallyport/connections"
	"sallyport/connections/simulator"
	"sallyport/server"
	"sallyport/vault"
)

// TestProbeTellsWhetherTheCredentialsAreRight: each answer to a code that nobody
// issued, and what the badge says then.
func TestProbeTellsWhetherTheCredentialsAreRight(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		make        func(*gateway)
		badge, cure string
	}{
		"right":        {func(*gateway) {}, "Credentials are right", ""},
		"wrong key":    {func(g *gateway) { g.change(func(c *vault.Connection) { c.ClientID = "another" }) }, "Credentials are refused", "Compare client_id"},
		"wrong secret": {func(g *gateway) { g.change(func(c *vault.Connection) { c.ClientSecret = vault.NewSecret("wrong") }) }, "Credentials are refused", "Copy it anew"},
		"next secret": {func(g *gateway) {
			g.change(func(c *vault.Connection) {
				c.ClientSecret, c.Options["client_secret_next"] = vault.NewSecret("of before"), "consumer-secret"
			})
		}, "Credentials are right", ""},
		"maintenance":          {func(g *gateway) { g.salesforce.Fail("token", http.StatusServiceUnavailable, "", "") }, "No answer that tells", "status.salesforce.com"},
		"any OAuth 2.0 server": {func(g *gateway) { g.change(plainOAuth2) }, "Credentials are right", ""},
		"any, wrong secret": {func(g *gateway) {
			g.change(func(c *vault.Connection) { plainOAuth2(c); c.ClientSecret = vault.NewSecret("wrong") })
		}, "Credentials are refused", "Compare the connection&#39;s client_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			a := g.administrator("ada@example.com", vault.Editor)
			tt.make(g)
			p := a.post("/admin/connections/salesforce/probe")
			if p.status != http.StatusOK || !strings.Contains(p.body, tt.badge) || !strings.Contains(p.body, tt.cure) {
				t.Errorf("%d %s", p.status, text(p.body))
			}
			for _, path := range []string{"/admin/connections", "/admin/connections/salesforce"} {
				const refused = "Credentials are refused"
				if p := a.get(path); strings.Contains(p.body, refused) != (tt.badge == refused) {
					t.Errorf("%s: %s", path, text(p.body))
				}
			}
		})
	}
}

// TestProbeDoesNoHarm: no user's token is used, and accounts are as before.
func TestProbeDoesNoHarm(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(grace())
	a := g.administrator("ada@example.com", vault.Editor)
	before := g.salesforce.Requests("token:refresh_token")
	for range 10 {
		a.post("/admin/connections/salesforce/probe")
	}
	if got := g.salesforce.Requests("token:refresh_token"); got != before {
		t.Errorf("%d refreshes", got-before)
	}
	g.clock.forward(time.Hour)
	if status := g.query(g.exchange(token.RefreshToken)); status != http.StatusOK {
		t.Errorf("the account is gone: %d", status)
	}
}

// TestConnectionsAreProbedEverySixHours by one instance, and when one begins to be
// refused, the log, the metrics and the page say so, since when.
func TestConnectionsAreProbedEverySixHours(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.put(func(tx *vault.Tx) error {
		idle := g.connection("idle")
		idle.Active = false
		return tx.Connections.Put(idle)
	})
	probes := func() int { return g.salesforce.Requests("token:authorization_code") }
	work := func(after time.Duration) {
		t.Helper()
		g.clock.forward(after)
		if err := g.server.ProbeNow(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	other := g.another(t)
	work(0)
	work(6*time.Hour - 5*time.Minute)
	if got := probes(); got != 1 {
		t.Fatalf("%d probes within six hours", got)
	}
	g.clock.forward(10 * time.Minute) // it is due, and the other's to do that looked last
	if err := other.ProbeNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := probes(); got != 1 {
		t.Fatalf("%d probes by two instances", got)
	}
	work(0)
	g.salesforce.Set(func() { g.salesforce.Apps = []simulator.App{{ConsumerKey: "consumer-key", ConsumerSecret: "changed"}} })
	work(6 * time.Hour)
	work(6 * time.Hour)
	if got := probes(); got != 4 {
		t.Errorf("%d probes in a day", got)
	}
	if got := strings.Count(g.log.String(), "an identity provider refuses the gateway's credentials"); got != 1 {
		t.Errorf("the log says so %d times", got)
	}
	if got := g.counted(t, "sallyport_probes_total", "misconfigured"); got != 2 {
		t.Errorf("the metrics count %v", got)
	}
	g.clock.forward(time.Hour)
	if p := g.administrator("ada@example.com", vault.Viewer).get(tryURL); !strings.Contains(p.body, "Credentials are refused") || !strings.Contains(p.body, "so since 7 hours ago") {
		t.Errorf("%s", text(p.body))
	}
}

// another is a further instance on the same store.
func (g *gateway) another(t *testing.T) *server.Server {
	t.Helper()
	v, err := vault.Open(t.Context(), g.disk, g.key)
	if err != nil {
		t.Fatal(err)
	}
	v.Now = g.clock.Now
	s, err := server.New(t.Context(), server.Config{Issuer: g.issuer, Vault: v, Now: g.clock.Now, Log: slog.New(slog.DiscardHandler),
		HTTP: connections.NewHTTPClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// counted is a metric's count of an outcome, of all connections.
func (g *gateway) counted(t *testing.T, metric, outcome string) (n float64) {
	t.Helper()
	families, err := g.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != metric {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, label := range m.GetLabel() {
				if label.GetName() == "outcome" && label.GetValue() == outcome {
					n += m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}
