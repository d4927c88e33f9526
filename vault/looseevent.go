package vault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// LooseEvent is an event that is not yet in a block.
type LooseEvent struct {
	forever
	ID    string
	Event Event
	Since time.Time // somebody last set about it
}

func (l LooseEvent) Key() string { return l.ID }

// Record writes an event within a transaction: it is kept if what it tells of is.
func (tx *Tx) Record(e Event) error {
	if e.Date.IsZero() {
		e.Date = tx.now
	}
	if e.Correlation.String() == "" {
		return &Invalid{"correlation_id", "is missing from an event, which is found by it"}
	}
	loose := LooseEvent{ID: fmt.Sprint(e.Correlation, " ", e.Type, " ", len(tx.loose)), Event: e, Since: tx.now}
	tx.loose = append(tx.loose, loose)
	return tx.LooseEvents.Put(loose)
}

// gather has loose events that were kept taken into a block.
func (v *Vault) gather(loose []LooseEvent) {
	for _, l := range loose {
		v.enter(&entry{event: l.Event, loose: l.ID})
	}
}

// TakeUp takes loose events into the log that are older than an age: those of an
// instance that ended before it could.
func (v *Vault) TakeUp(ctx context.Context, age time.Duration) error {
	var found []LooseEvent
	err := v.View(ctx, func(tx *Tx) error {
		found = nil
		for l, err := range tx.LooseEvents.All("") {
			if err != nil {
				return err
			}
			if tx.Now().Sub(l.Since) >= age && len(found) < mostTogether {
				found = append(found, l)
			}
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		return err
	}
	var taken []LooseEvent
	err = v.Update(ctx, func(tx *Tx) error { // of several instances that found one, the first has it
		taken = nil
		for _, l := range found {
			now, err := tx.LooseEvents.Get(l.ID)
			if ok, err := Exists(err); err != nil {
				return err
			} else if !ok || !now.Since.Equal(l.Since) {
				continue
			}
			now.Since = tx.Now()
			if err := tx.LooseEvents.Put(now); err != nil {
				return err
			}
			taken = append(taken, now)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var written []chan error
	for _, l := range taken {
		done := make(chan error, 1)
		v.enter(&entry{event: l.Event, loose: l.ID, done: done})
		written = append(written, done)
	}
	for _, done := range written {
		err = errors.Join(err, <-done)
	}
	return err
}
