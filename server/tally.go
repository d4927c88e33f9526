package server

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/vault"
)

// tally counts what this instance does, for the console. To count a success costs
// one addition. What was counted is kept every few seconds, in the hour that it is
// by then: a crash loses what was not.
type tally struct {
	exchanges, refreshes, signIns atomic.Int64 // that succeeded since they were taken

	mu       sync.Mutex
	hour     time.Time
	done     map[vault.Deed]int
	failures map[vault.Failure]int // by all of a failure but its number
	changed  bool                  // since the hour was taken
	earlier  []vault.Tally         // hours that could not be kept yet
}

const (
	mostFailures = 200 // that are told apart in an hour: of others the connection is left out
	mostEarlier  = 48
)

// count counts what ended with an error, or nil.
func (t *tally) count(of vault.Deed, connection string, err error) {
	if err == nil {
		t.succeeded(of).Add(1)
		return
	}
	f := vault.Failure{Of: of, Connection: connection, Reason: outcome(err)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failures == nil {
		t.failures = map[vault.Failure]int{}
	}
	if _, known := t.failures[f]; !known && len(t.failures) >= mostFailures {
		f.Connection = ""
	}
	t.failures[f]++
	t.changed = true
}

func (t *tally) succeeded(of vault.Deed) *atomic.Int64 {
	switch of {
	case vault.DidExchange:
		return &t.exchanges
	case vault.DidRefresh:
		return &t.refreshes
	}
	return &t.signIns
}

// take returns the hours that are to be kept, this one as the last: none, if
// nothing was counted.
func (t *tally) take(hour time.Time) []vault.Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.hour.IsZero():
		t.hour, t.done = hour, map[vault.Deed]int{}
	case !t.hour.Equal(hour):
		if t.changed {
			t.earlier = append(t.earlier, t.soFar())
		}
		t.hour, t.done, t.failures, t.changed = hour, map[vault.Deed]int{}, nil, false
	}
	for _, of := range []vault.Deed{vault.DidExchange, vault.DidRefresh, vault.DidSignIn} {
		if n := t.succeeded(of).Swap(0); n > 0 {
			t.done[of] += int(n)
			t.changed = true
		}
	}
	if !t.changed && len(t.earlier) == 0 {
		return nil
	}
	list := append(t.earlier[max(0, len(t.earlier)-mostEarlier):], t.soFar())
	t.earlier, t.changed = nil, false
	return list
}

// soFar is this hour as it can be kept.
func (t *tally) soFar() vault.Tally {
	now := vault.Tally{Hour: t.hour, Done: map[vault.Deed]int{}}
	for of, n := range t.done {
		now.Done[of] = n
	}
	for f, n := range t.failures {
		f.Times = n
		now.Failures = append(now.Failures, f)
	}
	return now
}

// giveBack takes back what could not be kept.
func (t *tally) giveBack(list []vault.Tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.earlier, t.changed = list[:len(list)-1], true
}

// keepTally keeps what was counted.
func (s *Server) keepTally(ctx context.Context) error {
	list := s.tally.take(s.Now().UTC().Truncate(time.Hour))
	if len(list) == 0 {
		return nil
	}
	err := s.Vault.KeepTallies(ctx, list)
	if err != nil {
		s.tally.giveBack(list)
	}
	return err
}

// exchanged counts an exchange. Its connection was noted with a strategy, if it is
// one and not merely what was asked for.
func (s *Server) exchanged(ctx context.Context, err error) {
	s.Metrics.exchange(err)
	connection := ""
	if err != nil {
		if e := &noteOf(ctx).event; e.Strategy.String() != "" {
			connection = e.Connection.String()
		}
	}
	s.tally.count(vault.DidExchange, connection, err)
}

// refreshed counts what came of asking an identity provider for an access token.
func (s *Server) refreshed(connection string, err error) {
	s.Metrics.refresh(connection, err)
	s.tally.count(vault.DidRefresh, connection, err)
}

// cameBack counts a user who came back from an identity provider to sign in.
func (s *Server) cameBack(connection string, err error) {
	s.Metrics.login(connection, err)
	s.tally.count(vault.DidSignIn, connection, err)
}
