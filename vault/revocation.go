package vault

import "time"

// Revocation is a token set whose refresh token nothing uses any more, and which
// is to be revoked at its provider (RFC 7009): a newer sign-in of the same user
// brought another, what was issued could not be kept, or the account was
// disconnected. It is kept until it is revoked, or nobody need know any more why
// it was not.
type Revocation struct {
	ID         string
	Tokens     TokenSet
	Disconnect bool // somebody disconnected the account, and may ask what came of it
	Generation int  // that the disconnection of a whole connection began, if it was that
	Awaits     bool // a refresh under way has to end first: the tokens are with the account still
	Began      time.Time
	Attempts   int
	Next       time.Time // attempt
	Until      time.Time // when it is given up; zero: when it expires
	Problem    string    // what came of the last attempt, for people
	GivenUp    bool      // there is no next attempt, and no token is kept
	Expires    time.Time
}

// Connection is the name of the connection that the token set is of.
func (r Revocation) Connection() string { return ConnectionOf(r.Tokens.Identity) }

func (r Revocation) Key() string          { return r.ID }
func (r Revocation) ExpiresAt() time.Time { return r.Expires }

// revocationLife is how long it is tried to revoke a refresh token,
// revocationWait how long at most until the first time, and revocationTold how
// long it is told afterwards that it was in vain.
const (
	revocationLife = 7 * 24 * time.Hour
	revocationWait = 24 * time.Hour
	revocationTold = 90 * 24 * time.Hour
)

// newRevocation is one that is due.
func (tx *Tx) newRevocation(id string, ts TokenSet) Revocation {
	until := tx.now.Add(revocationLife)
	return Revocation{ID: id, Tokens: ts, Began: tx.now, Next: tx.now, Until: until, Expires: until.Add(revocationTold)}
}

// GiveUp is the revocation when it is not tried any more, for a reason, without
// the tokens.
func (r Revocation) GiveUp(why string) Revocation {
	r.GivenUp, r.Awaits, r.Problem = true, false, why
	r.Tokens = TokenSet{Identity: r.Tokens.Identity, ID: r.Tokens.ID}
	return r
}

// Discard has the refresh token of a token set revoked, by and by. Its access
// token, which goes with it, may still be in use if it was kept: it is given
// until it expires. A refresh token that may have been spent, or is dead, is
// left alone: showing it again can do harm, and no good.
func (tx *Tx) Discard(id string, ts TokenSet, kept bool) error {
	if ts.RefreshToken.IsZero() || ts.Attempt != nil || ts.Refusal != nil {
		return nil
	}
	r := tx.newRevocation(id, ts)
	if latest := tx.now.Add(revocationWait); kept && ts.Expires.After(tx.now) {
		r.Next = ts.Expires
		if r.Next.After(latest) {
			r.Next = latest
		}
	}
	return tx.Revocations.Put(r)
}
