package server

import (
	"context"
	"errors"
	"testing"
	"time"

	"sallyport/connections"
	"sallyport/vault"
)

func TestOneRequestTriesWhetherAPauseIsOver(t *testing.T) {
	t.Parallel()
	var b breakers
	now := time.Unix(2_000_000_000, 0)
	conn, other := vault.Connection{Name: "c"}, vault.Connection{Name: "o"}
	down := &connections.Error{Kind: connections.Unavailable}
	for range breakAfter - 1 {
		b.note("c", down, now)
	}
	if b.pass(conn, now) != nil {
		t.Error("too soon")
	}
	b.note("c", context.DeadlineExceeded, now)
	err := b.pass(conn, now)
	var why *connections.Error
	if !errors.As(err, &why) || !why.Unspent || why.RetryAfter != breakFirst || b.pass(other, now) != nil {
		t.Fatalf("%v", err)
	}
	now = now.Add(breakFirst)
	if b.passQuestion(conn, now) != nil || b.pass(conn, now) != nil {
		t.Error("nothing tries")
	}
	if b.pass(conn, now) == nil || b.passQuestion(conn, now) == nil {
		t.Error("two try")
	}
	for range 20 {
		b.note("c", down, now)
	}
	if errors.As(b.pass(conn, now), &why); why.RetryAfter != breakMost {
		t.Errorf("a pause of %v", why.RetryAfter)
	}
	b.note("c", nil, now)
	if b.pass(conn, now) != nil {
		t.Error("not forgiven")
	}
}

// TestAnAnswerIsNoSilence: what a provider says in words is about one account.
func TestAnAnswerIsNoSilence(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{&connections.Error{Kind: connections.Unavailable}, true},
		{&connections.Error{Kind: connections.Unavailable, Code: "invalid_grant"}, false}, // "token request is already being processed"
		{&connections.Error{Kind: connections.RateLimited}, false},
		{&connections.Error{Kind: connections.Misconfigured, Code: "invalid_client"}, false},
		{&vault.Refusal{}, false},
		{context.DeadlineExceeded, true},
		{context.Canceled, false},
	} {
		if got := silent(tt.err); got != tt.want {
			t.Errorf("%v: %v", tt.err, got)
		}
	}
}
