package vault

import (
	"context"
	"time"
)

// Tally is what an instance did in an hour, in numbers, for administrators. The
// instance counts in memory and keeps the sum of the hour every now and then; who
// wants to know adds up, and nobody looks through the log of events for it.
type Tally struct {
	Hour     time.Time // its beginning
	Instance string
	Done     map[Deed]int // that succeeded
	Failures []Failure
	Expires  time.Time
}

// Key begins with the hour, so that tallies lie in order.
func (t Tally) Key() string          { return hourKey(t.Hour) + " " + t.Instance }
func (t Tally) ExpiresAt() time.Time { return t.Expires }

func hourKey(t time.Time) string { return t.UTC().Format("2006010215") }

// Deed is what is counted.
type Deed string

const (
	DidExchange Deed = "exchange"
	DidRefresh  Deed = "refresh"
	DidSignIn   Deed = "sign-in"
)

// Failure is what failed how often.
type Failure struct {
	Of         Deed
	Connection string // its name, or "" if it was not one's
	Reason     string // in a word, of few
	Times      int
}

// tallyLife is how long tallies are kept: a week, and the hours that were begun.
const tallyLife = 8 * 24 * time.Hour

// KeepTallies keeps tallies of this instance, in place of those of the same hours.
func (v *Vault) KeepTallies(ctx context.Context, list []Tally) error {
	return v.Update(ctx, func(tx *Tx) error {
		for _, t := range list {
			t.Instance, t.Expires = v.id, t.Hour.Add(tallyLife)
			if err := tx.Tallies.Put(t); err != nil {
				return err
			}
		}
		return nil
	})
}

// TalliesSince are those of all instances, of the hour of a time and later, in
// the order of their hours.
func (tx *Tx) TalliesSince(since time.Time) (list []Tally, err error) {
	for t, err := range tx.Tallies.All(hourKey(since)) {
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}
