package vault

import (
	"slices"
	"time"
)

// Role is what an administrator may do.
type Role string

const (
	Viewer Role = "viewer" // see everything that is no secret
	Editor Role = "editor" // and change connections, applications, users and policy
	Owner  Role = "owner"  // and change keys, settings and administrators
)

// Roles are the roles, the lesser first.
var Roles = []Role{Viewer, Editor, Owner}

// May reports whether a role has what another has.
func (r Role) May(needed Role) bool { return slices.Index(Roles, r) >= slices.Index(Roles, needed) }

// Admin is somebody who may use the console. They sign in with a passkey, with a
// password and a one-time password, or with an identity of theirs.
type Admin struct {
	forever
	ID         string // "adm_…"
	Name       string // what they are known by: an e-mail address, most often
	Role       Role
	Password   Secret // Argon2id, as a PHC string; none without a password
	TOTP       Secret // shared secret of their one-time passwords (RFC 6238), in base 32
	TOTPStep   int64  // the last time step that was used: each is good once
	Passkeys   []Passkey
	Identities []AdminIdentity // each is of no other administrator
	Created    time.Time
	LastSeen   time.Time
}

// Passkey is a credential of the Web Authentication API.
type Passkey struct {
	ID         []byte
	Name       string // by which its owner tells it from others
	Credential []byte // as the library that checks it has it, in JSON
	Created    time.Time
	Used       time.Time
}

// AdminIdentity is an account at an identity provider by which an administrator
// signs in. It is nothing to the users of the gateway, one of whom may have the
// same.
type AdminIdentity struct {
	Connection   string // name
	ConnectionID string // a connection that is made later under the same name is another
	Subject      string // as [Identity.Subject]
	Title        string // what the account is called there, for people alone
	Created      time.Time
	Used         time.Time
}

// At reports whether the identity is of a connection, as it is now.
func (i AdminIdentity) At(c Connection) bool {
	return i.Connection == c.Name && i.ConnectionID == c.ID
}

func (i AdminIdentity) String() string { return IdentityKey(i.Connection, i.Subject) }

func (a Admin) Key() string { return a.ID }

// Validate finds fault with an administrator who cannot be kept.
func (a Admin) Validate() error {
	switch {
	case a.ID == "":
		return &Invalid{"id", "is missing"}
	case a.Name == "" || len(a.Name) > 200:
		return &Invalid{"name", "should be what you are known by, of 200 characters at most"}
	case !slices.Contains(Roles, a.Role):
		return &Invalid{"role", "should be viewer, editor or owner"}
	}
	return nil
}

// AdminInvite is a link that makes an administrator, once.
type AdminInvite struct {
	Hash    string
	Name    string // suggested; may be empty
	Role    Role
	By      string // who invited: an administrator, or a command
	Expires time.Time
}

func (i AdminInvite) Key() string          { return i.Hash }
func (i AdminInvite) ExpiresAt() time.Time { return i.Expires }

// AdminSession is a browser in which an administrator is signed in.
type AdminSession struct {
	Hash    string // of its ID
	Admin   string
	Began   time.Time
	Proved  time.Time // when they last showed who they are: before what cannot be undone, they do so again
	Idle    time.Time // it ends then if it is not used
	Expires time.Time // it ends then in any case
}

func (s AdminSession) Key() string { return s.Hash }

func (s AdminSession) ExpiresAt() time.Time {
	if s.Idle.Before(s.Expires) {
		return s.Idle
	}
	return s.Expires
}

// AdminChallenge is a question that a browser was asked, and answers once: to
// become an administrator, or to sign in as one.
type AdminChallenge struct {
	Hash     string
	Invite   string // hash of the invitation that is being taken up, if one is
	Name     string // that was chosen
	Password Secret // that was chosen: Argon2id, as a PHC string
	TOTP     Secret // otpauth URL of the one-time passwords to be
	Passkey  Secret // the ceremony under way, as the library that checks it has it, in JSON
	Expires  time.Time
}

func (c AdminChallenge) Key() string          { return c.Hash }
func (c AdminChallenge) ExpiresAt() time.Time { return c.Expires }
