package server_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/connections"
	"sallyport/connections/simulator"
	"sallyport/connections/simulator/simtest"
	"sallyport/server/api"
	"sallyport/vault"
)

// certificate is the connection's, made once for all tests, since RSA takes its
// time.
var certificate = sync.OnceValue(func() vault.Certificate {
	c, err := connections.NewCertificate("salesforce", time.Now())
	if err != nil {
		panic(err)
	}
	return c
})

// uploaded is the certificate as Salesforce has it.
func uploaded() *x509.Certificate {
	block, _ := pem.Decode([]byte(certificate().PEM))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	return c
}

// asserting is a gateway whose connection has a grant without refresh tokens,
// and a certificate that Salesforce has.
func asserting(t *testing.T, grant string, changes ...func(*simulator.App)) *gateway {
	t.Helper()
	g := start(t, append([]func(*simulator.App){func(a *simulator.App) {
		a.Certificate, a.Connected = uploaded(), grant == "saml2_bearer"
	}}, changes...)...)
	g.change(func(c *vault.Connection) {
		c.Options["token_grant"] = grant
		c.Certificates = []vault.Certificate{certificate()}
	})
	return g
}

// tokenRequests counts requests to Salesforce, by grant type.
func (g *gateway) tokenRequests(grantType string) int {
	return g.salesforce.Requests("token:" + grantType)
}

const (
	jwtGrant  = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	samlGrant = "urn:ietf:params:oauth:grant-type:saml2-bearer"
)

// holdsNoRefreshToken reads all token sets in the store, and those that are to be
// revoked.
func (g *gateway) holdsNoRefreshToken() {
	g.t.Helper()
	g.put(func(tx *vault.Tx) error {
		for ts, err := range tx.TokenSets.All("") {
			if err != nil {
				return err
			}
			if !ts.RefreshToken.IsZero() {
				g.t.Errorf("a refresh token of %s is in the vault", ts.Identity)
			}
		}
		for r, err := range tx.Revocations.All("") {
			if err != nil {
				return err
			}
			g.t.Errorf("a refresh token of %s is to be revoked", r.Tokens.Identity)
		}
		return nil
	})
}

// TestTokensAreAssertedForTheUserWhoSignedIn: the first is the sign-in's own, and
// those after it are asked for by assertion, while no refresh token is kept.
func TestTokensAreAssertedForTheUserWhoSignedIn(t *testing.T) {
	t.Parallel()
	for grant, grantType := range map[string]string{"jwt_bearer": jwtGrant, "saml2_bearer": samlGrant} {
		t.Run(grant, func(t *testing.T) {
			t.Parallel()
			g := asserting(t, grant)
			token := g.signIn(ada())
			g.holdsNoRefreshToken()
			first := g.exchange(token.RefreshToken)
			if first.status != 200 || g.query(first) != 200 || g.tokenRequests(grantType) != 0 {
				t.Errorf("%d %s, asked %d times", first.status, first.body, g.tokenRequests(grantType))
			}
			g.clock.forward(3 * time.Hour)
			second := g.exchange(token.RefreshToken)
			if second.status != 200 || g.query(second) != 200 || second.str("account") != simulator.DefaultUsers()[0].ID || g.tokenRequests(grantType) != 1 {
				t.Errorf("%d %s, asked %d times\n%s", second.status, second.body, g.tokenRequests(grantType), g.log)
			}
			g.salesforce.ExpireSessions()
			if third := g.exchange(token.RefreshToken, "rejected_token", second.str("access_token")); third.status != 200 || g.query(third) != 200 {
				t.Errorf("%d %s", third.status, third.body)
			}
			g.holdsNoRefreshToken()
			if n := g.tokenRequests("refresh_token"); n != 0 {
				t.Errorf("%d refresh tokens were shown", n)
			}
		})
	}
}

func TestFiftyExchangesAssertOnce(t *testing.T) {
	t.Parallel()
	g := asserting(t, "jwt_bearer")
	token := g.signIn(ada())
	g.clock.forward(3 * time.Hour)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if a := g.exchange(token.RefreshToken); a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
	if n := g.tokenRequests(jwtGrant); n != 1 {
		t.Errorf("asked %d times, want 1", n)
	}
}

