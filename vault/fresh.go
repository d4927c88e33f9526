package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// A Refresher exchanges the refresh token of a token set for a fresh set at its
// provider; connections.Provider is one. What its answer leaves out stays as it
// was. Its error is a [*Refusal] if the provider refused the refresh token for
// good, and wraps [ErrUnspent] if the token is surely as good as before. Any
// other error leaves open what became of it. One that needs no refresh token is
// an [Asserter].
type Refresher interface {
	Refresh(ctx context.Context, old TokenSet) (TokenSet, error)
}

// An Introspector is a Refresher that can tell whether a refresh token is still
// good without using it (RFC 7662).
type Introspector interface {
	Introspect(ctx context.Context, ts TokenSet) (active bool, err error)
}

// ErrReauthorize reports that a token set is beyond refreshing: the user must
// connect again.
var ErrReauthorize = errors.New("vault: the user must connect again")

// ErrUnspent reports that a refresh failed before it could spend the refresh
// token, which may be shown again.
var ErrUnspent = errors.New("vault: the refresh token was not spent")

// ErrNotRenewable reports that an access token is not good enough and that
// there is no refresh token to get another with.
var ErrNotRenewable = errors.New("vault: no refresh token is stored")

const (
	refreshTimeout = 10 * time.Second                 // of the request to the provider
	attemptTime    = refreshTimeout + 5*time.Second   // until an attempt's request is surely over
	waitTime       = 20 * time.Millisecond            // between looks at another instance's attempt
	flightTime     = 2*attemptTime + 2*refreshTimeout // of all that one caller may have to wait for
)

// Need is what a caller asks of an access token.
type Need struct {
	TTL      time.Duration // it must be good for at least this long
	Rejected Secret        // it must not be this one, which its API refused
}

// justIssued is how new a token set is that is as good as it gets, however short
// its life: asking for another would get the same, and no provider is to be
// asked for one account more often.
const justIssued = time.Second

// met reports whether a token set is as needed. One issued since the caller
// asked, or just before, is as good as it gets.
func (n Need) met(ts TokenSet, now, asked time.Time) bool {
	if ts.AccessToken == n.Rejected || ts.AccessToken.IsZero() {
		return false
	}
	return ts.Expires.After(now.Add(n.TTL)) || ts.Issued.After(asked) && ts.Expires.After(now)
}

// Fresh returns a token set, that was just read as seen, with an access token as
// needed, refreshing it with r if it must. Of all callers in all instances one at a
// time refreshes; the others wait for what it got. An attempt is on disk before
// the refresh token leaves, and the refreshed set before Fresh returns.
//
// After an attempt without an answer, a refresh token that rotates, or may, is
// shown again only if an [Introspector] says that it is still good: showing a
// spent one can cost the user every token. An [Asserter] has none to show, and
// is simply asked again.
//
// The errors are a [*Refusal], [ErrNotRenewable], [ErrNotFound] and those of r.
func (v *Vault) Fresh(ctx context.Context, seen TokenSet, need Need, r Refresher) (TokenSet, error) {
	asked, identity := v.Now().Add(-justIssued), seen.Identity
	for {
		if need.met(seen, v.Now(), asked) {
			return seen, nil
		}
		// The refresh goes on if this caller leaves, and its callers share it.
		flight := v.flights.DoChan(identity, func() (any, error) {
			v.flying.Add(1)
			defer v.flying.Done()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTime)
			defer cancel()
			if a, ok := r.(Asserter); ok && a.Asserts() {
				return v.asserted(ctx, identity, need, asked, a)
			}
			return v.refreshed(ctx, identity, need, asked, r)
		})
		select {
		case <-ctx.Done():
			return TokenSet{}, ctx.Err()
		case res := <-flight:
			if res.Err != nil {
				return TokenSet{}, res.Err
			}
			out := res.Val.(outcome)
			if out.refreshed {
				return out.set, nil
			}
			seen = out.set // maybe of a flight for a caller who needed less
		}
	}
}

// outcome is what a flight found, and whether the provider issued it just now.
type outcome struct {
	set       TokenSet
	refreshed bool
}

