package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"sallyport/vault"
)

// retries are how long an endpoint is left before it is tried again (Standard
// Webhooks, "Deliverability and reliability"): ten attempts in three days.
var retries = [...]time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

const (
	claimTime    = time.Minute // that a delivery is left to whoever is sending it
	mostCouriers = 4           // that send to one webhook at once
)

// couriers counts, by webhook, who is sending, so that a slow one keeps nobody
// from the others.
type couriers struct {
	mu sync.Mutex
	at map[string]int
}

// begin takes a place at a webhook, if there is one.
func (c *couriers) begin(webhook string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == nil {
		c.at = map[string]int{}
	}
	if c.at[webhook] >= mostCouriers {
		return false
	}
	c.at[webhook]++
	return true
}

func (c *couriers) end(webhook string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at[webhook]--; c.at[webhook] == 0 {
		delete(c.at, webhook)
	}
}

// workWebhooks sends webhooks what happens, until ctx ends, and finds out what
// happens to connections.
func (s *Server) workWebhooks(ctx context.Context) {
	look, prune := time.NewTicker(tellAfter), time.NewTicker(pruneAfter)
	defer look.Stop()
	defer prune.Stop()
	due, stop := s.Vault.DeliveriesDue()
	defer stop()
	var sending sync.WaitGroup
	defer sending.Wait()
	for {
		var what string
		var err error
		select {
		case <-ctx.Done():
			return
		case <-due:
			what, err = "send to webhooks", s.sendDue(ctx, &sending)
		case <-look.C:
			what, err = "send to webhooks", errors.Join(s.noticeOutages(ctx), s.sendDue(ctx, &sending))
		case <-prune.C:
			what, err = "forget deliveries", s.pruneDeliveries(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "could not "+what, "error", err)
		}
	}
}

// sendDue begins to send the deliveries that are due, and does not wait for it.
func (s *Server) sendDue(ctx context.Context, sending *sync.WaitGroup) error {
	due := map[string]int{} // by webhook, as many as can be sent at once
	err := s.Vault.View(ctx, func(tx *vault.Tx) error {
		clear(due)
		for w, err := range tx.Webhooks.All("") {
			if err != nil {
				return err
			}
			if !w.Enabled || tx.Now().Before(w.PausedUntil) {
				continue
			}
			for d, err := range tx.DeliveriesOf(w.Name) {
				if err != nil {
					return err
				}
				if due[w.Name] == mostCouriers || d.State != vault.DeliveryWaits || tx.Now().Before(d.Next) {
					break
				}
				due[w.Name]++
			}
		}
		return nil
	})
	for name, n := range due {
		for range n {
			if s.couriers.begin(name) {
				sending.Go(func() {
					defer s.couriers.end(name)
					if err := s.sendTo(ctx, name); err != nil && ctx.Err() == nil {
						s.Log.ErrorContext(ctx, "could not send to a webhook", "webhook", name, "error", err)
					}
				})
			}
		}
	}
	return err
}

// sendTo sends the deliveries of a webhook that are due, one after the other.
func (s *Server) sendTo(ctx context.Context, name string) error {
	for {
		w, d, found, err := s.claimDelivery(ctx, name)
		if err != nil || !found {
			return err
		}
		r := s.post(ctx, w, d)
		if ctx.Err() != nil && !r.ok() {
			return s.putBack(ctx, d)
		}
		s.Metrics.message(name, r.ok())
		if err := s.settleDelivery(ctx, d, r); err != nil {
			return err
		}
	}
}

// claimDelivery takes the first delivery of a webhook that is due, for a while, so
// that of several instances one sends it. Whoever stops without a word leaves it
// to be claimed again: a message may arrive twice, and is not lost.
func (s *Server) claimDelivery(ctx context.Context, name string) (w vault.Webhook, d vault.Delivery, found bool, err error) {
	err = s.Vault.Update(ctx, func(tx *vault.Tx) (err error) {
		found = false
		w, err = tx.Webhooks.Get(name)
		if there, err := vault.Exists(err); !there || !w.Enabled || tx.Now().Before(w.PausedUntil) {
			return err
		}
		for next, err := range tx.DeliveriesOf(name) {
			if err != nil || next.State != vault.DeliveryWaits || tx.Now().Before(next.Next) {
				return err
			}
			d, found = next, true
			break
		}
		if !found {
			return nil
		}
		before := d
		d.Attempts++
		d.Last, d.Next = tx.Now(), tx.Now().Add(claimTime)
		return tx.Replace(before, d)
	})
	return w, d, found, err
}

// putBack gives a delivery back that was broken off since the gateway stops.
func (s *Server) putBack(ctx context.Context, d vault.Delivery) error {
	return s.Vault.Update(context.WithoutCancel(ctx), func(tx *vault.Tx) error {
		before, err := tx.Deliveries.Get(d.Key())
		if found, err := vault.Exists(err); !found {
			return err
		}
		now := before
		now.Attempts--
		now.Next = tx.Now()
		return tx.Replace(before, now)
	})
}

// jittered is a time with up to a tenth more, so that what failed together does
// not come again together.
func jittered(d time.Duration) time.Duration { return d + rand.N(d/10+1) }

// pruneDeliveries forgets deliveries that are too many.
func (s *Server) pruneDeliveries(ctx context.Context) error {
	n, err := s.Vault.PruneDeliveries(ctx)
	if n > 0 {
		e := noteOf(context.Background()).as("sallyport_webhook_deliveries_dropped", vault.Count("deliveries", int64(n)))
		err = errors.Join(err, s.record(ctx, e))
	}
	return err
}