// TestUserApprovesOnceAndAssertionsWork walks through prior authorization: Salesforce
// says that the user has not approved the app, the link of the refusal brings
// that about by the code flow, and from then on assertions do.
func TestUserApprovesOnceAndAssertionsWork(t *testing.T) {
	t.Parallel()
	g := asserting(t, "jwt_bearer")
	p := ada()
	token := g.signIn(p)
	g.salesforce.RevokeUser("ada@example.com")
	g.clock.forward(3 * time.Hour)
	for range 3 {
		a := g.exchange(token.RefreshToken)
		if a.status != 401 || a.str("reason") != "reauthorization_required" || a.str("reconnect_uri") == "" || !strings.Contains(a.str("error_description"), "hasn't approved this consumer") {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if n := g.tokenRequests(jwtGrant); n != 1 {
		t.Errorf("Salesforce was asked %d times within a minute, want 1", n)
	}
	rfc := g.exchange(token.RefreshToken, "grant_type", exchangeGrant, "requested_token_type", accessType, "connection", "", "audience", "salesforce")
	if rfc.status != 400 || rfc.str("error") != "invalid_grant" {
		t.Fatalf("%d %s", rfc.status, rfc.body)
	}
	if page, err := p.Visit(rfc.str("reconnect_uri"), appURL); err != nil || page.Status != 200 || !strings.Contains(page.Body, "Connected again") {
		t.Fatalf("%v %d %s", err, page.Status, page.Body)
	}
	g.holdsNoRefreshToken()
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 || g.tokenRequests(jwtGrant) != 1 {
		t.Errorf("by the code flow: %d %s", a.status, a.body)
	}
	g.clock.forward(3 * time.Hour)
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 || g.tokenRequests(jwtGrant) != 2 {
		t.Errorf("by assertion: %d %s", a.status, a.body)
	}
	g.holdsNoRefreshToken()
}

// TestRenamedUserConnectsAgain: the old name is nobody's, and the sign-in tells
// the new one.
func TestRenamedUserConnectsAgain(t *testing.T) {
	t.Parallel()
	g := asserting(t, "jwt_bearer")
	token := g.signIn(ada())
	users := simulator.DefaultUsers()
	users[0].Username = "ada.lovelace@example.com"
	g.salesforce.Users = users
	g.clock.forward(3 * time.Hour)
	a := g.exchange(token.RefreshToken)
	if a.str("reason") != "reauthorization_required" || !strings.Contains(a.str("error_description"), "another username") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	renamed := simtest.NewPerson(users[0].Username, users[0].Password)
	if page, err := renamed.Visit(a.str("reconnect_uri"), appURL); err != nil || page.Status != 200 {
		t.Fatalf("%v %d %s", err, page.Status, page.Body)
	}
	g.clock.forward(3 * time.Hour)
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 || g.tokenRequests(jwtGrant) != 2 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestAdministratorMayApproveInstead, and the user has nothing to do.
func TestAdministratorMayApproveInstead(t *testing.T) {
	t.Parallel()
	g := asserting(t, "jwt_bearer")
	token := g.signIn(ada())
	g.salesforce.RevokeUser("ada@example.com")
	g.clock.forward(3 * time.Hour)
	if a := g.exchange(token.RefreshToken); a.str("reason") != "reauthorization_required" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	g.salesforce.Apps[0].Preauthorized = true
	g.clock.forward(time.Minute)
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestSigningInAgainApprovesAgain: the session alone would not do.
func TestSigningInAgainApprovesAgain(t *testing.T) {
	t.Parallel()
	g := asserting(t, "jwt_bearer")
	p := ada()
	token := g.signIn(p)
	g.salesforce.RevokeUser("ada@example.com")
	g.clock.forward(3 * time.Hour)
	g.exchange(token.RefreshToken)
	g.signIn(p)
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestAssertionsThatSalesforceRefusesAreTheOperatorsMatter: nothing is lost, and
// nobody is sent to connect again.
func TestAssertionsThatSalesforceRefusesAreTheOperatorsMatter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		grant      string
		harm, mend func(g *gateway)
		says       string
	}{
		"a key that Salesforce does not know": {"jwt_bearer",
			func(g *gateway) { g.salesforce.Apps[0].Certificate = nil }, func(g *gateway) { g.salesforce.Apps[0].Certificate = uploaded() }, "sallyport connections certificate"},
		"a clock that is wrong": {"jwt_bearer",
			func(g *gateway) { g.salesforce.Now = func() time.Time { return g.clock.Now().Add(10 * time.Minute) } },
			func(g *gateway) { g.salesforce.Now = func() time.Time { return g.clock.Now().Add(2 * time.Minute) } }, "clock"},
		"an external client app": {"saml2_bearer",
			func(g *gateway) { g.salesforce.Apps[0].Connected = false }, func(g *gateway) { g.salesforce.Apps[0].Connected = true }, "no SAML bearer flow"},
		"another environment": {"jwt_bearer",
			func(g *gateway) { g.salesforce.Org.Sandbox, g.salesforce.Org.StrictAudience = true, true },
			func(g *gateway) {
				g.change(func(c *vault.Connection) { c.Options["assertion_audience"] = "https://test.salesforce.com" })
			}, "assertion_audience"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := asserting(t, tt.grant)
			token := g.signIn(ada())
			g.clock.forward(3 * time.Hour)
			tt.harm(g)
			a := g.exchange(token.RefreshToken)
			if a.status != 502 || a.str("reason") != "connection_misconfigured" || a.str("reconnect_uri") != "" || !strings.Contains(a.str("error_description"), tt.says) {
				t.Errorf("%d %s", a.status, a.body)
			}
			tt.mend(g)
			if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 {
				t.Errorf("mended: %d %s", a.status, a.body)
			}
		})
	}
}

// TestSignInClearsARefreshTokenFromBefore the connection turned to assertions,
// also while it could still be used.
func TestSignInClearsARefreshTokenFromBefore(t *testing.T) {
	t.Parallel()
	g := asserting(t, "authorization_code")
	g.signIn(ada())
	g.change(func(c *vault.Connection) { c.Options["token_grant"] = "jwt_bearer" })
	g.signIn(ada())
	g.holdsNoRefreshToken()
}

// TestConnectionMayTurnToAssertions: accounts that were connected before it did
// come along with the next sign-in, and their refresh tokens go.
func TestConnectionMayTurnToAssertions(t *testing.T) {
	t.Parallel()
	g := asserting(t, "authorization_code")
	p := ada()
	token := g.signIn(p)
	g.change(func(c *vault.Connection) { c.Options["token_grant"] = "jwt_bearer" })
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.tokenRequests(jwtGrant) != 0 {
		t.Errorf("while the access token lives: %d %s", a.status, a.body)
	}
	g.clock.forward(3 * time.Hour)
	if a := g.exchange(token.RefreshToken); a.str("reason") != "reauthorization_required" || g.tokenRequests("refresh_token") != 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
	g.signIn(p)
	g.holdsNoRefreshToken()
	g.clock.forward(3 * time.Hour)
	if a := g.exchange(token.RefreshToken); a.status != 200 || g.query(a) != 200 || g.tokenRequests(jwtGrant) != 1 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestCertificateInUseIsNoted, so that a rotation keeps it.
func TestCertificateInUseIsNoted(t *testing.T) {
	t.Parallel()
	g := asserting(t, "jwt_bearer")
	token := g.signIn(ada())
	used := func() (at time.Time) {
		g.put(func(tx *vault.Tx) error {
			c, err := tx.Connections.Get("salesforce")
			at = c.Certificates[0].Used
			return err
		})
		return at
	}
	if !used().IsZero() {
		t.Error("in use before it was used")
	}
	g.clock.forward(3 * time.Hour)
	g.exchange(token.RefreshToken)
	first := used()
	g.clock.forward(3 * time.Hour)
	g.exchange(token.RefreshToken)
	if first.IsZero() || !used().Equal(first) {
		t.Errorf("in use since %v, then %v", first, used())
	}
}

// TestH36PrivateKeyAndAssertionsLeakNowhere looks for both after exchanges that
// went well and ill: in the store, the log, the metrics and an export.
func TestH36PrivateKeyAndAssertionsLeakNowhere(t *testing.T) {
	t.Parallel()
	g := asserting(t, "jwt_bearer")
	token := g.signIn(ada())
	g.clock.forward(3 * time.Hour)
	answers := string(g.exchange(token.RefreshToken).body)
	g.clock.forward(3 * time.Hour)
	g.salesforce.Apps[0].Certificate = nil
	answers += string(g.exchange(token.RefreshToken).body)

	store, err := os.ReadFile(g.path)
	if err != nil {
		t.Fatal(err)
	}
	var export []byte
	g.put(func(tx *vault.Tx) (err error) { export, err = api.Export(tx); return err })
	families, err := g.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	metrics := ""
	for _, f := range families {
		metrics += f.String()
	}
	secrets := []string{"PRIVATE KEY", "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9"} // the header that assertions begin with
	for line := range strings.Lines(certificate().PKCS8.Reveal()) {
		if line = strings.TrimSpace(line); len(line) == 64 {
			secrets = append(secrets, line)
		}
	}
	for where, text := range map[string]string{"the store": string(store), "the log": g.log.String(), "the export": string(export), "the metrics": metrics, "the answers": answers} {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s is in %s", secret, where)
			}
		}
	}
	if !strings.Contains(string(export), "token_grant: jwt_bearer") {
		t.Errorf("the export lacks the grant:\n%s", export)
	}
}
