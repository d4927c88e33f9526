package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
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
// event is done by a gateway of its own, on a store of its own.
func operations(bare, gateway, unaudited *child, n int) []operation {
	a := &accounts{gateway: gateway, n: n, secrets: map[int]string{}, inUse: map[int]bool{}}
	return []operation{
		{"bare Echo, the form of an exchange", bare, nil, a.exchange(lasting)},
		{"exchange", gateway, nil, a.exchange(lasting)},
		{"exchange, without its event", unaudited, nil, (&accounts{gateway: unaudited, n: n, inUse: map[int]bool{}}).exchange(lasting)},
		{"exchange, refreshed upstream", gateway, nil, a.exchange(fleeting)},
		a.code("code → tokens, ES256", clientES256),
		a.code("code → tokens, RS256", clientRS256),
		{"refresh grant, rotated, ES256", gateway, nil, a.refresh},
		{"client credentials, ES256", gateway, nil, clientCredentials},
		{"introspection, opaque", gateway, nil, a.introspect},
		{"metadata", gateway, nil, func(l *line) error { _, err := l.get("/.well-known/openid-configuration"); return err }},
		{"sign-in, all of it, ES256", gateway, nil, a.signIn},
	}
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
func (a *accounts) code(name, client string) operation {
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
	}}
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
