// Package storetest tests implementations of [vault.Store].
package storetest

import (
	"errors"
	"testing"

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
