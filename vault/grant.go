package vault

import (
	"errors"
	"time"
)

// Code is an authorization code.
type Code struct {
	Hash     string
	Request  AuthorizationRequest
	User     string
	SID      string // of the session
	Identity string // key of the identity that the user signed in with
	Consent  string // ID of the consent that it rests on, if it does
	AuthTime time.Time
	Expires  time.Time
}

func (c Code) Key() string          { return c.Hash }
func (c Code) ExpiresAt() time.Time { return c.Expires }

// Grant is what a user allowed a client at one sign-in. It is kept under the
// hash of the code that brought it, so that a code shown twice names the grant
// to revoke (RFC 6749, section 4.1.2); tokens of a grant that is gone are no
// longer good.
//
// A refresh token is the grant's ID and a secret. Where it rotates, each use
// replaces the secret, and one that is no longer current revokes the grant (RFC
// 9700, section 4.14.2).
type Grant struct {
	ID         string
	SecretHash string    // of the refresh token; "" if there is none
	Previous   string    // hash of the secret before
	Replaced   time.Time // when it was
	DPoPKey    string    // thumbprint of the key that its tokens are bound to, if they are (RFC 9449)
	Client     string
	User       string
	SID        string
	Identity   string
	Consent    string // ID of the consent that it rests on, if it does
	Scopes     []string
	Audience   string
	Claims     string // the claims parameter of the request (OpenID Connect Core 1.0, section 5.5)
	AuthTime   time.Time
	Created    time.Time
	Used       time.Time // last refresh
	Expires    time.Time // never, if zero
}

func (g Grant) Key() string          { return g.ID }
func (g Grant) ExpiresAt() time.Time { return g.Expires }

// Grant returns the grant with an ID, or [ErrNotFound], also if the consent that
// it rests on was taken back since.
func (tx *Tx) Grant(id string) (Grant, error) {
	g, err := tx.Grants.Get(id)
	if err != nil || g.Consent == "" {
		return g, err
	}
	given, err := tx.Consents.Get(ConsentKey(g.User, g.Client, g.Audience))
	if err == nil && given.ID != g.Consent || errors.Is(err, ErrNotFound) {
		return Grant{}, ErrNotFound
	}
	return g, err
}

// AccessToken is an opaque access token of the gateway's, good for its own
// endpoints.
type AccessToken struct {
	Hash    string
	Grant   string
	Client  string
	User    string
	Scopes  []string
	DPoPKey string // thumbprint of the key that it is bound to, if it is
	Expires time.Time
}

func (t AccessToken) Key() string          { return t.Hash }
func (t AccessToken) ExpiresAt() time.Time { return t.Expires }

// SigningKey signs the gateway's tokens.
type SigningKey struct {
	ID        string // "kid" (RFC 7517, section 4.5)
	Alg       string // RFC 7518, section 3.1
	PKCS8     Secret
	Created   time.Time
	NotBefore time.Time // from when it signs: until then it is only published
	Expires   time.Time // until when it is published; zero while it is the newest
}

func (k SigningKey) Key() string          { return k.ID }
func (k SigningKey) ExpiresAt() time.Time { return k.Expires }
