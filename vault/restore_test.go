package vault_test

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/vault"
	"sallyport/vault/postgres"
	"sallyport/vault/postgres/pgtest"
)

// TestH57RestoredRefreshTokenIsShownOnlyIfItIsStillGood is the table of what may happen
// to a refresh token that a backup was restored with (H57).
func TestH57RestoredRefreshTokenIsShownOnlyIfItIsStillGood(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		rotation vault.Rotation
		blind    bool
		active   bool
		activErr error
		shown    int
		reauth   bool
	}{
		{name: "still good, says introspection", rotation: vault.Rotates, active: true, shown: 1},
		{name: "spent, says introspection", rotation: vault.Rotates, reauth: true},
		{name: "introspection does not answer", rotation: vault.Rotates, activErr: errNoAnswer},
		{name: "nobody can tell", rotation: vault.Rotates, blind: true, reauth: true},
		{name: "nobody can tell, rotation unknown", rotation: vault.RotationUnknown, blind: true, reauth: true},
		{name: "does not rotate", rotation: vault.Static, blind: true, shown: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, key := store(t), vault.NewKey()
			expired(t, open(t, s, key), tt.rotation)
			if err := vault.MarkRestored(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			p := &provider{active: tt.active, activErr: tt.activErr}
			var r vault.Refresher = p
			if tt.blind {
				r = blind{p}
			}
			v := open(t, s, key)
			_, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, r)
			var refusal *vault.Refusal
			if errors.As(err, &refusal) != tt.reauth || (err == nil) != (tt.shown > 0) || len(p.shown) != tt.shown {
				t.Fatalf("%v, shown %v", err, p.shown)
			}
			if tt.reauth && !strings.Contains(refusal.Why, "restored from a backup") {
				t.Errorf("said %q", refusal.Why)
			}
			// What was open and is not answered stays open; what was answered is not asked about again.
			open := seen(t, open(t, s, key)).Attempt
			if (open != nil) != (tt.activErr != nil) || open != nil && !open.Restored {
				t.Errorf("afterwards: %+v", open)
			}
		})
	}
}

