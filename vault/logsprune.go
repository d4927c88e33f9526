package vault

import (
	"context"
	"time"
)

// LogRetention is how long events are kept, and how many bytes of them at most.
type LogRetention struct {
	Age   time.Duration
	Bytes uint64
}

// Events are kept for a day at least, and 16 MiB of them: with less there would
// be no log to speak of.
const (
	LeastLogAge   = 24 * time.Hour
	LeastLogBytes = 16 << 20
)

// LogSettings is the retention that was last set.
type LogSettings struct {
	forever
	Retention LogRetention
}

func (LogSettings) Key() string { return "retention" }

// Validate finds fault with a retention that would leave no log.
func (s LogSettings) Validate() error {
	switch {
	case s.Retention.Age < LeastLogAge:
		return &Invalid{"logs-days", "should be at least 1"}
	case s.Retention.Bytes < LeastLogBytes:
		return &Invalid{"logs-megabytes", "should be at least 16"}
	}
	return nil
}

// SetLogRetention keeps how long events are to be kept. If that is another time
// than before, it records the event that changed makes of both.
func (v *Vault) SetLogRetention(ctx context.Context, r LogRetention, changed func(before, after LogRetention) Event) error {
	return v.Update(ctx, func(tx *Tx) error {
		now := LogSettings{Retention: r}
		before, err := tx.LogSettings.Get(now.Key())
		if _, err := Exists(err); err != nil {
			return err
		}
		if before.Retention == r {
			return nil
		}
		if err := tx.LogSettings.Put(now); err != nil {
			return err
		}
		return tx.Record(changed(before.Retention, r))
	})
}

// LogSize is how many bytes of events there are, as of the last checkpoints, and
// how long they are kept: zero, if for ever.
func (tx *Tx) LogSize() (bytes uint64, kept LogRetention, err error) {
	chains, err := tx.chains()
	if err != nil {
		return 0, kept, err
	}
	for _, c := range chains {
		bytes += c.Head.Bytes - c.Anchor.Bytes
	}
	settings, err := tx.LogSettings.Get(LogSettings{}.Key())
	_, err = Exists(err)
	return bytes, settings.Retention, err
}

const pruneLease = 3 * time.Minute // that others leave the pruning to the instance that pruned last

// PruneLogs forgets the oldest events that are older than they are to be kept, or
// too many, a bounded number of them. Where each chain begins from then on is
// signed, and what was forgotten is recorded as the event that pruned makes of it.
// It returns how many it forgot: none if another instance is at it.
func (v *Vault) PruneLogs(ctx context.Context, r LogRetention, pruned func(events uint64, until time.Time) Event) (events uint64, err error) {
	if err := (LogSettings{Retention: r}).Validate(); err != nil {
		return 0, err
	}
	err = v.Update(ctx, func(tx *Tx) (err error) {
		events = 0
		mine, err := tx.lease("prune logs", v.id, pruneLease)
		if err != nil || !mine {
			return err
		}
		var until time.Time
		if events, until, err = tx.pruneLogs(r); err != nil || events == 0 {
			return err
		}
		return tx.Record(pruned(events, until))
	})
	return events, err
}

// pruneLogs deletes some blocks of those that are due, and returns how many events
// they had, and when the last of them was.
func (tx *Tx) pruneLogs(r LogRetention) (events uint64, until time.Time, err error) {
	const most = 500 // blocks
	list, err := tx.chains()
	if err != nil {
		return 0, until, err
	}
	chains, changed, size := map[string]*Chain{}, map[string]bool{}, uint64(0)
	for i, c := range list {
		chains[c.ID] = &list[i]
		size += c.Head.Bytes - c.Anchor.Bytes
	}
	blocks := 0
	for b, err := range tx.Events.All("") {
		if err != nil {
			return 0, until, err
		}
		c := chains[b.Chain]
		if blocks == most || c == nil || tx.now.Sub(b.Time) <= r.Age && size <= r.Bytes {
			break
		}
		if err := tx.Events.Delete(b.ID); err != nil {
			return 0, until, err
		}
		size -= min(size, b.Bytes-c.Anchor.Bytes)
		c.Anchor, changed[c.ID] = b.end(), true
		blocks, events, until = blocks+1, events+b.Count, b.Time
	}
	for id := range changed {
		if err := tx.anchor(*chains[id]); err != nil {
			return 0, until, err
		}
	}
	return events, until, nil
}

// anchor keeps a chain with a new beginning, signed.
func (tx *Tx) anchor(c Chain) error {
	key, err := tx.logKey()
	if err != nil {
		return err
	}
	s := c.at(c.Anchor, tx.now)
	s.Why, s.Follows = "pruned", c.Follows
	if c.Pruned, err = key.sign(signed{Anchor: s}); err != nil {
		return err
	}
	if c.Head.Seq < c.Anchor.Seq {
		c.Head, c.Checkpoint = c.Anchor, ""
	}
	return tx.Chains.Put(c)
}
