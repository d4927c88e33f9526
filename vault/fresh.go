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
// other error leaves open what became of it, and, unless it wraps [ErrAnswered],
// whether the request is still on its way. One that needs no refresh token is an
// [Asserter].
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

// ErrAnswered reports that the provider itself answered a refresh, though not
// usefully: its request is over.
var ErrAnswered = errors.New("vault: the refresh was answered")

// Unheard is the error of a refresh whose request may still be on its way at the
// provider, although nobody waits for its answer any more. Until it surely is
// over the refresh token is shown to nobody: two refreshes at once can cost the
// user every token.
type Unheard struct{ Wait time.Duration }

func (u *Unheard) Error() string {
	return fmt.Sprintf("vault: a refresh without an answer may be under way for another %v", u.Wait.Round(time.Millisecond))
}

// ErrNotRenewable reports that an access token is not good enough and that
// there is no refresh token to get another with.
var ErrNotRenewable = errors.New("vault: no refresh token is stored")

const (
	refreshTimeout = 10 * time.Second                 // of the request to the provider, from before its attempt is written
	attemptTime    = refreshTimeout + 5*time.Second   // until an attempt's request is surely over
	waitTime       = 20 * time.Millisecond            // until the first look at another instance's attempt
	waitMost       = 320 * time.Millisecond           // between looks, where nothing is heard of it
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

// met reports whether a token set is as needed. One issued since the caller saw
// another, or just before, is as good as it gets.
func (n Need) met(ts TokenSet, now time.Time, seen TokenSet) bool {
	if ts.AccessToken == n.Rejected || ts.AccessToken.IsZero() {
		return false
	}
	newest := !ts.Issued.Equal(seen.Issued) || now.Sub(ts.Issued).Abs() < justIssued
	return ts.Expires.After(now.Add(n.TTL)) || newest && ts.Expires.After(now)
}

// Fresh returns a token set, that was just read as seen, with an access token as
// needed, refreshing it with r if it must. Of all callers in all instances one at a
// time refreshes; the others wait for what it got. An attempt is on disk before
// the refresh token leaves, and the refreshed set before Fresh returns.
//
// After an attempt without an answer, and after a backup was restored, a refresh
// token that rotates, or may, is shown again only if an [Introspector] says that
// it is still good: showing a spent one can cost the user every token. An
// [Asserter] has none to show, and is simply asked again.
//
// The errors are a [*Refusal], an [*Unheard], [ErrNotRenewable], [ErrNotFound] and
// those of r, which an [*Unheard] is joined to if one is left behind.
func (v *Vault) Fresh(ctx context.Context, seen TokenSet, need Need, r Refresher) (TokenSet, error) {
	if need.met(seen, v.Now(), seen) {
		return seen, nil
	}
	return v.fresh(ctx, seen, need, r)
}

// fresh is [Vault.Fresh] of a token set that does not do.
func (v *Vault) fresh(ctx context.Context, seen TokenSet, need Need, r Refresher) (TokenSet, error) {
	for {
		// The refresh goes on if this caller leaves, and its callers share it.
		flight := v.flights.DoChan(seen.Identity, func() (any, error) {
			v.flying.Add(1)
			defer v.flying.Done()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTime)
			defer cancel()
			if a, ok := r.(Asserter); ok && a.Asserts() {
				return v.asserted(ctx, seen, need, a)
			}
			return v.refreshed(ctx, seen, need, r)
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
			if need.met(out.set, v.Now(), seen) { // else it was a flight for a caller who needed less
				return out.set, nil
			}
		}
	}
}

// Ahead is [Vault.Fresh] that nobody waits for: it returns at once, and calls done
// in the end. Close waits for it. What fails is tried again by whoever needs it.
func (v *Vault) Ahead(ctx context.Context, seen TokenSet, need Need, r Refresher, done func()) {
	v.flying.Add(1)
	go func() {
		defer v.flying.Done()
		defer done()
		v.Fresh(context.WithoutCancel(ctx), seen, need, r)
	}()
}

// outcome is what a flight found, and whether the provider issued it just now.
type outcome struct {
	set       TokenSet
	refreshed bool
}

// refreshed waits until the token set is as needed, by an attempt of its own or
// another instance's.
func (v *Vault) refreshed(ctx context.Context, seen TokenSet, need Need, r Refresher) (outcome, error) {
	settled, stop := v.heard.wait(topicOf(seen.Identity))
	defer stop()
	for wait := waitTime; ; wait = min(2*wait, waitMost) {
		began := time.Now()
		mine, before, err := v.attempt(ctx, seen, need)
		switch {
		case err != nil:
			return outcome{}, err
		case mine.Attempt == nil:
			return outcome{mine, false}, nil // as needed already
		case mine.Attempt != before:
			ts, kept, err := v.refresh(ctx, mine, before, began, r)
			if err != nil || kept {
				return outcome{ts, true}, err
			}
			continue // to what is newer
		}
		select {
		case <-ctx.Done():
			return outcome{}, fmt.Errorf("vault: another refresh of the same token set is under way: %w", ctx.Err())
		case <-settled:
		case <-time.After(wait):
		}
	}
}

// attempt writes down an attempt to refresh a token set, and returns the set
// with it, and the unanswered attempt that was there before, if any. The set
// that it returns has no attempt if it is as needed, and the one before if
// another instance is at it.
func (v *Vault) attempt(ctx context.Context, seen TokenSet, need Need) (ts TokenSet, before *Attempt, err error) {
	id := rand.Text()
	err = v.Update(ctx, func(tx *Tx) (err error) {
		if ts, err = tx.TokenSets.Get(seen.Identity); err != nil {
			return err
		}
		before = ts.Attempt
		switch {
		case need.met(ts, tx.Now(), seen):
			ts.Attempt = nil
			return nil
		case ts.Refusal != nil:
			return ts.Refusal
		case ts.RefreshToken.IsZero():
			return ErrNotRenewable
		}
		now, err := tx.kv.Now()
		if err != nil {
			return err
		}
		if wait := before.underWay(now, v.steady.look(now, v.Now())); wait > 0 {
			if before.Unheard {
				return &Unheard{wait}
			}
			return nil
		}
		ts.Attempt = &Attempt{ID: id, Until: now.Add(attemptTime), Restored: before != nil && before.Restored}
		return tx.TokenSets.Put(ts)
	})
	return ts, before, err
}

// refresh makes the attempt of a token set, whose writing began at a time of
// this machine's, and seals what came of it, unless there is something newer.
func (v *Vault) refresh(ctx context.Context, mine TokenSet, before *Attempt, began time.Time, r Refresher) (after TokenSet, kept bool, err error) {
	asking, cancel := context.WithDeadline(ctx, began.Add(refreshTimeout))
	defer cancel()
	fresh, err := v.ask(asking, mine, before, began, r)
	after = mine
	var refusal *Refusal
	switch {
	case err == nil:
		after = mine.keep(fresh, v.Now())
	case errors.As(err, &refusal):
		after = mine.refused(refusal, v.Now())
	case errors.Is(err, ErrUnspent):
		after.Attempt = before // an open question before stays one
	case errors.Is(err, ErrAnswered):
		after.Attempt = &Attempt{ID: mine.Attempt.ID, Until: mine.Attempt.Until, Ended: true}
	default:
		after.Attempt = &Attempt{ID: mine.Attempt.ID, Until: mine.Attempt.Until, Unheard: true}
		err = errors.Join(err, &Unheard{max(0, attemptTime-time.Since(began))})
	}
	kept, notKept := v.settle(ctx, after, refreshedWith(err, v.Now()), func(now TokenSet) bool { return mayKeep(after, mine, now) })
	return after, kept, errors.Join(err, notKept)
}

// settle keeps a token set as it is after a request to its provider, and what came
// of that, if it may take the place of what is stored now. If a grant has ended by
// it, webhooks are told. A store that fails is asked again for as long as the
// flight lasts: what the provider issued exists nowhere else.
func (v *Vault) settle(ctx context.Context, after TokenSet, came Refreshed, may func(now TokenSet) bool) (kept bool, err error) {
	message := NewMessageID()
	for wait := waitTime; ; wait *= 2 {
		err := v.Update(ctx, func(tx *Tx) error {
			now, err := tx.TokenSets.Get(after.Identity)
			if err != nil {
				return err
			}
			if kept = may(now); !kept {
				return nil
			}
			if after.Refusal != nil && now.Refusal == nil {
				if err := tx.notifyEnded(message, after); err != nil {
					return err
				}
			}
			return errors.Join(tx.TokenSets.Put(after), tx.note(after.Identity, came), tx.kv.Tell(topicOf(after.Identity)))
		})
		if err == nil || errors.Is(err, ErrNotFound) {
			return kept, err
		}
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("vault: keep a refreshed token set: %w", err)
		case <-time.After(wait):
		}
	}
}

