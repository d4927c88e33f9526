package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sallyport/vault"
)

// testOneTakesACode lets many take one record: only one may have it.
func testOneTakesACode(t *testing.T, s vault.Store) {
	update(t, s, func(kv vault.KV) error { return kv.Put("codes", "c", value("once")) })
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 16 {
		wg.Go(func() {
			ok := false
			err := s.Update(context.Background(), func(kv vault.KV) error {
				ok = false
				if _, err := kv.Get("codes", "c"); err != nil {
					return err
				}
				ok = true
				return kv.Delete("codes", "c")
			})
			if err == nil && ok {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d took the code, want 1", won)
	}
}

func testCountersLoseNoIncrement(t *testing.T, s vault.Store) {
	const callers, times = 8, 10
	update(t, s, func(kv vault.KV) error { return kv.Put("a", "n", value("")) })
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range times {
				if err := s.Update(context.Background(), func(kv vault.KV) error {
					v, err := kv.Get("a", "n")
					if err != nil {
						return err
					}
					return kv.Put("a", "n", value(string(v.Sealed)+"x"))
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	view(t, s, func(kv vault.KV) error {
		if v, err := kv.Get("a", "n"); err != nil || len(v.Sealed) != callers*times {
			t.Errorf("counted %d, %v; want %d", len(v.Sealed), err, callers*times)
		}
		return nil
	})
}

// testFailureHurtsNobodyElse mixes updates that fail with ones that do not:
// those that share a commit must not share its fate.
func testFailureHurtsNobodyElse(t *testing.T, s vault.Store) {
	boom := errors.New("boom")
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			err := s.Update(context.Background(), func(kv vault.KV) error {
				if err := kv.Put("a", fmt.Sprintf("%02d", i), value("v")); err != nil {
					return err
				}
				if i%2 == 1 {
					return boom
				}
				return nil
			})
			if (i%2 == 1) != errors.Is(err, boom) || i%2 == 0 && err != nil {
				t.Errorf("update %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if got := scan(t, s, "a", ""); len(got) != 20 {
		t.Errorf("%d kept, want 20: %v", len(got), got)
	}
}

func testGuardKeepsFromWriting(t *testing.T, s vault.Store) {
	boom := errors.New("boom")
	write := func(key string) error {
		return s.Update(t.Context(), func(kv vault.KV) error {
			kv.Guard("a", "shut", func(sealed []byte, now time.Time) error { // whose error is lost
				if time.Since(now).Abs() > time.Minute {
					t.Errorf("Guard was told it is %v, at %v", now, time.Now())
				}
				if sealed != nil {
					return fmt.Errorf("%s: %w", sealed, boom)
				}
				return nil
			})
			kv.Put("a", key, value("v"))
			return nil
		})
	}
	if err := write("before"); err != nil {
		t.Error(err)
	}
	update(t, s, func(kv vault.KV) error { return kv.Put("a", "shut", value("why")) })
	if err := write("after"); !errors.Is(err, boom) || err.Error() != "why: boom" {
		t.Errorf("Update = %v, want what the guard said", err)
	}
	has(t, s, "a", "before", "v")
	has(t, s, "a", "after", "")
}

func testEndedContextDoesNotBegin(t *testing.T, s vault.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Update(ctx, func(kv vault.KV) error { return kv.Put("a", "k", value("v")) }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update = %v, want context.Canceled", err)
	}
	has(t, s, "a", "k", "")
}

func testHearEndsWithItsContext(t *testing.T, s vault.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Hear(ctx, func(string) {})
	}()
	update(t, s, func(kv vault.KV) error { return kv.Tell("topic") })
	cancel()
	<-ended
}
