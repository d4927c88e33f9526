package vault

import (
	"context"
	"slices"
	"time"
)

// Replay has deliveries of a webhook sent again, now, that match, and records an
// event. It returns how many. It fails with [ErrNotFound].
func (v *Vault) Replay(ctx context.Context, e Event, webhook string, match func(Delivery) bool) (n int, err error) {
	var keys []string
	err = v.View(ctx, func(tx *Tx) error {
		keys = nil
		if _, err := tx.Webhooks.Get(webhook); err != nil {
			return err
		}
		for d, err := range tx.DeliveriesOf(webhook) {
			if err != nil {
				return err
			}
			if match(d) {
				keys = append(keys, d.Key())
			}
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	err = v.Update(ctx, func(tx *Tx) error {
		w, err := tx.Webhooks.Get(webhook)
		if err != nil {
			return err
		}
		w.PausedUntil = time.Time{}
		if err := tx.Webhooks.Put(w); err != nil {
			return err
		}
		return tx.Record(e)
	})
	for batch := range slices.Chunk(keys, 500) {
		if err != nil {
			break
		}
		again := 0
		err = v.Update(ctx, func(tx *Tx) error {
			again = 0
			for _, key := range batch {
				d, err := tx.Deliveries.Get(key)
				if found, err := Exists(err); err != nil {
					return err
				} else if !found {
					continue // it has just been sent
				}
				if err := tx.Replace(d, d.Again(tx.now)); err != nil {
					return err
				}
				again++
			}
			return tx.RingDeliveries()
		})
		n += again
	}
	return n, err
}