// mayKeep reports whether what came of my attempt may take the place of what is
// stored now: if the attempt is the last that was made, and the account was not
// connected again meanwhile; or if it was answered, and nobody has shown the
// refresh token since: an instance that waited no longer concluded, from its
// having been spent, that there was no answer; or the attempt is not known of in
// a copy that took the store's place.
func mayKeep(after, mine, now TokenSet) bool {
	if now.Attempt != nil && now.Attempt.ID == mine.Attempt.ID {
		return true
	}
	answered := after.Attempt == nil && after.Refusal == nil
	asBefore := now.RefreshToken == mine.RefreshToken && now.AccessToken == mine.AccessToken
	return answered && asBefore && (now.Attempt == nil || now.Attempt.Restored)
}

// ask shows the refresh token to the provider, unless an unanswered attempt
// before may have spent it.
func (v *Vault) ask(ctx context.Context, mine TokenSet, before *Attempt, began time.Time, r Refresher) (TokenSet, error) {
	if before != nil && mine.Rotation != Static {
		why := "A refresh had no answer"
		if before.Restored {
			why = "The vault was restored from a backup"
		}
		i, ok := r.(Introspector)
		if !ok {
			return TokenSet{}, &Refusal{Why: why + ", and the identity provider cannot tell whether the refresh token is still good. The user must connect again."}
		}
		active, err := i.Introspect(ctx, mine)
		if err != nil {
			return TokenSet{}, fmt.Errorf("vault: ask whether the refresh token is still good: %w: %w", ErrUnspent, err)
		}
		if !active {
			return TokenSet{}, &Refusal{Why: why + ", and the refresh token is no longer good. The user must connect again."}
		}
	}
	// The monotonic clock stands still while a machine sleeps; the other can be set.
	if ctx.Err() != nil || time.Now().Round(0).Sub(began.Round(0)) > refreshTimeout {
		return TokenSet{}, fmt.Errorf("vault: the attempt's time was over before its request began: %w", ErrUnspent)
	}
	return r.Refresh(ctx, mine)
}
