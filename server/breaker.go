package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"sallyport/connections"
	"sallyport/vault"
)

// breakers keep requests from a provider that does not answer: each would be
// waited for in vain, and each may cost a refresh token whose successor is lost.
// After some failures in a row nothing is sent for a while; then one request
// tries, and all the others wait for what comes of it.
type breakers struct {
	mu       sync.Mutex
	of       map[string]*breaker  // by connection
	answered map[string]time.Time // by connection, when it last did
}

type breaker struct {
	failures    int       // in a row
	until       time.Time // when the next request may try
	since, last time.Time // of the failures
}

const (
	breakAfter = 5                // failures in a row
	breakFirst = 5 * time.Second  // of a pause; each further failure doubles it
	breakMost  = 60 * time.Second // of a pause
)

// pass is the error of a refresh that is not to be sent, or nil. Of those that
// come when a pause is over, one passes.
func (b *breakers) pass(conn vault.Connection, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.paused(conn, now)
	if at, ok := b.of[conn.Name]; ok && err == nil && at.failures >= breakAfter {
		at.until = now.Add(breakFirst) // for the others
	}
	return err
}

// passQuestion is pass for what is asked before a refresh, which goes on to pass
// itself.
func (b *breakers) passQuestion(conn vault.Connection, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paused(conn, now)
}

func (b *breakers) paused(conn vault.Connection, now time.Time) error {
	at, ok := b.of[conn.Name]
	if !ok || at.failures < breakAfter || !now.Before(at.until) {
		return nil
	}
	wait := at.until.Sub(now)
	return &connections.Error{Connection: conn.Name, Kind: connections.Unavailable, RetryAfter: wait, Unspent: true,
		Err: fmt.Errorf("not sent, after %d failures in a row", at.failures),
		Description: fmt.Sprintf("%s did not answer the last %d requests, and is asked again in %d seconds. Nothing was sent, and nothing is lost; try again then.",
			conn.Title(), at.failures, int(math.Ceil(wait.Seconds())))}
}

// note takes down what came of a request that passed.
func (b *breakers) note(conn string, err error, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of == nil {
		b.of, b.answered = map[string]*breaker{}, map[string]time.Time{}
	}
	if !silent(err) {
		delete(b.of, conn)
		b.answered[conn] = now
		return
	}
	at := b.of[conn]
	if at == nil {
		at = &breaker{since: now}
		b.of[conn] = at
	}
	at.failures++
	at.last = now
	if more := at.failures - breakAfter; more >= 0 {
		at.until = now.Add(min(breakFirst<<min(more, 10), breakMost))
	}
}

// silent reports whether an error is that a provider gave no answer of its own.
// One that asks to wait has answered.
func silent(err error) bool {
	var upstream *connections.Error
	if errors.As(err, &upstream) {
		return upstream.Kind == connections.Unavailable && upstream.Code == ""
	}
	return errors.Is(err, context.DeadlineExceeded)
}
