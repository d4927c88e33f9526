package simulator

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Fail has the next request to the endpoint refused before it is looked at,
// in the form that the endpoint's errors have. With no code the answer is an
// HTML page, as Salesforce sends when it is down.
func (s *Salesforce) Fail(endpoint string, status int, code, description string) {
	s.inject(fault{endpoint: endpoint, before: func(w http.ResponseWriter, r *http.Request, refuse form) {
		if code == "" {
			unavailable(w, status)
			return
		}
		refuse(w, r, &refusal{status, code, description})
	}})
}

// Lose has the next request to the endpoint processed and its answer lost:
// the connection breaks. Go's client sends a GET again by itself when that
// happens on a connection used before; a POST it does not.
func (s *Salesforce) Lose(endpoint string) {
	s.inject(fault{endpoint: endpoint, after: func() { panic(http.ErrAbortHandler) }})
}

// Hold has the next request to the endpoint wait, half processed, until
// release is called; entered is closed when it begins to wait. A refresh waits
// while its token is in use and not yet rotated, every other request when only
// its answer is missing. It goes on waiting when its client has left. Release
// may be called more than once, and must be called before the server is closed.
func (s *Salesforce) Hold(endpoint string) (entered <-chan struct{}, release func()) {
	in, out := make(chan struct{}), make(chan struct{})
	s.inject(fault{endpoint: endpoint, during: func() { close(in); <-out }})
	return in, sync.OnceFunc(func() { close(out) })
}

// holdFor is Hold for a while.
func (s *Salesforce) holdFor(endpoint string, d time.Duration) {
	s.inject(fault{endpoint: endpoint, during: func() { time.Sleep(d) }})
}

// Forget has the faults that wait for a request not happen.
func (s *Salesforce) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Requests counts the requests that reached the endpoint, faulty ones too.
func (s *Salesforce) Requests(endpoint string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[endpoint]
}

// fault is what goes wrong with one request. Each part may be nil.
type fault struct {
	endpoint string
	before   func(w http.ResponseWriter, r *http.Request, refuse form) // answers in the endpoint's place
	during   func()                                                    // runs when the request is half processed
	rewrite  func(a *answer)                                           // changes the answer
	after    func()                                                    // runs before the answer is sent; may panic with http.ErrAbortHandler
}

func (s *Salesforce) inject(f fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// arrive counts a request to an endpoint known by names, the most exact first,
// writes it down, and takes its fault from the queue.
func (s *Salesforce) arrive(r *http.Request, names ...string) (fault, *Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepare()
	for _, name := range names {
		s.requests[name]++
	}
	entry := s.record(names[0], r)
	for i, f := range s.faults {
		if slices.Contains(names, f.endpoint) {
			s.faults = slices.Delete(s.faults, i, i+1)
			return f, entry
		}
	}
	return fault{}, entry
}

type halfway struct{}

// withFault returns r with what pause must run, and that function for when
// the handler has not paused.
func withFault(r *http.Request, f fault) (*http.Request, func()) {
	if f.during == nil {
		return r, func() {}
	}
	during := sync.OnceFunc(f.during)
	return r.WithContext(context.WithValue(r.Context(), halfway{}, during)), during
}

// pause marks the place where a request is half processed. No lock may be
// held.
func pause(r *http.Request) {
	if during, ok := r.Context().Value(halfway{}).(func()); ok {
		during()
	}
}
