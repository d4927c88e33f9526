package vault

import (
	"context"
	"time"
)

// HealthCounts are how many connected accounts are how, as they were counted
// last: no page counts them itself.
type HealthCounts struct {
	forever
	Began    time.Time // of the count; what changed meanwhile may be in it or not
	Took     time.Duration
	Accounts int                       // all of them
	Of       map[string]map[Health]int // by connection
	First    map[Health][]string       // keys of the first identities that are not healthy, in key order; see MostFirst
}

// MostFirst is how many accounts [HealthCounts] names of each health.
const MostFirst = 200

const healthCounts = "counts"

func (HealthCounts) Key() string { return healthCounts }

// Are is how many accounts are in a state, at all connections.
func (h HealthCounts) Are(state Health) (n int) {
	for _, of := range h.Of {
		n += of[state]
	}
	return n
}

func (h *HealthCounts) add(identity string, state Health) {
	h.Accounts++
	name := ConnectionOf(identity)
	if h.Of[name] == nil {
		h.Of[name] = map[Health]int{}
	}
	h.Of[name][state]++
	if state != Healthy && len(h.First[state]) < MostFirst {
		h.First[state] = append(h.First[state], identity)
	}
}

// HealthCounts are the last counts, or none if nobody has counted yet.
func (tx *Tx) HealthCounts() (HealthCounts, error) {
	h, err := tx.Counts.Get(healthCounts)
	_, err = Exists(err)
	return h, err
}

const (
	countLease = 5 * time.Minute // that others leave a count to whoever began it
	countShare = 30              // of the time, at most one part of so many is spent on counting
	countPart  = 500             // accounts in one view
)

// CountHealth counts all connected accounts, unless that was done less than
// often ago, or another instance is at it. Asserts is as in [TokenSet.Health].
func (v *Vault) CountHealth(ctx context.Context, often time.Duration, asserts func(Connection) bool) error {
	due := false
	err := v.View(ctx, func(tx *Tx) error {
		last, err := tx.HealthCounts()
		due = tx.Now().Sub(last.Began).Abs() >= max(often, countShare*last.Took)
		return err
	})
	if err != nil || !due {
		return err
	}
	mine := false
	if err := v.Update(ctx, func(tx *Tx) (err error) { mine, err = tx.lease("count health", v.id, countLease); return err }); err != nil || !mine {
		return err
	}
	counts := HealthCounts{Began: v.Now(), Of: map[string]map[Health]int{}, First: map[Health][]string{}}
	began := time.Now()
	for after := ""; ; {
		part, err := v.healthAfter(ctx, after, asserts)
		if err != nil {
			return err
		}
		for _, p := range part {
			counts.add(p.identity, p.state)
			after = p.identity
		}
		if len(part) < countPart {
			break
		}
	}
	counts.Took = time.Since(began)
	return v.Update(ctx, func(tx *Tx) error { return tx.Counts.Put(counts) })
}

type healthOf struct {
	identity string
	state    Health
}

// healthAfter is how the accounts of one view are, of which the keys come after
// one.
func (v *Vault) healthAfter(ctx context.Context, after string, asserts func(Connection) bool) (list []healthOf, err error) {
	err = v.View(ctx, func(tx *Tx) error {
		list = nil
		for ts, err := range tx.TokenSets.All(after) {
			if err != nil {
				return err
			}
			c, err := tx.Connections.Get(ConnectionOf(ts.Identity))
			if _, err := Exists(err); err != nil {
				return err
			}
			if list = append(list, healthOf{ts.Identity, ts.Health(c, asserts(c), tx.Now())}); len(list) == countPart {
				break
			}
		}
		return ctx.Err()
	})
	return list, err
}
