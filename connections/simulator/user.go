package simulator

import (
	"crypto/subtle"
	"strings"
)

// User is a user of an org.
type User struct {
	ID            string // 15 or 18 characters, beginning 005; "": derived from Username
	Username      string // what one signs in with; has the form of an e-mail address and need not be one; no two users of all orgs have the same
	Password      string // "": no password is right
	FirstName     string
	LastName      string
	Email         string
	EmailVerified bool
	Inactive      bool // may neither sign in nor refresh
	Restricted    bool // comes from an address, or at an hour, that is not allowed
}

// DefaultUsers are the users of an org that was given none: Ada, whose e-mail
// address is verified, and Grace, whose is not.
func DefaultUsers() []User {
	return []User{
		{
			ID: "005Sa000000adaLIAQ", Username: "ada@example.com", Password: "engine-of-1843",
			FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.com", EmailVerified: true,
		},
		{
			ID: "005Sa000000graHIAQ", Username: "grace@example.com", Password: "moth-in-relay-70",
			FirstName: "Grace", LastName: "Hopper", Email: "grace@example.com",
		},
	}
}

// member is a user with their org.
type member struct {
	User
	org Org
}

// member finds a user of any org by name, which no two users have alike.
func (s *Salesforce) member(username string) (member, bool) {
	return host{orgs: s.orgs()}.member(username)
}

// signIn finds the user that a name and a password belong to.
func (h host) signIn(username, password string) (member, bool) {
	m, ok := h.member(username)
	return m, ok && m.Password != "" && subtle.ConstantTimeCompare([]byte(m.Password), []byte(password)) == 1
}

func (u User) name() string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }

func (u User) nickname() string {
	name, _, _ := strings.Cut(u.Username, "@")
	return name
}
