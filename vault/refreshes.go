package vault

import (
	"errors"
	"slices"
	"time"
)

// Refreshes are the last refreshes of an account and what came of them, for
// administrators. It is written with what came of each, and read by no exchange.
type Refreshes struct {
	forever
	Identity string
	List     []Refreshed // newest first, 20 at most
}

func (r Refreshes) Key() string { return r.Identity }

// Refreshed is a refresh, or several in a row of which the same came.
type Refreshed struct {
	Outcome Outcome
	Why     string // for people, without a secret; may be empty
	First   time.Time
	Last    time.Time
	Times   int
}

// Outcome is what came of a refresh.
type Outcome string

const (
	GotTokens  Outcome = "refreshed"
	Refused    Outcome = "refused"   // for good: see [Refusal]
	NotSpent   Outcome = "not_spent" // see [ErrUnspent]
	NoUse      Outcome = "no_use"    // see [ErrAnswered]
	NotHeardOf Outcome = "unheard"   // see [Unheard]
)

// mostRefreshes are kept of an account, and longestWhy characters of a reason.
const (
	mostRefreshes = 20
	longestWhy    = 600
)

// refreshedWith is a refresh that ended with an error, or nil.
func refreshedWith(err error, at time.Time) Refreshed {
	r := Refreshed{Outcome: NotHeardOf, First: at, Last: at, Times: 1}
	var refusal *Refusal
	var explained interface{ Explain() string }
	switch {
	case err == nil:
		r.Outcome = GotTokens
	case errors.As(err, &refusal):
		r.Outcome, r.Why = Refused, refusal.Why
	case errors.Is(err, ErrUnspent):
		r.Outcome = NotSpent
	case errors.Is(err, ErrAnswered):
		r.Outcome = NoUse
	}
	if r.Why == "" && errors.As(err, &explained) {
		r.Why = explained.Explain()
	}
	if why := []rune(r.Why); len(why) > longestWhy {
		r.Why = string(why[:longestWhy]) + "…"
	}
	return r
}

// with are the refreshes with a further one.
func (r Refreshes) with(last Refreshed) Refreshes {
	if len(r.List) > 0 && r.List[0].Outcome == last.Outcome && r.List[0].Why == last.Why {
		last.First, last.Times = r.List[0].First, r.List[0].Times+1
		r.List = r.List[1:]
	}
	r.List = append([]Refreshed{last}, slices.Clone(r.List)...)
	r.List = r.List[:min(len(r.List), mostRefreshes)]
	return r
}

// note adds a refresh to those of an account. Those of before that cannot be read
// are given up: the tokens that are kept in the same transaction matter more.
func (tx *Tx) note(identity string, last Refreshed) error {
	before, err := tx.Refreshes.Get(identity)
	if err != nil {
		before = Refreshes{Identity: identity}
	}
	return tx.Refreshes.Put(before.with(last))
}

// RefreshesOf are the last refreshes of an account, newest first.
func (tx *Tx) RefreshesOf(identity string) ([]Refreshed, error) {
	r, err := tx.Refreshes.Get(identity)
	_, err = Exists(err)
	return r.List, err
}
