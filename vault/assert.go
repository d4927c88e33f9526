package vault

import (
	"context"
	"errors"
	"time"
)

// An Asserter is a Refresher that, if Asserts reports so, needs no refresh
// token: its Refresh proves for whom it asks by a key or a secret of the
// gateway's own (RFC 7521; RFC 6749, section 4.4), and looks at none. Its
// [*Refusal] says that the provider does not let the gateway ask for this user.
type Asserter interface {
	Refresher
	Asserts() bool
}

// refusalTime is how long the refusal of an Asserter is believed. What is
// refused is the user's approval, which can also be given at the provider,
// unseen by the gateway.
const refusalTime = time.Minute

// asserted is a token set as needed, asked for anew if it has to be.
//
// No attempt is written down before the request: it shows nothing that a second
// one could not show again, so that one without an answer leaves no question
// open. Two instances may then ask at once, and get a good token each.
func (v *Vault) asserted(ctx context.Context, seen TokenSet, need Need, a Asserter) (outcome, error) {
	var before TokenSet
	err := v.View(ctx, func(tx *Tx) (err error) { before, err = tx.TokenSets.Get(seen.Identity); return err })
	switch {
	case err != nil:
		return outcome{}, err
	case need.met(before, v.Now(), seen):
		return outcome{before, false}, nil
	case before.Refusal != nil && (before.Refusal.Quarantine || before.Refusal.recent(v.Now())):
		return outcome{}, before.Refusal
	}
	asking, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	fresh, err := a.Refresh(asking, before)
	after := before
	var refusal *Refusal
	switch {
	case err == nil:
		after = before.keep(fresh, v.Now())
		// One from before the connection was set so would be a risk, for nothing.
		after.RefreshToken, after.Rotation = Secret{}, RotationUnknown
	case errors.As(err, &refusal):
		after = before.refused(refusal, v.Now())
	default:
		return outcome{}, err
	}
	kept, notKept := v.settle(ctx, after, refreshedWith(err, v.Now()), func(now TokenSet) bool {
		return now.AccessToken == before.AccessToken && now.Issued.Equal(before.Issued)
	})
	if err := errors.Join(err, notKept); err != nil {
		return outcome{}, err
	}
	if !kept { // there is a newer one
		return v.asserted(ctx, seen, need, a)
	}
	return outcome{after, true}, nil
}

// recent reports whether a refusal is still to be believed of an Asserter. One
// of the future was made before the clock was put back.
func (r *Refusal) recent(now time.Time) bool {
	age := now.Sub(r.At)
	return 0 <= age && age < refusalTime
}
