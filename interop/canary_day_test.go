package interop

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/oauth2"
)

// aDay is how many requests make a day: one every eight seconds.
const aDay = 10_800

// dayTenant has, beside the stranger, whoever runs the gateway.
const dayTenant = `
  - client_id: operators
    client_secret: OPERATORS_SECRET
    name: Operators
    app_type: non_interactive
clientGrants:
  - client_id: operators
    audience: ISSUERapi/v2/
    scope: ["read:clients", "read:connections", "read:users", "read:federated_connections_tokens", "read:grants", "read:signing_keys", "read:vault_keys", "read:backups", "read:logs", "create:signing_keys"]
`

const operatorsSecret = "a-secret-among-those-who-run-it"

// errand is something that people and applications do in the course of a day, and
// how often in a round.
var errands = []struct {
	times int
	do    func(*worker)
}{
	{1, (*worker).signIn},
	{12, (*worker).exchangeRightly},
	{20, (*worker).exchangeWrongly},
	{2, (*worker).refreshAndTryAgain},
	{1, (*worker).pushARequest},
	{1, (*worker).useADevice},
	{4, (*worker).showTokens},
	{1, (*worker).signOut},
	{6, (*worker).misplaceTokens},
	{2, (*worker).goAstray},
	{1, (*worker).operate},
}

// worker is a user with a browser and an application, all day long.
type worker struct {
	*gateway
	day   *day
	p     *person
	rand  *rand.Rand
	bag   []string // tokens that may get into wrong places
	token *oauth2.Token
	lent  lent
}

// day is a day of traffic.
type day struct {
	*gateway
	store string
	seen  *canaries
	done  atomic.Int64 // requests to the gateway
}

// pass lets a day pass, as fast as it can.
func (d *day) pass(t *testing.T) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range 8 {
		own := *d.gateway
		own.http = &http.Client{Transport: counted{d}, CheckRedirect: noRedirect, Timeout: patience}
		w := &worker{gateway: &own, day: d, p: ada(t), rand: rand.New(rand.NewPCG(uint64(i), 36))}
		if i%2 == 1 {
			w.p.username, w.p.password = perOrg[1].name, perOrg[1].password
		}
		w.p.browser.Transport = counted{d}
		d.seen.add(w.p.password)
		wg.Go(func() {
			for d.done.Load() < aDay {
				for _, e := range errands {
					for range e.times {
						if w.token == nil {
							w.signIn()
						}
						if w.token != nil {
							e.do(w)
						}
					}
				}
			}
		})
	}
	wg.Wait()
}

// counted counts what goes to the gateway.
type counted struct{ day *day }

func (c counted) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasPrefix(req.URL.String(), c.day.issuer) {
		c.day.done.Add(1)
	}
	return c.day.seen.RoundTrip(req)
}

// send sends a form, or asks if there is none, and returns the members of the
// answer, if it has any.
func (w *worker) send(method, path string, form url.Values, headers ...string) (members map[string]any) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, w.issuer+path, body)
	if err != nil {
		return nil // a token made no path
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := w.http.Do(req)
	if err != nil {
		w.t.Error(err)
		return nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Error(err)
	}
	json.Unmarshal(b, &members)
	for _, name := range secretNames {
		if s, ok := members[name].(string); ok {
			w.bag = append(w.bag, s)
		}
	}
	return members
}

