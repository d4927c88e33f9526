package simulator

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"
)

// User is a user of the org.
type User struct {
	ID            string // 15 or 18 characters, beginning 005; "": derived from Username
	Username      string // what one signs in with; has the form of an e-mail address and need not be one
	Password      string // "": no password is right
	FirstName     string
	LastName      string
	Email         string
	EmailVerified bool
	Inactive      bool // may neither sign in nor refresh
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

// users are the org's users, each with an ID of 18 characters.
func (s *Salesforce) users() []User {
	if s.Users == nil {
		return DefaultUsers()
	}
	users := make([]User, len(s.Users))
	for i, u := range s.Users {
		if u.ID == "" {
			u.ID = fmt.Sprintf("005%X", sha256.Sum256([]byte(u.Username)))[:15]
		}
		u.ID = id18(u.ID)
		users[i] = u
	}
	return users
}

// user finds a user by ID, in 15 or 18 characters.
func (s *Salesforce) user(id string) (User, bool) {
	for _, u := range s.users() {
		if u.ID == id18(id) {
			return u, true
		}
	}
	return User{}, false
}

// userNamed finds a user by name, whatever its case.
func (s *Salesforce) userNamed(username string) (User, bool) {
	for _, u := range s.users() {
		if strings.EqualFold(u.Username, username) {
			return u, true
		}
	}
	return User{}, false
}

// signIn finds the user that a name and a password belong to.
func (s *Salesforce) signIn(username, password string) (User, bool) {
	u, ok := s.userNamed(username)
	return u, ok && u.Password != "" && subtle.ConstantTimeCompare([]byte(u.Password), []byte(password)) == 1
}

func (u User) name() string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }

func (u User) nickname() string {
	name, _, _ := strings.Cut(u.Username, "@")
	return name
}

// identityURL names the user: the "id" of token responses and the subject of
// ID tokens.
func (s *Salesforce) identityURL(base string, u User) string {
	return base + "/id/" + s.Org.id() + "/" + u.ID
}
