package vault

import (
	"sync"
	"time"
)

// Attempt is one refresh of a token set. It is written before the request
// leaves and taken away with the answer, so one that is found afterwards had no
// answer: the refresh token may or may not be spent.
type Attempt struct {
	ID    string
	Until time.Time // its request is surely over, by the store's clock
	Ended bool      // its request is over already, without a useful answer
	// Unheard means that its request is waited for no more, and may still be on
	// its way: a connection broke, or a proxy answered for the provider.
	Unheard bool
	// Restored means that no attempt is known of, and that the token set is from
	// a backup, after which there may have been some.
	Restored bool
}

// underWay is for how long an attempt's request may still be on its way, 0 if it
// surely is not, at a time by the store's clock, which has gone steadily for a
// while. One whose time is further off than an attempt lasts was made before the
// clock was put back; what was made before the clock was put forward would seem
// to be over. So until the clock has gone steadily for as long as an attempt
// lasts, none is.
func (a *Attempt) underWay(now time.Time, steady time.Duration) time.Duration {
	if a == nil || a.Ended {
		return 0
	}
	left := a.Until.Sub(now)
	if left > attemptTime {
		left = 0
	}
	return max(0, left, attemptTime-steady)
}

// steadiness is for how long the store's clock has gone as fast as this
// instance's, which nobody can set: the monotonic one.
type steadiness struct {
	mu          sync.Mutex
	since       time.Time // by this instance's clock
	store, here time.Time // when both were looked at last
}

// jump is by how much more the store's clock may have gone than this instance's
// between two looks: what a look takes.
const jump = time.Second

// look compares the clocks, and returns for how long they have gone alike.
func (s *steadiness) look(store, here time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.here.IsZero() && (store.Sub(s.store)-here.Sub(s.here)).Abs() > jump {
		s.since = here
	}
	s.store, s.here = store, here
	return here.Sub(s.since)
}
