package connections

import (
	"strings"

	"sallyport/vault"
)

// The options by which a connection's access tokens are got.
const (
	tokenGrant        = "token_grant"
	tokenUser         = "token_user"         // whose tokens clients get for themselves
	assertionAudience = "assertion_audience" // in place of the host's own
)

// The values of token_grant.
const (
	authorizationCode = "authorization_code" // and refresh tokens; the default
	jwtBearer         = "jwt_bearer"         // RFC 7523
	samlBearer        = "saml2_bearer"       // RFC 7522
	clientCredentials = "client_credentials" // RFC 6749, section 4.4
)

var tokenGrants = []string{authorizationCode, jwtBearer, samlBearer, clientCredentials}

// Asserts reports whether the access tokens of a connection are asked for by a
// key or a secret of the gateway's own, and its refresh tokens not kept; see
// [vault.Asserter].
func Asserts(c vault.Connection) bool {
	grant := c.Options[tokenGrant]
	return grant != "" && grant != authorizationCode
}

// OfClients reports whether the access tokens of a connection belong to the
// clients that it is enabled for, all the same ones, and to no user of theirs.
func OfClients(c vault.Connection) bool {
	return c.Options[tokenGrant] == clientCredentials || c.Options[tokenUser] != ""
}

// TokenUser is the username that a connection's tokens of clients are of, if
// the connection says.
func TokenUser(c vault.Connection) string { return c.Options[tokenUser] }

// Basis stands for the settings by which a connection's tokens of clients are
// got. Those whose Params have another "basis" are of another user, or org.
func Basis(c vault.Connection) string {
	return vault.Hash(strings.Join([]string{
		c.Strategy, c.ClientID, c.Options["login_url"], c.Options["org_id"], c.Options[tokenGrant], c.Options[tokenUser], strings.Join(c.Scopes, " "),
	}, "\n"))
}
