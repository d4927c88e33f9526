// Package storetest tests implementations of [vault.Store].
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/vault"
)

// Run tests the stores that open returns: each call a new and empty one.
func Run(t *testing.T, open func(t *testing.T) vault.Store) {
	for _, tt := range []struct {
		name string
		test func(*testing.T, vault.Store)
	}{
		{"PutIsGot", testPutIsGot},
		{"PutReplaces", testPutReplaces},
		{"FailedUpdateKeepsNothing", testFailedUpdateKeepsNothing},
		{"PanicKeepsNothing", testPanicKeepsNothing},
		{"UpdateSeesItsOwnWrites", testUpdateSeesItsOwnWrites},
		{"ScanIsInByteOrder", testScanIsInByteOrder},
		{"ScanStartsAfter", testScanStartsAfter},
		{"ScanSurvivesWrites", testScanSurvivesWrites},
		{"ScanBackEndsBefore", testScanBackEndsBefore},
		{"BucketsAreThoseWithSomethingInThem", testBuckets},
		{"SnapshotSeesOneMomentAndStopsNobody", testSnapshot},
		{"SweepTakesWhatExpired", testSweepTakesWhatExpired},
		{"SweepLeavesWhatWasRenewed", testSweepLeavesWhatWasRenewed},
		{"GuardKeepsFromWriting", testGuardKeepsFromWriting},
		{"OneTakesACode", testOneTakesACode},
		{"CountersLoseNoIncrement", testCountersLoseNoIncrement},
		{"FailureHurtsNobodyElse", testFailureHurtsNobodyElse},
		{"EndedContextDoesNotBegin", testEndedContextDoesNotBegin},
		{"ClockGoesOn", testClockGoesOn},
		{"HearEndsWithItsContext", testHearEndsWithItsContext},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t, open(t))
		})
	}
}

// Twice is the store with every function of Update run twice, the first time in
// vain, as a store may: functions with effects outside their KV show.
func Twice(s vault.Store) vault.Store { return twice{s} }

type twice struct{ vault.Store }

var errInVain = errors.New("run in vain")

func (t twice) Update(ctx context.Context, fn func(vault.KV) error) error {
	t.Store.Update(ctx, func(kv vault.KV) error {
		fn(kv)
		return errInVain
	})
	return t.Store.Update(ctx, fn)
}

// Clock is the store with another clock.
func Clock(s vault.Store, now func() time.Time) vault.Store { return clock{s, now} }

type clock struct {
	vault.Store
	now func() time.Time
}

func (c clock) Update(ctx context.Context, fn func(vault.KV) error) error {
	return c.Store.Update(ctx, func(kv vault.KV) error { return fn(clockKV{kv, c.now}) })
}

type clockKV struct {
	vault.KV
	now func() time.Time
}

func (kv clockKV) Now() (time.Time, error) { return kv.now(), nil }

