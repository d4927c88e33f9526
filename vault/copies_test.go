package vault_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/vault"
)

func putClient(t *testing.T, v *vault.Vault, name string) {
	t.Helper()
	if err := v.Update(t.Context(), func(tx *vault.Tx) error {
		return tx.Clients.Put(vault.Client{ID: "app", Name: name, AuthMethod: "none"})
	}); err != nil {
		t.Fatal(err)
	}
}

func clientName(t *testing.T, v *vault.Vault) (name string) {
	t.Helper()
	err := v.View(context.Background(), func(tx *vault.Tx) error {
		c, err := tx.Clients.Get("app")
		name = c.Name
		return err
	})
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		t.Error(err)
	}
	return name
}

// TestH33ChangedSettingsCountAtOnce changes and deletes a client while others
// read it all the time.
func TestH33ChangedSettingsCountAtOnce(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, s vault.Store) {
		v := open(t, s, vault.NewKey())
		var over atomic.Bool
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for !over.Load() {
					clientName(t, v)
				}
			})
		}
		for i := range 50 {
			name := fmt.Sprint("name ", i)
			if putClient(t, v, name); clientName(t, v) != name {
				t.Errorf("after the change %q came %q", name, clientName(t, v))
			}
		}
		if err := v.Update(t.Context(), func(tx *vault.Tx) error { return tx.Clients.Delete("app") }); err != nil {
			t.Fatal(err)
		}
		if name := clientName(t, v); name != "" {
			t.Errorf("deleted, there came %q", name)
		}
		over.Store(true)
		wg.Wait()
	})
}

// TestH33OtherInstancesLearnOfSettingsInTime has nobody listen to what is told.
func TestH33OtherInstancesLearnOfSettingsInTime(t *testing.T) {
	t.Parallel()
	s, key := store(t), vault.NewKey()
	here, there := open(t, s, key), open(t, s, key)
	putClient(t, here, "old")
	clientName(t, there)
	putClient(t, here, "new")
	for changed := time.Now(); clientName(t, there) != "new"; {
		if took := time.Since(changed); took > 2*time.Second {
			t.Fatalf("nothing learnt after %v", took)
		}
	}
}

func TestUpdatesReadNoCopies(t *testing.T) {
	t.Parallel()
	s, key := store(t), vault.NewKey()
	here, there := open(t, s, key), open(t, s, key)
	putClient(t, here, "old")
	clientName(t, there)
	putClient(t, here, "new")
	if err := there.Update(t.Context(), func(tx *vault.Tx) error {
		if c, err := tx.Clients.Get("app"); err != nil || c.Name != "new" {
			t.Errorf("an update read %q, %v", c.Name, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
