// Package connections signs users in with identity providers: it is the relying
// party's side of the gateway.
//
// A [Strategy] is a kind of identity provider. To add one, write a file with a
// Strategy in it and name it in [Strategies]; one that keeps to the standards
// needs a few lines of data in presets.go. A [Set] opens the provider of a
// connection that the vault keeps.
//
//	Provider.AuthCodeURL   where to send the user
//	   … the user signs in there, and comes back with a code …
//	Provider.Exchange      the code, for who it is and the tokens issued
//	Provider.Refresh       later, a refresh token for fresh tokens
package connections

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sallyport/vault"
)

// Provider is the identity provider at the far end of a connection.
type Provider interface {
	// AuthCodeURL is where to send the user to, for a login. State is what
	// the login keeps only the hash of. Errors are an *[Error].
	AuthCodeURL(ctx context.Context, l vault.Login, state string) (string, error)
	// Exchange redeems the code that the provider sent back for the login:
	// for who the user is there, and the tokens issued. It checks the ID
	// token (OpenID Connect Core 1.0, section 3.1.3.7). Errors are an *[Error].
	Exchange(ctx context.Context, l vault.Login, code string) (vault.Identity, vault.TokenSet, error)
	// Denied says what the error means that the provider sent back in place
	// of a code (RFC 6749, section 4.1.2.1).
	Denied(code, description string) *Error
	// Refresh redeems a refresh token, with the errors of [vault.Refresher];
	// those that are no refusal are an *[Error].
	Refresh(ctx context.Context, old vault.TokenSet) (vault.TokenSet, error)
}

// SignOuter is a Provider at which the user's session can be ended, too.
type SignOuter interface {
	// SignOutURL is where to send the user for that, and from there to
	// returnTo; or "" if there is no such place. Of the token set, which may
	// be empty, it takes where the user's org is.
	SignOutURL(ctx context.Context, ts vault.TokenSet, returnTo string) string
}

// AnswerChecker is a Provider that can say in its answers that it is the one who
// answers.
type AnswerChecker interface {
	// CheckAnswer finds fault with an authorization response by its iss
	// parameter, "" if it had none (RFC 9207, section 2.4). Of an answer that
	// does not pass, neither the code nor the error is to be used. Errors are
	// an *[Error].
	CheckAnswer(ctx context.Context, iss string) error
}

// Revoker is a Provider at which a refresh token can be revoked (RFC 7009).
type Revoker interface {
	// Revoke ends the refresh token of a token set, and what was issued for
	// it. One that is over already is no error.
	Revoke(ctx context.Context, ts vault.TokenSet) error
}

// Ender is a Provider at which what a user granted can be ended, also where a
// [Revoker] would end too much: when nothing of it is wanted any more.
type Ender interface {
	// End ends the refresh token of a token set, and what was issued for it,
	// or else its access token. One that is over already is no error. Where
	// that cannot be asked for it fails with [ErrNoEnd].
	End(ctx context.Context, ts vault.TokenSet) error
}

// ErrNoEnd reports a provider that offers no way to end a grant.
var ErrNoEnd = errors.New("no revocation endpoint")

var _ vault.Refresher = Provider(nil)

// Strategy is a kind of identity provider.
type Strategy struct {
	Name   string   // as in [vault.Connection.Strategy]
	Title  string   // as people read it
	Scopes []string // asked for unless the connection says otherwise
	Fields []Field  // of [vault.Connection.Options]
	Docs   string   // URL of the provider's documentation
	// Approvals are how many grants of one user the provider keeps for a
	// client: a further one ends the oldest, without a word. 0 is any number.
	Approvals int
	// NotRenewable says why no refresh token came, as [NotRenewable] does. It
	// may be nil.
	NotRenewable func(c vault.Connection, granted []string) string
	// Implied are the scopes that a scope brings with it.
	Implied map[string][]string
	// Known are the scopes that people may choose from, the most used first.
	Known []Scope
	// cautions are what [Cautions] says. It may be nil.
	cautions func(c vault.Connection) []string
	// Open makes the provider of a connection. It checks the connection, and
	// reaches for nothing on the network.
	Open func(c vault.Connection, env Env) (Provider, error)
}

// Field is an option of a strategy, as the tenant file and the admin pages know
// it.
type Field struct {
	Name, Title, Help, Default string
	Secret                     bool // it is not to be shown
}

// Env is what strategies take from their surroundings.
type Env struct {
	Issuer string // of the gateway, with its final slash
	HTTP   *http.Client
	Now    func() time.Time
	// Accepted is told of each certificate of a connection that its provider
	// takes for the first time, by ID. It may be nil.
	Accepted func(ctx context.Context, connection, certificate string)
}

// Strategies are the strategies there are, in the order that people see them.
var Strategies = append([]Strategy{salesforce, salesforceSandbox, salesforceCommunity, openIDConnect, anyOAuth2}, presetStrategies()...)

func strategy(name string) (Strategy, bool) {
	i := slices.IndexFunc(Strategies, func(s Strategy) bool { return s.Name == name })
	if i < 0 {
		return Strategy{}, false
	}
	return Strategies[i], true
}

