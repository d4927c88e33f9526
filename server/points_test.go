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

// The tests here are named for what a gateway before Salesforce must get right,
// point by point; others with such names stand where their subject is.

// subjectOf is whom the gateway takes a token's user for.
func subjectOf(t *testing.T, token *oauth2.Token) string {
	t.Helper()
	id, _ := token.Extra("id_token").(string)
	claims := string(decode(t, id, 1))
	_, rest, _ := strings.Cut(claims, `"sub":"`)
	subject, _, _ := strings.Cut(rest, `"`)
	return subject
}

// TestPoint05UserIsTheOneOfOrgAndUser whether Salesforce writes IDs with 15 or 18
// characters.
func TestPoint05UserIsTheOneOfOrgAndUser(t *testing.T) {
	t.Parallel()
	g := start(t)
	long := subjectOf(t, g.signIn(ada()))
	shorten := func(id any) any {
		return strings.NewReplacer("00DSa000000sim1MAA", "00DSa000000sim1", "005Sa000000adaLIAQ", "005Sa000000adaL").Replace(id.(string))
	}
	g.salesforce.Tamper("token", func(m map[string]any) {
		delete(m, "signature")
		m["id"] = shorten(m["id"])
		m["id_token"] = g.salesforce.Resign(m["id_token"].(string), func(c map[string]any) { c["sub"] = shorten(c["sub"]) })
	})
	if short := subjectOf(t, g.signIn(ada())); short != long || long != "salesforce|005Sa000000adaLIAQ" {
		t.Errorf("by 15 characters %s, by 18 %s", short, long)
	}
	g.salesforce.Tamper("token", func(m map[string]any) { m["signature"] = "AAAA" + m["signature"].(string)[4:] })
	if q := g.visit(ada()); q.Get("error") != "server_error" || !strings.Contains(q.Get("error_description"), "signature") {
		t.Errorf("a signature that is wrong: %v", q)
	}
}

// TestPoint06SignInThatNeverComesBackIsCounted: Salesforce shows some errors to
// the user alone.
func TestPoint06SignInThatNeverComesBackIsCounted(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.change(func(c *vault.Connection) { c.ClientID = "unknown" })
	app, _ := g.application()
	page, err := ada().Visit(app.AuthCodeURL("s"), callback)
	if err != nil || page.Status != 400 || !strings.Contains(page.Body, "invalid_client_id") {
		t.Fatalf("%v %d %s", err, page.Status, page.Body)
	}
	families, err := g.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			counts[f.GetName()] += m.GetCounter().GetValue()
		}
	}
	if counts["sallyport_logins_begun_total"] != 1 || counts["sallyport_logins_total"] != 0 {
		t.Errorf("counted %v", counts)
	}
}

func TestPoint07SameEMailIsNotTheSameUser(t *testing.T) {
	t.Parallel()
	g := start(t)
	user := simulator.DefaultUsers()[0]
	user.ID = "005Sb000000ada1"
	g.org("b", "00D00000000b0b1", []simulator.User{user}, "app")
	here := subjectOf(t, g.signIn(ada(), oauth2.SetAuthURLParam("connection", "salesforce")))
	there := subjectOf(t, g.signIn(ada(), oauth2.SetAuthURLParam("connection", "b")))
	if here == "" || there == "" || here == there {
		t.Errorf("the same verified e-mail address makes %s of %s", there, here)
	}
}

// TestPoint11OneRefreshForOneRejectedToken has twenty callers report the same
// token, and again after it was replaced.
func TestPoint11OneRefreshForOneRejectedToken(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	first := g.exchange(token.RefreshToken).str("access_token")
	for range 2 {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if a := g.exchange(token.RefreshToken, "rejected_token", first); a.status != 200 || a.str("access_token") == first {
					t.Errorf("%d %s", a.status, a.body)
				}
			})
		}
		wg.Wait()
	}
	if n := g.salesforce.Requests("token:refresh_token"); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

