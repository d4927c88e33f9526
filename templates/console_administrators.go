package templates

import "time"

// Fault is what is wrong with a field of a form that was sent.
type Fault struct{ Field, Problem string }

// Of is what is wrong with a field, or "".
func (f Fault) Of(field string) string {
	if f.Field != field {
		return ""
	}
	return f.Problem
}

// Administrators is the page "admin/administrators": who may use the console.
type Administrators struct {
	Console
	Admins []AdminLine
	Roles  []string // that there are
}

// AdminLine is an administrator in a list.
type AdminLine struct {
	ID, Name, Role    string
	Self              bool   // who looks at it
	Means             string // of signing in, in words
	Created, LastSeen time.Time
}

// Invited is the page "admin/invited": a link that makes an administrator.
type Invited struct {
	Console
	Name    string // of who is invited; may be empty
	Invited string // role
	Link    string
}

// Me is the page "admin/me": how the administrator who looks at it signs in.
type Me struct {
	Console
	Password bool // they have one
	Passkeys []PasskeyLine
	Sessions int // browsers in which they are signed in
	Fault    Fault

	Identities []IdentityLine
	Entrances  []Entrance // at which they may have one
}

// IdentityLine is an identity of an administrator's in a list.
type IdentityLine struct {
	ID, Connection, Title string
	Created, Used         time.Time
}

// PasskeyLine is a passkey in a list.
type PasskeyLine struct {
	ID, Name      string
	Created, Used time.Time
}

// NewPasskey is the page "admin/passkey": makes a further passkey.
type NewPasskey struct{ Console }
