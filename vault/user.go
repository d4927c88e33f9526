package vault

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Profile is what an identity provider says of a person, under the names of
// OpenID Connect Core 1.0, section 5.1.
type Profile struct {
	Name, GivenName, FamilyName, Nickname string
	Username                              string // preferred_username
	Email                                 string
	EmailVerified                         bool
	Picture, Locale, Zoneinfo             string
}

// User is a person, as clients know them.
type User struct {
	forever
	ID         string // the subject, "sub", of tokens
	Profile    Profile
	Identities []string // keys of their identities, in the order in which they came
	Blocked    bool
	Created    time.Time
	Updated    time.Time // the profile
	LastLogin  time.Time
	Logins     int
}

func (u User) Key() string { return u.ID }

// Identity is a user's account at an identity provider.
type Identity struct {
	forever
	Connection string // name
	Subject    string // at the provider, unique within the connection
	Strategy   string // of the connection
	UserID     string // the provider's own name of the account: the last part of a user's ID
	Org        string // the provider's name of the organization it is in, if it has such
	Qualified  bool   // a user's ID names the connection, too: strategy|connection|account
	Profile    Profile
	User       string // ID of the user whose account it is
	Created    time.Time
}

func (i Identity) Key() string { return IdentityKey(i.Connection, i.Subject) }

// IdentityKey is what the identity with a subject at a connection is kept under.
func IdentityKey(connection, subject string) string { return connection + "|" + subject }

// ConnectionOf is the name of the connection that the identity with a key is at.
func ConnectionOf(identity string) string {
	name, _, _ := strings.Cut(identity, "|") // which no connection has in its name
	return name
}

// SignIn returns the user with an identity, and makes one at its first sign-in.
// The identity's connection and subject decide who that is, and nothing else:
// never an e-mail address.
func (tx *Tx) SignIn(i Identity) (User, error) {
	known, err := tx.Identities.Get(i.Key())
	var u User
	switch {
	case err == nil:
		if u, err = tx.Users.Get(known.User); err != nil {
			return User{}, err
		}
		i.User, i.Created = known.User, known.Created
	case errors.Is(err, ErrNotFound):
		id, err := tx.freeUserID(i)
		if err != nil {
			return User{}, err
		}
		i.User, i.Created = id, tx.now
		u = User{ID: id, Identities: []string{i.Key()}, Created: tx.now}
	default:
		return User{}, err
	}
	if u.Blocked {
		return u, nil // nothing of a blocked user's sign-in is kept
	}
	if u.Identities[0] == i.Key() && u.Profile != i.Profile {
		u.Profile, u.Updated = i.Profile, tx.now
	}
	u.LastLogin = tx.now
	u.Logins++
	if err := tx.Identities.Put(i); err != nil {
		return User{}, err
	}
	return u, tx.Users.Put(u)
}

// Link gives a user a further identity, or renews what is known of one that the
// user has. It fails with [ErrConflict] if the identity is somebody else's.
func (tx *Tx) Link(user User, i Identity) error {
	known, err := tx.Identities.Get(i.Key())
	switch {
	case err == nil && known.User != user.ID:
		return ErrConflict
	case err == nil:
		i.User, i.Created = known.User, known.Created
	case !errors.Is(err, ErrNotFound):
		return err
	default:
		i.User, i.Created = user.ID, tx.now
		user.Identities = append(slices.Clip(user.Identities), i.Key())
		if err := tx.Users.Put(user); err != nil {
			return err
		}
	}
	return tx.Identities.Put(i)
}

// freeUserID is the ID of a new user: Auth0's, strategy|account, or
// strategy|connection|account where a strategy stands for many providers; and
// longer where another organization's or connection's user already has that.
func (tx *Tx) freeUserID(i Identity) (string, error) {
	prefix := i.Strategy + "|"
	if i.Qualified {
		prefix += i.Connection + "|"
	}
	ids := []string{prefix + i.UserID}
	if i.Org != "" {
		ids = append(ids, prefix+i.Org+"/"+i.UserID)
	}
	for _, id := range append(ids, prefix+i.Connection+"/"+i.Subject) {
		taken, err := Exists(errOf(tx.Users.Get(id)))
		if err != nil {
			return "", err
		}
		if !taken {
			return id, nil
		}
	}
	return "", ErrConflict
}

func errOf[T any](_ T, err error) error { return err }
