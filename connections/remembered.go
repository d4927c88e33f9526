package connections

import (
	"context"
	"sync"
	"time"
)

const (
	rememberedFor = time.Hour        // until it is asked for again
	rememberedOld = 24 * time.Hour   // until it is no longer used, though asking fails
	rememberedBad = 10 * time.Second // until it is asked for again after that failed
)

// remembered is something that a provider tells about itself: fetched when it is
// first needed, by one caller for all who wait, and kept for a bounded time.
type remembered[T any] struct {
	now   func() time.Time
	fetch func(context.Context) (T, error)

	mu     sync.Mutex
	flight chan struct{} // closed when the fetch under way is over; nil if none is
	value  T
	got    time.Time // when value came; zero if none has
	tried  time.Time // when a fetch failed last
	err    error     // of that
}

// get returns the value. A caller that gives up leaves the fetch to the others.
func (r *remembered[T]) get(ctx context.Context) (T, error) {
	for {
		r.mu.Lock()
		now := r.now()
		value, usable := r.value, !r.got.IsZero() && now.Sub(r.got) < rememberedOld
		switch {
		case usable && now.Sub(r.got) < rememberedFor:
			r.mu.Unlock()
			return value, nil
		case r.err != nil && now.Sub(r.tried) < rememberedBad:
			err := r.err
			r.mu.Unlock()
			if usable {
				return value, nil
			}
			return value, err
		}
		if r.flight == nil {
			r.flight = make(chan struct{})
			go r.refetch(context.WithoutCancel(ctx), r.flight)
		}
		flight := r.flight
		r.mu.Unlock()
		select {
		case <-flight:
		case <-ctx.Done():
			return value, ctx.Err()
		}
	}
}

func (r *remembered[T]) refetch(ctx context.Context, flight chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, upstreamTimeout)
	defer cancel()
	value, err := r.fetch(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.value, r.got, r.err = value, r.now(), nil
	} else {
		r.tried, r.err = r.now(), err
	}
	r.flight = nil
	close(flight)
}
