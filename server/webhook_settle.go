package server

import (
	"context"
	"errors"
	"time"

	"sallyport/vault"
)

const (
	pauseFirst    = 30 * time.Second // of a webhook that does not keep up, and does not say for how long
	pauseMost     = time.Hour        // of a webhook; a message is left for as long as it says
	failingTooFar = 72 * time.Hour   // that nothing arrives, until a webhook is switched off
)

// settleDelivery keeps what came of an attempt: the delivery is done, is tried
// again, or is given up; and its webhook is paused or switched off if need be.
func (s *Server) settleDelivery(ctx context.Context, claimed vault.Delivery, r reply) error {
	n := noteOf(context.Background())
	wait := max(r.after, jittered(retries[min(claimed.Attempts, len(retries))-1]))
	var d vault.Delivery
	err := s.Vault.Update(context.WithoutCancel(ctx), func(tx *vault.Tx) error {
		var err error
		d, err = tx.Deliveries.Get(claimed.Key())
		if found, err := vault.Exists(err); !found {
			return err // it took too long, or somebody deleted the webhook
		}
		d.Status, d.Problem = r.status, r.problem()
		switch {
		case r.ok():
			d = d.Settle(vault.Delivered, tx.Now())
		case r.gone(), d.Attempts > len(retries):
			d = d.Settle(vault.DeliveryFails, tx.Now())
		default:
			d.Next = tx.Now().Add(wait)
		}
		if err := tx.Replace(claimed, d); err != nil {
			return err
		}
		if d.State == vault.DeliveryFails {
			if err := tx.Record(deliveryFailed(n, d)); err != nil {
				return err
			}
		}
		return settleWebhook(tx, n, d, r)
	})
	switch {
	case err != nil:
	case r.ok():
		s.Log.InfoContext(ctx, "a message was delivered", "webhook", d.Webhook, "message", d.Message, "type", d.Type, "attempt", d.Attempts)
	default:
		s.Log.WarnContext(ctx, "a message was not delivered", "webhook", claimed.Webhook, "message", claimed.Message, "type", claimed.Type,
			"attempt", claimed.Attempts, "next", d.Next, "problem", r.problem())
	}
	return err
}

// settleWebhook keeps how a webhook is after an attempt, and records what is new
// about that.
func settleWebhook(tx *vault.Tx, n *note, d vault.Delivery, r reply) error {
	w, err := tx.Webhooks.Get(d.Webhook)
	if found, err := vault.Exists(err); !found {
		return err
	}
	after := w
	var event vault.EventType
	switch {
	case r.ok():
		after.FailingSince, after.PausedUntil = time.Time{}, time.Time{}
		if !w.FailingSince.IsZero() {
			event = "sallyport_webhook_recovered"
		}
	case r.gone():
		after = w.Switch(false)
		after.Disabled = "It answered 410 Gone: it wants no more messages."
		event = "sallyport_webhook_disabled"
	case w.FailingSince.IsZero():
		after.FailingSince = tx.Now()
		event = "sallyport_webhook_failing"
	case d.State == vault.DeliveryFails && tx.Now().Sub(w.FailingSince) >= failingTooFar:
		after = w.Switch(false)
		after.Disabled = "Nothing has arrived for three days. The last time: " + r.problem()
		event = "sallyport_webhook_disabled"
	}
	if r.busy() {
		pause := min(max(r.after, pauseFirst), pauseMost)
		after.PausedUntil = tx.Now().Add(pause)
	}
	var errs []error
	if event != "" {
		e := n.as(event, vault.Say("webhook", w.Name))
		if !r.ok() {
			e.Description = vault.Said(r.problem())
		}
		errs = append(errs, tx.Record(e))
	}
	if !after.FailingSince.Equal(w.FailingSince) || !after.PausedUntil.Equal(w.PausedUntil) || after.Enabled != w.Enabled {
		errs = append(errs, tx.Webhooks.Put(after))
	}
	return errors.Join(errs...)
}

// deliveryFailed tells that a message is not tried any more.
func deliveryFailed(n *note, d vault.Delivery) vault.Event {
	e := n.as("sallyport_webhook_delivery_failed", vault.Say("webhook", d.Webhook), vault.Say("message_id", d.Message),
		vault.Say("message_type", string(d.Type)), vault.Count("attempts", int64(d.Attempts)))
	e.Description = vault.Said(d.Problem)
	return e
}
