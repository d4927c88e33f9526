package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"sallyport/connections/simulator"
	"sallyport/server"
	"sallyport/vault"
)

// TestEachFaultOfSalesforceIsNamedAndCostsNoGrantThatItLeaves tries the table
// that docs/errors.md shows: what the gateway answers, how often it asked, and
// what becomes of the grant once the fault is over.
func TestEachFaultOfSalesforceIsNamedAndCostsNoGrantThatItLeaves(t *testing.T) {
	t.Parallel()
	for _, want := range server.FaultOutcomes {
		t.Run(want.Fault+" at "+want.Asked, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			if want.Asked == server.SigningIn {
				g.faultySignIn(want)
			} else {
				g.faultyExchange(want)
			}
		})
	}
}

func TestEachFaultOfSalesforceIsInTheTable(t *testing.T) {
	t.Parallel()
	for _, f := range simulator.Faults() {
		tried := slices.ContainsFunc(server.FaultOutcomes, func(o server.FaultOutcome) bool { return o.Fault == f.Name })
		if tried == slices.Contains(server.FaultsUnseen, f.Name) {
			t.Errorf("%s: is it one that the gateway meets?", f.Name)
		}
	}
}

func (g *gateway) faultyExchange(want server.FaultOutcome) {
	g.t.Helper()
	g.update(func(c *vault.Client) { c.RefreshIdle, c.RefreshLifetime = 0, 0 })
	token := g.signIn(ada())
	g.clock.forward(3 * time.Hour) // the access token has expired
	target := simulator.Target{}
	done := func() {}
	switch want.Fault {
	case "refresh-held", "busy-in-old-words":
		done = g.refreshElsewhere()
	case "slow":
		g.server.HTTP.Timeout, target.For = 100*time.Millisecond, time.Second
	case "refresh-unused", "refresh-lifetime":
		g.clock.forward(31 * 24 * time.Hour)
	case "sandbox-refreshed":
		g.salesforce.Org.Sandbox = true
	}
	if want.Fault != "refresh-held" {
		g.trigger(want.Fault, target)
	}
	before := g.salesforce.Requests("token")
	a := g.exchange(token.RefreshToken)
	if a.status != want.Status || a.str("reason") != string(want.Reason) {
		g.t.Errorf("%d %s", a.status, a.body)
	}
	if asked := g.salesforce.Requests("token") - before; asked != want.Requests {
		g.t.Errorf("asked %d times", asked)
	}
	done()
	g.end(want.Fault)
	if want.Fault == "slow" {
		return // whether Salesforce is done with it by now is a matter of time
	}
	g.clock.forward(61 * time.Minute)
	later := g.exchange(token.RefreshToken)
	switch {
	case want.Grant == server.Kept && later.status != http.StatusOK:
		g.t.Errorf("the grant is lost: %d %s", later.status, later.body)
	case want.Grant != server.Kept && later.str("reason") != "reauthorization_required":
		g.t.Errorf("the grant is not over: %d %s", later.status, later.body)
	}
	if g.salesforce.Replays() > 0 && want.Fault != "token-used-elsewhere" {
		g.t.Errorf("%d spent tokens were shown", g.salesforce.Replays())
	}
}

// refreshElsewhere has somebody else use the refresh token at this moment,
// without rotation, and returns how to let them finish.
func (g *gateway) refreshElsewhere() (done func()) {
	g.t.Helper()
	g.salesforce.Apps[0].NoRotation = true
	var token string
	g.tokens(func(ts *vault.TokenSet) { token = ts.RefreshToken.Reveal() })
	entered, release := g.salesforce.Hold("token:refresh_token")
	finished := make(chan error, 1)
	go func() {
		resp, err := http.PostForm(g.upstream+"/services/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token},
			"client_id": {"consumer-key"}, "client_secret": {"consumer-secret"}})
		if err == nil {
			resp.Body.Close()
		}
		finished <- err
	}()
	<-entered
	return func() {
		release()
		if err := <-finished; err != nil {
			g.t.Error(err)
		}
	}
}

func (g *gateway) trigger(fault string, target simulator.Target) {
	g.t.Helper()
	if err := g.salesforce.Trigger(fault, target); err != nil {
		g.t.Fatal(err)
	}
}

// end ends a fault that lasts.
func (g *gateway) end(fault string) {
	g.t.Helper()
	for _, f := range simulator.Faults() {
		if f.Name == fault && f.Lasts {
			if err := g.salesforce.End(fault, simulator.Target{}); err != nil {
				g.t.Fatal(err)
			}
		}
	}
}

func (g *gateway) faultySignIn(want server.FaultOutcome) {
	g.t.Helper()
	target := simulator.Target{}
	if want.Fault == "response-lost" {
		target.Endpoint = "token:authorization_code"
	}
	g.trigger(want.Fault, target)
	before := g.salesforce.Requests("token")
	q := g.visit(ada())
	if q.Get("error") != string(want.Code) || (want.Code == "") != (q.Get("code") != "") {
		g.t.Errorf("%v", q)
	}
	if asked := g.salesforce.Requests("token") - before; asked != want.Requests {
		g.t.Errorf("asked %d times", asked)
	}
	if want.Code != "" {
		g.nothingIsKept("afterwards")
	}
}
