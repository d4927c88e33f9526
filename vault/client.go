package vault

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Client is an application that signs users in through the gateway (RFC 6749,
// section 2).
type Client struct {
	forever
	ID           string
	Name         string
	Description  string
	AppType      string               // Auth0's: "regular_web", "spa", "native", "non_interactive", "resource_server"
	SecretHashes []string             // of confidential clients, newest first; none for public ones
	SecretsSince map[string]time.Time // when they were set, by hash, as far as that is known
	AuthMethod   string               // at the token endpoint: "client_secret_post", "client_secret_basic", "private_key_jwt" or "none"
	Keys         []ClientKey          // that the client signs assertions and request objects with
	JWKSURI      string               // where it publishes those keys, if not among them
	RedirectURIs []string
	LogoutURIs   []string // where users may be sent after signing out
	Origins      []string // of browsers that may call the token endpoint (CORS)
	GrantTypes   []string
	FirstParty   bool
	Conformant   bool   // wants the specification's form where OpenID Connect and Auth0 differ
	API          string // the identifier of the resource server that the client stands for, if it does

	IDTokenAlg      string        // "" means RS256
	IDTokenLifetime time.Duration // zero means ten hours
	Rotate          bool          // replace the refresh token at each use
	RefreshLifetime time.Duration // of a refresh token, from its sign-in; zero means for ever
	RefreshIdle     time.Duration // until an unused refresh token dies; zero means never
	RefreshLeeway   time.Duration // in which a replaced refresh token may be shown again, for the same answer

	RequirePAR           bool        // only pushed authorization requests (RFC 9126)
	RequireSignedRequest bool        // only signed request objects (RFC 9101)
	RequireDPoP          bool        // only sender-constrained tokens (RFC 9449)
	FAPI                 bool        // held to the FAPI 2.0 Security Profile
	TokenVault           *TokenVault // what it may have tokens of; nil: of all connections that are enabled for it
	BackchannelLogoutURI string      // told when a session ends (OpenID Connect Back-Channel Logout 1.0)
	Metadata             map[string]string
	Appearance           Appearance // on the pages of its sign-ins; what it says nothing of is the gateway's
}

// TokenVault is what a client may have access tokens of, out of what is enabled
// for it: of connections that are not listed it may have none.
type TokenVault struct{ Connections []TokenAccess }

// TokenAccess is how far a client may have access tokens of a connection.
type TokenAccess struct {
	Connection string         // name
	Scopes     []string       // that tokens may have; none means all
	Networks   []netip.Prefix // that the client may ask from; none means all
}

// Access is what is listed of a connection, if it is.
func (t *TokenVault) Access(connection string) (TokenAccess, bool) {
	i := slices.IndexFunc(t.Connections, func(a TokenAccess) bool { return a.Connection == connection })
	if i < 0 {
		return TokenAccess{}, false
	}
	return t.Connections[i], true
}

// ClientKey is a public key of a client's.
type ClientKey struct {
	ID      string // "kid"; may be empty if it is the only one
	Alg     string // that it is used with, as "RS256"
	JWK     string // the key as a JSON Web Key (RFC 7517)
	Expires time.Time
}

func (c Client) Key() string { return c.ID }

// Public reports whether the client cannot keep a secret (RFC 6749, section 2.1).
func (c Client) Public() bool { return c.AuthMethod == "none" }

// May reports whether the client may use a grant type.
func (c Client) May(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// Validate finds fault with a client that cannot be kept.
func (c Client) Validate() error {
	switch {
	case c.ID == "":
		return &Invalid{"client_id", "is missing"}
	case len(c.ID) > 128:
		return &Invalid{"client_id", "is longer than 128 characters"}
	case c.Name == "":
		return &Invalid{"name", "is missing"}
	case !slices.Contains([]string{"client_secret_post", "client_secret_basic", "private_key_jwt", "none"}, c.AuthMethod):
		return &Invalid{"token_endpoint_auth_method", "should be client_secret_post, client_secret_basic, private_key_jwt or none"}
	case c.AuthMethod == "private_key_jwt" && len(c.Keys) == 0 && c.JWKSURI == "":
		return &Invalid{"client_authentication_methods", "has no key, and token_endpoint_auth_method is private_key_jwt"}
	case strings.HasPrefix(c.AuthMethod, "client_secret_") && len(c.SecretHashes) == 0:
		return &Invalid{"client_secret", "is missing, and token_endpoint_auth_method asks for one"}
	case c.Public() && c.May("client_credentials"):
		return &Invalid{"grant_types", "client_credentials needs a client with a secret"}
	}
	for _, field := range []struct {
		name string
		uris []string
	}{{"callbacks", c.RedirectURIs}, {"allowed_logout_urls", c.LogoutURIs}} {
		for _, s := range field.uris {
			if problem := uriProblem(s); problem != "" {
				return &Invalid{field.name, problem + ": " + s}
			}
		}
	}
	return nil
}

// uriProblem says what is wrong with a URI that users may be sent to (RFC 6749,
// section 3.1.2; RFC 8252, section 7, for native applications' own schemes).
func uriProblem(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Scheme == "":
		return "is not an absolute URL"
	case u.Fragment != "":
		return "has a fragment"
	case u.User != nil:
		return "has a user name in it"
	case slices.Contains([]string{"javascript", "data", "vbscript", "file", "about", "blob"}, u.Scheme):
		return "has a scheme that is no place to go"
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host == "":
		return "has no host"
	}
	return ""
}

// ResourceServer is an API that access tokens can be for.
type ResourceServer struct {
	forever
	Identifier         string // the audience of its tokens
	ID                 string
	Name               string
	Scopes             []Scope
	Alg                string        // that its tokens are signed with; "" means RS256
	TokenLifetime      time.Duration // zero means a day
	AllowOfflineAccess bool
}

// Scope is one permission of a resource server, with what it means to people.
type Scope struct{ Value, Description string }

func (r ResourceServer) Key() string { return r.Identifier }

// Has reports whether a scope is one of the API's.
func (r ResourceServer) Has(scope string) bool {
	return slices.ContainsFunc(r.Scopes, func(s Scope) bool { return s.Value == scope })
}

// Validate finds fault with a resource server that cannot be kept.
func (r ResourceServer) Validate() error {
	if r.Identifier == "" {
		return &Invalid{"identifier", "is missing"}
	}
	for _, s := range r.Scopes {
		if s.Value == "" {
			return &Invalid{"scopes", "one has no value"}
		}
	}
	return nil
}

// ClientGrant is what a client may ask of a resource server for itself (client
// credentials, RFC 6749, section 4.4).
type ClientGrant struct {
	forever
	ID       string
	Client   string
	Audience string
	Scopes   []string
}

func (g ClientGrant) Key() string { return ClientGrantKey(g.Client, g.Audience) }

// ClientGrantKey is what the grant of a client for an audience is kept under.
func ClientGrantKey(client, audience string) string { return client + " " + audience }
