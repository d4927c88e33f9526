package vault

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"
)

// PushedRequest is an authorization request that a client pushed (RFC 9126).
type PushedRequest struct {
	Hash    string // of the request URI
	Client  string
	Params  map[string][]string
	DPoPKey string // thumbprint of the key that the client proved to hold, if it did
	Expires time.Time
}

func (p PushedRequest) Key() string          { return p.Hash }
func (p PushedRequest) ExpiresAt() time.Time { return p.Expires }

// Interaction is an authorization request that waits for its user, who is
// signed in, to decide.
type Interaction struct {
	Hash     string
	Session  string // hash of the session in which it may be decided
	Identity string // that the user signed in with
	Request  AuthorizationRequest
	Expires  time.Time
}

func (i Interaction) Key() string          { return i.Hash }
func (i Interaction) ExpiresAt() time.Time { return i.Expires }

// Consent is what a user allowed a client that is not the operator's own.
type Consent struct {
	forever
	ID           string // random, so that what was given anew is another
	User, Client string
	Scopes       []string
	Audience     string // of the scopes that are an API's
	Given        time.Time
}

func (c Consent) Key() string { return ConsentKey(c.User, c.Client, c.Audience) }

// ConsentKey is what the consent of a user is kept under. Its parts may have
// spaces in them, as an identity provider's subjects may.
func ConsentKey(user, client, audience string) string {
	return consentsOf(user) + url.QueryEscape(client) + " " + audience
}

// consentsOf is what the keys of a user's consents begin with.
func consentsOf(user string) string { return url.QueryEscape(user) + " " }

// ConsentsOf returns what a user has allowed.
func (tx *Tx) ConsentsOf(user string) (list []Consent, err error) {
	begin := consentsOf(user)
	for c, err := range tx.Consents.All(begin) {
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(c.Key(), begin) {
			break
		}
		list = append(list, c)
	}
	return list, nil
}

// Used marks an ID that may be used once, such as a JWT's, as used.
type Used struct {
	ID      string // with who used it
	Expires time.Time
}

func (u Used) Key() string          { return Hash(u.ID) }
func (u Used) ExpiresAt() time.Time { return u.Expires }

// UseOnce marks an ID as used until a time, or returns again if it is already.
func (v *Vault) UseOnce(ctx context.Context, id string, until time.Time, again error) error {
	return v.Update(ctx, func(tx *Tx) error {
		_, err := tx.Used.Get(Hash(id))
		switch {
		case err == nil:
			return again
		case !errors.Is(err, ErrNotFound):
			return err
		}
		return tx.Used.Put(Used{ID: id, Expires: until})
	})
}

// LogoutNotice tells a client that a session has ended (OpenID Connect
// Back-Channel Logout 1.0). It is kept until the client has heard it.
type LogoutNotice struct {
	ID       string
	Client   string
	User     string
	SID      string
	Attempts int
	Next     time.Time // attempt
	Expires  time.Time
}

func (n LogoutNotice) Key() string          { return n.ID }
func (n LogoutNotice) ExpiresAt() time.Time { return n.Expires }

// DeviceCode is a sign-in on a device without a browser (RFC 8628), kept under
// the hash of its device code.
type DeviceCode struct {
	Hash     string
	UserHash string // of the user code
	Client   string
	Scopes   []string
	Audience string
	Interval time.Duration // between polls
	Polled   time.Time
	Denied   bool
	Answer   *Code // once the user has allowed it
	Told     bool  // that it has expired
	Expires  time.Time
	Kept     time.Time // until when it can be told that it has expired
}

func (d DeviceCode) Key() string          { return d.Hash }
func (d DeviceCode) ExpiresAt() time.Time { return d.Kept }

// UserCode leads from what a user types to the device code.
type UserCode struct {
	Hash    string
	Device  string // hash of the device code
	Expires time.Time
}

func (u UserCode) Key() string          { return u.Hash }
func (u UserCode) ExpiresAt() time.Time { return u.Expires }
