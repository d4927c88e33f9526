package server

import (
	"errors"
	"sync"
	"time"

	"sallyport/connections"
)

// pauses are the accounts of which an identity provider said that they have
// asked too often. It is not asked again before the time that it takes: each
// further request would lengthen it.
type pauses struct {
	mu    sync.Mutex
	until map[string]pause // by account
}

type pause struct {
	end time.Time
	why connections.Error
}

// of is the error of an account that is paused, or nil. Nothing is sent, so its
// refresh token is as good as before.
func (p *pauses) of(account string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	paused, ok := p.until[account]
	if !ok {
		return nil
	}
	if !now.Before(paused.end) {
		delete(p.until, account)
		return nil
	}
	why := paused.why
	why.Unspent, why.RetryAfter = true, paused.end.Sub(now)
	return &why
}

// note takes a provider's answer to a refresh of an account down.
func (p *pauses) note(account string, err error, now time.Time) {
	var upstream *connections.Error
	if !errors.As(err, &upstream) || upstream.Kind != connections.RateLimited || upstream.RetryAfter == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until == nil {
		p.until = map[string]pause{}
	}
	for other, paused := range p.until {
		if !now.Before(paused.end) {
			delete(p.until, other)
		}
	}
	p.until[account] = pause{now.Add(upstream.RetryAfter), *upstream}
}