// refreshed waits until the token set is as needed, by an attempt of its own or
// another instance's.
func (v *Vault) refreshed(ctx context.Context, identity string, need Need, asked time.Time, r Refresher) (outcome, error) {
	for {
		mine, before, err := v.attempt(ctx, identity, need, asked)
		switch {
		case err != nil:
			return outcome{}, err
		case mine.Attempt == nil:
			return outcome{mine, false}, nil // as needed already
		case mine.Attempt != before:
			ts, err := v.refresh(ctx, mine, before, r)
			return outcome{ts, true}, err
		}
		select {
		case <-ctx.Done():
			return outcome{}, fmt.Errorf("vault: another refresh of the same token set is under way: %w", ctx.Err())
		case <-time.After(waitTime):
		}
	}
}

// attempt writes down an attempt to refresh a token set, and returns the set
// with it, and the unanswered attempt that was there before, if any. The set
// that it returns has no attempt if it is as needed, and the one before if
// another instance is at it.
func (v *Vault) attempt(ctx context.Context, identity string, need Need, asked time.Time) (ts TokenSet, before *Attempt, err error) {
	a := &Attempt{ID: rand.Text(), Until: v.Now().Add(attemptTime)}
	err = v.Update(ctx, func(tx *Tx) (err error) {
		if ts, err = tx.TokenSets.Get(identity); err != nil {
			return err
		}
		before = ts.Attempt
		switch {
		case need.met(ts, tx.Now(), asked):
			ts.Attempt = nil
			return nil
		case ts.Refusal != nil:
			return ts.Refusal
		case ts.RefreshToken.IsZero():
			return ErrNotRenewable
		case before != nil && before.live(tx.Now()):
			return nil
		}
		ts.Attempt = a
		return tx.TokenSets.Put(ts)
	})
	return ts, before, err
}

// refresh makes the attempt of a token set and seals what came of it.
func (v *Vault) refresh(ctx context.Context, mine TokenSet, before *Attempt, r Refresher) (TokenSet, error) {
	asking, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	fresh, err := v.ask(asking, mine, before, r)
	after := mine
	var refusal *Refusal
	switch {
	case err == nil:
		after = mine.keep(fresh, v.Now())
	case errors.As(err, &refusal):
		after = mine.refused(refusal, v.Now())
	case errors.Is(err, ErrUnspent):
		after.Attempt = before // an open question before stays one
	case errors.Is(err, context.DeadlineExceeded):
		return TokenSet{}, err // the request may still be on its way: the attempt stays as it is
	default:
		after.Attempt = &Attempt{ID: mine.Attempt.ID, Until: mine.Attempt.Until, Ended: true}
	}
	superseded := func(now TokenSet) bool { return now.Attempt == nil || now.Attempt.ID != mine.Attempt.ID }
	if err := errors.Join(err, v.settle(ctx, &after, superseded)); err != nil {
		return TokenSet{}, err
	}
	return after, nil
}

// settle keeps a token set as it is after a request to its provider. A store
// that fails is asked again for as long as the flight lasts: what the provider
// issued exists nowhere else.
func (v *Vault) settle(ctx context.Context, after *TokenSet, superseded func(TokenSet) bool) error {
	for wait := waitTime; ; wait *= 2 {
		err := v.Update(ctx, func(tx *Tx) error {
			now, err := tx.TokenSets.Get(after.Identity)
			if err != nil {
				return err
			}
			if superseded(now) {
				*after = now // connected again meanwhile: that set is newer
				return nil
			}
			return tx.TokenSets.Put(*after)
		})
		if err == nil || errors.Is(err, ErrNotFound) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("vault: keep a refreshed token set: %w", err)
		case <-time.After(wait):
		}
	}
}

// ask shows the refresh token to the provider, unless an unanswered attempt
// before may have spent it.
func (v *Vault) ask(ctx context.Context, mine TokenSet, before *Attempt, r Refresher) (TokenSet, error) {
	if before != nil && mine.Rotation != Static {
		i, ok := r.(Introspector)
		if !ok {
			return TokenSet{}, &Refusal{Why: "A refresh had no answer, and the identity provider cannot tell whether the refresh token is still good. The user must connect again."}
		}
		active, err := i.Introspect(ctx, mine)
		if err != nil {
			return TokenSet{}, fmt.Errorf("vault: ask whether the refresh token is still good: %w: %w", ErrUnspent, err)
		}
		if !active {
			return TokenSet{}, &Refusal{Why: "A refresh had no answer, and the refresh token it showed is no longer good. The user must connect again."}
		}
	}
	return r.Refresh(ctx, mine)
}
