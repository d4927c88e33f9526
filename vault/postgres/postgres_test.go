package postgres_test

import (
	"context"
	"sync"
	"testing"

	"sallyport/vault"
	"sallyport/vault/postgres"
	"sallyport/vault/postgres/pgtest"
	"sallyport/vault/storetest"
)

func open(t *testing.T, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) vault.Store { return open(t, pgtest.Open(t)) })
}

// TestStoreBehindAPooler has the store do without all that a pooler takes away,
// but without one: interop has one.
func TestStoreBehindAPooler(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) vault.Store {
		return open(t, with(t, pgtest.Open(t), "", "default_query_exec_mode", "exec"))
	})
}

func TestStoreThatRunsFunctionsTwice(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) vault.Store { return storetest.Twice(open(t, pgtest.Open(t))) })
}

func TestManyInstancesOpenANewDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.Open(t)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			s, err := postgres.Open(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.Update(t.Context(), func(kv vault.KV) error { return kv.Put("a", "k", vault.Value{Sealed: []byte("v")}) }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestErrorThatAFunctionSwallowsIsNotLost has functions make nothing of what
// the database says: a transaction that failed must not count as kept.
func TestErrorThatAFunctionSwallowsIsNotLost(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Open(t))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				if err := s.Update(context.Background(), func(kv vault.KV) error {
					v, _ := kv.Get("a", "n")
					kv.Put("a", "n", vault.Value{Sealed: append(v.Sealed, 'x')})
					kv.Get("a", "n") // sends the write
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := s.View(t.Context(), func(kv vault.KV) error {
		v, err := kv.Get("a", "n")
		if len(v.Sealed) != 80 {
			t.Errorf("counted %d, want 80", len(v.Sealed))
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// TestBrokenConnectionIsReplaced ends the server's side of all connections, in a
// transaction and between two.
func TestBrokenConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	url := pgtest.OpenDatabase(t)
	s := open(t, url)
	cut := func() {
		pgtest.Exec(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	}
	tries := 0
	if err := s.Update(t.Context(), func(kv vault.KV) error {
		if tries++; tries == 1 {
			cut()
		}
		return kv.Put("a", "k", vault.Value{Sealed: []byte("v")})
	}); err != nil || tries != 2 {
		t.Errorf("in a transaction: %v after %d tries", err, tries)
	}
	cut()
	if err := s.View(t.Context(), func(kv vault.KV) error { _, err := kv.Get("a", "k"); return err }); err != nil {
		t.Errorf("between two: %v", err)
	}
}

// TestUpdateThatHasBegunIsFinished ends the context of the one who asked for it.
func TestUpdateThatHasBegunIsFinished(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Open(t))
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.Update(ctx, func(kv vault.KV) error {
		cancel()
		return kv.Put("a", "k", vault.Value{Sealed: []byte("v")})
	}); err != nil {
		t.Error(err)
	}
}
