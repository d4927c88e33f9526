package simulator

import (
	"crypto/x509"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// App is an external client app, or a connected app as they were before. Its
// switches are named so that off is what Salesforce starts a new app with, but
// for PKCE.
type App struct {
	Name           string   // shown when consent is asked; "": ConsumerKey
	ConsumerKey    string   // its client ID
	ConsumerSecret string   // its client secret; "": none is right
	Callbacks      []string // redirect URIs, compared character for character
	LogoutURLs     []string // where a browser may be sent after logout
	Scopes         []string // what it may ask for; nil: DefaultScopes

	RequirePKCE           bool // refuse an authorization request without a code challenge
	SecretOptionalWeb     bool // "Require Secret for Web Server Flow" is off
	SecretOptionalRefresh bool // "Require Secret for Refresh Token Flow" is off
	Connected             bool // a connected app, which external client apps are to replace

	InstalledIn []string  // My Domains of the orgs that have it; nil: all
	Blocked     bool      // by an administrator
	KnownFrom   time.Time // a new app is not known at once, as that takes minutes
	DPoP        bool      // its tokens are bound to a key (RFC 9449)
	Withheld    []string  // scopes that are not granted, though asked for and approved

	// Preauthorized is the policy that admin approved users are pre-authorized:
	// nobody is asked for consent.
	Preauthorized  bool
	PermittedUsers []string // names of the users so approved, others may not use the app; nil: everyone

	Certificate *x509.Certificate // whose key signs the app's assertions; nil: none is believed
	RunAs       string            // name of the user that client credentials act as; "": they are not allowed

	NoRotation      bool          // refresh tokens stay as they are when used
	RefreshAtOnce   bool          // the refresh token policy is "immediately expire"
	RefreshUnused   time.Duration // after which a refresh token that is not used expires; 0: never
	RefreshLifetime time.Duration // after which refresh tokens expire, however used; 0: never

	JWTAccessTokens   bool          // access tokens are JWTs with a fixed expiry
	JWTTimeout        time.Duration // of those; 0: the org's session timeout
	FreshAccessTokens bool          // never answer with an opaque access token that is alive already
	IDTokenTTL        time.Duration // 0: two minutes

	proven string // thumbprint of the key that this request has proved to have
}

// DefaultScopes are the scopes of an app that was given none.
func DefaultScopes() []string {
	return []string{"openid", "id", "profile", "email", "api", "refresh_token"}
}

func (a App) name() string {
	if a.Name == "" {
		return a.ConsumerKey
	}
	return a.Name
}

func (a App) scopes() []string {
	if a.Scopes == nil {
		return DefaultScopes()
	}
	return a.Scopes
}

// grants are those of scopes that are not withheld.
func (a App) grants(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool { return slices.Contains(a.Withheld, scope) })
}

func (a App) idTokenTTL() time.Duration {
	if a.IDTokenTTL == 0 {
		return 2 * time.Minute
	}
	return a.IDTokenTTL
}

// installed tells whether an org has the app.
func (a App) installed(o Org) bool {
	return a.InstalledIn == nil || slices.Contains(a.InstalledIn, o.MyDomain)
}

// permits tells whether a user is one that an administrator approved.
func (a App) permits(m member) bool {
	return a.PermittedUsers == nil || slices.ContainsFunc(a.PermittedUsers, func(name string) bool { return strings.EqualFold(name, m.Username) })
}

// app finds an app by its consumer key.
func (s *Salesforce) app(consumerKey string) (App, error) {
	s.settings.RLock()
	defer s.settings.RUnlock()
	for _, a := range s.Apps {
		if consumerKey != "" && a.ConsumerKey == consumerKey && !s.now().Before(a.KnownFrom) {
			return a, nil
		}
	}
	return App{}, errClientID
}

// client authenticates the app that sent r, by Basic authentication, by
// parameters (RFC 6749, section 2.3.1) or by a JWT. Where the secret is optional it may be
// left out, but not be wrong.
func (s *Salesforce) client(r *http.Request, secretOptional func(App) bool) (App, error) {
	if r.Form.Get("client_assertion_type") == clientAssertionType {
		return s.asserted(r)
	}
	key, secret, ok := basicAuth(r)
	if !ok {
		key, secret = r.Form.Get("client_id"), r.Form.Get("client_secret")
	}
	app, err := s.app(key)
	if err != nil {
		return App{}, err
	}
	if secret == "" && secretOptional(app) {
		return app, nil
	}
	if !s.isSecret(app, secret) {
		return App{}, errClient
	}
	return app, nil
}

func never(App) bool { return false }

// basicAuth reads client credentials, form-encoded as the specification has
// them or plain as many clients do.
func basicAuth(r *http.Request) (key, secret string, ok bool) {
	key, secret, ok = r.BasicAuth()
	if k, err := url.QueryUnescape(key); err == nil {
		key = k
	}
	if p, err := url.QueryUnescape(secret); err == nil {
		secret = p
	}
	return key, secret, ok
}
