package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
)

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
