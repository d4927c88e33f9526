package vault

import (
	"strings"
	"time"
)

// Revocation is a token set whose refresh token nothing uses any more, and which
// is to be revoked at its provider (RFC 7009): a newer sign-in of the same user
// brought another, or what was issued could not be kept.
type Revocation struct {
	ID       string
	Tokens   TokenSet
	Attempts int
	Next     time.Time // attempt
	Expires  time.Time
}

// Connection is the name of the connection that the token set is of.
func (r Revocation) Connection() string {
	name, _, _ := strings.Cut(r.Tokens.Identity, "|")
	return name
}

func (r Revocation) Key() string          { return r.ID }
func (r Revocation) ExpiresAt() time.Time { return r.Expires }

// revocationLife is how long it is tried to revoke a refresh token, and
// revocationWait how long at most until the first time.
const (
	revocationLife = 7 * 24 * time.Hour
	revocationWait = 24 * time.Hour
)

// Discard has the refresh token of a token set revoked, by and by. Its access
// token, which goes with it, may still be in use if it was kept: it is given
// until it expires. A refresh token that may have been spent, or is dead, is
// left alone: showing it again can do harm, and no good.
func (tx *Tx) Discard(id string, ts TokenSet, kept bool) error {
	if ts.RefreshToken.IsZero() || ts.Attempt != nil || ts.Refusal != nil {
		return nil
	}
	r := Revocation{ID: id, Tokens: ts, Next: tx.now, Expires: tx.now.Add(revocationLife)}
	if latest := tx.now.Add(revocationWait); kept && ts.Expires.After(tx.now) {
		r.Next = ts.Expires
		if r.Next.After(latest) {
			r.Next = latest
		}
	}
	return tx.Revocations.Put(r)
}
