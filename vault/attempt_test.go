package vault_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/vault"
	"sallyport/vault/storetest"
)

// clock is a real one that can be put forward or back.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// TestUnheardRefreshIsNotRepeatedWhileItMayBeUnderWay has a connection break, of
// which nobody knows whether its request goes on (H40).
func TestUnheardRefreshIsNotRepeatedWhileItMayBeUnderWay(t *testing.T) {
	t.Parallel()
	for _, rotation := range []vault.Rotation{vault.RotationUnknown, vault.Rotates, vault.Static} {
		t.Run("rotation "+string(rotation), func(t *testing.T) {
			t.Parallel()
			c := &clock{}
			s, key := storetest.Clock(store(t), c.Now), vault.NewKey()
			v, other := open(t, s, key), open(t, s, key)
			v.Now, other.Now = c.Now, c.Now
			expired(t, v, rotation)
			p := &provider{answer: noAnswer, active: true}
			var unheard *vault.Unheard
			if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, p); !errors.Is(err, errNoAnswer) || !errors.As(err, &unheard) || unheard.Wait > 15*time.Second {
				t.Fatalf("without an answer: %v", err)
			}
			p.answer = nil
			for _, v := range []*vault.Vault{v, other} {
				if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, p); !errors.As(err, &unheard) || unheard.Wait <= 0 || unheard.Wait > 15*time.Second {
					t.Errorf("at once: %v", err)
				}
			}
			if len(p.shown) != 1 || p.asked != 0 {
				t.Errorf("shown %d times, asked about %d times", len(p.shown), p.asked)
			}
			c.forward(15 * time.Second)
			if ts, err := other.Fresh(t.Context(), seen(t, v), vault.Need{}, p); err != nil || ts.AccessToken.Reveal() != "at2" {
				t.Errorf("when it is over: %+v, %v", ts, err)
			}
		})
	}
}

// TestUselessAnswerOfTheProviderItselfHoldsNobodyUp: its request is over.
func TestUselessAnswerOfTheProviderItselfHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.Rotates)
	p := &provider{active: true, answer: func(n int, _ string) (vault.TokenSet, error) {
		if n == 1 {
			return vault.TokenSet{}, fmt.Errorf("a web page: %w", vault.ErrAnswered)
		}
		return rotated(n), nil
	}}
	if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, p); !errors.Is(err, vault.ErrAnswered) {
		t.Fatal(err)
	}
	if ts, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, p); err != nil || ts.AccessToken.Reveal() != "at2" || p.asked != 1 {
		t.Errorf("Fresh = %+v, %v; asked %d", ts, err, p.asked)
	}
}

// crashed puts a token set whose refresh another process began, and left behind.
func crashed(t *testing.T, v *vault.Vault, until time.Time) {
	t.Helper()
	expired(t, v, vault.Rotates)
	put(t, v, func(tx *vault.Tx) error {
		ts, err := tx.TokenSets.Get("i")
		ts.Attempt = &vault.Attempt{ID: "crashed", Until: until}
		return errors.Join(err, tx.TokenSets.Put(ts))
	})
}

// waits reports whether nothing is sent to the provider for now.
func waits(t *testing.T, v *vault.Vault, p *provider) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := v.Fresh(ctx, seen(t, v), vault.Need{}, p)
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Is(err, context.DeadlineExceeded) && len(p.shown) == 0 && p.asked == 0
}

func TestCrashedAttemptIsNotRepeatedWhileItsRequestMayLive(t *testing.T) {
	t.Parallel()
	c := &clock{}
	v := open(t, storetest.Clock(store(t), c.Now), vault.NewKey())
	v.Now = c.Now
	c.forward(time.Minute)
	crashed(t, v, c.Now().Add(10*time.Second))
	p := &provider{active: true}
	if !waits(t, v, p) {
		t.Errorf("shown %d, asked %d", len(p.shown), p.asked)
	}
	c.forward(10 * time.Second)
	if ts, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, p); err != nil || ts.AccessToken.Reveal() != "at1" || p.asked != 1 {
		t.Errorf("Fresh = %+v, %v; asked %d", ts, err, p.asked)
	}
}

// TestH55ClockThatIsSetCutsNoAttemptShort has the store's clock put back and
// forward by an hour between an attempt and the look of another instance at it:
// one that was there, and one that has just been started. No jump holds anybody
// up for longer than a refresh may take.
func TestH55ClockThatIsSetCutsNoAttemptShort(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]time.Duration{"back": -time.Hour, "forward": time.Hour} {
		for _, started := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, started since %t", name, started), func(t *testing.T) {
				t.Parallel()
				stores, own := &clock{}, &clock{}
				s, key := storetest.Clock(store(t), stores.Now), vault.NewKey()
				v := open(t, s, key)
				v.Now = own.Now
				pass := func(d time.Duration) { stores.forward(d); own.forward(d) }
				pass(time.Minute)
				crashed(t, v, stores.Now().Add(15*time.Second))
				p := &provider{active: true}
				if !waits(t, v, p) {
					t.Fatal("the attempt was not waited for")
				}
				stores.forward(by)
				if started {
					v, own = open(t, s, key), &clock{}
					v.Now = own.Now
				}
				pass(time.Second)
				if !waits(t, v, p) {
					t.Error("the refresh token was shown or asked about while it might be in use")
				}
				pass(14 * time.Second)
				if ts, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, p); err != nil || ts.AccessToken.Reveal() != "at1" || p.asked != 1 {
					t.Errorf("Fresh = %+v, %v; asked %d", ts, err, p.asked)
				}
			})
		}
	}
}
