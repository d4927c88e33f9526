package vault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"sallyport/vault"
)

// breaking is a store that takes so many updates, and no more.
type breaking struct {
	vault.Store
	left int
}

func (b *breaking) Update(ctx context.Context, fn func(vault.KV) error) error {
	if b.left--; b.left < 0 {
		return errors.New("connection lost")
	}
	return b.Store.Update(ctx, fn)
}

func copyAll(t *testing.T, from, to vault.Store) error {
	_, err := vault.Copy(t.Context(), vault.StoreSource{Store: from}, to, "the other store", 0)
	return err
}

// TestCopyThatWasBrokenOffIsNoVault breaks a copy off at each thing that it
// writes to either store, and makes it again after something was forgotten. Until
// the source is given up, it goes on.
func TestCopyThatWasBrokenOffIsNoVault(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		to, from int             // updates until they fail
		left     vault.MoveState // of the source
	}{
		{to: 0, from: 9}, {to: 1, from: 9}, {to: 2, from: 9},
		{to: 3, from: 9, left: vault.Moved},
		{to: 9, from: 0},
		{to: 9, from: 1, left: vault.Draining}, {to: 9, from: 2, left: vault.Still}, // and it cannot be told
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			t.Parallel()
			source, target, key := store(t), database(t), vault.NewKey()
			v := open(t, source, key)
			expired(t, v, vault.Rotates)
			put(t, v, func(tx *vault.Tx) error {
				return tx.Sessions.Put(vault.Session{Hash: "h", User: "u", Expires: tx.Now().AddDate(1, 0, 0)})
			})
			if err := copyAll(t, &breaking{source, tt.from}, &breaking{target, tt.to}); err == nil {
				t.Fatal("it was not broken off")
			}
			if made, err := vault.Made(t.Context(), target); made || err != nil {
				t.Errorf("half a copy is a vault: %v", err)
			}
			m, err := vault.MoveOf(t.Context(), source)
			if m.State != tt.left || (tt.left == "") != errors.Is(err, vault.ErrNotFound) {
				t.Errorf("the source's move is %+v, %v", m, err)
			}
			if tt.left == vault.Draining || tt.left == vault.Still {
				if err := copyAll(t, source, target); !errors.Is(err, vault.ErrUnavailable) {
					t.Errorf("beside a move that may go on: %v", err)
				}
				if _, err := vault.ReleaseMove(t.Context(), source); err != nil {
					t.Fatal(err)
				}
			}
			if tt.left != vault.Moved {
				put(t, v, func(tx *vault.Tx) error { return tx.Sessions.Delete("h") })
			}
			if err := copyAll(t, source, target); err != nil {
				t.Fatal(err)
			}
			copied := open(t, target, key)
			if ts := seen(t, copied); ts.RefreshToken.Reveal() != "rt0" || ts.Attempt != nil {
				t.Errorf("copied %+v", ts)
			}
			err = copied.View(t.Context(), func(tx *vault.Tx) error { _, err := tx.Sessions.Get("h"); return err })
			if tt.left != vault.Moved && !errors.Is(err, vault.ErrNotFound) || tt.left == vault.Moved && err != nil {
				t.Errorf("the session: %v", err)
			}
			put(t, copied, func(tx *vault.Tx) error { return tx.Sessions.Delete("h") }) // it takes writes
			if err := copyAll(t, source, target); !errors.Is(err, vault.ErrNotEmpty) {
				t.Errorf("over a vault: %v", err)
			}
		})
	}
}
