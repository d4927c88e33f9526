package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/oauth2"

	"sallyport/connections"
	"sallyport/connections/simulator"
	"sallyport/connections/simulator/simtest"
	"sallyport/server"
	"sallyport/server/oidc"
	"sallyport/vault"
	"sallyport/vault/bolt"
	"sallyport/vault/storetest"
)

const (
	federatedGrant = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
	exchangeGrant  = "urn:ietf:params:oauth:grant-type:token-exchange"
	federatedType  = "http://auth0.com/oauth/token-type/federated-connection-access-token"
	refreshType    = "urn:ietf:params:oauth:token-type:refresh_token"
	accessType     = "urn:ietf:params:oauth:token-type:access_token"

	appSecret = "the-secret-of-the-application"
	appURL    = "http://app.example"
	callback  = appURL + "/callback"
)

// gateway is a running gateway with a simulated Salesforce upstream, and an
// application and an API downstream: all over real HTTP, on a real store.
type gateway struct {
	t          *testing.T
	issuer     string
	salesforce *simulator.Salesforce
	upstream   string // URL of the simulated Salesforce
	vault      *vault.Vault
	path       string // of the store
	key        vault.Key
	log        *buffer
	metrics    *prometheus.Registry
	clock      *clock
	server     *server.Server
	disk       *disk
}

// disk is a store that can be told to fail.
type disk struct {
	vault.Store
	full atomic.Bool
}

var errDiskFull = errors.New("no space left on device")

func (d *disk) Update(ctx context.Context, fn func(vault.KV) error) error {
	if d.full.Load() {
		return errDiskFull
	}
	return d.Store.Update(ctx, fn)
}

// clock is a real one that can be put forward.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// buffer may be written and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func start(t *testing.T, changes ...func(*simulator.App)) *gateway {
	t.Helper()
	return startAt(t, "127.0.0.1", changes...)
}

