package vault_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"sallyport/vault"
)

// asserter is a provider that needs no refresh token.
type asserter struct{ *provider }

func (asserter) Asserts() bool { return true }

// TestAsserterKeepsNoRefreshToken also clears away one from before.
func TestAsserterKeepsNoRefreshToken(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.Rotates)
	ts, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, asserter{&provider{}})
	if err != nil || ts.AccessToken.Reveal() != "at1" || ts.Params["instance_url"] != "https://one" {
		t.Errorf("Fresh = %+v, %v", ts, err)
	}
	if kept := seen(t, v); kept.AccessToken.Reveal() != "at1" || !kept.RefreshToken.IsZero() || kept.Rotation != vault.RotationUnknown || kept.Attempt != nil {
		t.Errorf("kept %+v", kept)
	}
}

// TestAsserterIsAskedAgainAfterNoAnswer: it showed nothing that could be spent,
// so no attempt is written down, and the next caller just asks.
func TestAsserterIsAskedAgainAfterNoAnswer(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.Rotates)
	p := &provider{answer: noAnswer}
	if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, asserter{p}); !errors.Is(err, errNoAnswer) {
		t.Errorf("the first: %v", err)
	}
	if ts := seen(t, v); ts.Attempt != nil || ts.Refusal != nil {
		t.Errorf("after no answer: %+v", ts)
	}
	p.answer = nil
	if ts, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, asserter{p}); err != nil || ts.AccessToken.Reveal() != "at2" {
		t.Errorf("the second: %+v, %v", ts, err)
	}
	if p.asked != 0 {
		t.Error("a refresh token was introspected")
	}
}

func TestManyCallersOfAnAsserterAskOnce(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.RotationUnknown)
	p, stale := &provider{}, seen(t, v)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if ts, err := v.Fresh(context.Background(), stale, vault.Need{TTL: time.Minute}, asserter{p}); err != nil || ts.AccessToken.Reveal() != "at1" {
				t.Errorf("Fresh = %+v, %v", ts, err)
			}
		})
	}
	wg.Wait()
	if len(p.shown) != 1 {
		t.Errorf("asked %d times, want 1", len(p.shown))
	}
}

// TestRefusalOfAnAsserterIsBelievedForAMinute: what is refused can be approved
// at the provider, without a word to the gateway.
func TestRefusalOfAnAsserterIsBelievedForAMinute(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	now := time.Now()
	v.Now = func() time.Time { return now }
	expired(t, v, vault.RotationUnknown)
	p := &provider{answer: func(int, string) (vault.TokenSet, error) {
		return vault.TokenSet{}, &vault.Refusal{Why: "not approved"}
	}}
	for range 3 {
		if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, asserter{p}); !errors.Is(err, vault.ErrReauthorize) {
			t.Errorf("refused: %v", err)
		}
	}
	if len(p.shown) != 1 {
		t.Errorf("asked %d times within a minute, want 1", len(p.shown))
	}
	p.answer = nil
	now = now.Add(61 * time.Second)
	if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, asserter{p}); err != nil || seen(t, v).Refusal != nil {
		t.Errorf("after it was approved: %v", err)
	}
}

// TestH11AssertedTokensOfAnotherUserQuarantineTheAccount until its user connects
// it again, and not for a minute.
func TestH11AssertedTokensOfAnotherUserQuarantineTheAccount(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	now := time.Now()
	v.Now = func() time.Time { return now }
	expired(t, v, vault.RotationUnknown)
	p := &provider{answer: func(int, string) (vault.TokenSet, error) {
		return vault.TokenSet{}, &vault.Refusal{Why: "another user", Quarantine: true}
	}}
	for range 3 {
		if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, asserter{p}); !errors.Is(err, vault.ErrReauthorize) {
			t.Errorf("Fresh = %v", err)
		}
		now = now.Add(time.Hour)
	}
	if ts := seen(t, v); !ts.AccessToken.IsZero() || len(p.shown) != 1 {
		t.Errorf("asked %d times, kept %+v", len(p.shown), ts)
	}
}

func TestH55ClockPutBackMakesNoRefusalLast(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.RotationUnknown)
	put(t, v, func(tx *vault.Tx) error {
		ts, err := tx.TokenSets.Get("i")
		ts.Refusal = &vault.Refusal{At: time.Now().Add(time.Hour), Why: "not approved"}
		return errors.Join(err, tx.TokenSets.Put(ts))
	})
	if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, asserter{&provider{}}); err != nil {
		t.Error(err)
	}
}

// TestConnectingAgainWhileAnAsserterIsAskedIsNotOverwritten lets the user connect
// again while the provider says that the user has not approved.
func TestConnectingAgainWhileAnAsserterIsAskedIsNotOverwritten(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.RotationUnknown)
	p := &provider{entered: make(chan struct{}), release: make(chan struct{}), answer: func(int, string) (vault.TokenSet, error) {
		return vault.TokenSet{}, &vault.Refusal{Why: "not approved"}
	}}
	done, stale := make(chan error), seen(t, v)
	go func() {
		_, err := v.Fresh(context.Background(), stale, vault.Need{}, asserter{p})
		done <- err
	}()
	<-p.entered
	put(t, v, func(tx *vault.Tx) error {
		return tx.TokenSets.Put(vault.TokenSet{Identity: "i", AccessToken: vault.NewSecret("new"), Issued: v.Now(), Expires: v.Now().Add(time.Hour)})
	})
	close(p.release)
	<-done
	if ts := seen(t, v); ts.AccessToken.Reveal() != "new" || ts.Refusal != nil {
		t.Errorf("kept %+v", ts)
	}
}

func TestForgottenAccountIsNotBroughtBackByAnAsserter(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.RotationUnknown)
	p := &provider{entered: make(chan struct{}), release: make(chan struct{})}
	done, stale := make(chan error), seen(t, v)
	go func() {
		_, err := v.Fresh(context.Background(), stale, vault.Need{}, asserter{p})
		done <- err
	}()
	<-p.entered
	put(t, v, func(tx *vault.Tx) error { return tx.TokenSets.Delete("i") })
	close(p.release)
	if err := <-done; !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("Fresh = %v", err)
	}
}
