package server_test

import (
	"net/http"
	"testing"
	"time"

	"sallyport/vault"
)

// tallied adds up what all instances did in the last day.
func (g *gateway) tallied() (done map[vault.Deed]int, failures map[vault.Failure]int) {
	g.t.Helper()
	done, failures = map[vault.Deed]int{}, map[vault.Failure]int{}
	err := g.vault.View(g.t.Context(), func(tx *vault.Tx) error {
		list, err := tx.TalliesSince(g.clock.Now().Add(-24 * time.Hour))
		for _, t := range list {
			for deed, n := range t.Done {
				done[deed] += n
			}
			for _, f := range t.Failures {
				n := f.Times
				f.Times = 0
				failures[f] += n
			}
		}
		return err
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return done, failures
}

// TestWhatHappensIsCountedByHourAndCause: exchanges, refreshes and sign-ins, also
// across hours, further instances, and a store that takes nothing for a while.
func TestWhatHappensIsCountedByHourAndCause(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(grace()).RefreshToken
	for range 3 {
		if a := g.exchange(token); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	g.exchange(token, "connection", "nowhere-that-is")
	g.exchange(token, "scope", "not_granted")
	g.work()
	done, failures := g.tallied()
	if done[vault.DidExchange] != 3 || done[vault.DidSignIn] != 1 || done[vault.DidRefresh] != 0 {
		t.Errorf("done %v", done)
	}
	if failures[vault.Failure{Of: vault.DidExchange, Connection: "salesforce", Reason: "insufficient_scope"}] != 1 || len(failures) != 2 {
		t.Errorf("failures %v", failures)
	}
	for f := range failures {
		if f.Connection != "" && f.Connection != "salesforce" {
			t.Errorf("%q is no connection", f.Connection)
		}
	}

	g.clock.forward(3 * time.Hour) // the access token has expired
	g.exchange(token)
	g.disk.full.Store(true)
	if err := g.server.KeepTally(t.Context()); err == nil {
		t.Fatal("the disk is not full")
	}
	g.disk.full.Store(false)
	g.clock.forward(3 * time.Hour)
	g.exchange(token)
	g.work()
	g.work()
	if done, _ = g.tallied(); done[vault.DidExchange] != 5 || done[vault.DidRefresh] != 2 {
		t.Errorf("later: %v", done)
	}
	other := g.another(t)
	if err := other.WorkNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if done, _ = g.tallied(); done[vault.DidExchange] != 5 {
		t.Errorf("with an instance that did nothing: %v", done)
	}
}
