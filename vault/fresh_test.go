package vault_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sallyport/vault"
	"sallyport/vault/bolt"
	"sallyport/vault/storetest"
)

// provider is an identity provider that answers as told.
type provider struct {
	mu       sync.Mutex
	shown    []string // refresh tokens that were shown to it
	asked    int      // introspections
	answer   func(n int, rt string) (vault.TokenSet, error)
	active   bool
	activErr error
	entered  chan struct{} // told when a refresh comes in, if not nil
	release  chan struct{} // waited for before it is answered, if not nil
}

func (p *provider) Refresh(ctx context.Context, old vault.TokenSet) (vault.TokenSet, error) {
	p.mu.Lock()
	p.shown = append(p.shown, old.RefreshToken.Reveal())
	n := len(p.shown)
	p.mu.Unlock()
	if p.entered != nil {
		p.entered <- struct{}{}
	}
	if p.release != nil {
		<-p.release
	}
	if p.answer != nil {
		return p.answer(n, old.RefreshToken.Reveal())
	}
	return rotated(n), nil
}

func (p *provider) Introspect(context.Context, vault.TokenSet) (bool, error) {
	p.asked++
	return p.active, p.activErr
}

func rotated(n int) vault.TokenSet {
	return vault.TokenSet{AccessToken: vault.NewSecret(fmt.Sprint("at", n)), RefreshToken: vault.NewSecret(fmt.Sprint("rt", n)), Expires: time.Now().Add(time.Hour)}
}

// blind is a provider that cannot introspect.
type blind struct{ *provider }

func (b blind) Introspect() {} // hides the provider's

var errNoAnswer = errors.New("no answer")

func noAnswer(int, string) (vault.TokenSet, error) { return vault.TokenSet{}, errNoAnswer }

// expired puts a token set whose access token has expired.
func expired(t *testing.T, v *vault.Vault, rotation vault.Rotation) {
	t.Helper()
	put(t, v, func(tx *vault.Tx) error {
		return tx.TokenSets.Put(vault.TokenSet{Identity: "i", AccessToken: vault.NewSecret("at0"), RefreshToken: vault.NewSecret("rt0"),
			Scopes: []string{"api"}, Params: map[string]string{"instance_url": "https://one"}, Rotation: rotation})
	})
}

func seen(t *testing.T, v *vault.Vault) (ts vault.TokenSet) {
	t.Helper()
	if err := v.View(t.Context(), func(tx *vault.Tx) (err error) { ts, err = tx.TokenSets.Get("i"); return err }); err != nil {
		t.Fatal(err)
	}
	return ts
}

func TestAttemptIsOnDiskBeforeTheRefreshTokenLeaves(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.RotationUnknown)
	p := &provider{entered: make(chan struct{}), release: make(chan struct{})}
	done := make(chan error)
	go func() {
		_, err := v.Fresh(context.Background(), seen(t, v), vault.Need{}, p)
		done <- err
	}()
	<-p.entered
	if seen(t, v).Attempt == nil {
		t.Error("the refresh token left before the attempt was written down")
	}
	close(p.release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if ts := seen(t, v); ts.Attempt != nil || ts.RefreshToken.Reveal() != "rt1" || ts.Rotation != vault.Rotates {
		t.Errorf("after the answer: %+v", ts)
	}
}

func TestRefreshOutlivesTheCallerWhoAskedForIt(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.RotationUnknown)
	p := &provider{entered: make(chan struct{}), release: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := v.Fresh(ctx, seen(t, v), vault.Need{}, p)
		left <- err
	}()
	<-p.entered
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller who left: %v", err)
	}
	stayed := make(chan vault.TokenSet)
	go func() {
		ts, err := v.Fresh(context.Background(), seen(t, v), vault.Need{}, p)
		if err != nil {
			t.Error(err)
		}
		stayed <- ts
	}()
	close(p.release)
	if ts := <-stayed; ts.AccessToken.Reveal() != "at1" || len(p.shown) != 1 {
		t.Errorf("got %+v after %d refreshes", ts, len(p.shown))
	}
}