// ask is a request to the token endpoint, and the like, of the stranger's.
func (w *worker) ask(path string, fields ...string) map[string]any {
	form := url.Values{"client_id": {clientID}, "client_secret": {clientSecret}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return w.send(http.MethodPost, path, form)
}

// misplaced is a token that is put where it does not belong, now and then with
// something before or behind it.
func (w *worker) misplaced() string {
	s := w.bag[w.rand.IntN(len(w.bag))]
	switch w.rand.IntN(5) {
	case 0:
		return s + "x"
	case 1:
		return "openid " + s
	}
	return s
}

// signIn signs in, redeems the code, and does it again.
func (w *worker) signIn() {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	back, err := w.p.visit(w.oauth2.AuthCodeURL("a-state-of-the-application", options...), callback)
	if err != nil {
		return // Salesforce was out of order
	}
	code := back.Query().Get("code")
	token, err := w.oauth2.Exchange(w.context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return
	}
	w.token = token
	idToken, _ := token.Extra("id_token").(string)
	w.bag = append(w.bag, code, token.AccessToken, token.RefreshToken, idToken)
	if w.rand.IntN(4) == 0 {
		w.ask("oauth/token", "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier)
		w.token = nil // a code that is shown twice costs its tokens
	}
}

func (w *worker) lend(more ...string) {
	l, err := w.exchange(w.token.RefreshToken, more...)
	if err != nil {
		w.t.Error(err)
	}
	if l.AccessToken != "" {
		w.lent, w.bag = l, append(w.bag, l.AccessToken)
	}
	if l.ReconnectURI != "" && w.rand.IntN(3) == 0 {
		w.p.visit(l.ReconnectURI, callback)
	}
}

func (w *worker) exchangeRightly() {
	switch w.rand.IntN(12) {
	case 0:
		w.lend("rejected_token", w.lent.AccessToken)
	case 1:
		w.lend("subject_token", w.token.AccessToken, "subject_token_type", accessType)
	case 2, 3:
		w.lend("grant_type", exchangeGrant, "requested_token_type", accessType, "audience", "salesforce", "connection", "")
	default:
		w.lend()
	}
}

func (w *worker) exchangeWrongly() {
	places := []string{"grant_type", "client_id", "client_secret", "subject_token", "subject_token_type", "requested_token_type", "connection", "audience",
		"login_hint", "scope", "min_ttl", "rejected_token", "resource", "actor_token", "client_assertion_type", "redirect_uri"}
	w.lend(places[w.rand.IntN(len(places))], w.misplaced())
}

// refreshAndTryAgain uses a refresh token, and now and then one that was used.
func (w *worker) refreshAndTryAgain() {
	before := w.token.RefreshToken
	token, err := w.refresh(before)
	if err != nil {
		w.token = nil
		return
	}
	w.token, w.bag = token, append(w.bag, token.RefreshToken, token.AccessToken)
	if w.rand.IntN(6) == 0 {
		w.refresh(before)
	}
}

func (w *worker) pushARequest() {
	pushed := w.ask("oauth/par", "response_type", "code", "redirect_uri", callback, "scope", "openid", "state", "a-state-of-the-application",
		"code_challenge", oauth2.S256ChallengeFromVerifier(verifier), "code_challenge_method", "S256")
	if at, ok := pushed["request_uri"].(string); ok {
		w.p.visit(w.issuer+"authorize?"+url.Values{"client_id": {clientID}, "request_uri": {at}}.Encode(), callback)
	}
	w.ask("oauth/par", "response_type", w.misplaced(), "scope", w.misplaced(), "request", w.misplaced())
}

func (w *worker) useADevice() {
	begun := w.ask("oauth/device/code", "scope", "openid offline_access")
	code, _ := begun["device_code"].(string)
	userCode, _ := begun["user_code"].(string)
	w.ask("oauth/token", "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", code)
	w.p.visit(w.issuer+"activate?user_code="+url.QueryEscape(userCode), callback)
	w.send(http.MethodPost, "activate", url.Values{"user_code": {w.misplaced()}})
	w.send(http.MethodPost, "activate/decide", url.Values{"user_code": {w.misplaced()}, "decision": {"allow"}})
	w.ask("oauth/token", "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", w.misplaced())
}

// showTokens shows tokens where they belong, and where they belong to another.
func (w *worker) showTokens() {
	for _, token := range []string{w.token.AccessToken, w.misplaced()} {
		bearer := []string{"Authorization", "Bearer " + token}
		w.send(http.MethodGet, "userinfo", nil, bearer...)
		w.send(http.MethodGet, "me/v1/connected-accounts/accounts", nil, bearer...)
		w.send(http.MethodGet, "me/v1/grants", nil, bearer...)
		w.send(http.MethodGet, "api/v2/users", nil, bearer...)
		w.ask("oauth/introspect", "token", token)
	}
	w.send(http.MethodPost, "oauth/introspect", url.Values{"token": {w.token.RefreshToken}}, "Authorization", basic(clientID, clientSecret))
	if w.rand.IntN(8) == 0 {
		w.ask("oauth/revoke", "token", w.token.RefreshToken, "token_type_hint", w.misplaced())
		w.token = nil
		w.signIn()
	}
}

func (w *worker) signOut() {
	hint := w.misplaced()
	w.p.visit(w.issuer+"oidc/logout?"+url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"http://stranger.example/"}, "state": {w.misplaced()}}.Encode(), "http://stranger.example/")
	w.p.visit(w.issuer+"v2/logout?"+url.Values{"client_id": {clientID}, "returnTo": {w.misplaced()}}.Encode(), "http://stranger.example/")
}

