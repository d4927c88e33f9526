package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"sallyport/vault"
)

// Snapshot implements [vault.Store]. Rows that are deleted or replaced while it
// lasts are kept for it, and vacuumed afterwards.
//
// It waits for a moment that no transaction under way can come before any more
// (DEFERRABLE): of what is written to end all writing, it sees both that and all
// that came before. A standby and CockroachDB, which have no such moments to wait
// for, take the next.
func (s *Store) Snapshot(ctx context.Context, fn func(vault.KV) error) error {
	kv, err := s.snapshot(ctx, deferrable)
	if isCode(err, "0A000") { // feature not supported
		kv, err = s.snapshot(ctx, reading)
	}
	if err != nil {
		return s.explain(err)
	}
	defer kv.end()
	if err := fn(kv); kv.err == nil {
		return err
	}
	return s.explain(kv.err)
}

// snapshot is a transaction that has begun, and sees one moment.
func (s *Store) snapshot(ctx context.Context, begin string) (*kv, error) {
	kv := s.begin(ctx, begin, func() (*pgxpool.Conn, error) { return s.pool.Acquire(ctx) })
	// Whom the snapshot is for may be slow.
	err := kv.write(`SET LOCAL idle_in_transaction_session_timeout = 0`)
	if err == nil {
		_, err = kv.Now()
	}
	if err != nil {
		kv.end()
	}
	return kv, err
}
