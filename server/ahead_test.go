package server_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestAccountInUseIsRefreshedBeforeItsTokenExpires, and whoever brings that about
// does not wait for it.
func TestAccountInUseIsRefreshedBeforeItsTokenExpires(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	refreshes := func() int { return g.salesforce.Requests("token:refresh_token") }
	first := g.exchange(token.RefreshToken)
	g.clock.forward(time.Hour)
	if a := g.exchange(token.RefreshToken); a.str("access_token") != first.str("access_token") || refreshes() != 0 {
		t.Fatalf("in the middle of its life: %d refreshes, %s", refreshes(), a.body)
	}
	g.clock.forward(time.Hour - time.Minute)
	entered, release := g.salesforce.Hold("token:refresh_token")
	defer release()
	if a := g.exchange(token.RefreshToken); a.status != http.StatusOK || a.str("access_token") != first.str("access_token") {
		t.Fatalf("a minute before its end: %d %s", a.status, a.body)
	}
	<-entered
	if a := g.exchange(token.RefreshToken); a.str("access_token") != first.str("access_token") {
		t.Errorf("while the refresh is under way: %d %s", a.status, a.body)
	}
	release()
	a := g.exchange(token.RefreshToken, "min_ttl", "600") // which waits for it
	if a.status != http.StatusOK || a.str("access_token") == first.str("access_token") || refreshes() != 1 {
		t.Errorf("afterwards: %d refreshes, %s", refreshes(), a.body)
	}
}

// TestProviderThatDoesNotAnswerIsGivenAPause, and one request tries whether it
// is over.
func TestProviderThatDoesNotAnswerIsGivenAPause(t *testing.T) {
	t.Parallel()
	g := start(t)
	token, other := g.signIn(ada()), g.signIn(grace())
	g.clock.forward(3 * time.Hour)
	asked := func() int { return g.salesforce.Requests("token:refresh_token") }
	for i := range 5 {
		g.salesforce.Fail("token:refresh_token", http.StatusServiceUnavailable, "", "")
		if a := g.exchange(token.RefreshToken); a.status != http.StatusServiceUnavailable || asked() != i+1 {
			t.Fatalf("failure %d: %d %s", i+1, a.status, a.body)
		}
		if i < 4 {
			g.clock.forward(15 * time.Second) // the request that failed is surely over
		}
	}
	a := g.exchange(other.RefreshToken)
	wait, _ := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != http.StatusServiceUnavailable || a.str("reason") != "upstream_unavailable" || wait < 1 || wait > 5 || asked() != 5 {
		t.Fatalf("after five failures it is asked again: %d times, %d %v %s", asked(), a.status, a.header, a.body)
	}
	g.clock.forward(5 * time.Second)
	g.salesforce.Fail("token:refresh_token", http.StatusServiceUnavailable, "", "")
	if g.exchange(other.RefreshToken); asked() != 6 {
		t.Errorf("nothing tries when the pause is over: %d", asked())
	}
	token = g.signIn(ada())
	rejected := g.exchange(token.RefreshToken).str("access_token")
	if a := g.exchange(token.RefreshToken, "rejected_token", rejected); a.header.Get("Retry-After") != "10" || asked() != 6 {
		t.Errorf("the pause is not longer: %v, %d", a.header, asked())
	}
	g.clock.forward(10 * time.Second)
	if a := g.exchange(token.RefreshToken, "rejected_token", rejected); a.status != http.StatusOK {
		t.Errorf("the provider is back: %d %s", a.status, a.body)
	}
}