func TestCloseWaitsForTheRefreshUnderWay(t *testing.T) {
	t.Parallel()
	path, key := filepath.Join(t.TempDir(), "vault.db"), vault.NewKey()
	b, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	v := open(t, b, key)
	expired(t, v, vault.Rotates)
	p := &provider{entered: make(chan struct{}), release: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	go v.Fresh(ctx, seen(t, v), vault.Need{}, p)
	<-p.entered
	cancel() // the caller leaves
	closed := make(chan error)
	go func() { closed <- v.Close() }()
	close(p.release)
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if b, err = bolt.Open(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	if seen(t, open(t, b, key)).RefreshToken.Reveal() != "rt1" {
		t.Error("the store was closed before the rotated refresh token was in it")
	}
}

func TestWhatTheAnswerLeavesOutStaysAsItWas(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.RotationUnknown)
	p := &provider{answer: func(int, string) (vault.TokenSet, error) {
		return vault.TokenSet{AccessToken: vault.NewSecret("at1"), Expires: time.Now().Add(time.Hour), Params: map[string]string{"instance_url": "https://two"}}, nil
	}}
	if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, p); err != nil {
		t.Fatal(err)
	}
	ts := seen(t, v)
	if ts.RefreshToken.Reveal() != "rt0" || ts.Rotation != vault.Static || len(ts.Scopes) != 1 || ts.Params["instance_url"] != "https://two" {
		t.Errorf("kept %+v", ts)
	}
}

// TestUnansweredRefreshTokenIsShownAgainOnlyIfSafe is the table of what may
// follow an attempt without an answer (H40).
func TestUnansweredRefreshTokenIsShownAgainOnlyIfSafe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		rotation  vault.Rotation
		blind     bool
		active    bool
		activErr  error
		shown     int
		reauth    bool
		otherwise error
	}{
		{name: "still good, says introspection", rotation: vault.Rotates, active: true, shown: 2},
		{name: "spent, says introspection", rotation: vault.Rotates, shown: 1, reauth: true},
		{name: "introspection does not answer", rotation: vault.Rotates, activErr: errNoAnswer, shown: 1, otherwise: errNoAnswer},
		{name: "nobody can tell", rotation: vault.Rotates, blind: true, shown: 1, reauth: true},
		{name: "nobody can tell, rotation unknown", rotation: vault.RotationUnknown, blind: true, shown: 1, reauth: true},
		{name: "does not rotate", rotation: vault.Static, blind: true, shown: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &clock{}
			v := open(t, storetest.Clock(store(t), c.Now), vault.NewKey())
			v.Now = c.Now
			expired(t, v, tt.rotation)
			p := &provider{answer: noAnswer, active: tt.active, activErr: tt.activErr}
			var r vault.Refresher = p
			if tt.blind {
				r = blind{p}
			}
			if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, r); !errors.Is(err, errNoAnswer) {
				t.Fatalf("without an answer: %v", err)
			}
			p.answer = nil
			c.forward(15 * time.Second)
			_, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, r)
			if errors.Is(err, vault.ErrReauthorize) != tt.reauth || tt.otherwise != nil && !errors.Is(err, tt.otherwise) ||
				!tt.reauth && tt.otherwise == nil && err != nil {
				t.Errorf("after no answer: %v", err)
			}
			if len(p.shown) != tt.shown {
				t.Errorf("showed the refresh token %d times, want %d", len(p.shown), tt.shown)
			}
			if tt.otherwise != nil && seen(t, v).Attempt == nil {
				t.Error("the open question was forgotten")
			}
		})
	}
}

func TestUnspentRefreshTokenIsShownAgain(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.Rotates)
	p := &provider{answer: func(n int, _ string) (vault.TokenSet, error) {
		if n == 1 {
			return vault.TokenSet{}, fmt.Errorf("refused to connect: %w", vault.ErrUnspent)
		}
		return rotated(n), nil
	}}
	if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, p); !errors.Is(err, vault.ErrUnspent) {
		t.Fatal(err)
	}
	if ts, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, p); err != nil || ts.AccessToken.Reveal() != "at2" || p.asked != 0 {
		t.Errorf("Fresh = %+v, %v", ts, err)
	}
}

func TestRefusedRefreshTokenIsNotShownAgain(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.Rotates)
	p := &provider{answer: func(int, string) (vault.TokenSet, error) {
		return vault.TokenSet{}, &vault.Refusal{Why: "expired access/refresh token"}
	}}
	for range 3 {
		var refusal *vault.Refusal
		if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, p); !errors.As(err, &refusal) || refusal.Why != "expired access/refresh token" || refusal.At.IsZero() {
			t.Errorf("Fresh = %v", err)
		}
	}
	if len(p.shown) != 1 {
		t.Errorf("showed a dead refresh token %d times", len(p.shown))
	}
}

