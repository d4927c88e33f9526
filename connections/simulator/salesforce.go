package simulator

import (
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Salesforce is a Salesforce org with its external client apps and users, or
// several orgs. The zero value is an org with two users that no app may sign in
// to.
//
// Its methods are safe for concurrent use; its fields are not to be changed
// while a request is under way, but by Set.
type Salesforce struct {
	URL   string           // base URL it is reached under, without a slash at the end; "": scheme and Host of each request
	Org   Org              // the org itself
	Orgs  []Org            // further orgs, each with a My Domain
	Apps  []App            // the external client apps; nil: none may sign in
	Users []User           // users of Org; nil: DefaultUsers
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // one line a request, without secrets; nil: none

	KeyBits         int  // size of its RSA keys; 0: 2048, for a key of the real 4096 takes seconds to make
	ShowCredentials bool // the login page tells the users' names and passwords

	once      sync.Once
	mux       *http.ServeMux
	endpoints []string   // their names, in the order of the routes
	mu        sync.Mutex // guards state
	state
	settings sync.RWMutex // guards Org, Orgs, Apps, Users, and what follows
	keySet   signingKeys
	skewed   atomic.Int64 // nanoseconds that the clock is ahead
}

// Warm begins to make the signing keys and returns at once. Without it the
// first request that needs a key waits for it.
func (s *Salesforce) Warm() { go s.makeKeys() }

// ServeHTTP answers as Salesforce would.
func (s *Salesforce) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.ready()
	if r, ok := s.arriveAt(w, r); ok {
		s.mux.ServeHTTP(w, r)
	}
}

func (s *Salesforce) ready() { s.once.Do(func() { s.mux = s.routes() }) }

// routes is the whole URL map: pattern, name of the endpoint (for Fail and
// its like), the form its refusals take, handler.
func (s *Salesforce) routes() *http.ServeMux {
	mux := http.NewServeMux()
	at := func(pattern, name string, refuse form, handle handler) {
		mux.Handle(pattern, s.endpoint(name, refuse, handle))
		if !slices.Contains(s.endpoints, name) {
			s.endpoints = append(s.endpoints, name)
		}
	}

	at("/services/oauth2/authorize", "authorize", refuseBare, s.authorize)
	at("GET /sim/authorize", "authorize:resume", refuseAsPage, s.resume)
	at("POST /sim/login", "login", refuseAsPage, s.login)
	at("POST /sim/account", "account", refuseAsPage, s.account)
	at("POST /sim/consent", "consent", refuseAsPage, s.consent)

	at("/services/oauth2/token", "token", refuseOAuth, s.token)
	at("/services/oauth2/introspect", "introspect", refuseOAuth, s.introspect)
	at("/services/oauth2/revoke", "revoke", refuseRevocation, s.revoke)
	at("/services/oauth2/singleaccess", "singleaccess", refuseAsText, s.singleAccess)
	at("/services/oauth2/userinfo", "userinfo", refuseAsText, s.userInfo)
	at("/id/{org}/{user}", "id", refuseAsText, s.identity)
	at("GET /id/keys", "keys", refuseOAuth, s.keys)
	at("GET /.well-known/openid-configuration", "discovery", refuseOAuth, s.discovery)
	at("GET /.well-known/auth-configuration", "auth-configuration", refuseOAuth, s.authConfiguration)

	at("GET /services/data", "versions", refuseREST, s.versions)
	at("GET /services/data/{$}", "versions", refuseREST, s.versions)
	at("GET /services/data/{version}", "resources", refuseREST, s.rest(s.resources))
	at("GET /services/data/{version}/{$}", "resources", refuseREST, s.rest(s.resources))
	at("GET /services/data/{version}/limits", "limits", refuseREST, s.rest(s.limits))
	at("GET /services/data/{version}/limits/{$}", "limits", refuseREST, s.rest(s.limits))
	at("GET /services/data/{version}/query", "query", refuseREST, s.rest(s.query))
	at("GET /services/data/{version}/query/{$}", "query", refuseREST, s.rest(s.query))
	at("GET /services/data/{version}/sobjects/{object}/{id}", "sobject", refuseREST, s.rest(s.sobject))
	at("GET /services/data/{version}/chatter/users/me", "chatter", refuseREST, s.rest(s.chatter))
	at("/services/data/{version}/{rest...}", "rest", refuseREST, s.rest(s.nothing))

	at("GET /services/auth/idp/oidc/logout", "logout", refuseAsPage, s.endSession)
	at("GET /secur/logout.jsp", "logout", refuseAsPage, s.endSession)
	at("GET /{$}", "home", refuseAsPage, s.home)
	at("GET /sim/style.css", "style", refuseAsPage, s.asset("style.css", "text/css;charset=UTF-8"))
	at("GET /profilephoto/{user}/{size}", "photo", refuseAsText, s.asset("photo.svg", "image/svg+xml"))
	return mux
}

// SkewClock has the clock go ahead of Now by d, or behind it.
func (s *Salesforce) SkewClock(d time.Duration) { s.skewed.Store(int64(d)) }

func (s *Salesforce) now() time.Time {
	now := s.Now
	if now == nil {
		now = time.Now
	}
	return now().Add(time.Duration(s.skewed.Load()))
}

func (s *Salesforce) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.New(slog.DiscardHandler)
}
