package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"sallyport/vault"
)

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