// TestPoint16RefreshBringsWhatHasChanged moves the org and narrows the grant.
func TestPoint16RefreshBringsWhatHasChanged(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	before := g.exchange(token.RefreshToken, "scope", "api")
	g.clock.forward(3 * time.Hour)
	g.salesforce.Tamper("token", func(m map[string]any) {
		m["instance_url"] = g.upstream + "/moved"
		m["scope"] = "openid id"
	})
	after := g.exchange(token.RefreshToken)
	if before.status != 200 || after.str("instance_url") != g.upstream+"/moved" || strings.Contains(" "+after.str("scope")+" ", " api ") {
		t.Errorf("%d %s, after %d %s", after.status, after.body, before.status, before.body)
	}
	refused := g.exchange(token.RefreshToken, "scope", "api")
	if refused.str("reason") != "insufficient_scope" || refused.str("reconnect_uri") == "" {
		t.Errorf("a scope that is gone: %d %s", refused.status, refused.body)
	}
	g.clock.forward(3 * time.Hour)
	g.salesforce.Tamper("token", func(m map[string]any) { m["instance_url"] = "https://acme.my.salesforce.com.evil.example" })
	if a := g.exchange(token.RefreshToken); a.status == 200 || strings.Contains(string(a.body), `"access_token"`) {
		t.Errorf("an org that is elsewhere: %d %s", a.status, a.body)
	}
}