func TestNewSignInDuringARefreshIsNotOverwritten(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.Rotates)
	p := &provider{entered: make(chan struct{}), release: make(chan struct{})}
	done := make(chan vault.TokenSet)
	go func() {
		ts, err := v.Fresh(context.Background(), seen(t, v), vault.Need{}, p)
		if err != nil {
			t.Error(err)
		}
		done <- ts
	}()
	<-p.entered
	put(t, v, func(tx *vault.Tx) error {
		return tx.TokenSets.Put(vault.TokenSet{Identity: "i", AccessToken: vault.NewSecret("newer"), RefreshToken: vault.NewSecret("newer-rt"), Expires: time.Now().Add(time.Hour)})
	})
	close(p.release)
	if got := <-done; got.AccessToken.Reveal() != "newer" || seen(t, v).RefreshToken.Reveal() != "newer-rt" {
		t.Errorf("answered %+v, kept %+v", got, seen(t, v))
	}
}

func TestRejectedTokenIsRefreshedOnceAndOnlyIfItIsTheStoredOne(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	put(t, v, func(tx *vault.Tx) error {
		return tx.TokenSets.Put(vault.TokenSet{Identity: "i", AccessToken: vault.NewSecret("at0"), RefreshToken: vault.NewSecret("rt0"), Expires: time.Now().Add(time.Hour)})
	})
	p := &provider{}
	for range 3 {
		ts, err := v.Fresh(t.Context(), seen(t, v), vault.Need{Rejected: vault.NewSecret("at0")}, p)
		if err != nil || ts.AccessToken.Reveal() != "at1" {
			t.Errorf("Fresh = %+v, %v", ts, err)
		}
	}
	if len(p.shown) != 1 {
		t.Errorf("refreshed %d times, want 1", len(p.shown))
	}
}

func TestWithoutARefreshTokenAnExpiredSetIsNotRenewable(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	put(t, v, func(tx *vault.Tx) error {
		return tx.TokenSets.Put(vault.TokenSet{Identity: "i", AccessToken: vault.NewSecret("at0"), Expires: time.Now().Add(time.Minute)})
	})
	if ts, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, &provider{}); err != nil || ts.AccessToken.Reveal() != "at0" {
		t.Errorf("still good: %+v, %v", ts, err)
	}
	if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{TTL: time.Hour}, &provider{}); !errors.Is(err, vault.ErrNotRenewable) {
		t.Errorf("not for long enough: %v", err)
	}
	gone := seen(t, v)
	put(t, v, func(tx *vault.Tx) error { return tx.TokenSets.Delete("i") })
	if _, err := v.Fresh(t.Context(), gone, vault.Need{TTL: time.Hour}, &provider{}); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("disconnected meanwhile: %v", err)
	}
}

// TestLongerLifeThanTheProviderGivesDoesNotRefreshForEver asks for more than
// any token has.
func TestLongerLifeThanTheProviderGivesDoesNotRefreshForEver(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.RotationUnknown)
	p := &provider{}
	if ts, err := v.Fresh(t.Context(), seen(t, v), vault.Need{TTL: 24 * time.Hour}, p); err != nil || ts.AccessToken.Reveal() != "at1" || len(p.shown) != 1 {
		t.Errorf("Fresh = %+v, %v after %d refreshes", ts, err, len(p.shown))
	}
}

// failing is a store whose next updates fail.
type failing struct {
	vault.Store
	mu    sync.Mutex
	fails int
}

func (f *failing) Update(ctx context.Context, fn func(vault.KV) error) error {
	f.mu.Lock()
	fail := f.fails > 0
	if fail {
		f.fails--
	}
	f.mu.Unlock()
	if fail {
		return errors.New("disk full")
	}
	return f.Store.Update(ctx, fn)
}

// TestRefreshedSetIsKeptAlthoughTheStoreFailsForAWhile has the store fail right
// after the provider rotated the refresh token (H41).
func TestRefreshedSetIsKeptAlthoughTheStoreFailsForAWhile(t *testing.T) {
	t.Parallel()
	b, err := bolt.Open(filepath.Join(t.TempDir(), "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	s := &failing{Store: b}
	v := open(t, s, vault.NewKey())
	expired(t, v, vault.Rotates)
	p := &provider{answer: func(n int, _ string) (vault.TokenSet, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fails = 3
		return rotated(n), nil
	}}
	if ts, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, p); err != nil || ts.AccessToken.Reveal() != "at1" {
		t.Errorf("Fresh = %+v, %v", ts, err)
	}
	if seen(t, v).RefreshToken.Reveal() != "rt1" {
		t.Error("the rotated refresh token was lost")
	}
}
