package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"sallyport/connections/simulator/simtest"
	"sallyport/server/oidc"
)

// operation is something to repeat.
type operation struct {
	name   string
	server *child
	// ready makes what it uses up, if it does, enough for n times.
	ready func(n int) error
	do    func(l *line) error
	goal  goal // zero means none
}

// goal is what an operation should not exceed.
type goal struct {
	cpu   float64 // microseconds of a server's core
	ratio float64 // of the floor's to its own, at least
}

// postgresGoals are those with a database behind, where they differ.
var postgresGoals = map[string]goal{"exchange": {cpu: 250}}

// goalOf is the operation's with a store.
func (o operation) goalOf(store string) goal {
	if store == "bolt" {
		return o.goal
	}
	return postgresGoals[o.name]
}

// accounts are the accounts of a store, with what is known of their refresh
// tokens, which rotate.
type accounts struct {
	gateway *child
	n       int

	mu      sync.Mutex
	secrets map[int]string // of those that are not as they were filled in
	inUse   map[int]bool
}

// operations are those that are measured. The first is the floor. What has no
// event is done by a gateway of its own, whose store may be apart.
func operations(bare, gateway, unaudited *child, n int, apart bool) []operation {
	a := &accounts{gateway: gateway, n: n, secrets: map[int]string{}, inUse: map[int]bool{}}
	others := a
	if apart { // refresh tokens that were rotated in one are as they were in the other
		others = &accounts{gateway: unaudited, n: n, inUse: map[int]bool{}}
	}
	return []operation{
		{"bare Echo, the form of an exchange", bare, nil, a.exchange(lasting), goal{}},
		{"exchange", gateway, nil, a.exchange(lasting), goal{80, 0.42}},
		{"exchange, without its event", unaudited, nil, others.exchange(lasting), goal{}},
		a.exchangeJWT("exchange, JWT seen before", 500, goal{cpu: 85}),
		a.exchangeJWT("exchange, JWT for the first time", 0, goal{cpu: 280}),
		{"exchange, refreshed upstream", gateway, nil, a.exchange(fleeting), goal{}},
		a.code("code → tokens, ES256", clientES256, goal{cpu: 450}),
		a.code("code → tokens, RS256", clientRS256, goal{cpu: 2300}),
		{"refresh grant, rotated, ES256", gateway, nil, a.refresh, goal{cpu: 450}},
		{"client credentials, ES256", gateway, nil, clientCredentials, goal{130, 0.25}},
		{"introspection, opaque", gateway, nil, a.introspect, goal{100, 0.5}},
		{"metadata", gateway, nil, get("/.well-known/openid-configuration"), goal{40, 1}},
		{"JWKS", gateway, nil, get("/.well-known/jwks.json"), goal{40, 1}},
		{"sign-in, all of it, ES256", gateway, nil, a.signIn, goal{cpu: 2500}},
	}
}

func get(path string) func(*line) error {
	return func(l *line) error { _, err := l.get(path); return err }
}

func authenticated(client string, form url.Values) url.Values {
	form.Set("client_id", client)
	form.Set("client_secret", benchSecret)
	return form
}

// exchange is of anybody's refresh token; of the first accounts', where those
// alone are connected.
func (a *accounts) exchange(connection string) func(*line) error {
	among := a.n
	if connection == fleeting {
		among = min(a.n, shortlived)
	}
	return func(l *line) error {
		i, done := a.pick(among)
		defer done()
		_, err := l.post("/oauth/token", authenticated(clientES256, url.Values{
			"grant_type": {oidc.GrantFederated}, "subject_token": {a.refreshToken(i)}, "subject_token_type": {oidc.URNRefreshToken},
			"requested_token_type": {oidc.URIFederatedAccessToken}, "connection": {connection},
		}))
		return err
	}
}

// pick picks an account that nobody else uses until done is called.
func (a *accounts) pick(among int) (i int, done func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i = rand.IntN(among); a.inUse[i]; i = rand.IntN(among) {
	}
	a.inUse[i] = true
	return i, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.inUse, i)
	}
}

func (a *accounts) refreshToken(i int) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if secret, ok := a.secrets[i]; ok {
		return secret
	}
	return oidc.RefreshToken(grantID(i), grantSecret(i))
}

