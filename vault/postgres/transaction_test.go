package postgres

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"sallyport/vault"
	"sallyport/vault/postgres/pgtest"
)

// counted is a connection whose messages to the database are counted.
type counted struct {
	net.Conn
	sent *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	c.sent.Add(1)
	return c.Conn.Write(b)
}

// TestTransactionsAskAsSeldomAsTheyCan counts what is sent, each time to wait for
// an answer, the end of a view not to be waited for among it.
func TestTransactionsAskAsSeldomAsTheyCan(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	s := openCounted(t, &sent)
	get := func(kv vault.KV, key string) error {
		_, err := vault.Exists(func() error { _, err := kv.Get("a", key); return err }())
		return err
	}
	put := func(kv vault.KV, key string) error { return kv.Put("a", key, vault.Value{Sealed: []byte("v")}) }
	guard := func(kv vault.KV) error {
		return kv.Guard("a", "shut", func([]byte, time.Time) error { return nil })
	}
	for _, tt := range []struct {
		name string
		run  func(context.Context, func(vault.KV) error) error
		fn   func(vault.KV) error
		want int64
	}{
		{"a view that reads nothing", s.View, func(vault.KV) error { return nil }, 0},
		{"a view that reads one record", s.View, func(kv vault.KV) error { return get(kv, "1") }, 1 + 1},
		{"a view that foresees two after one", s.View, func(kv vault.KV) error {
			if err := get(kv, "1"); err != nil {
				return err
			}
			if err := kv.(vault.Foreseer).Foresee(vault.Location{Bucket: "a", Key: "2"}, vault.Location{Bucket: "a", Key: "none"}); err != nil {
				return err
			}
			if err := get(kv, "none"); err != nil {
				return err
			}
			return get(kv, "2")
		}, 2 + 1},
		{"an update that only writes", s.Update, func(kv vault.KV) error {
			if err := put(kv, "1"); err != nil {
				return err
			}
			return put(kv, "2")
		}, 1},
		{"an update that reads and writes", s.Update, func(kv vault.KV) error {
			if err := get(kv, "1"); err != nil {
				return err
			}
			return put(kv, "1")
		}, 2},
		{"an update that reads what it wrote", s.Update, func(kv vault.KV) error {
			if err := put(kv, "1"); err != nil {
				return err
			}
			return get(kv, "1")
		}, 2},
		{"an update with a guard that only writes", s.Update, func(kv vault.KV) error {
			return errors.Join(guard(kv), put(kv, "1"))
		}, 2},
		{"an update with a guard that reads and writes", s.Update, func(kv vault.KV) error {
			return errors.Join(guard(kv), get(kv, "1"), put(kv, "1"))
		}, 2},
	} {
		measure(t, s, &sent, tt.name, tt.want, func() error { return tt.run(t.Context(), tt.fn) })
	}
}

// TestVaultLooksForMovesAndMarksWithWhatItReads counts what a vault's
// transactions send, which ask for more than the records that they are about.
func TestVaultLooksForMovesAndMarksWithWhatItReads(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	s := openCounted(t, &sent)
	v, err := vault.Open(t.Context(), s, vault.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	lease := vault.Lease{Name: "l"}
	tokens := vault.TokenSet{Identity: "i"}
	for _, tt := range []struct {
		name string
		fn   func(*vault.Tx) error
		want int64
	}{
		{"writes what it did not read", func(tx *vault.Tx) error { return tx.Leases.Put(lease) }, 2},
		{"reads and writes", func(tx *vault.Tx) error {
			_, err := vault.Exists(func() error { _, err := tx.Leases.Get("l"); return err }())
			return errors.Join(err, tx.Leases.Put(lease))
		}, 2},
		{"reads and writes tokens", func(tx *vault.Tx) error {
			_, err := vault.Exists(func() error { _, err := tx.TokenSets.Get("i"); return err }())
			return errors.Join(err, tx.TokenSets.Put(tokens))
		}, 2},
	} {
		measure(t, s, &sent, tt.name, tt.want, func() error { return v.Update(t.Context(), tt.fn) })
	}
}

// measure counts what a transaction sends, the first time of which statements are
// prepared.
func measure(t *testing.T, s *Store, sent *atomic.Int64, name string, want int64, transaction func() error) {
	t.Helper()
	for warm := range 2 {
		before := sent.Load()
		if err := transaction(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		conn, err := s.pool.Acquire(t.Context()) // the one connection, once the transaction has ended
		if err != nil {
			t.Fatal(err)
		}
		conn.Release()
		if got := sent.Load() - before; warm > 0 && got != want {
			t.Errorf("%s: it sends %d messages, want %d", name, got, want)
		}
	}
}

// TestWrittenRecordIsNotTheForeseenOne reads, writes and reads again.
func TestWrittenRecordIsNotTheForeseenOne(t *testing.T) {
	t.Parallel()
	s := openCounted(t, new(atomic.Int64))
	err := s.Update(t.Context(), func(kv vault.KV) error {
		if err := kv.(vault.Foreseer).Foresee(vault.Location{Bucket: "a", Key: "k"}); err != nil {
			return err
		}
		if err := kv.Put("a", "k", vault.Value{Sealed: []byte("new")}); err != nil {
			return err
		}
		if v, err := kv.Get("a", "k"); err != nil || string(v.Sealed) != "new" {
			t.Errorf("after a Put: %q, %v", v.Sealed, err)
		}
		if err := kv.Delete("a", "k"); err != nil {
			return err
		}
		if _, err := kv.Get("a", "k"); err != vault.ErrNotFound {
			t.Errorf("after a Delete: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func openCounted(t *testing.T, sent *atomic.Int64) *Store {
	t.Helper()
	s, err := Open(t.Context(), pgtest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	config := s.pool.Config()
	s.Close()
	config.MaxConns = 1
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return counted{conn, sent}, err
	}
	if s.pool, err = pgxpool.NewWithConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
