package vault_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"sallyport/vault"
	"sallyport/vault/postgres"
	"sallyport/vault/postgres/pgtest"
)

func moveTo(t *testing.T, s vault.Store, states ...vault.MoveState) vault.Move {
	t.Helper()
	m, err := vault.BeginMove(t.Context(), s, "the other store", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range states {
		if err := vault.CarryOn(t.Context(), s, m.ID, state); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// TestNothingIsWrittenToAVaultThatIsMoved moves a vault while an instance has a
// refresh under way, on either store.
func TestNothingIsWrittenToAVaultThatIsMoved(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]vault.Store{"file": store(t), "database": database(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := open(t, s, vault.NewKey())
			expired(t, v, vault.Rotates)
			session := func() error {
				return v.Update(t.Context(), func(tx *vault.Tx) error {
					tx.Sessions.Put(vault.Session{Hash: "h", User: "u", Expires: tx.Now().AddDate(1, 0, 0)}) // whose error is lost
					return nil
				})
			}
			p := &provider{active: true, entered: make(chan struct{}), release: make(chan struct{})}
			answered := make(chan error)
			go func() {
				_, err := v.Fresh(context.Background(), seen(t, v), vault.Need{}, p)
				answered <- err
			}()
			<-p.entered
			m := moveTo(t, s)
			close(p.release)
			if err := <-answered; err != nil || seen(t, v).RefreshToken.Reveal() != "rt1" {
				t.Errorf("draining, of a refresh under way: %v, %+v", err, seen(t, v))
			}
			if err := session(); err != nil {
				t.Errorf("draining, of anything else: %v", err)
			}
			refresh := func() error {
				p.entered = nil
				_, err := v.Fresh(t.Context(), seen(t, v), vault.Need{Rejected: seen(t, v).AccessToken}, p)
				return err
			}
			if err := refresh(); !errors.Is(err, vault.ErrUnavailable) {
				t.Errorf("draining, of a new refresh: %v", err)
			}

			if err := vault.CarryOn(t.Context(), s, m.ID, vault.Still); err != nil {
				t.Fatal(err)
			}
			for range 2 { // still, and moved
				if err := session(); !errors.Is(err, vault.ErrUnavailable) {
					t.Errorf("a write was kept: %v", err)
				}
				if err := refresh(); !errors.Is(err, vault.ErrUnavailable) || len(p.shown) != 1 {
					t.Errorf("a refresh: %v, shown %v", err, p.shown)
				}
				if ts, err := v.Fresh(t.Context(), seen(t, v), vault.Need{}, p); err != nil || ts.AccessToken.Reveal() != "at1" {
					t.Errorf("an access token that lives: %v", err)
				}
				if err := vault.CarryOn(t.Context(), s, m.ID, vault.Moved); err != nil {
					t.Fatal(err)
				}
			}
			var moved *vault.Moving
			if err := v.Ready(t.Context()); !errors.As(err, &moved) {
				t.Errorf("ready: %v", err)
			}

			if _, err := vault.ReleaseMove(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(v.Ready(t.Context()), session()); err != nil {
				t.Errorf("released: %v", err)
			}
			// The instance that was there all the time knows that the copy may have been at work.
			if err := refresh(); err != nil || p.asked != 1 {
				t.Errorf("released, a refresh: %v, asked %d times", err, p.asked)
			}
			if err := vault.CarryOn(t.Context(), s, m.ID, vault.Moved); !errors.Is(err, vault.ErrMoveOver) {
				t.Errorf("a move that was released goes on: %v", err)
			}
		})
	}
}

// TestWhatIsCopiedIsAllThatIsEverKept has many write to a database by way of two
// instances while it is moved: what they were told is kept has to be in the copy.
func TestWhatIsCopiedIsAllThatIsEverKept(t *testing.T) {
	t.Parallel()
	url, key := pgtest.OpenDatabase(t), vault.NewKey()
	var stores [2]vault.Store
	for i := range stores {
		s, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		stores[i] = s
	}
	v := [2]*vault.Vault{open(t, stores[0], key), open(t, stores[1], key)}
	var mu sync.Mutex
	kept := map[string]bool{}
	var writers sync.WaitGroup
	begun := make(chan struct{}, 100)
	for i := range 8 {
		writers.Go(func() {
			for n := 0; ; n++ {
				id := string(rune('a'+i)) + time.Duration(n).String()
				err := v[i%2].Update(t.Context(), func(tx *vault.Tx) error {
					tx.Users.Get("somebody who is read first")
					return tx.Users.Put(vault.User{ID: id})
				})
				if errors.Is(err, vault.ErrUnavailable) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				kept[id] = true
				mu.Unlock()
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	for range cap(begun) {
		<-begun
	}
	to := store(t)
	if err := copyAll(t, stores[0], to); err != nil {
		t.Fatal(err)
	}
	writers.Wait()
	copied := open(t, to, key)
	if err := copied.View(t.Context(), func(tx *vault.Tx) error {
		for id := range kept {
			if _, err := tx.Users.Get(id); err != nil {
				t.Errorf("%s was kept, and is not in the copy: %v", id, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestMoveThatNobodyCarriesOnIsGivenUp(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		name        string
		move        vault.Move
		goes, holds bool // it can be carried on; it keeps others from writing
	}{
		{"new", vault.Move{State: vault.Still, Until: now.Add(time.Minute)}, true, true},
		{"nearly over", vault.Move{State: vault.Still, Until: now.Add(time.Second)}, true, true},
		{"just over", vault.Move{State: vault.Still, Until: now}, false, true},
		{"over for a transaction's time", vault.Move{State: vault.Still, Until: now.Add(-15 * time.Second)}, false, false},
		{"made before the clock was put back", vault.Move{State: vault.Still, Until: now.Add(time.Hour)}, false, false},
		{"done", vault.Move{State: vault.Moved, Until: now.Add(-time.Hour)}, true, true},
	} {
		if goes, holds := tt.move.Lasts(now); goes != tt.goes || holds != tt.holds {
			t.Errorf("%s: %v, %v", tt.name, goes, holds)
		}
	}
}
