package connections_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sallyport/connections"
	"sallyport/vault"
)

// op is a hostile OpenID Provider: it answers each code and each refresh token,
// as well as it should or as spoiled as a test wants. (Providers that behave are
// in package server's tests and in interop.)
type op struct {
	*httptest.Server
	connection vault.Connection
	clock      *clock

	mu       sync.Mutex
	asked    map[string]int        // requests by path
	forms    map[string]url.Values // the last form by path
	headers  map[string]http.Header
	key      *ecdsa.PrivateKey
	kid      string
	handle   map[string]http.HandlerFunc // in place of the provider's own, by path
	metadata func(map[string]any)
	claims   func(map[string]any) // of the next ID tokens
	answer   func(map[string]any) // of the token endpoint
	userinfo map[string]any
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

func startOP(t *testing.T) *op {
	t.Helper()
	p := &op{asked: map[string]int{}, forms: map[string]url.Values{}, headers: map[string]http.Header{}, handle: map[string]http.HandlerFunc{}, clock: &clock{},
		userinfo: map[string]any{"sub": "the-user", "email": "ada@example.com", "email_verified": true, "name": "Ada"}}
	p.rotate("one")
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	p.connection = vault.Connection{Name: "acme", Strategy: "oidc", DisplayName: "Acme", ClientID: "the-client", ClientSecret: vault.NewSecret("the-secret"),
		TokenVault: true, Options: map[string]string{"issuer": p.URL}}
	return p
}

// rotate has the provider sign with a new key.
func (p *op) rotate(kid string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.kid = key, kid
}

func (p *op) requests(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

func (p *op) form(path string) url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.forms[path]
}

// set changes the provider.
func (p *op) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *op) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	p.mu.Lock()
	p.asked[r.URL.Path]++
	p.forms[r.URL.Path], p.headers[r.URL.Path] = r.PostForm, r.Header
	handle := p.handle[r.URL.Path]
	p.mu.Unlock()
	if handle != nil {
		handle(w, r)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var body any
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		m := map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/jwks",
			"userinfo_endpoint": p.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"ES256"},
		}
		if p.metadata != nil {
			p.metadata(m)
		}
		body = m
	case "/jwks":
		body = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: p.kid, Algorithm: "ES256"}}}
	case "/userinfo":
		body = p.userinfo
	case "/token":
		m := map[string]any{"access_token": "at-" + rand.Text(), "token_type": "Bearer", "expires_in": 300, "refresh_token": "rt-" + rand.Text(), "scope": "openid email"}
		claims := map[string]any{"iss": p.URL, "sub": "the-user", "aud": "the-client", "exp": p.clock.Now().Add(time.Hour).Unix(), "iat": p.clock.Now().Unix(), "nonce": "the-nonce"}
		sum := sha256.Sum256([]byte(m["access_token"].(string)))
		claims["at_hash"] = base64.RawURLEncoding.EncodeToString(sum[:16])
		if p.claims != nil {
			p.claims(claims)
		}
		m["id_token"] = p.sign(claims)
		if p.answer != nil {
			p.answer(m)
		}
		body = m
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(body)
}

func (p *op) sign(claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: p.kid}}, nil)
	if err != nil {
		panic(err)
	}
	b, _ := json.Marshal(claims)
	jws, err := signer.Sign(b)
	if err != nil {
		panic(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return token
}

// open opens a connection to the provider, with options changed.
func (p *op) open(t *testing.T, options ...string) connections.Provider {
	t.Helper()
	c := p.connection
	c.Options = maps.Clone(c.Options)
	for i := 0; i < len(options); i += 2 {
		c.Options[options[i]] = options[i+1]
	}
	return p.provider(t, c)
}

func (p *op) provider(t *testing.T, c vault.Connection) connections.Provider {
	t.Helper()
	set := connections.NewSet(connections.Env{Issuer: issuer, HTTP: connections.NewHTTPClient(loopback()), Now: p.clock.Now})
	provider, err := set.Provider(c)
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

// signIn signs the user in.
func (p *op) signIn(t *testing.T, provider connections.Provider) (vault.Identity, vault.TokenSet) {
	t.Helper()
	i, ts, err := provider.Exchange(t.Context(), login(), "the-code")
	if err != nil {
		t.Fatal(err)
	}
	ts.Identity = i.Key()
	return i, ts
}

// answering is a handler that always answers the same.
func answering(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}