func update(t *testing.T, s vault.Store, fn func(vault.KV) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, s vault.Store, fn func(vault.KV) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func value(s string) vault.Value { return vault.Value{Sealed: []byte(s)} }

// has fails the test unless the key's value is as wanted; "" wants none.
func has(t *testing.T, s vault.Store, bucket, key, want string) {
	t.Helper()
	view(t, s, func(kv vault.KV) error {
		v, err := kv.Get(bucket, key)
		if want == "" {
			if !errors.Is(err, vault.ErrNotFound) {
				t.Errorf("%s/%s: %v, want ErrNotFound", bucket, key, err)
			}
		} else if err != nil || string(v.Sealed) != want {
			t.Errorf("%s/%s = %q, %v; want %q", bucket, key, v.Sealed, err, want)
		}
		return nil
	})
}

func testPutIsGot(t *testing.T, s vault.Store) {
	at := time.Unix(2_000_000_000, 0)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	update(t, s, func(kv vault.KV) error { return kv.Put("a", "k\x00ä", vault.Value{Sealed: all, Expires: at}) })
	view(t, s, func(kv vault.KV) error {
		v, err := kv.Get("a", "k\x00ä")
		if err != nil || !bytes.Equal(v.Sealed, all) || !v.Expires.Equal(at) {
			t.Errorf("Get = %q %v %v", v.Sealed, v.Expires, err)
		}
		return nil
	})
	has(t, s, "b", "k\x00ä", "")
	for range 2 { // the second time it is not there, which is no error
		update(t, s, func(kv vault.KV) error { return kv.Delete("a", "k\x00ä") })
		has(t, s, "a", "k\x00ä", "")
	}
}

func testPutReplaces(t *testing.T, s vault.Store) {
	update(t, s, func(kv vault.KV) error { return kv.Put("a", "k", value("1")) })
	update(t, s, func(kv vault.KV) error { return kv.Put("a", "k", value("2")) })
	has(t, s, "a", "k", "2")
}

func testFailedUpdateKeepsNothing(t *testing.T, s vault.Store) {
	update(t, s, func(kv vault.KV) error {
		kv.Put("a", "changed", value("before"))
		return kv.Put("a", "deleted", value("before"))
	})
	boom := errors.New("boom")
	err := s.Update(t.Context(), func(kv vault.KV) error {
		kv.Put("a", "new", value("v"))
		kv.Put("b", "new", vault.Value{Sealed: []byte("v"), Expires: time.Unix(1, 0)})
		kv.Put("a", "changed", value("1"))
		kv.Put("a", "changed", value("2"))
		kv.Delete("a", "deleted")
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("Update = %v", err)
	}
	has(t, s, "a", "new", "")
	has(t, s, "b", "new", "")
	has(t, s, "a", "changed", "before")
	has(t, s, "a", "deleted", "before")
	update(t, s, func(kv vault.KV) error {
		if n, err := kv.Sweep(time.Unix(100, 0), 10); n != 0 || err != nil {
			t.Errorf("Sweep = %d, %v", n, err)
		}
		return nil
	})
}

func testPanicKeepsNothing(t *testing.T, s vault.Store) {
	func() {
		defer func() {
			if r := recover(); r != "boom" {
				t.Errorf("recovered %v", r)
			}
		}()
		s.Update(t.Context(), func(kv vault.KV) error {
			kv.Put("a", "k", value("v"))
			panic("boom")
		})
	}()
	has(t, s, "a", "k", "")
	update(t, s, func(kv vault.KV) error { return kv.Put("a", "k", value("after")) })
	has(t, s, "a", "k", "after")
}

func testUpdateSeesItsOwnWrites(t *testing.T, s vault.Store) {
	update(t, s, func(kv vault.KV) error {
		kv.Put("a", "k", value("v"))
		if v, err := kv.Get("a", "k"); err != nil || string(v.Sealed) != "v" {
			t.Errorf("Get after Put = %q, %v", v.Sealed, err)
		}
		kv.Delete("a", "k")
		if _, err := kv.Get("a", "k"); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("Get after Delete = %v", err)
		}
		return nil
	})
}

func scan(t *testing.T, s vault.Store, bucket, after string) (keys []string) {
	t.Helper()
	view(t, s, func(kv vault.KV) error {
		keys = nil
		for e, err := range kv.Scan(bucket, after) {
			if err != nil {
				return err
			}
			keys = append(keys, e.Key)
		}
		return nil
	})
	return keys
}

func testScanIsInByteOrder(t *testing.T, s vault.Store) {
	update(t, s, func(kv vault.KV) error {
		for _, k := range []string{"b", "B", "a", "ä", "a/1", "a1"} {
			if err := kv.Put("a", k, value("v")); err != nil {
				return err
			}
		}
		return kv.Put("other", "x", value("v"))
	})
	if got := fmt.Sprint(scan(t, s, "a", "")); got != "[B a a/1 a1 b ä]" {
		t.Errorf("Scan = %v", got)
	}
	if got := scan(t, s, "none", ""); got != nil {
		t.Errorf("Scan of no bucket = %v", got)
	}
}

func testScanStartsAfter(t *testing.T, s vault.Store) {
	update(t, s, func(kv vault.KV) error {
		for i := range 250 {
			if err := kv.Put("a", fmt.Sprintf("%03d", i), value("v")); err != nil {
				return err
			}
		}
		return nil
	})
	if got := scan(t, s, "a", "100"); len(got) != 149 || got[0] != "101" || got[148] != "249" {
		t.Errorf("Scan after 100 = %v", got)
	}
}

func testScanBackEndsBefore(t *testing.T, s vault.Store) {
	update(t, s, func(kv vault.KV) error {
		for i := range 250 {
			if err := kv.Put("b", fmt.Sprintf("%03d", i), value("v")); err != nil {
				return err
			}
		}
		return errors.Join(kv.Put("a", "x", value("v")), kv.Put("c", "x", value("v")))
	})
	for before, want := range map[string]struct {
		n           int
		first, last string
	}{"": {250, "249", "000"}, "999": {250, "249", "000"}, "100": {100, "099", "000"}, "1000": {101, "100", "000"}, "001": {1, "000", "000"}, "000": {}} {
		var keys []string
		view(t, s, func(kv vault.KV) error {
			keys = nil
			for e, err := range kv.ScanBack("b", before) {
				if err != nil {
					return err
				}
				keys = append(keys, e.Key)
			}
			return nil
		})
		if len(keys) != want.n || want.n > 0 && (keys[0] != want.first || keys[want.n-1] != want.last) || !slices.IsSortedFunc(keys, func(a, b string) int { return strings.Compare(b, a) }) {
			t.Errorf("ScanBack before %q = %v", before, keys)
		}
	}
	view(t, s, func(kv vault.KV) error {
		for e := range kv.ScanBack("none", "") {
			t.Errorf("ScanBack of no bucket = %v", e)
		}
		return nil
	})
}

func testScanSurvivesWrites(t *testing.T, s vault.Store) {
	update(t, s, func(kv vault.KV) error {
		for i := range 250 {
			kv.Put("a", fmt.Sprintf("%03d", i), value("v"))
		}
		return nil
	})
	n := 0
	update(t, s, func(kv vault.KV) error {
		n = 0
		for e, err := range kv.Scan("a", "") {
			if err != nil {
				return err
			}
			n++
			if err := kv.Delete("a", e.Key); err != nil {
				return err
			}
			if err := kv.Put("b", e.Key, e.Value); err != nil {
				return err
			}
		}
		return nil
	})
	if n != 250 || len(scan(t, s, "b", "")) != 250 || len(scan(t, s, "a", "")) != 0 {
		t.Errorf("moved %d: %d here, %d left", n, len(scan(t, s, "b", "")), len(scan(t, s, "a", "")))
	}
}

func testBuckets(t *testing.T, s vault.Store) {
	update(t, s, func(kv vault.KV) error {
		kv.Put("b", "k", vault.Value{Sealed: []byte("v"), Expires: time.Unix(1, 0)})
		kv.Put("emptied", "k", value("v"))
		kv.Delete("emptied", "k")
		return kv.Put("a", "k", value("v"))
	})
	view(t, s, func(kv vault.KV) error {
		if got, err := kv.Buckets(); err != nil || fmt.Sprint(got) != "[a b]" {
			t.Errorf("Buckets = %v, %v", got, err)
		}
		return nil
	})
}

func testSnapshot(t *testing.T, s vault.Store) {
	put := func(v string) {
		update(t, s, func(kv vault.KV) error {
			for i := range 300 {
				if err := kv.Put("a", fmt.Sprintf("k%03d", i), value(v)); err != nil {
					return err
				}
			}
			return kv.Put("b", "k", value(v))
		})
	}
	put("before")
	err := s.Snapshot(t.Context(), func(kv vault.KV) error {
		if _, err := kv.Get("b", "k"); err != nil {
			return err
		}
		n := 0
		for e, err := range kv.Scan("a", "") {
			if err != nil {
				return err
			}
			if n++; n == 1 {
				put("after")
			}
			if string(e.Sealed) != "before" {
				t.Fatalf("%s is %s", e.Key, e.Sealed)
			}
		}
		if v, err := kv.Get("b", "k"); n != 300 || err != nil || string(v.Sealed) != "before" {
			t.Errorf("%d entries, %s, %v", n, v.Sealed, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	has(t, s, "b", "k", "after")
}

func testSweepTakesWhatExpired(t *testing.T, s vault.Store) {
	t0 := time.Unix(1_000, 0)
	update(t, s, func(kv vault.KV) error {
		for i := range 10 {
			kv.Put("a", fmt.Sprint(i), vault.Value{Sealed: []byte{1}, Expires: t0.Add(time.Duration(i) * time.Second)})
		}
		return kv.Put("a", "forever", value("v"))
	})
	for i, want := range []int{3, 2, 0} {
		var n int
		update(t, s, func(kv vault.KV) (err error) { n, err = kv.Sweep(t0.Add(5*time.Second), 3); return })
		if n != want {
			t.Errorf("sweep %d deleted %d, want %d", i, n, want)
		}
	}
	if got := fmt.Sprint(scan(t, s, "a", "")); got != "[5 6 7 8 9 forever]" {
		t.Errorf("left %v", got)
	}
}

func testSweepLeavesWhatWasRenewed(t *testing.T, s vault.Store) {
	for _, at := range []int64{1_000, 9_000} {
		update(t, s, func(kv vault.KV) error {
			return kv.Put("a", "k", vault.Value{Sealed: []byte("v"), Expires: time.Unix(at, 0)})
		})
	}
	update(t, s, func(kv vault.KV) error {
		if n, err := kv.Sweep(time.Unix(5_000, 0), 10); n != 0 || err != nil {
			t.Errorf("Sweep = %d, %v", n, err)
		}
		return nil
	})
	has(t, s, "a", "k", "v")
}

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

func testClockGoesOn(t *testing.T, s vault.Store) {
	var last time.Time
	for range 3 {
		update(t, s, func(kv vault.KV) error {
			now, err := kv.Now()
			if now.Before(last) || time.Since(now).Abs() > time.Minute {
				t.Errorf("Now = %v after %v, at %v", now, last, time.Now())
			}
			last = now
			return err
		})
	}
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
