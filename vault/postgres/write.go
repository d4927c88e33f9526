package postgres

import (
	"context"

	"sallyport/vault"
)

var _ vault.Writer = (*Store)(nil)

// Write implements [vault.Writer]: what fn writes is sent together, and is one
// transaction for it.
func (s *Store) Write(ctx context.Context, fn func(vault.KV) error) error {
	kv := &kv{ctx: ctx, store: s}
	if err := fn(kv); err != nil {
		return err
	}
	return s.explain(s.pool.SendBatch(ctx, &kv.writes).Close())
}