func (a *accounts) refresh(l *line) error {
	i, done := a.pick(a.n)
	defer done()
	body, err := l.post("/oauth/token", authenticated(clientES256, url.Values{"grant_type": {oidc.GrantRefreshToken}, "refresh_token": {a.refreshToken(i)}}))
	if err != nil {
		return err
	}
	var tokens oidc.TokenResponse
	if err := json.Unmarshal(body, &tokens); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secrets[i] = tokens.RefreshToken
	return nil
}

// code redeems authorization codes, which are made before.
func (a *accounts) code(name, client string, goal goal) operation {
	var next, end atomic.Int64
	ready := func(n int) error {
		first, err := a.gateway.ask(fmt.Sprint("codes ", n, " ", client))
		next.Store(first)
		end.Store(first + int64(n))
		return err
	}
	return operation{name, a.gateway, ready, func(l *line) error {
		n := next.Add(1) - 1
		if n >= end.Load() {
			return errUsedUp
		}
		_, err := l.post("/oauth/token", authenticated(client, url.Values{
			"grant_type": {oidc.GrantAuthorizationCode}, "code": {code(n)}, "redirect_uri": {callback},
		}))
		return err
	}, goal}
}

// exchangeJWT is of access tokens that are JWTs: of so many over and over, or of
// each once.
func (a *accounts) exchangeJWT(name string, again int, goal goal) operation {
	var tokens []string
	var next atomic.Int64
	ready := func(n int) error {
		if again > 0 {
			if n = again; len(tokens) > 0 {
				return nil
			}
		}
		f, err := os.CreateTemp("", "sallyport-bench-tokens-")
		if err != nil {
			return err
		}
		f.Close()
		defer os.Remove(f.Name())
		if _, err := a.gateway.ask(fmt.Sprint("tokens ", n, " ", f.Name())); err != nil {
			return err
		}
		b, err := os.ReadFile(f.Name())
		tokens = strings.Fields(string(b))
		next.Store(0)
		return err
	}
	return operation{name, a.gateway, ready, func(l *line) error {
		i := int(next.Add(1) - 1)
		if again > 0 {
			i %= again
		} else if i >= len(tokens) {
			return errUsedUp
		}
		_, err := l.post("/oauth/token", authenticated(clientES256, url.Values{
			"grant_type": {oidc.GrantFederated}, "subject_token": {tokens[i]}, "subject_token_type": {oidc.URNAccessToken},
			"requested_token_type": {oidc.URIFederatedAccessToken}, "connection": {lasting},
		}))
		return err
	}, goal}
}

func clientCredentials(l *line) error {
	_, err := l.post("/oauth/token", authenticated(clientES256, url.Values{"grant_type": {oidc.GrantClientCredentials}, "audience": {audience}}))
	return err
}

func (a *accounts) introspect(l *line) error {
	body, err := l.post("/oauth/introspect", authenticated(clientES256, url.Values{"token": {accessToken(rand.IntN(a.n))}}))
	if err == nil && !strings.Contains(string(body), `"active":true`) {
		return fmt.Errorf("introspection: %s", body)
	}
	return err
}

// browsers reach both servers over connections that last, as does [line].
var browsers = &http.Transport{MaxIdleConnsPerHost: 256}

// signIn is from the application's link until it has the user's tokens, by way
// of the simulated Salesforce and its login form.
func (a *accounts) signIn(l *line) error {
	p := simtest.NewPerson(username(rand.IntN(people)), password)
	p.Client.Transport = browsers
	page, err := p.Visit("http://"+a.gateway.address+"/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {clientES256}, "redirect_uri": {callback}, "scope": {"openid offline_access"}, "state": {"s"},
		"connection": {lasting},
	}.Encode(), callback)
	if err != nil {
		return err
	}
	_, err = l.post("/oauth/token", authenticated(clientES256, url.Values{
		"grant_type": {oidc.GrantAuthorizationCode}, "code": {page.URL.Query().Get("code")}, "redirect_uri": {callback},
	}))
	if err != nil {
		return fmt.Errorf("at %s: %d %s: %w", page.URL, page.Status, page.Body, err)
	}
	return nil
}
