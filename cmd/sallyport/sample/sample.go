// Package sample is an application that signs its users in through the gateway and reads their
// Salesforce accounts: what a client of the gateway looks like from the inside. It knows nothing of
// the gateway but its issuer, and imports nothing of it, so that it can be copied.
//
// The flow: /login sends the browser to the gateway with state, nonce and PKCE; /callback redeems
// the code and checks the ID token; /accounts hands the application's own refresh token to the
// gateway and gets an access token for Salesforce, which it uses and forgets.
//
// Sessions live in memory: fit for a demonstration, and for one instance.
package sample

import (
	"cmp"
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// App is the application, an http.Handler. Its fields are not to be changed once it serves.
type App struct {
	Issuer       string // of the gateway, as its tokens spell it: with a final "/"
	ClientID     string
	ClientSecret string
	URL          string       // of this application, without a final "/"; URL + "/callback" is registered at the gateway
	Connection   string       // whose users sign in and whose accounts are read: "salesforce"
	HTTP         *http.Client // towards the gateway and Salesforce; nil means http.DefaultClient

	// DemoToken lets a program on this machine read the newest user's refresh token: see curlToken.
	DemoToken bool

	setUp  sync.Once
	routes http.Handler

	mu       sync.Mutex // guards what follows
	gateway  *gateway   // nil until discovered
	sessions map[string]*session
	newest   string // the refresh token of the newest sign-in
}

// gateway is what discovery told.
type gateway struct {
	*oidc.Provider
	EndSession   string `json:"end_session_endpoint"`
	NamesItself  bool   `json:"authorization_response_iss_parameter_supported"` // RFC 9207
	oauth2Config oauth2.Config
}

// session of a browser, known by the random ID in its cookie.
type session struct {
	started time.Time
	logins  map[string]login // by state: several tabs may be signing in
	user    *user            // nil until signed in
}

// login is a sign-in under way at the gateway.
type login struct{ nonce, verifier string }

// user is who signed in, and what the application holds for them.
type user struct {
	Name, Email, Picture string
	Claims               map[string]json.RawMessage `json:"-"` // all of the ID token's
	idToken              string
	refreshToken         string // ours, for the gateway; Salesforce's never leaves the gateway
}

const (
	cookie   = "sample_session" // cookies are shared by all ports of a host: a name of our own
	lifetime = 12 * time.Hour   // of a session
	patience = 20 * time.Second // with the gateway and Salesforce together, for one page
)

//go:embed sample.html sample.css
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"claim": showClaim, "initial": initial}).ParseFS(files, "sample.html"))

// ServeHTTP serves the pages of the application.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.setUp.Do(func() {
		mux := http.NewServeMux()
		mux.Handle("GET /{$}", a.page(a.home))
		mux.Handle("GET /login", a.page(a.login))
		mux.Handle("GET /callback", a.page(a.callback))
		mux.Handle("GET /accounts", a.page(a.accounts))
		mux.Handle("POST /logout", a.page(a.logout))
		mux.HandleFunc("GET /curl-token", a.curlToken)
		mux.HandleFunc("GET /sample.css", func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, files, "sample.css")
		})
		a.routes = http.NewCrossOriginProtection().Handler(mux)
	})
	a.routes.ServeHTTP(w, r)
}

func (a *App) home(w http.ResponseWriter, r *http.Request) error {
	return a.render(w, http.StatusOK, "home", map[string]any{"App": a, "User": a.user(r), "Query": query})
}

