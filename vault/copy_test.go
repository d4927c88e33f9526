package vault_test

import (
	"context"
	"errors"
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

// TestCopyThatWasBrokenOffIsNoVault breaks a copy off, and begins it again after
// something was forgotten in the original.
func TestCopyThatWasBrokenOffIsNoVault(t *testing.T) {
	t.Parallel()
	from, to, key := store(t), &breaking{Store: database(t), left: 3}, vault.NewKey()
	v := open(t, from, key)
	expired(t, v, vault.Rotates)
	put(t, v, func(tx *vault.Tx) error {
		return tx.Sessions.Put(vault.Session{Hash: "h", User: "u", Expires: tx.Now().AddDate(1, 0, 0)})
	})

	if _, err := vault.Copy(t.Context(), from, to); err == nil {
		t.Fatal("it was not broken off")
	}
	if made, err := vault.Made(t.Context(), to); made || err != nil {
		t.Errorf("half a copy is a vault: %v", err)
	}
	put(t, v, func(tx *vault.Tx) error { return tx.Sessions.Delete("h") })
	to.left = 1000
	if _, err := vault.Copy(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	copied := open(t, to, key)
	if ts := seen(t, copied); ts.RefreshToken.Reveal() != "rt0" {
		t.Errorf("copied %+v", ts)
	}
	if err := copied.View(t.Context(), func(tx *vault.Tx) error { _, err := tx.Sessions.Get("h"); return err }); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("what was forgotten in the original came by the first copy: %v", err)
	}
	if _, err := vault.Copy(context.Background(), from, to); !errors.Is(err, vault.ErrNotEmpty) {
		t.Errorf("over a vault: %v", err)
	}
}
