package server_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"sallyport/connections/simulator/simtest"
	"sallyport/vault"
)

// thirdParty makes the application somebody else's.
func (g *gateway) thirdParty() {
	g.t.Helper()
	g.put(func(tx *vault.Tx) error {
		c, err := tx.Clients.Get("app")
		c.FirstParty = false
		if err == nil {
			err = tx.Clients.Put(c)
		}
		return err
	})
}

// asked has somebody open the authorization endpoint, and expects the question.
func (g *gateway) asked(p *simtest.Person, options ...oauth2.AuthCodeOption) (page simtest.Page, interaction string) {
	g.t.Helper()
	app, _ := g.application()
	options = append([]oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}, options...)
	page, err := p.Visit(app.AuthCodeURL("the-state", options...), callback)
	if err != nil {
		g.t.Fatal(err)
	}
	m := regexp.MustCompile(`name="interaction" value="([A-Z2-7]+)"`).FindStringSubmatch(page.Body)
	if page.Status != 200 || m == nil {
		g.t.Fatalf("not asked: %d %s %s", page.Status, page.URL, page.Body)
	}
	return page, m[1]
}

// decide posts a decision, and returns where it led, or the status of a page.
func (g *gateway) decide(p *simtest.Person, interaction, decision string) (url.Values, int) {
	g.t.Helper()
	resp, err := p.Client.PostForm(g.issuer+"consent", form("interaction", interaction, "decision", decision))
	if err != nil {
		g.t.Fatal(err)
	}
	resp.Body.Close()
	location, err := resp.Location()
	if err != nil {
		return nil, resp.StatusCode
	}
	return location.Query(), resp.StatusCode
}

func TestClientOfOthersAsksOnce(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.thirdParty()
	p := ada()
	page, interaction := g.asked(p)
	for _, want := range []string{"Application", "ada@example.com", "Know who you are", "Use your Salesforce account", "app.example"} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if q, _ := g.decide(p, interaction, "allow"); q.Get("code") == "" || q.Get("state") != "the-state" {
		t.Errorf("allowed: %v", q)
	}
	if q, status := g.decide(p, interaction, "allow"); status != 400 || q != nil {
		t.Errorf("decided twice: %d %v", status, q)
	}
	if q := g.visit(p); q.Get("code") == "" {
		t.Errorf("asked again: %v", q)
	}
	if q := g.visit(p, oauth2.SetAuthURLParam("prompt", "none")); q.Get("code") == "" {
		t.Errorf("silently: %v", q)
	}
	g.asked(p, oauth2.SetAuthURLParam("prompt", "consent"))
	more := []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("audience", "https://api.example"), oauth2.SetAuthURLParam("scope", "openid read:things")}
	if page, _ := g.asked(p, more...); !strings.Contains(page.Body, "read:things") {
		t.Error("for an API: the page does not say what")
	}
	if q := g.visit(p, append(more, oauth2.SetAuthURLParam("prompt", "none"))...); q.Get("error") != "consent_required" {
		t.Errorf("silently, for more than was allowed: %v", q)
	}
}

// TestClaimsByNameTakeConsent asks for the e-mail address without its scope.
func TestClaimsByNameTakeConsent(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.thirdParty()
	p := ada()
	_, interaction := g.asked(p, oauth2.SetAuthURLParam("scope", "openid"))
	g.decide(p, interaction, "allow")
	openid := oauth2.SetAuthURLParam("scope", "openid")
	if q := g.visit(p, openid); q.Get("code") == "" {
		t.Fatalf("%v", q)
	}
	if page, _ := g.asked(p, openid, oauth2.SetAuthURLParam("claims", `{"userinfo":{"email":null}}`)); !strings.Contains(page.Body, "e-mail") {
		t.Errorf("the page does not say so: %s", page.Body)
	}
}

func TestRefusedConsentIsAccessDenied(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.thirdParty()
	p := ada()
	_, interaction := g.asked(p)
	if q, _ := g.decide(p, interaction, "deny"); q.Get("error") != "access_denied" || q.Get("state") != "the-state" || q.Get("iss") != g.issuer {
		t.Errorf("%v", q)
	}
	if _, again := g.asked(p); again == interaction {
		t.Error("the same question again")
	}
}

// TestConsentIsDecidedByWhoeverWasAsked has somebody else answer (H05, H20).
func TestConsentIsDecidedByWhoeverWasAsked(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.thirdParty()
	p, other := ada(), grace()
	_, interaction := g.asked(p)
	g.asked(other)
	for name, who := range map[string]*simtest.Person{"somebody else": other, "nobody": ada()} {
		if q, status := g.decide(who, interaction, "allow"); status != 400 || q != nil {
			t.Errorf("%s decides: %d %v", name, status, q)
		}
	}
	req := g.request("POST", "consent", "application/x-www-form-urlencoded", form("interaction", interaction, "decision", "allow").Encode())
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if resp, err := p.Client.Do(req); err != nil || resp.StatusCode != 403 {
		t.Errorf("another site's form: %v %v", resp.Status, err)
	}
}