// login sends the browser to the gateway.
func (a *App) login(w http.ResponseWriter, r *http.Request) error {
	gw, err := a.discover(r.Context())
	if err != nil {
		return err
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	a.begin(w, r, state, login{nonce, verifier})
	http.Redirect(w, r, gw.oauth2Config.AuthCodeURL(state,
		oidc.Nonce(nonce),
		oauth2.S256ChallengeOption(verifier),
		oauth2.SetAuthURLParam("connection", a.Connection), // without it the gateway asks which one
	), http.StatusSeeOther)
	return nil
}

// callback is where the gateway sends the browser back, with a code or an error.
func (a *App) callback(w http.ResponseWriter, r *http.Request) error {
	gw, err := a.discover(r.Context())
	if err != nil {
		return err
	}
	// The state comes first: until it is known to be ours, nothing else in the URL is worth showing.
	answer := r.URL.Query()
	login, ok := a.finish(r, answer.Get("state"))
	if !ok {
		return &problem{Status: http.StatusBadRequest, Cause: "This answer belongs to no sign-in of this browser.",
			Fix: "It may be an old tab, or a link from elsewhere. Sign in again from the start."}
	}
	if iss := answer.Get("iss"); iss != a.Issuer && (iss != "" || gw.NamesItself) { // RFC 9207, section 2.4
		return &problem{Status: http.StatusBadRequest, Cause: "This answer is not from our gateway.", Fix: "Sign in again from the start."}
	}
	switch code := answer.Get("error"); code {
	case "":
	case "access_denied": // by whoever reads this
		return &problem{Status: http.StatusForbidden, Cause: cmp.Or(answer.Get("error_description"), "You were not signed in."),
			Fix: "If you said no yourself, all is well. Sign in again if you want to go on.", Code: code}
	default:
		return &problem{Status: http.StatusForbidden, Cause: cmp.Or(answer.Get("error_description"), "The gateway did not sign you in."),
			Fix: "Sign in again, or ask whoever runs the gateway.", Code: code}
	}

	token, err := gw.oauth2Config.Exchange(r.Context(), answer.Get("code"), oauth2.VerifierOption(login.verifier))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return &problem{Status: http.StatusBadGateway, Cause: cmp.Or(refused.ErrorDescription, "The gateway did not accept the code."),
			Fix: "Sign in again from the start.", Code: refused.ErrorCode}
	} else if err != nil {
		return err
	}
	u := &user{refreshToken: token.RefreshToken} // empty if the client may not have offline_access
	u.idToken, _ = token.Extra("id_token").(string)
	idToken, err := gw.Verifier(&oidc.Config{ClientID: a.ClientID}).Verify(r.Context(), u.idToken)
	if err != nil {
		return err
	}
	if idToken.Nonce != login.nonce {
		return errors.New("the ID token is for another sign-in: its nonce differs")
	}
	if err := errors.Join(idToken.Claims(u), idToken.Claims(&u.Claims)); err != nil {
		return err
	}
	a.signIn(w, r, u)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// accounts shows the user's Salesforce accounts, read with a token lent by the gateway.
func (a *App) accounts(w http.ResponseWriter, r *http.Request) error {
	u := a.user(r)
	if u == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	token, err := a.exchange(r.Context(), u.refreshToken, "")
	if err != nil {
		return err
	}
	accounts, err := a.query(r.Context(), token)
	again := errors.Is(err, errRejected)
	if again {
		// A token can die before its time: revoked, or its session ended in Salesforce. Saying which one
		// was refused makes the gateway get another.
		if token, err = a.exchange(r.Context(), u.refreshToken, token.AccessToken); err != nil {
			return err
		}
		accounts, err = a.query(r.Context(), token)
	}
	if err != nil {
		return err
	}
	return a.render(w, http.StatusOK, "accounts", map[string]any{"Accounts": accounts, "Token": token, "Again": again})
}

// logout ends the session here, and then at the gateway (OpenID Connect RP-Initiated Logout 1.0).
func (a *App) logout(w http.ResponseWriter, r *http.Request) error {
	u := a.user(r)
	a.forget(w, r)
	gw, err := a.discover(r.Context())
	if err != nil || u == nil || gw.EndSession == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	end, err := url.Parse(gw.EndSession)
	if err != nil {
		return err
	}
	q := end.Query()
	q.Set("id_token_hint", u.idToken)
	q.Set("client_id", a.ClientID)
	q.Set("post_logout_redirect_uri", a.URL+"/")
	end.RawQuery = q.Encode()
	http.Redirect(w, r, end.String(), http.StatusSeeOther)
	return nil
}

// curlToken prints the refresh token of the newest sign-in. It exists only so that the curl that
// `sallyport demo` prints works as pasted. NEVER COPY IT: an application must show its refresh
// tokens to nobody. It is not found unless DemoToken is set and the request comes from this machine
// and from no browser: browsers send Sec-Fetch-Site to loopback hosts, and a site that points a
// name of its own here (DNS rebinding) sends that name as Host.
func (a *App) curlToken(w http.ResponseWriter, r *http.Request) {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	self, err := url.Parse(a.URL)
	a.mu.Lock()
	token := a.newest
	a.mu.Unlock()
	if !a.DemoToken || token == "" || !peer.Addr().Unmap().IsLoopback() || err != nil || r.Host != self.Host ||
		r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Write([]byte(token))
}

// discover reads the gateway's metadata, at first need, since the gateway may start after us.
func (a *App) discover(ctx context.Context) (*gateway, error) {
	a.mu.Lock()
	gw := a.gateway
	a.mu.Unlock()
	if gw != nil {
		return gw, nil
	}
	provider, err := oidc.NewProvider(ctx, a.Issuer)
	if err != nil {
		slog.Warn("sample: discovery", "err", err)
		return nil, &problem{Status: http.StatusBadGateway, Cause: "The gateway at " + a.Issuer + " does not answer as one.",
			Fix: "It may still be starting: try again in a moment."}
	}
	gw = &gateway{Provider: provider}
	if err := provider.Claims(gw); err != nil {
		return nil, err
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // client_secret_post, as registered: nothing to find out by trying
	gw.oauth2Config = oauth2.Config{
		ClientID:     a.ClientID,
		ClientSecret: a.ClientSecret,
		Endpoint:     endpoint,
		RedirectURL:  a.URL + "/callback",
		Scopes:       []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gateway = gw
	return gw, nil
}
