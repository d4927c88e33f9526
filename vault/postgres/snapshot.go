package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"sallyport/vault"
)

// Snapshot implements [vault.Store]. Rows that are deleted or replaced while it
// lasts are kept for it, and vacuumed afterwards.
func (s *Store) Snapshot(ctx context.Context, fn func(vault.KV) error) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return s.explain(err)
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return s.explain(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	// Whom the snapshot is for may be slow.
	if _, err := tx.Exec(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
		return s.explain(err)
	}
	kv := &kv{ctx: ctx, tx: tx, tells: s.tells}
	if err := fn(kv); kv.err == nil {
		return err
	}
	return s.explain(kv.err)
}
