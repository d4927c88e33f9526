package server_test

import (
	"strings"
	"testing"
	"time"

	"sallyport/connections/simulator"
	"sallyport/vault"
)

// pin holds the connection to one org.
func (g *gateway) pin(org string) {
	g.t.Helper()
	g.change(func(c *vault.Connection) { c.Options["org_id"] = org })
}

func TestPoint26PinnedConnectionTakesItsOrgAlone(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.pin("00D000000000062EAA")
	q := g.visit(ada())
	if d := q.Get("error_description"); q.Get("error") != "access_denied" || !strings.Contains(d, "00D000000000062EAA alone") || !strings.Contains(d, simulator.DefaultOrgID) {
		t.Errorf("another org's user: %v", q)
	}
	g.nothingIsKept("another org's user")
	g.pin(simulator.DefaultOrgID[:15])
	if a := g.exchange(g.signIn(ada()).RefreshToken); a.status != 200 {
		t.Errorf("its own: %d %s", a.status, a.body)
	}
}

// TestPinningHoldsForAccountsThatWereThereBefore pins a connection to another
// org than the one that its user is of.
func TestPinningHoldsForAccountsThatWereThereBefore(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	token := g.signIn(p)
	g.pin("00D000000000062EAA")
	a := g.exchange(token.RefreshToken)
	if a.str("reason") != "not_connected" || !strings.Contains(a.str("error_description"), "00D000000000062EAA") || a.str("access_token") != "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if q := g.visit(p); q.Get("code") != "" {
		t.Errorf("the session of another org's user signs in: %v", q)
	}
	g.pin(simulator.DefaultOrgID)
	if a := g.exchange(token.RefreshToken); a.status != 200 {
		t.Errorf("pinned to its own: %d %s", a.status, a.body)
	}
}

// TestH11AccountOfAnotherIsQuarantined has a refresh answered for somebody else,
// while the access token before it is still alive: nobody gets it any more,
// until the user connects again.
func TestH11AccountOfAnotherIsQuarantined(t *testing.T) {
	t.Parallel()
	swap := func(m map[string]any, member, from, to string) {
		m[member] = strings.Replace(m[member].(string), from, to, 1)
		delete(m, "signature")
	}
	for name, change := range map[string]func(*gateway) func(map[string]any){
		"another user": func(*gateway) func(map[string]any) {
			return func(m map[string]any) { swap(m, "id", "005Sa000000adaLIAQ", "005Sa000000graHIAQ") }
		},
		"another org": func(*gateway) func(map[string]any) {
			return func(m map[string]any) { swap(m, "id", simulator.DefaultOrgID, "00D000000000062EAA") }
		},
		"another user in the ID token": func(g *gateway) func(map[string]any) {
			return func(m map[string]any) {
				m["id_token"] = g.salesforce.Resign(m["id_token"].(string), func(c map[string]any) { swap(c, "sub", "005Sa000000adaLIAQ", "005Sa000000graHIAQ") })
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			p := ada()
			token := g.signIn(p)
			before := g.exchange(token.RefreshToken)
			g.clock.forward(90 * time.Minute)
			if a := g.exchange(token.RefreshToken); a.str("access_token") != before.str("access_token") {
				t.Fatalf("the access token is not alive any more: %d %s", a.status, a.body)
			}
			g.salesforce.Tamper("token", change(g))
			for _, more := range [][]string{{"min_ttl", "3600"}, nil, {"min_ttl", "60"}, {"rejected_token", before.str("access_token")}} {
				a := g.exchange(token.RefreshToken, more...)
				if a.str("reason") != "reauthorization_required" || !strings.Contains(a.str("error_description"), "another user or org") || a.str("reconnect_uri") == "" {
					t.Errorf("%v: %d %s", more, a.status, a.body)
				}
			}
			link := g.exchange(token.RefreshToken).str("reconnect_uri")
			if page, err := p.Visit(link, appURL); err != nil || page.Status != 200 {
				t.Fatalf("%v %d %s", err, page.Status, page.Body)
			}
			if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 {
				t.Errorf("connected again: %d %s", a.status, a.body)
			}
		})
	}
}
