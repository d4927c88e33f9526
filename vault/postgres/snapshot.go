package postgres

import (
	"context"

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
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return s.explain(err)
	}
	defer conn.Release()
	tx, err := s.begin(ctx, conn, "ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE")
	if isCode(err, "0A000") { // feature not supported
		tx, err = s.begin(ctx, conn, reading)
	}
	if err != nil {
		return s.explain(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	// Whom the snapshot is for may be slow.
	if _, err := tx.Exec(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
		return s.explain(err)
	}
	kv := &kv{ctx: ctx, tx: tx, store: s}
	if err := fn(kv); kv.err == nil {
		return err
	}
	return s.explain(kv.err)
}
