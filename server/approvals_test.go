package server_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"sallyport/connections/simulator"
	"sallyport/connections/simulator/simtest"
	"sallyport/vault"
)

var again = oauth2.SetAuthURLParam("prompt", "login")

// waiting is how many refresh tokens wait to be revoked.
func (g *gateway) waiting() (n int) {
	g.put(func(tx *vault.Tx) error {
		n = 0
		for _, err := range tx.Revocations.All("") {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n
}

// TestPoint17SigningInAgainDoesNotPileUp signs a user in more often than
// Salesforce keeps approvals, and looks what is left there.
func TestPoint17SigningInAgainDoesNotPileUp(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	first := g.signIn(p)
	before := g.exchange(first.RefreshToken)
	for range 3 {
		g.signIn(p, again)
	}
	g.work()
	if g.salesforce.Requests("revoke") != 0 || g.query(before) != 200 {
		t.Errorf("%d revocations while an access token handed out is alive", g.salesforce.Requests("revoke"))
	}
	g.clock.forward(3 * time.Hour)
	g.work()
	if n := g.salesforce.Requests("revoke"); n != 3 || g.waiting() != 0 {
		t.Errorf("%d revocations, %d wait; want 3 and none", n, g.waiting())
	}
	if a := g.exchange(first.RefreshToken); a.status != 200 || g.query(a) != 200 || g.salesforce.Replays() != 0 {
		t.Errorf("the account afterwards: %d %s, %d replays", a.status, a.body, g.salesforce.Replays())
	}
}

// TestPoint18SharedAccessTokenIsNotRevoked has Salesforce give the second
// sign-in the first one's access token, as it does while that lives.
func TestPoint18SharedAccessTokenIsNotRevoked(t *testing.T) {
	t.Parallel()
	g := start(t, func(a *simulator.App) { a.FreshAccessTokens = false })
	p := ada()
	first := g.signIn(p)
	before := g.exchange(first.RefreshToken)
	token := g.signIn(p, again)
	if a := g.exchange(token.RefreshToken); a.str("access_token") != before.str("access_token") {
		t.Fatal("Salesforce gave two access tokens")
	}
	for range 3 { // it is used, and so lives on
		g.clock.forward(100 * time.Minute)
		g.query(before)
		g.work()
	}
	if g.salesforce.Requests("revoke") != 0 || g.query(before) != 200 {
		t.Fatalf("%d revocations, and the shared token is answered %d", g.salesforce.Requests("revoke"), g.query(before))
	}
	g.salesforce.ExpireSessions()
	after := g.exchange(token.RefreshToken, "rejected_token", before.str("access_token"))
	g.clock.forward(time.Hour)
	g.work()
	if g.salesforce.Requests("revoke") != 1 || g.query(after) != 200 || g.waiting() != 0 {
		t.Errorf("%d revocations, and the token is answered %d", g.salesforce.Requests("revoke"), g.query(after))
	}
}

func TestRevocationThatFailsIsTriedAgainAndDelaysNobody(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	g.signIn(p)
	token := g.signIn(p, again)
	g.clock.forward(3 * time.Hour)
	g.salesforce.Fail("revoke", 503, "", "")
	g.work()
	g.work()
	if n := g.salesforce.Requests("revoke"); n != 1 || g.waiting() != 1 {
		t.Errorf("%d revocations, %d wait", n, g.waiting())
	}
	if a := g.exchange(token.RefreshToken); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	g.clock.forward(time.Hour)
	g.work()
	if n := g.salesforce.Requests("revoke"); n != 2 || g.waiting() != 0 {
		t.Errorf("%d revocations, %d wait", n, g.waiting())
	}
}

// TestRefreshTokenThatIsOverOrMayBeSpentIsLeftAlone: showing it again does no
// good, and can do harm.
func TestRefreshTokenThatIsOverOrMayBeSpentIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*gateway){
		"dead":        func(g *gateway) { g.salesforce.Fail("token", 400, "invalid_grant", "expired access/refresh token") },
		"maybe spent": func(g *gateway) { g.salesforce.Lose("token") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			p := ada()
			token := g.signIn(p)
			g.clock.forward(3 * time.Hour)
			spoil(g)
			g.exchange(token.RefreshToken)
			g.signIn(p, again)
			if g.waiting() != 0 {
				t.Errorf("%d wait to be revoked", g.waiting())
			}
		})
	}
}

// TestTokensOfSomebodyElseAreRevoked: whoever follows another's link has allowed
// the app something that nobody keeps.
func TestTokensOfSomebodyElseAreRevoked(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	g.salesforce.RevokeUser("ada@example.com")
	g.clock.forward(3 * time.Hour)
	link := g.exchange(token.RefreshToken).str("reconnect_uri")
	if page, err := grace().Visit(link, appURL); err != nil || page.Status != 403 {
		t.Fatalf("%v %d", err, page.Status)
	}
	g.work()
	if g.salesforce.Requests("revoke") != 1 || g.waiting() != 0 {
		t.Errorf("%d revocations, %d wait", g.salesforce.Requests("revoke"), g.waiting())
	}
}

// TestRapidAuthorizationsAreWarnedOf signs a user in four times within an hour,
// and not so four times over days.
func TestRapidAuthorizationsAreWarnedOf(t *testing.T) {
	t.Parallel()
	const line = "a user authorizes rapidly"
	slow, g := start(t), start(t)
	p, q := ada(), ada()
	for range 6 {
		slow.signIn(p, again)
		slow.clock.forward(40 * time.Minute)
	}
	if strings.Contains(slow.log.String(), line) {
		t.Error("sign-ins that are not rapid are warned of")
	}
	var token *oauth2.Token
	for i := range 4 {
		if strings.Contains(g.log.String(), line) {
			t.Errorf("warned after %d", i)
		}
		token = g.signIn(q, again)
	}
	if !strings.Contains(g.log.String(), line) || !strings.Contains(g.log.String(), "keeps 5 approvals") {
		t.Error("no warning in the log")
	}
	alive := g.exchange(token.RefreshToken).str("access_token")
	g.salesforce.RevokeUser("ada@example.com")
	refused := g.exchange(token.RefreshToken, "rejected_token", alive)
	if d := refused.str("error_description"); !strings.Contains(d, "4 times within an hour") {
		t.Errorf("the refusal does not say so: %s", d)
	}
	if page := g.visitLink(q, refused); !strings.Contains(page.Body, "5 times within an hour") {
		t.Errorf("the page does not say so: %d %s", page.Status, page.Body)
	}
}

func (g *gateway) visitLink(p *simtest.Person, refused answer) simtest.Page {
	g.t.Helper()
	page, err := p.Visit(refused.str("reconnect_uri"), appURL)
	if err != nil {
		g.t.Fatal(err)
	}
	return page
}
