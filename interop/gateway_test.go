package interop

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	federatedGrant = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
	federatedType  = "http://auth0.com/oauth/token-type/federated-connection-access-token"
	exchangeGrant  = "urn:ietf:params:oauth:grant-type:token-exchange"
	refreshType    = "urn:ietf:params:oauth:token-type:refresh_token"
	accessType     = "urn:ietf:params:oauth:token-type:access_token"

	clientID     = "stranger"
	clientSecret = "a-secret-between-the-two-of-us"
	callback     = "http://stranger.example/callback"
)

const tenant = `
connections:
  - name: salesforce
    strategy: salesforce
    options:
      client_id: simulated-consumer-key
      client_secret: simulated-consumer-secret
      login_url: LOGIN_URL
      scope: [openid, id, profile, email, api, refresh_token]
    connected_accounts: {active: true}
    enabled_clients: [stranger, asserter]
clients:
  - client_id: stranger
    client_secret: a-secret-between-the-two-of-us
    name: Stranger
    callbacks: ["http://stranger.example/callback"]
    allowed_logout_urls: ["http://stranger.example/"]
    grant_types:
      - authorization_code
      - refresh_token
      - urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token
      - urn:ietf:params:oauth:grant-type:token-exchange
  - client_id: asserter
    name: Asserter
    callbacks: ["http://stranger.example/callback"]
    client_authentication_methods: {private_key_jwt: {credentials: [{alg: RS256, kid: the-key, pem: PUBLIC_KEY}]}}
`

// gateway is a running gateway on a store of its own, with a simulated
// Salesforce upstream, and a client of the two that a stranger wrote.
type gateway struct {
	t       *testing.T
	process *process
	args    []string
	keyFile string
	issuer  string
	http    *http.Client // of the client

	oauth2   oauth2.Config
	provider *oidc.Provider
}

// newGateway starts it. front, if there is one, is the URL under which
// Salesforce is reached, given the one where it listens.
func newGateway(t *testing.T, front func(salesforce *url.URL) string) *gateway {
	t.Helper()
	return newGatewayOn(t, filepath.Join(t.TempDir(), "sallyport.db"), front)
}

// newGatewayOn is newGateway on a store.
func newGatewayOn(t *testing.T, store string, front func(salesforce *url.URL) string) *gateway {
	t.Helper()
	listen, issuer := gatewayAddress(t)
	upstream, upstreamPort := freeAddress(t)
	salesforce := "http://localhost:" + upstreamPort
	loginURL := salesforce
	if front != nil {
		u, err := url.Parse(salesforce)
		if err != nil {
			t.Fatal(err)
		}
		loginURL = front(u)
	}
	start(t, "simulate", "salesforce", "--listen", upstream, "--url", loginURL, "--callback", issuer+"login/callback").
		answers(t, salesforce+"/.well-known/openid-configuration")
	return serve(t, store, listen, issuer, strings.NewReplacer("LOGIN_URL", loginURL, "PUBLIC_KEY", strconv.Quote(clientKey().public)).Replace(tenant))
}

// gatewayAddress is where a gateway can listen, and the issuer that it is there.
func gatewayAddress(t *testing.T) (listen, issuer string) {
	t.Helper()
	listen, port := freeAddress(t)
	return listen, "http://localhost:" + port + "/"
}

// serve starts a gateway with a tenant file, on a store.
func serve(t *testing.T, store, listen, issuer, tenant string) *gateway {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(file("tenant.yaml"), []byte(tenant), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "vault", "init", "--key-file", file("root.key"))
	g := &gateway{
		t: t, issuer: issuer, keyFile: file("root.key"), http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		args: []string{"serve", "--issuer", issuer, "--listen", listen, "--store", store, "--key-file", file("root.key"),
			"--apply", file("tenant.yaml"), "--allow-private-upstreams", "127.0.0.0/8,::1", "--log", "debug",
			"--rate-limits", "address=0,client=0,user=0"},
	}
	g.start()
	var err error
	if g.provider, err = oidc.NewProvider(g.context(), issuer); err != nil {
		t.Fatal(err)
	}
	g.oauth2 = oauth2.Config{ClientID: clientID, ClientSecret: clientSecret, RedirectURL: callback, Endpoint: g.provider.Endpoint(),
		Scopes: []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess}}
	return g
}

