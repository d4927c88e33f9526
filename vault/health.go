package vault

import "time"

// Health is how a connected account is: whether applications can have its tokens,
// and who has to do something where they cannot.
type Health string

const (
	Healthy      Health = "healthy"       // there is an access token, or a refresh will bring one
	Expiring     Health = "expiring"      // there is one for now, and no way to another: the user has to connect again
	Refreshing   Health = "refreshing"    // a refresh is under way
	Ambiguous    Health = "ambiguous"     // a refresh had no answer: its token may be spent, which is asked after before the next
	Reauthorize  Health = "reauthorize"   // the provider has refused for good: the user has to connect again
	Quarantined  Health = "quarantined"   // the provider answered for somebody else: the user has to connect again
	NotRenewable Health = "not_renewable" // the access token has expired, and there is no way to another: the user has to connect again
	Revoked      Health = "revoked"       // it was disconnected, and what is left of it is being revoked
	Disabled     Health = "disabled"      // the connection is switched off, or keeps no tokens: an administrator can change that
)

// Healths are all of them, those first that ask for somebody.
var Healths = []Health{Quarantined, Reauthorize, Ambiguous, NotRenewable, Expiring, Refreshing, Revoked, Disabled, Healthy}

// Health is how the account of a token set is at a time. Asserts says that its
// connection needs no refresh token, as an [Asserter].
//
// Of several reasons it is the one that an exchange would be refused for first.
// That an access token has expired is none where another can be had: nobody may
// have asked for it for long.
func (t TokenSet) Health(c Connection, asserts bool, now time.Time) Health {
	switch {
	case !t.Connected(c):
		return Revoked
	case !c.Active || !c.TokenVault:
		return Disabled
	case t.Refusal != nil && t.Refusal.Quarantine:
		return Quarantined
	case t.Refusal != nil:
		return Reauthorize
	case asserts:
		return Healthy
	case t.RefreshToken.IsZero() && t.Expires.After(now):
		return Expiring
	case t.RefreshToken.IsZero():
		return NotRenewable
	case t.Attempt.awaited(now):
		return Refreshing
	case t.Attempt != nil && t.Rotation != Static: // one that does not rotate can be shown again
		return Ambiguous
	}
	return Healthy
}

// awaited reports whether somebody waits for the answer to an attempt, as far as
// this instance's clock tells.
func (a *Attempt) awaited(now time.Time) bool {
	return a != nil && !a.Ended && !a.Unheard && a.Until.After(now) && !a.Until.After(now.Add(attemptTime))
}
