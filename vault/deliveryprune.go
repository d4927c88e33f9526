package vault

import (
	"context"
	"slices"
)

// mostDeliveries are kept of a webhook: so many that wait, and so many others.
const mostDeliveries = 10_000

// PruneDeliveries forgets deliveries of webhooks that are gone, and such as are too
// many: of those that wait, the ones that are due last, which have failed most
// often; of others, the oldest. It returns how many it forgot that webhooks
// could still have got.
func (v *Vault) PruneDeliveries(ctx context.Context) (dropped int, err error) {
	var keys []string
	err = v.View(ctx, func(tx *Tx) error {
		keys, dropped = nil, 0
		var names []string
		for w, err := range tx.Webhooks.All("") {
			if err != nil {
				return err
			}
			names = append(names, w.Name)
		}
		waiting, settled := map[string]int{}, map[string][]string{}
		for d, err := range tx.Deliveries.All("") {
			if err != nil {
				return err
			}
			switch {
			case !slices.Contains(names, d.Webhook):
				keys = append(keys, d.Key())
			case d.State != DeliveryWaits:
				settled[d.Webhook] = append(settled[d.Webhook], d.Key())
			default:
				if waiting[d.Webhook]++; waiting[d.Webhook] > mostDeliveries {
					keys = append(keys, d.Key())
					dropped++
				}
			}
		}
		for _, list := range settled {
			keys = append(keys, list[:max(0, len(list)-mostDeliveries)]...)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return dropped, v.forgetDeliveries(ctx, keys)
}

// DeleteWebhook forgets a webhook and its deliveries, and records an event. It
// fails with [ErrNotFound].
func (v *Vault) DeleteWebhook(ctx context.Context, e Event, name string) error {
	err := v.Update(ctx, func(tx *Tx) error {
		if _, err := tx.Webhooks.Take(name); err != nil {
			return err
		}
		return tx.Record(e)
	})
	if err != nil {
		return err
	}
	var keys []string
	err = v.View(ctx, func(tx *Tx) error {
		keys = nil
		for d, err := range tx.DeliveriesOf(name) {
			if err != nil {
				return err
			}
			keys = append(keys, d.Key())
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.forgetDeliveries(ctx, keys)
}

// forgetDeliveries forgets deliveries, a bounded number a transaction.
func (v *Vault) forgetDeliveries(ctx context.Context, keys []string) error {
	for batch := range slices.Chunk(keys, 500) {
		err := v.Update(ctx, func(tx *Tx) error {
			for _, key := range batch {
				if err := tx.Deliveries.Delete(key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