// TestPoint19TokensMayBeLong, and of any form.
func TestPoint19TokensMayBeLong(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.clock.forward(3 * time.Hour)
	access, refresh := strings.Repeat("a!%&+ =", 2000), strings.Repeat("r/.~", 4000)
	g.salesforce.Tamper("token", func(m map[string]any) { m["access_token"], m["refresh_token"] = access, refresh })
	if a := g.exchange(token.RefreshToken); a.status != 200 || a.str("access_token") != access {
		t.Fatalf("%d, %d bytes", a.status, len(a.str("access_token")))
	}
	g.tokens(func(ts *vault.TokenSet) {
		if ts.RefreshToken.Reveal() != refresh {
			t.Errorf("%d bytes are kept of the refresh token", len(ts.RefreshToken.Reveal()))
		}
	})
	a := g.exchange(token.RefreshToken, "rejected_token", access) // is sent, and the refresh token shown, which is none of Salesforce's
	if a.str("reason") != "reauthorization_required" {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, secret := range []string{access[:40], refresh[:40]} {
		if strings.Contains(g.log.String(), secret) {
			t.Error("a token is in the log")
		}
	}
}

func TestPoint20AnswerHasWhatCallingTheAPITakes(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.clock.forward(3 * time.Hour)
	g.salesforce.Tamper("token", func(m map[string]any) { m["api_instance_url"] = "https://api.salesforce.com" })
	a := g.exchange(token.RefreshToken)
	if a.str("instance_url") != g.upstream || a.str("api_instance_url") != "https://api.salesforce.com" || !strings.HasSuffix(a.str("id"), "/id/"+simulator.DefaultOrgID+"/"+a.str("account")) {
		t.Errorf("%d %s", a.status, a.body)
	}
	g.clock.forward(3 * time.Hour)
	g.salesforce.Tamper("token", func(m map[string]any) { m["api_instance_url"] = "https://evil.example" })
	if a := g.exchange(token.RefreshToken); a.status != 200 || strings.Contains(string(a.body), "evil") {
		t.Errorf("an API that is elsewhere: %d %s", a.status, a.body)
	}
}

// TestPoint21ChangedSecretKeepsTheGrantsUntilSalesforceEndsThem: a secret that is
// refused is the connection's trouble, and no user's.
func TestPoint21ChangedSecretKeepsTheGrantsUntilSalesforceEndsThem(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.clock.forward(3 * time.Hour)
	g.change(func(c *vault.Connection) { c.ClientSecret = vault.NewSecret("wrong") })
	for range 3 {
		if a := g.exchange(token.RefreshToken); a.str("reason") != "connection_misconfigured" || a.str("reason_class") != "operator" || a.str("reconnect_uri") != "" {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	g.change(func(c *vault.Connection) { c.Options["client_secret_next"] = "consumer-secret" })
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 {
		t.Errorf("with the next one: %d %s", a.status, a.body)
	}
}

// TestPoint22AccountThatAskedTooOftenIsLeftAloneForAnHour, and nobody else is.
func TestPoint22AccountThatAskedTooOftenIsLeftAloneForAnHour(t *testing.T) {
	t.Parallel()
	g := start(t)
	hers, graces := g.signIn(ada()), g.signIn(grace())
	g.clock.forward(3 * time.Hour)
	g.salesforce.Fail("token", 400, "rate_limit_exceeded", "login rate exceeded")
	before := g.salesforce.Requests("token")
	for range 5 {
		if a := g.exchange(hers.RefreshToken); a.str("reason") != "upstream_rate_limited" || a.header.Get("Retry-After") == "" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if n := g.salesforce.Requests("token") - before; n != 1 {
		t.Errorf("Salesforce was asked %d times", n)
	}
	if a := g.exchange(graces.RefreshToken); a.status != 200 {
		t.Errorf("somebody else: %d %s", a.status, a.body)
	}
	g.clock.forward(61 * time.Minute)
	if a := g.exchange(hers.RefreshToken); a.status != 200 {
		t.Errorf("after an hour: %d %s", a.status, a.body)
	}
}

// TestPoint22LongLifeIsNotAskedForAgainAtOnce: Salesforce's tokens live two hours,
// whatever a caller wants.
func TestPoint22LongLifeIsNotAskedForAgainAtOnce(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.clock.forward(time.Hour)
	before := g.salesforce.Requests("token:refresh_token")
	began := time.Now()
	for range 10 {
		if a := g.exchange(token.RefreshToken, "min_ttl", "86400"); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	seconds := int(time.Since(began)/time.Second) + 1
	if n := g.salesforce.Requests("token:refresh_token") - before; n > seconds {
		t.Errorf("%d refreshes in %d seconds", n, seconds)
	}
}

// TestPoint23UnusedTokensAreKeptFromLapsing renews what was not used for twenty
// days, and leaves alone what was, what is dead, and what is nobody's wish.
func TestPoint23UnusedTokensAreKeptFromLapsing(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.change(func(c *vault.Connection) { c.Options["keep_alive_days"] = "20" })
	g.same("other") // which does not want it
	g.signIn(ada(), oauth2.SetAuthURLParam("connection", "salesforce"))
	g.signIn(grace(), oauth2.SetAuthURLParam("connection", "other"))
	refreshes := func() int { return g.salesforce.Requests("token:refresh_token") }
	g.clock.forward(19 * 24 * time.Hour)
	g.work()
	if refreshes() != 0 {
		t.Error("renewed before its time")
	}
	for i := range 3 {
		g.clock.forward(21 * 24 * time.Hour)
		g.work()
		g.work()
		if refreshes() != i+1 {
			t.Errorf("%d refreshes in round %d", refreshes(), i)
		}
	}
	g.salesforce.RevokeUser("ada@example.com")
	for range 2 {
		g.clock.forward(21 * 24 * time.Hour)
		g.work()
	}
	if refreshes() != 4 || g.salesforce.Replays() != 0 {
		t.Errorf("%d refreshes of a dead token, %d replays", refreshes(), g.salesforce.Replays())
	}
}

// TestPoint27SignOutLeavesTheGrant also where the session at Salesforce ends with
// it: what applications do for the user while away goes on.
func TestPoint27SignOutLeavesTheGrant(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.salesforce.Apps[0].LogoutURLs = []string{appURL + "/"}
	p := ada()
	token := g.signIn(p)
	page, err := p.Visit(g.issuer+"v2/logout?client_id=app&federated&returnTo="+appURL+"/", appURL)
	if err != nil || page.URL.String() != appURL+"/" || g.salesforce.Requests("logout") != 1 {
		t.Fatalf("%v %+v", err, page)
	}
	g.clock.forward(3 * time.Hour)
	g.work()
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 || g.salesforce.Requests("revoke") != 0 {
		t.Errorf("%d %s, %d revocations", a.status, a.body, g.salesforce.Requests("revoke"))
	}
}

// TestPoint30UnaskedDPoPFailsLoudly at the exchange, in the log and to the
// caller, and no token is given out that could not be used.
func TestPoint30UnaskedDPoPFailsLoudly(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.clock.forward(3 * time.Hour)
	g.salesforce.Tamper("token", func(m map[string]any) { m["token_type"] = "DPoP" })
	a := g.exchange(token.RefreshToken)
	if a.status != 502 || !strings.Contains(a.str("error_description"), "DPoP") || a.str("access_token") != "" || !strings.Contains(g.log.String(), "DPoP") {
		t.Errorf("%d %s", a.status, a.body)
	}
}