// ownCallback is the option, of all strategies, by which a connection has a
// callback URL of its own (RFC 9700, section 4.4.2.2).
const ownCallback = "own_callback"

// trustIntrospection is the option, of strategies that have it, by which a
// provider's introspection is or is not to be relied on.
const trustIntrospection = "trust_introspection"

// keepAliveDays is the option, of strategies that have it, by which refresh tokens
// that nobody uses are kept from lapsing.
const keepAliveDays = "keep_alive_days"

// CallbackURL is where the identity provider of a connection sends users back
// to: the URL to register there.
func CallbackURL(issuer string, c vault.Connection) string {
	if c.Options[ownCallback] == "true" {
		return issuer + "login/callback/" + c.Name
	}
	return issuer + "login/callback"
}

// Check finds fault with a connection that its strategy could not open.
func Check(c vault.Connection) error {
	if err := c.Validate(); err != nil {
		return err
	}
	s, ok := strategy(c.Strategy)
	if !ok {
		return &vault.Invalid{Field: "strategy", Problem: "should be one of " + names(Strategies, func(s Strategy) string { return s.Name })}
	}
	for _, option := range slices.Sorted(maps.Keys(c.Options)) {
		if err := s.checkOption(option); err != nil {
			return err
		}
	}
	for _, scope := range c.Scopes {
		if !scopeToken.MatchString(scope) {
			return &vault.Invalid{Field: "options.scope", Problem: "has characters that no scope has (RFC 6749, section 3.3): " + quote(scope)}
		}
	}
	for name := range c.Upstream {
		if slices.Contains(reserved, name) {
			return &vault.Invalid{Field: "options.upstream_params." + name, Problem: "is what the gateway itself decides"}
		}
	}
	if c.ForAdmins && OfClients(c) {
		return &vault.Invalid{Field: "administrators.active", Problem: "cannot be true: nobody signs in with a connection whose tokens are the clients' own"}
	}
	_, err := s.Open(c, Env{Issuer: "https://localhost/", HTTP: http.DefaultClient, Now: time.Now})
	return err
}

var scopeToken = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`)

// reserved are the parameters of the authorization request that protect it.
var reserved = []string{"client_id", "response_type", "redirect_uri", "state", "nonce", "code_challenge", "code_challenge_method"}

func names[T any](list []T, name func(T) string) string {
	var out []string
	for _, e := range list {
		out = append(out, name(e))
	}
	return strings.Join(out, ", ")
}

// Approvals are how many grants of one user the provider of a connection keeps,
// or 0 if any number.
func Approvals(c vault.Connection) int {
	s, _ := strategy(c.Strategy)
	return s.Approvals
}

// NotRenewable says what keeps a connection's token sets from having a refresh
// token, of which the user granted the scopes: the connection, or the far end.
func NotRenewable(c vault.Connection, granted []string) string {
	s, _ := strategy(c.Strategy)
	if s.NotRenewable == nil {
		return "Let the connection ask for a refresh token, and the identity provider's settings allow one."
	}
	return s.NotRenewable(c, granted)
}

// KeepAlive is how long a refresh token of a connection may go unused before the
// gateway refreshes it of its own accord, or 0 if it never does.
func KeepAlive(c vault.Connection) time.Duration {
	days, err := strconv.Atoi(c.Options[keepAliveDays])
	if err != nil {
		return 0
	}
	return time.Duration(days) * 24 * time.Hour
}

// Granted spells out what a connection's scopes bring with them, such as
// Salesforce's "full". Applications compare scopes literally. What it returns may be
// the scopes given.
func Granted(c vault.Connection, scopes []string) []string {
	s, _ := strategy(c.Strategy)
	out := scopes[:len(scopes):len(scopes)]
	for i := 0; i < len(out); i++ {
		for _, implied := range s.Implied[out[i]] {
			if !slices.Contains(out, implied) {
				out = append(out, implied)
			}
		}
	}
	return out
}

// Set holds the open providers of connections.
type Set struct {
	env  Env
	mu   sync.Mutex
	open map[string]opened
}

type opened struct {
	connection vault.Connection
	provider   Provider
}

// NewSet returns a Set in which none is open yet.
func NewSet(env Env) *Set { return &Set{env: env, open: map[string]opened{}} }

// Provider returns the provider of a connection, opening it the first time and
// again whenever the connection has changed.
func (s *Set) Provider(c vault.Connection) (Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.open[c.Name]; ok && reflect.DeepEqual(o.connection, c) {
		return o.provider, nil
	}
	strategy, ok := strategy(c.Strategy)
	if !ok {
		return nil, &Error{Connection: c.Name, Kind: Misconfigured, Description: "The connection's strategy is unknown to this version: " + c.Strategy + "."}
	}
	p, err := strategy.Open(c, s.env)
	if err != nil {
		return nil, &Error{Connection: c.Name, Kind: Misconfigured, Description: "The connection cannot be used: " + err.Error() + ".", Err: err}
	}
	s.open[c.Name] = opened{c, p}
	return p, nil
}