// TestEachRestoreOpensTheQuestionAgain has an account refreshed after one restore,
// and its vault restored once more.
func TestEachRestoreOpensTheQuestionAgain(t *testing.T) {
	t.Parallel()
	s, key := store(t), vault.NewKey()
	expired(t, open(t, s, key), vault.Rotates)
	for range 2 {
		if err := vault.MarkRestored(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		v, p := open(t, s, key), &provider{active: true}
		for range 2 {
			before := seen(t, v)
			if _, err := v.Fresh(t.Context(), before, vault.Need{TTL: 2 * time.Hour, Rejected: before.AccessToken}, p); err != nil {
				t.Fatal(err)
			}
		}
		if p.asked != 1 || len(p.shown) != 2 {
			t.Errorf("asked %d times, shown %v", p.asked, p.shown)
		}
	}
}

func TestSignInAfterARestoreHasNoQuestionOpen(t *testing.T) {
	t.Parallel()
	s, key := store(t), vault.NewKey()
	expired(t, open(t, s, key), vault.Rotates)
	if err := vault.MarkRestored(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	v := open(t, s, key)
	put(t, v, func(tx *vault.Tx) error {
		old, err := tx.TokenSets.Get("i")
		if err != nil {
			return err
		}
		return errors.Join(tx.Discard("d", old, false), tx.TokenSets.Put(vault.TokenSet{Identity: "i", RefreshToken: vault.NewSecret("rt-new")}))
	})
	if ts := seen(t, open(t, s, key)); ts.Attempt != nil {
		t.Errorf("%+v", ts.Attempt)
	}
	err := v.View(t.Context(), func(tx *vault.Tx) error { _, err := tx.Revocations.Get("d"); return err })
	if !errors.Is(err, vault.ErrNotFound) {
		t.Error("a refresh token that may be spent is to be shown, to be revoked")
	}
}

func TestOnlyAVaultIsMarked(t *testing.T) {
	t.Parallel()
	s := store(t)
	if err := vault.MarkRestored(t.Context(), s); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("an empty store: %v", err)
	}
	put := func(kv vault.KV) error { return kv.Put("widgets", "w", vault.Value{Sealed: []byte("somebody else's")}) }
	if err := s.Update(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(t.Context(), s, vault.NewKey()); !errors.Is(err, vault.ErrForeign) {
		t.Errorf("a vault was made in a store of another program's: %v", err)
	}
}

// TestDatabaseThatTakesAnothersPlaceIsARestoredBackup has a copy of a database
// take its place, as a dump does that is restored.
func TestDatabaseThatTakesAnothersPlaceIsARestoredBackup(t *testing.T) {
	t.Parallel()
	address, key := pgtest.OpenDatabase(t), vault.NewKey()
	s, err := postgres.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	v := open(t, s, key)
	expired(t, v, vault.Rotates)
	p := &provider{active: true}
	refresh := func(v *vault.Vault) {
		t.Helper()
		if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{Rejected: seen(t, v).AccessToken}, p); err != nil {
			t.Fatal(err)
		}
	}
	refresh(v)
	if p.asked != 0 {
		t.Error("a database that is where it was is taken for another")
	}
	s.Close()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	pgtest.Exec(t, u.String(), "CREATE DATABASE "+name+"copy TEMPLATE "+name)
	u.Path = "/" + name + "copy"
	for range 2 { // instances
		s, err := postgres.Open(t.Context(), u.String())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		v := open(t, s, key)
		var told []string
		v.Notice = func(text string) { told = append(told, text) }
		refresh(v)
		refresh(v)
		if p.asked != 1 {
			t.Errorf("asked %d times, want once", p.asked)
		}
		if len(told) > 1 {
			t.Errorf("told %q", told)
		}
	}
}

// placed is a store that says where it is.
type placed struct {
	vault.Store
	origin *atomic.Value
}

type placedKV struct {
	vault.KV
	origin string
}

func (kv placedKV) Origin(check func(string) error) error { return check(kv.origin) }

func (p placed) Update(ctx context.Context, fn func(vault.KV) error) error {
	return p.Store.Update(ctx, func(kv vault.KV) error { return fn(placedKV{kv, p.origin.Load().(string)}) })
}

func (p placed) View(ctx context.Context, fn func(vault.KV) error) error {
	return p.Store.View(ctx, func(kv vault.KV) error { return fn(placedKV{kv, p.origin.Load().(string)}) })
}

// TestStandbyThatTakesOverIsARestoredBackup has one take over while two instances
// run, and one of them waits for the answer to a refresh.
func TestStandbyThatTakesOverIsARestoredBackup(t *testing.T) {
	t.Parallel()
	s, key := placed{store(t), &atomic.Value{}}, vault.NewKey()
	s.origin.Store("the primary")
	v, other := open(t, s, key), open(t, s, key)
	expired(t, v, vault.Rotates)
	p := &provider{active: true, entered: make(chan struct{}), release: make(chan struct{})}
	answered := make(chan error)
	go func() {
		_, err := v.Fresh(context.Background(), seen(t, v), vault.Need{}, p)
		answered <- err
	}()
	<-p.entered
	s.origin.Store("the standby")
	put(t, other, func(tx *vault.Tx) error { return tx.TokenSets.Put(vault.TokenSet{Identity: "another"}) }) // it finds out
	close(p.release)
	if err := <-answered; err != nil || seen(t, other).RefreshToken.Reveal() != "rt1" {
		t.Errorf("what came of the refresh under way: %v, %+v", err, seen(t, other))
	}
	p.entered = nil
	for range 2 {
		if _, err := other.Fresh(t.Context(), seen(t, other), vault.Need{Rejected: seen(t, other).AccessToken}, p); err != nil {
			t.Fatal(err)
		}
	}
	if p.asked != 0 {
		t.Errorf("what was written since is asked about %d times", p.asked)
	}
	s.origin.Store("a third")
	if _, err := v.Fresh(t.Context(), seen(t, v), vault.Need{Rejected: seen(t, v).AccessToken}, p); err != nil || p.asked != 1 {
		t.Errorf("after another: %v, asked %d times", err, p.asked)
	}
}

// TestAnswerOutlivesACopyThatDoesNotKnowOfItsAttempt has a copy of the store take
// its place in the middle of a refresh, from before the refresh began.
func TestAnswerOutlivesACopyThatDoesNotKnowOfItsAttempt(t *testing.T) {
	t.Parallel()
	s := store(t)
	v := open(t, s, vault.NewKey())
	expired(t, v, vault.Rotates)
	before := seen(t, v)
	var old vault.Value
	if err := s.View(t.Context(), func(kv vault.KV) (err error) {
		old, err = kv.Get("tokensets", "i")
		old.Sealed = bytes.Clone(old.Sealed)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	p := &provider{entered: make(chan struct{}), release: make(chan struct{})}
	done := make(chan vault.TokenSet, 1)
	go func() {
		ts, err := v.Fresh(context.Background(), before, vault.Need{}, p)
		if err != nil {
			t.Error(err)
		}
		done <- ts
	}()
	<-p.entered
	if err := s.Update(t.Context(), func(kv vault.KV) error { return kv.Put("tokensets", "i", old) }); err != nil {
		t.Fatal(err)
	}
	if err := vault.MarkRestored(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	close(p.release)
	if ts := <-done; ts.RefreshToken.Reveal() != "rt1" || seen(t, v).RefreshToken.Reveal() != "rt1" || seen(t, v).Attempt != nil {
		t.Errorf("the rotated refresh token was lost: %+v, %+v", ts, seen(t, v))
	}
}
