package simulator

import (
	"strings"
	"time"
)

// Org is the org's own settings. The zero value is a production org with a
// fixed ID.
type Org struct {
	ID             string        // 15 or 18 characters, beginning 00D; "": DefaultOrgID
	Name           string        // "": "Analytical Engines"
	Sandbox        bool          // as the Organization record tells it
	SessionTimeout time.Duration // of an access token from its last use; 0: two hours
	StrictAudience bool          // assertions must be addressed to the login host, and to nothing else

	// RecentMetadata has the discovery document list PKCE, grant types and
	// DPoP, as newer releases do. The simulator speaks no DPoP: a proof is
	// ignored and the token is a Bearer token.
	RecentMetadata bool
}

// DefaultOrgID is the ID of an org that was given none.
const DefaultOrgID = "00DSa000000sim1MAA"

// id is the org's ID in 18 characters.
func (o Org) id() string {
	if o.ID == "" {
		return DefaultOrgID
	}
	return id18(o.ID)
}

func (o Org) name() string {
	if o.Name == "" {
		return "Analytical Engines"
	}
	return o.Name
}

// loginURL is the login host that the org has in reality.
func (o Org) loginURL() string {
	if o.Sandbox {
		return "https://test.salesforce.com"
	}
	return "https://login.salesforce.com"
}

func (o Org) sessionTimeout() time.Duration {
	if o.SessionTimeout == 0 {
		return 2 * time.Hour
	}
	return o.SessionTimeout
}

// id18 turns a record's case-sensitive ID of 15 characters into its
// case-insensitive one of 18: each character added tells which of five are
// capitals. Anything else is returned as it is.
func id18(id string) string {
	if len(id) != 15 {
		return id
	}
	var b strings.Builder
	b.WriteString(id)
	for chunk := range 3 {
		capitals := 0
		for i := range 5 {
			if c := id[5*chunk+i]; 'A' <= c && c <= 'Z' {
				capitals |= 1 << i
			}
		}
		b.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[capitals])
	}
	return b.String()
}
