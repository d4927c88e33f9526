package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// authorization is an authorization request (RFC 6749, section 4.1.1), and how
// far the browser has come with it.
type authorization struct {
	host        host
	app         App
	redirectURI string
	scopes      []string
	state       string
	hasState    bool
	challenge   string // PKCE, always S256
	nonce       string
	prompt      []string
	loginHint   string
	immediate   bool
	fragment    bool // errors go to the fragment, as for response_type=token

	transaction string   // one-time name of the page that waits for the person
	browser     *browser // that the page was sent to
	signedIn    bool     // has given a password for this request
	chosen      bool     // has chosen an account for this request
	expires     time.Time
}

// checks of an authorization request, in the order they are made. Until the
// first two are passed the callback is not trusted.
var checks = []func(*Salesforce, *authorization, url.Values) error{
	checkClientID, checkRedirectURI, checkResponseType, checkPKCE, checkScopes,
}

// authorize is the authorization endpoint (RFC 6749, section 3.1).
func (s *Salesforce) authorize(w http.ResponseWriter, r *http.Request) error {
	a := &authorization{
		host:      hostOf(r),
		state:     r.Form.Get("state"),
		hasState:  r.Form.Has("state"),
		nonce:     r.Form.Get("nonce"),
		prompt:    strings.Fields(r.Form.Get("prompt")),
		loginHint: r.Form.Get("login_hint"),
		immediate: r.Form.Get("immediate") == "true",
		expires:   s.now().Add(15 * time.Minute),
	}
	for _, check := range checks {
		if err := check(s, a, r.Form); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(s.now())
	a.browser = s.browser(w, r)
	return s.proceed(w, r, a)
}

func checkClientID(s *Salesforce, a *authorization, q url.Values) (err error) {
	a.app, err = s.app(q.Get("client_id"))
	return err
}

func checkRedirectURI(_ *Salesforce, a *authorization, q url.Values) error {
	a.redirectURI = q.Get("redirect_uri")
	if a.redirectURI == "" {
		return errNoRedirectURI
	}
	if !slices.Contains(a.app.Callbacks, a.redirectURI) {
		return errRedirectURI
	}
	return nil
}

func checkResponseType(_ *Salesforce, a *authorization, q url.Values) error {
	response := q.Get("response_type")
	if response == "code" {
		return nil
	}
	a.fragment = slices.Contains(strings.Fields(response), "token")
	return &redirected{a, "unsupported_response_type", "response type not supported"}
}

// checkPKCE takes a challenge without a method for S256, as some clients send
// it. What it refuses never reaches the callback.
func checkPKCE(_ *Salesforce, a *authorization, q url.Values) error {
	a.challenge = q.Get("code_challenge")
	method := q.Get("code_challenge_method")
	switch {
	case a.challenge == "" && a.app.RequirePKCE:
		return errNoChallenge
	case a.challenge != "" && method != "" && method != "S256":
		return errChallenge
	}
	return nil
}

// checkScopes refuses what no app could have. That this app has them is found
// out only once someone has signed in.
func checkScopes(_ *Salesforce, a *authorization, q url.Values) error {
	a.scopes = scopesOf(q.Get("scope"))
	if len(a.scopes) == 0 {
		a.scopes = a.app.scopes()
	}
	for _, scope := range a.scopes {
		if !slices.Contains(knownScopes, scope) && !slices.Contains(a.app.scopes(), scope) {
			return &redirected{a, "invalid_scope", "the requested scope is not allowed"}
		}
	}
	return nil
}

// proceed takes the request as far as it comes without the person, and shows
// the page that asks for the next thing.
func (s *Salesforce) proceed(w http.ResponseWriter, r *http.Request, a *authorization) error {
	b := a.browser
	user, known := a.host.member(b.user)
	prompt := func(p string) bool { return slices.Contains(a.prompt, p) }
	needsLogin := !known || prompt("login") && !a.signedIn
	needsChoice := prompt("select_account") && !a.chosen && !a.signedIn && len(b.seen) > 0
	if a.immediate && (needsLogin || needsChoice) {
		return &redirected{a, "immediate_unsuccessful", ""}
	}
	switch {
	case needsChoice:
		return s.showAccounts(w, a)
	case needsLogin:
		return s.showLogin(w, a, a.loginHint, "")
	}
	if err := s.turnAway(a, user); err != nil {
		return err
	}
	if prompt("consent") || !a.app.Preauthorized && !coversAll(s.approvals[approval{user.Username, a.app.ConsumerKey}], a.scopes) {
		if a.immediate {
			return &redirected{a, "immediate_unsuccessful", ""}
		}
		return s.showConsent(w, a, user)
	}
	delete(s.pending, a.transaction)
	sendBack(w, r, a, url.Values{"code": {s.issueCode(a, user)}})
	return nil
}

// sendBack redirects to the callback, whose own query stays.
func sendBack(w http.ResponseWriter, r *http.Request, a *authorization, q url.Values) {
	if a.hasState {
		q.Set("state", a.state)
	}
	separator := "?"
	switch {
	case a.fragment:
		separator = "#"
	case strings.Contains(a.redirectURI, "?"):
		separator = "&"
	}
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	w.Header().Set("Location", a.redirectURI+separator+q.Encode())
	w.WriteHeader(status)
}
