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

	// By connection, what will need somebody soon.
	EndInDay, EndInWeek map[string]int // accounts without a refresh token whose access token expires by then, the day's in the week's
	Overdue             map[string]int // refresh tokens that should have been kept from lapsing a day ago: see HealthRules
}

// HealthRules are what the count has to know of connections.
type HealthRules struct {
	Asserts   func(Connection) bool          // as in [TokenSet.Health]
	KeepAlive func(Connection) time.Duration // that a refresh token may go unused before it is renewed, or 0
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

func (h *HealthCounts) add(a healthOf) {
	h.Accounts++
	name := ConnectionOf(a.identity)
	if h.Of[name] == nil {
		h.Of[name] = map[Health]int{}
	}
	h.Of[name][a.state]++
	if a.state != Healthy && len(h.First[a.state]) < MostFirst {
		h.First[a.state] = append(h.First[a.state], a.identity)
	}
	if a.state == Expiring && a.ends < 24*time.Hour {
		h.EndInDay[name]++
	}
	if a.state == Expiring && a.ends < 7*24*time.Hour {
		h.EndInWeek[name]++
	}
	if a.overdue {
		h.Overdue[name]++
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
// often ago, or another instance is at it.
func (v *Vault) CountHealth(ctx context.Context, often time.Duration, rules HealthRules) error {
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
	counts := HealthCounts{Began: v.Now(), Of: map[string]map[Health]int{}, First: map[Health][]string{},
		EndInDay: map[string]int{}, EndInWeek: map[string]int{}, Overdue: map[string]int{}}
	began := time.Now()
	for after := ""; ; {
		part, err := v.healthAfter(ctx, after, rules)
		if err != nil {
			return err
		}
		for _, a := range part {
			counts.add(a)
			after = a.identity
		}
		if len(part) < countPart {
			break
		}
	}
	counts.Took = time.Since(began)
	return v.Update(ctx, func(tx *Tx) error { return tx.Counts.Put(counts) })
}

// healthOf is how an account is.
type healthOf struct {
	identity string
	state    Health
	ends     time.Duration // of its access token
	overdue  bool
}

// overdueAfter is how late a renewal is that is due every hour, and has failed.
const overdueAfter = 24 * time.Hour

// healthAfter is how the accounts of one view are, of which the keys come after
// one.
func (v *Vault) healthAfter(ctx context.Context, after string, rules HealthRules) (list []healthOf, err error) {
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
			a := healthOf{identity: ts.Identity, state: ts.Health(c, rules.Asserts(c), tx.Now()), ends: ts.Expires.Sub(tx.Now())}
			if keep := rules.KeepAlive(c); keep > 0 && !ts.RefreshToken.IsZero() && (a.state == Healthy || a.state == Ambiguous) {
				a.overdue = tx.Now().Sub(ts.Issued) > keep+overdueAfter
			}
			if list = append(list, a); len(list) == countPart {
				break
			}
		}
		return ctx.Err()
	})
	return list, err
}
