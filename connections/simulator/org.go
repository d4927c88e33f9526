package simulator

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

// Org is an org with its settings. The zero value is a production org with a
// fixed ID.
type Org struct {
	ID             string        // 15 or 18 characters, beginning 00D; "": DefaultOrgID, or derived from MyDomain
	Name           string        // "": "Analytical Engines"
	Sandbox        bool          // its users sign in at the test host
	SessionTimeout time.Duration // of an access token from its last use; 0: two hours
	StrictAudience bool          // assertions must be addressed to the login host, and to nothing else
	OnceAssertions bool          // an assertion that brought a token brings none again
	AllowPasswords bool          // connected apps may send usernames and passwords
	Issuer         Issuer        // of its ID tokens
	Suspended      bool          // nobody may sign in, and no token is good
	LoginRate      int           // logins that a user may have within an hour; 0: 3600
	LegacyBusy     bool          // a refresh while another is under way is refused in the wrong words of 2024

	MyDomain      string   // such as "acme" or "acme--uat"; "": the org is at the simulator's root, alone
	FormerDomains []string // My Domains it had before, which redirect to the new one; "": the root
	Sites         []Site   // its Experience Cloud sites, whose users are the org's
	Users         []User   // its users, of an org in Salesforce.Orgs

	// RecentMetadata has the discovery document list PKCE, grant types and
	// DPoP, as newer releases do.
	RecentMetadata bool
}

// Site is an Experience Cloud site.
type Site struct {
	ID   string // 18 characters, beginning 0DB; "": derived from Path
	Path string // such as "partners"; "": none
}

// Issuer is which host of an org its ID tokens are from.
type Issuer int

// Issuers.
const (
	IssuerHost     Issuer = iota // the one that was asked for the token
	IssuerLogin                  // the login host
	IssuerMyDomain               // the org's My Domain
)

// DefaultOrgID is the ID of an org that was given none.
const DefaultOrgID = "00DSa000000sim1MAA"

// orgs are all orgs, the first of them Org, each with its ID in 18 characters
// and its users in full.
func (s *Salesforce) orgs() []Org {
	s.settings.RLock()
	defer s.settings.RUnlock()
	first := s.Org
	if first.ID == "" {
		first.ID = DefaultOrgID
	}
	first.Users = s.Users
	if s.Users == nil {
		first.Users = DefaultUsers()
	}
	orgs := append([]Org{first}, s.Orgs...)
	for i := range orgs {
		o := &orgs[i]
		if o.ID == "" {
			o.ID = recordID("00D", o.MyDomain)
		}
		o.ID = id18(o.ID)
		users := make([]User, len(o.Users))
		for i, u := range o.Users {
			if u.ID == "" {
				u.ID = recordID("005", u.Username)
			}
			u.ID = id18(u.ID)
			users[i] = u
		}
		o.Users = users
	}
	return orgs
}

// recordID is the ID of a record that was given none, in 15 characters.
func recordID(prefix, name string) string {
	return fmt.Sprintf("%s%X", prefix, sha256.Sum256([]byte(name)))[:15]
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

func (o Org) loginRate() int {
	if o.LoginRate == 0 {
		return 3600
	}
	return o.LoginRate
}

func (s Site) id() string {
	if s.ID == "" {
		return id18(recordID("0DB", s.Path))
	}
	return s.ID
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
