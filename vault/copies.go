package vault

import (
	"sync"
	"sync/atomic"
	"time"
)

// copyAge is how long a setting is used without another look at the store, where
// nothing was heard of a change: by no more does an instance learn late of what
// another one changed.
const copyAge = time.Second

// copies are settings that this instance has read and opened, so that a request
// need not open its client, connection and API again. They serve views alone: an
// update reads what it changes from the store.
//
// A change begins another set of copies, before whoever made it learns that it
// is kept; so whatever comes after that sees the change. A view takes its set
// before its transaction begins, and what it reads goes there: into a set that
// is as old as what was read, or is already given up.
type copies struct {
	current atomic.Pointer[copySet]
}

// copySet are copies of one time. It grows by what is asked for in copyAge, and
// by nothing that is not in the store.
type copySet struct {
	began  time.Time // by the monotonic clock
	mu     sync.RWMutex
	opened map[Location]any
}

// take returns the set that a view is to use.
func (c *copies) take() *copySet {
	if set := c.current.Load(); set != nil && time.Since(set.began) < copyAge {
		return set
	}
	return c.begin()
}

// begin gives up the copies there are.
func (c *copies) begin() *copySet {
	set := &copySet{began: time.Now(), opened: map[Location]any{}}
	c.current.Store(set)
	return set
}

func (s *copySet) get(bucket, key string) (any, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.opened[Location{bucket, key}]
	return r, ok
}

func (s *copySet) put(bucket, key string, r any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened[Location{bucket, key}] = r
}
