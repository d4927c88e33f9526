package vault_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
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