// startAt starts it under a name of this machine. Cookies know no ports: two
// gateways in one browser need two names.
func startAt(t *testing.T, host string, changes ...func(*simulator.App)) *gateway {
	t.Helper()
	g := &gateway{t: t, path: filepath.Join(t.TempDir(), "vault.db"), key: vault.NewKey(), log: &buffer{}, metrics: prometheus.NewRegistry(), clock: &clock{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	g.issuer = "http://" + net.JoinHostPort(host, port) + "/"

	g.salesforce = &simulator.Salesforce{Now: g.clock.Now, Apps: []simulator.App{{
		Name: "Gateway", ConsumerKey: "consumer-key", ConsumerSecret: "consumer-secret", RequirePKCE: true, FreshAccessTokens: true,
		Callbacks: []string{g.issuer + "login/callback", g.issuer + "login/callback/own"},
	}}}
	for _, change := range changes {
		change(&g.salesforce.Apps[0])
	}
	upstream := httptest.NewServer(g.salesforce)
	t.Cleanup(upstream.Close)
	g.upstream = upstream.URL

	store, err := bolt.Open(g.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	g.disk = &disk{Store: storetest.Clock(store, g.clock.Now)}
	if g.vault, err = vault.Open(t.Context(), g.disk, g.key); err != nil {
		t.Fatal(err)
	}
	g.vault.Now = g.clock.Now
	g.put(func(tx *vault.Tx) error { return g.tenant(tx) })
	s, err := server.New(t.Context(), server.Config{
		Issuer: g.issuer, Vault: g.vault, HTTP: connections.NewHTTPClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}),
		Metrics: server.NewMetrics(g.metrics), Now: g.clock.Now, Log: slog.New(slog.NewJSONHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	g.server = s
	running := &httptest.Server{Listener: listener, Config: &http.Server{Handler: s}}
	running.Start()
	t.Cleanup(running.Close)
	return g
}

// signingKey is made once for all tests, since RSA takes its time.
var signingKey = sync.OnceValue(func() vault.SigningKey {
	k, err := oidc.GenerateKey("RS256", time.Now())
	if err != nil {
		panic(err)
	}
	k.NotBefore = k.Created
	return k
})

// tenant is what all tests have: an application, a browser application, an API
// with the client that stands for it, and the connection.
func (g *gateway) tenant(tx *vault.Tx) error {
	for _, c := range []vault.Client{
		{ID: "app", Name: "Application", SecretHashes: []string{vault.Hash(appSecret)}, AuthMethod: "client_secret_post", FirstParty: true, Rotate: true,
			RedirectURIs: []string{callback}, LogoutURIs: []string{appURL + "/"}, RefreshIdle: 15 * 24 * time.Hour, RefreshLifetime: 30 * 24 * time.Hour,
			GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials", federatedGrant}},
		{ID: "other", Name: "Other", SecretHashes: []string{vault.Hash(appSecret + "-of-another")}, AuthMethod: "client_secret_post", FirstParty: true,
			RedirectURIs: []string{"http://other.example/callback"}, GrantTypes: []string{"authorization_code", "refresh_token", federatedGrant}},
		{ID: "spa", Name: "Browser application", AuthMethod: "none", AppType: "spa", FirstParty: true,
			RedirectURIs: []string{"http://spa.example/callback"}, GrantTypes: []string{"authorization_code", "refresh_token"}},
		{ID: "api-client", Name: "API", SecretHashes: []string{vault.Hash(appSecret + "-of-the-api")}, AuthMethod: "client_secret_post", FirstParty: true,
			AppType: "resource_server", API: "https://api.example", GrantTypes: []string{federatedGrant}},
	} {
		if err := tx.Clients.Put(c); err != nil {
			return err
		}
	}
	if err := tx.Keys.Put(signingKey()); err != nil {
		return err
	}
	if err := tx.ResourceServers.Put(vault.ResourceServer{Identifier: "https://api.example", ID: "rs", Name: "API", AllowOfflineAccess: true,
		Scopes: []vault.Scope{{Value: "read:things"}, {Value: "write:things"}}, TokenLifetime: time.Hour}); err != nil {
		return err
	}
	if err := tx.ClientGrants.Put(vault.ClientGrant{ID: "cgr", Client: "app", Audience: "https://api.example", Scopes: []string{"read:things"}}); err != nil {
		return err
	}
	return tx.Connections.Put(g.connection("salesforce"))
}

func (g *gateway) connection(name string) vault.Connection {
	return vault.Connection{
		Name: name, ID: "con_" + name, DisplayName: "Salesforce", Strategy: "salesforce", ClientID: "consumer-key", ClientSecret: vault.NewSecret("consumer-secret"),
		Options: map[string]string{"login_url": g.upstream}, Active: true, TokenVault: true, Clients: []string{"app", "other", "spa", "api-client"},
	}
}

func (g *gateway) put(fn func(*vault.Tx) error) {
	g.t.Helper()
	if err := g.vault.Update(g.t.Context(), fn); err != nil {
		g.t.Fatal(err)
	}
}

// change changes the connection.
func (g *gateway) change(fn func(*vault.Connection)) {
	g.t.Helper()
	g.put(func(tx *vault.Tx) error {
		c, err := tx.Connections.Get("salesforce")
		if err != nil {
			return err
		}
		fn(&c)
		return tx.Connections.Put(c)
	})
}

func ada() *simtest.Person {
	u := simulator.DefaultUsers()[0]
	return simtest.NewPerson(u.Username, u.Password)
}

func grace() *simtest.Person {
	u := simulator.DefaultUsers()[1]
	return simtest.NewPerson(u.Username, u.Password)
}

// application is a client as its author would write it, with x/oauth2 and
// go-oidc.
func (g *gateway) application() (*oauth2.Config, *goidc.IDTokenVerifier) {
	g.t.Helper()
	provider, err := goidc.NewProvider(context.Background(), g.issuer)
	if err != nil {
		g.t.Fatal(err)
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	return &oauth2.Config{
		ClientID: "app", ClientSecret: appSecret, RedirectURL: callback, Endpoint: endpoint,
		Scopes: []string{"openid", "profile", "email", "offline_access"},
	}, provider.Verifier(&goidc.Config{ClientID: "app", Now: g.clock.Now})
}

const verifier = "a-verifier-of-the-application-that-is-long-enough"

// visit has somebody open the authorization endpoint, and returns what came
// back to the application.
func (g *gateway) visit(p *simtest.Person, options ...oauth2.AuthCodeOption) url.Values {
	g.t.Helper()
	app, _ := g.application()
	options = append([]oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier), goidc.Nonce("the-nonce")}, options...)
	page, err := p.Visit(app.AuthCodeURL("the-state", options...), callback)
	if err != nil {
		g.t.Fatal(err)
	}
	if page.Status != 0 {
		g.t.Fatalf("ended at %s, status %d: %s\n%s", page.URL, page.Status, page.Body, g.log)
	}
	return page.URL.Query()
}

// signIn signs somebody in to the application.
func (g *gateway) signIn(p *simtest.Person, options ...oauth2.AuthCodeOption) *oauth2.Token {
	g.t.Helper()
	query := g.visit(p, options...)
	if query.Get("state") != "the-state" || query.Get("iss") != g.issuer || query.Get("code") == "" {
		g.t.Fatalf("came back with %v\n%s", query, g.log)
	}
	app, _ := g.application()
	token, err := app.Exchange(g.t.Context(), query.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		g.t.Fatalf("redeem the code: %v\n%s", err, g.log)
	}
	return token
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

func (a answer) str(name string) string { s, _ := a.json[name].(string); return s }

func (g *gateway) do(req *http.Request) answer {
	g.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: b}
	json.Unmarshal(b, &a.json)
	return a
}

func (g *gateway) request(method, path, contentType, body string) *http.Request {
	g.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, g.issuer+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req
}

// post posts a form: names and values in turn.
func (g *gateway) post(path string, pairs ...string) answer {
	g.t.Helper()
	return g.do(g.request("POST", path, "application/x-www-form-urlencoded", form(pairs...).Encode()))
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			v.Del(pairs[i])
		} else {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

func (g *gateway) get(path string, headers ...string) answer {
	g.t.Helper()
	req := g.request("GET", path, "", "")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return g.do(req)
}

// exchange exchanges a refresh token in Auth0's shape; more overrides.
func (g *gateway) exchange(refreshToken string, more ...string) answer {
	g.t.Helper()
	return g.post("oauth/token", append([]string{
		"grant_type", federatedGrant, "client_id", "app", "client_secret", appSecret, "subject_token", refreshToken,
		"subject_token_type", refreshType, "requested_token_type", federatedType, "connection", "salesforce",
	}, more...)...)
}

// query calls Salesforce with what an exchange brought.
func (g *gateway) query(a answer) int {
	g.t.Helper()
	req, err := http.NewRequest("GET", a.str("instance_url")+"/services/data/v62.0/query?q="+url.QueryEscape("SELECT Id, Name FROM Account"), nil)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.str("access_token"))
	return g.do(req).status
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// decode is a part of a JWT: 0 its header, 1 its claims.
func decode(t *testing.T, token string, part int) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[part])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// work has the gateway do what it does in the background, now.
func (g *gateway) work() {
	g.t.Helper()
	if err := g.server.WorkNow(context.Background()); err != nil {
		g.t.Fatal(err)
	}
}