func (g *gateway) start() {
	g.t.Helper()
	g.process = start(g.t, g.args...)
	g.process.answers(g.t, g.issuer+"readyz")
}

// crash kills the gateway and starts it again on the same store.
func (g *gateway) crash() {
	g.t.Helper()
	g.process.kill()
	g.start()
}

func (g *gateway) context() context.Context { return oidc.ClientContext(g.t.Context(), g.http) }

var promptNone = oauth2.SetAuthURLParam("prompt", "none")

const (
	state    = "a-state"
	nonce    = "a-nonce"
	verifier = "a-verifier-that-is-long-enough-for-the-specification"
)

// authorize has a person open the authorization endpoint, and returns what the
// client is answered.
func (g *gateway) authorize(p *person, options ...oauth2.AuthCodeOption) url.Values {
	g.t.Helper()
	options = append(options, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))
	back, err := p.visit(g.oauth2.AuthCodeURL(state, options...), callback)
	if err != nil {
		g.t.Fatal(err)
	}
	answer := back.Query()
	if answer.Get("state") != state || answer.Get("iss") != g.issuer {
		g.t.Fatalf("the answer is not to our request: %v", answer)
	}
	return answer
}

// redeem redeems the code of an answer.
func (g *gateway) redeem(answer url.Values) *oauth2.Token {
	g.t.Helper()
	token, err := g.oauth2.Exchange(g.context(), answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		g.t.Fatalf("redeem the code of %v: %v", answer, err)
	}
	return token
}

func (g *gateway) signIn(p *person) *oauth2.Token {
	g.t.Helper()
	return g.redeem(g.authorize(p))
}

// refresh uses a refresh token.
func (g *gateway) refresh(refreshToken string) (*oauth2.Token, error) {
	return g.oauth2.TokenSource(g.context(), &oauth2.Token{RefreshToken: refreshToken}).Token()
}

// lent is the gateway's answer to an exchange, or why there is none.
type lent struct {
	Status          int    `json:"-"`
	AccessToken     string `json:"access_token"`
	IssuedTokenType string `json:"issued_token_type"`
	TokenType       string `json:"token_type"`
	ExpiresIn       int    `json:"expires_in"`
	Scope           string `json:"scope"`
	RefreshToken    string `json:"refresh_token"`
	InstanceURL     string `json:"instance_url"`
	Account         string `json:"account"`
	Error           string `json:"error"`
	Description     string `json:"error_description"`
	Reason          string `json:"reason"`
	ReconnectURI    string `json:"reconnect_uri"`
}

// exchange exchanges the client's refresh token for an access token of
// Salesforce's, in Auth0's shape; more names and values add to the form, or
// replace what is in it.
func (g *gateway) exchange(refreshToken string, more ...string) (lent, error) {
	form := url.Values{
		"grant_type": {federatedGrant}, "client_id": {clientID}, "client_secret": {clientSecret},
		"subject_token": {refreshToken}, "subject_token_type": {refreshType}, "requested_token_type": {federatedType}, "connection": {"salesforce"},
	}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	resp, err := g.http.PostForm(g.oauth2.Endpoint.TokenURL, form)
	if err != nil {
		return lent{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	l := lent{Status: resp.StatusCode}
	return l, errors.Join(err, json.Unmarshal(body, &l))
}

// mustExchange is exchange, where it has to succeed.
func (g *gateway) mustExchange(refreshToken string, more ...string) lent {
	g.t.Helper()
	l, err := g.exchange(refreshToken, more...)
	if err != nil || l.Status != http.StatusOK || l.AccessToken == "" {
		g.t.Fatalf("exchange: %+v, %v", l, err)
	}
	return l
}

// accounts are the names of the accounts in Salesforce, read with a lent token.
func (g *gateway) accounts(l lent) []string {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, l.InstanceURL+"/services/data/v62.0/query?q=SELECT+Name+FROM+Account", nil)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+l.AccessToken)
	resp, err := g.http.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Records []struct{ Name string } }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		g.t.Fatalf("query: %s, %v", resp.Status, err)
	}
	var names []string
	for _, r := range answer.Records {
		names = append(names, r.Name)
	}
	return names
}
