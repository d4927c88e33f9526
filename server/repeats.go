package server

import (
	"fmt"
	"sync"
	"time"

	"sallyport/vault"
)

// The refusals of strangers must not fill the disk. In each minute, the first of
// a kind from an address is recorded, for so many kinds and addresses; what comes
// after is counted, and the count recorded when the minute is over.
const (
	repeatTime  = time.Minute
	mostRepeats = 60 // kinds and addresses in a minute that are told apart
)

// repeats are the refusals of strangers in this minute, on this instance.
type repeats struct {
	mu    sync.Mutex
	began time.Time
	seen  map[string]*repeat
	over  []vault.Event // counts of the minutes before
}

// repeat is a refusal, and how often it came again.
type repeat struct {
	first vault.Event
	more  int64
}

// first reports whether an event is the first of its kind in this minute. Of those
// beyond what is told apart, it leaves out of the event who it was.
func (r *repeats) first(e *vault.Event, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.began) >= repeatTime || r.seen == nil {
		r.next(now)
	}
	key := fmt.Sprint(e.Type, " ", e.Reason, " ", e.Client, " ", whence(e.IP.String()))
	if r.seen[key] == nil && len(r.seen) >= mostRepeats {
		e.Description = vault.Said("Further refusals in this minute, of several kinds or addresses.")
		e.Type, e.Reason, e.Client, e.ClientName, e.IP, e.UserAgent, e.Details = "sallyport_request_refused", vault.Said("many"), vault.Text{}, vault.Text{}, vault.Text{}, vault.Text{}, nil
		key = ""
	}
	if known := r.seen[key]; known != nil {
		known.more++
		return false
	}
	r.seen[key] = &repeat{first: *e}
	return true
}

// next begins another minute.
func (r *repeats) next(now time.Time) {
	for _, again := range r.seen {
		if again.more > 0 {
			e := again.first
			e.Date = time.Time{}
			e.Details = append(e.Details[:len(e.Details):len(e.Details)], vault.Count("repeated", again.more))
			r.over = append(r.over, e)
		}
	}
	r.began, r.seen = now, map[string]*repeat{}
}

// counted are the counts of minutes that are over, or of all.
func (r *repeats) counted(now time.Time, all bool) []vault.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	if all || now.Sub(r.began) >= repeatTime {
		r.next(now)
	}
	over := r.over
	r.over = nil
	return over
}

// countRepeats records how often refusals came again.
func (s *Server) countRepeats(all bool) {
	for _, e := range s.repeats.counted(s.Now(), all) {
		s.Vault.RecordLater(e)
	}
}
