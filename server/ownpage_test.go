package server_test

import (
	"net/http"
	"strings"
	"testing"

	"sallyport/connections/simulator/simtest"
	"sallyport/vault"
)

// own has somebody open their own page, and sign in by the way that it offers
// if they must.
func (g *gateway) own(p *simtest.Person) simtest.Page {
	g.t.Helper()
	page, err := p.Visit(g.issuer+"account", "")
	if err == nil && strings.Contains(page.Body, "/account/sign-in?connection=salesforce") {
		page, err = p.Visit(g.issuer+"account/sign-in?connection=salesforce", "")
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return page
}

// ownPost sends a form of the page, and opens what comes next.
func (g *gateway) ownPost(p *simtest.Person, path string, pairs ...string) simtest.Page {
	g.t.Helper()
	resp, err := p.Client.PostForm(g.issuer+"account/"+path, form(pairs...))
	if err != nil {
		g.t.Fatal(err)
	}
	resp.Body.Close()
	next := g.issuer + "account"
	if at, err := resp.Location(); err == nil {
		next = at.String()
	}
	page, err := p.Visit(next, "")
	if err != nil {
		g.t.Fatal(err)
	}
	return page
}

func TestUserSeesWhoHasAccessAndTakesItBack(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.thirdParty()
	p := ada()
	_, interaction := g.asked(p)
	if q, _ := g.decide(p, interaction, "allow"); q.Get("code") == "" {
		t.Fatal("not allowed")
	}
	token := g.signIn(p)
	page := g.own(p)
	for _, want := range []string{"ada@example.com", "Application</bdi> can act there as you", "See your e-mail address", "Disconnect"} {
		if page.Status != http.StatusOK || !strings.Contains(page.Body, want) {
			t.Errorf("the page does not say %q: %d %s", want, page.Status, page.Body)
		}
	}
	if strings.Contains(page.Body, "<script") {
		t.Error("the page has a script")
	}
	if page := g.ownPost(p, "take-back", "application", "app"); !strings.Contains(page.Body, "Taken back") {
		t.Errorf("%s", page.Body)
	}
	if e := g.exchange(token.RefreshToken); e.status == http.StatusOK {
		t.Errorf("taken back: %d %s", e.status, e.body)
	}
	if _, interaction := g.asked(p); interaction == "" {
		t.Error("the application is not asked about again")
	}
}

// TestH33UserDisconnectsOnTheirOwnPage an account of their own and nobody else's,
// and it stays disconnected when they come back to see.
func TestH33UserDisconnectsOnTheirOwnPage(t *testing.T) {
	t.Parallel()
	g := start(t)
	p, other := ada(), grace()
	token, graces := g.signIn(p), g.signIn(other)
	_, account := g.adasPage()
	id := account[strings.LastIndex(account, "/")+1:]
	if page := g.ownPost(other, "disconnect", "account", id); !strings.Contains(page.Body, "disconnected already") {
		t.Errorf("somebody else's: %s", page.Body)
	}
	if e := g.exchange(token.RefreshToken); e.status != http.StatusOK {
		t.Fatalf("disconnected by somebody else: %d %s", e.status, e.body)
	}
	if page := g.ownPost(p, "disconnect", "account", id); !strings.Contains(page.Body, "The access was ended there, too") || !strings.Contains(page.Body, "None can act there as you") {
		t.Errorf("%s", page.Body)
	}
	if e := g.exchange(token.RefreshToken); e.str("error") != "federated_connection_refresh_token_not_found" {
		t.Errorf("disconnected: %d %s", e.status, e.body)
	}
	if page := g.own(ada()); !strings.Contains(page.Body, "None can act there as you") {
		t.Errorf("a look connected it again: %s", page.Body)
	}
	if e := g.exchange(graces.RefreshToken); e.status != http.StatusOK {
		t.Errorf("another's: %d %s", e.status, e.body)
	}
}

// TestOwnPageMakesNobodyKnown: whoever has not been to an application stays a
// stranger, and what was issued for them is revoked.
func TestOwnPageMakesNobodyKnown(t *testing.T) {
	t.Parallel()
	g := start(t)
	if page := g.own(ada()); page.Status != http.StatusForbidden || !strings.Contains(page.Body, "You are not known here") {
		t.Errorf("%d %s", page.Status, page.Body)
	}
	g.nothingIsKept("a stranger's sign-in")
	g.work()
	if n := g.salesforce.Grants("consumer-key"); n != 0 {
		t.Errorf("%d grants live on at Salesforce", n)
	}
}

func TestUserSignsOutEverywhere(t *testing.T) {
	t.Parallel()
	g := start(t)
	p, elsewhere := ada(), ada()
	token := g.signIn(p)
	g.signIn(elsewhere)
	resp, err := p.Client.PostForm(g.issuer+"account/sign-out", form("everywhere", "true"))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	for name, p := range map[string]*simtest.Person{"here": p, "elsewhere": elsewhere} {
		page, err := p.Visit(g.issuer+"account", "")
		if err != nil || !strings.Contains(page.Body, "Sign in to your account") {
			t.Errorf("%s: still signed in: %v %s", name, err, page.Body)
		}
	}
	if e := g.exchange(token.RefreshToken); e.status == http.StatusOK {
		t.Errorf("the application goes on: %d", e.status)
	}
}

func TestOwnPageOfABlockedUserAndOfConnectionsThatAreOff(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	g.signIn(p)
	g.block()
	if page := g.own(p); page.Status != http.StatusForbidden || !strings.Contains(page.Body, "You are blocked here") {
		t.Errorf("blocked: %d %s", page.Status, page.Body)
	}
	g.change(func(c *vault.Connection) { c.Active = false })
	if page := g.own(p); !strings.Contains(page.Body, "no connection is enabled") {
		t.Errorf("%d %s", page.Status, page.Body)
	}
	if page, err := p.Visit(g.issuer+"account/sign-in?connection=salesforce", ""); err != nil || !strings.HasSuffix(page.URL.Path, "/account") {
		t.Errorf("a connection that is off: %v %s", err, page.URL)
	}
}

// TestH20OwnPageTakesNoFormsOfOtherSites nor forms of whom nobody knows.
func TestH20OwnPageTakesNoFormsOfOtherSites(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	token := g.signIn(p)
	_, account := g.adasPage()
	for _, path := range []string{"disconnect", "take-back", "sign-out"} {
		body := form("account", account[strings.LastIndex(account, "/")+1:], "application", "app", "everywhere", "true")
		req := g.request(http.MethodPost, "account/"+path, "application/x-www-form-urlencoded", body.Encode())
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if resp, err := p.Client.Do(req); err != nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v %v", path, resp, err)
		}
		resp, err := ada().Client.PostForm(g.issuer+"account/"+path, body)
		if err != nil || resp.StatusCode != http.StatusSeeOther {
			t.Errorf("%s by a stranger: %v %v", path, resp, err)
		}
	}
	if e := g.exchange(token.RefreshToken); e.status != http.StatusOK {
		t.Errorf("%d %s", e.status, e.body)
	}
}

// onOwnPage has somebody who is signed in send a form of their own page.
func onOwnPage(path string) func(*gateway) func() answer {
	return func(g *gateway) func() answer {
		p := ada()
		g.signIn(p)
		_, account := g.adasPage()
		return func() answer {
			g.ownPost(p, path, "account", account[strings.LastIndex(account, "/")+1:], "application", "app")
			return answer{}
		}
	}
}