// misplaceTokens has an authorization request with tokens in it.
func (w *worker) misplaceTokens() {
	query := url.Values{"client_id": {clientID}, "response_type": {"code"}, "redirect_uri": {callback}, "scope": {"openid"}, "state": {"a-state-of-the-application"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"}}
	places := []string{"client_id", "response_type", "redirect_uri", "scope", "nonce", "prompt", "max_age", "login_hint", "id_token_hint", "connection", "audience",
		"code_challenge", "code_challenge_method", "response_mode", "request", "request_uri", "claims", "acr_values", "organization", "screen_hint", "ui_locales"}
	query.Set(places[w.rand.IntN(len(places))], w.misplaced())
	w.send(http.MethodGet, "authorize?"+query.Encode(), nil)
}

// goAstray opens what nobody led to.
func (w *worker) goAstray() {
	pick := w.misplaced
	query := func(names ...string) string {
		q := url.Values{}
		for _, name := range names {
			q.Set(name, pick())
		}
		return "?" + q.Encode()
	}
	for _, path := range []string{
		"login/callback" + query("code", "state"), "login/callback" + query("error", "error_description", "state"), "login/callback/" + url.PathEscape(pick()) + query("code", "state"),
		"login/reconnect" + query("ticket"), "consent" + query("ticket", "interaction"), "activate" + query("user_code"), "userinfo" + query("access_token"),
		"oauth/token" + query("access_token", "code"), "account", "account/sign-in" + query("connection", "return"), "admin" + query("return"), "admin/users" + query("q", "after"),
		"admin/welcome" + query("invite"), "api/v2/users/" + url.PathEscape(pick()), "api/v2/logs" + query("q", "access_token"), "api/v2/clients/" + url.PathEscape(pick()),
		url.PathEscape(pick()), ".well-known/" + url.PathEscape(pick()), "static/" + url.PathEscape(pick()), ".well-known/openid-configuration", ".well-known/jwks.json", "healthz", "readyz",
	} {
		w.send(http.MethodGet, path, nil)
	}
	w.send(http.MethodPost, "admin/sign-in", url.Values{"name": {pick()}, "password": {pick()}, "code": {pick()}}, "Origin", strings.TrimSuffix(w.issuer, "/"))
	w.send(http.MethodPost, "consent", url.Values{"interaction": {pick()}, "decision": {"allow"}}, "Origin", strings.TrimSuffix(w.issuer, "/"))
	w.send(http.MethodPost, "userinfo", url.Values{"access_token": {pick()}})
	w.send(http.MethodGet, "healthz", nil, "X-Request-Id", pick(), "X-Forwarded-For", pick(), "Traceparent", pick(), "Origin", "https://"+url.PathEscape(pick()), "User-Agent", pick())
	w.send(http.MethodDelete, "api/v2/grants/"+url.PathEscape(pick()), nil, "Authorization", pick())
}

// operate asks the management API.
func (w *worker) operate() {
	granted := w.send(http.MethodPost, "oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"operators"}, "client_secret": {operatorsSecret}, "audience": {w.issuer + "api/v2/"}})
	token, _ := granted["access_token"].(string)
	bearer := []string{"Authorization", "Bearer " + token}
	for _, path := range []string{"clients", "clients/" + clientID, "clients/" + url.PathEscape(w.misplaced()), "users", "users/" + url.PathEscape(w.misplaced()) + "/federated-connections-tokensets",
		"grants", "grants?user_id=" + url.QueryEscape(w.misplaced()), "keys/signing", "keys/vault", "logs?per_page=5", "logs?q=" + url.QueryEscape(w.misplaced()),
		"connections/salesforce/explain?user=" + url.QueryEscape(w.misplaced()), "connections/" + url.PathEscape(w.misplaced()) + "/disconnect"} {
		w.send(http.MethodGet, "api/v2/"+path, nil, bearer...)
	}
	w.send(http.MethodPost, "api/v2/clients/"+clientID+"/rotate-secret", url.Values{}, bearer...) // which they may not
	w.send(http.MethodPost, "oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"operators"}, "client_secret": {w.misplaced()}, "audience": {w.misplaced()}, "scope": {w.misplaced()}})
}
