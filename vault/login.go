package vault

import (
	"slices"
	"time"
)

// AuthorizationRequest is what a client asked of the authorization endpoint
// (OpenID Connect Core 1.0, section 3.1.2.1), checked.
type AuthorizationRequest struct {
	ClientID      string
	RedirectURI   string
	Scopes        []string
	State         string
	Nonce         string
	CodeChallenge string // always S256 (RFC 7636, section 4.2)
	Audience      string // identifier of the resource server that the access token is for, if any
	ResponseMode  string // "query", "fragment", "form_post" or "web_message"; "" means query
	DPoPKey       string // thumbprint of the key that the code is bound to (RFC 9449, section 10)
	Claims        string // the claims parameter, as JSON (OpenID Connect Core 1.0, section 5.5)
	ACRValues     []string
	UILocales     []string
	HintedUser    string // that the id_token_hint is of
	Prompt        []string
	MaxAge        *int // seconds; nil if not asked for
	LoginHint     string
	Device        string // hash of the device code, if it is a device that waits for the answer
	Connection    string
	ConnScopes    []string // Auth0's connection_scope: to ask for upstream besides
	// Params are the parameters that a connection's upstream parameters may
	// take over, as they were sent.
	Params map[string]string
}

// Purpose is why a user was sent to an identity provider.
type Purpose string

const (
	ToSignIn    Purpose = "sign in"   // to a client
	ToReconnect Purpose = "reconnect" // an account whose tokens no longer do
	ToConnect   Purpose = "connect"   // a further account of a user who is signed in
	ToOwnPage   Purpose = "own page"  // to the gateway itself, where users see what it knows of them
	ToTry       Purpose = "try"       // the connection, by an administrator

	ToConsole     Purpose = "console"      // the console, by an administrator
	ToProve       Purpose = "prove"        // that it is still the administrator who is signed in to the console
	ToAddIdentity Purpose = "add identity" // by which an administrator will sign in to the console
	ToTakeUp      Purpose = "take up"      // an invitation to the console
)

// Console reports whether it is an administrator who was sent, for the console's
// sake.
func (p Purpose) Console() bool {
	return slices.Contains([]Purpose{ToConsole, ToProve, ToAddIdentity, ToTakeUp}, p)
}

// Login is a sign-in under way at an identity provider.
type Login struct {
	StateHash   string // of the state that comes back with the answer
	BrowserHash string // of the cookie of the browser that started it
	Nonce       string
	Verifier    Secret // PKCE code verifier
	Connection  string
	Purpose     Purpose
	Request     AuthorizationRequest // of the client, if there is one; of a reconnection, its ClientID alone
	User        string               // whose account is to be connected
	Trial       string               // ID of the trial that it is a step of
	Admin       string               // ID of the administrator who is signed in to the console, if one is
	Invite      string               // hash of the invitation that is taken up, as Name
	Name        string
	Return      string // page of the console to go on to
	Expires     time.Time
}

func (l Login) Key() string          { return l.StateHash }
func (l Login) ExpiresAt() time.Time { return l.Expires }

// Ticket lets a user connect an account again whose tokens no longer do, or a
// further one.
type Ticket struct {
	Hash       string
	Client     string // that the refused exchange was of
	User       string
	Connection string
	Further    bool     // an account that is not the user's yet
	LoginHint  string   // which
	Scopes     []string // to ask for besides the connection's
	Expires    time.Time
}

func (t Ticket) Key() string          { return t.Hash }
func (t Ticket) ExpiresAt() time.Time { return t.Expires }

// Session is a browser in which a user is signed in.
type Session struct {
	Hash       string // of its ID
	SID        string // its public name, the "sid" of ID tokens
	User       string
	Connection string // that the user signed in with
	Identity   string // key of the one that the user signed in with
	AuthTime   time.Time
	Clients    []string  // that the user signed in to in it
	Idle       time.Time // when it ends if it is not used
	Expires    time.Time // when it ends in any case
}

func (s Session) Key() string { return s.Hash }

// ExpiresAt is whichever end comes first.
func (s Session) ExpiresAt() time.Time {
	if !s.Idle.IsZero() && s.Idle.Before(s.Expires) {
		return s.Idle
	}
	return s.Expires
}

// With is the session with a client among those that the user signed in to, or as
// it is if there is none.
func (s Session) With(client string) Session {
	if client != "" && !slices.Contains(s.Clients, client) {
		s.Clients = append(slices.Clip(s.Clients), client)
	}
	return s
}
