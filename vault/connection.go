package vault

import (
	"regexp"
	"slices"
	"time"
)

// Connection is how the gateway reaches an identity provider, as one client of
// it.
type Connection struct {
	forever
	Name         string
	ID           string // "con_…", for the management API
	DisplayName  string
	Strategy     string // of package connections: "salesforce", "oidc", …
	ClientID     string
	ClientSecret Secret
	SecretSet    time.Time                // when the client secret was set in the console; zero if elsewhere
	Scopes       []string                 // asked for; none means the strategy's
	Options      map[string]string        // the strategy's own fields
	Upstream     map[string]UpstreamParam // added to the authorization request upstream
	Active       bool                     // users may sign in with it
	TokenVault   bool                     // keep the token sets it issues
	Clients      []string                 // IDs of the clients whose users may use it
	ForAdmins    bool                     // administrators may sign in to the console with it
	Certificates []Certificate            // by which the gateway signs assertions to it
	Generation   int                      // how often all of its accounts were disconnected at once
}

// UpstreamParam is a parameter of an authorization request upstream: a fixed
// value, or whatever a parameter of the client's own request says.
type UpstreamParam struct{ Value, Alias string }

func (c Connection) Key() string { return c.Name }

// Allows reports whether a client may use the connection.
func (c Connection) Allows(client string) bool { return slices.Contains(c.Clients, client) }

// AdmitsAdmins reports whether administrators can sign in to the console with the
// connection.
func (c Connection) AdmitsAdmins() bool { return c.ForAdmins && c.Active }

// Title is the connection's name for people.
func (c Connection) Title() string {
	if c.DisplayName != "" {
		return c.DisplayName
	}
	return c.Name
}

var connectionName = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,126}[A-Za-z0-9])?$`)

// Validate finds fault with a connection that cannot be kept.
func (c Connection) Validate() error {
	switch {
	case !connectionName.MatchString(c.Name):
		return &Invalid{"name", "should be letters, digits and hyphens, at most 128, not beginning or ending with a hyphen"}
	case c.Strategy == "":
		return &Invalid{"strategy", "is missing"}
	}
	return nil
}
