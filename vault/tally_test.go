package vault_test

import (
	"testing"
	"time"

	"sallyport/vault"
)

// TestTalliesOfInstancesLieBesideEachOther: what one keeps again takes the place of
// its own alone, and a week later nothing is left.
func TestTalliesOfInstancesLieBesideEachOther(t *testing.T) {
	t.Parallel()
	s, key := store(t), vault.NewKey()
	now := time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)
	one, other := open(t, s, key), open(t, s, key)
	one.Now, other.Now = func() time.Time { return now }, func() time.Time { return now }
	keep := func(v *vault.Vault, hour time.Time, n int) {
		t.Helper()
		if err := v.KeepTallies(t.Context(), []vault.Tally{{Hour: hour, Done: map[vault.Deed]int{vault.DidExchange: n}}}); err != nil {
			t.Fatal(err)
		}
	}
	since := func(from time.Time) (sum int) {
		t.Helper()
		var list []vault.Tally
		if err := one.View(t.Context(), func(tx *vault.Tx) (err error) { list, err = tx.TalliesSince(from); return err }); err != nil {
			t.Fatal(err)
		}
		for _, tally := range list {
			sum += tally.Done[vault.DidExchange]
		}
		return sum
	}
	hour := now.Truncate(time.Hour)
	keep(one, hour.Add(-time.Hour), 1)
	keep(one, hour, 10)
	keep(one, hour, 20) // the sum of the hour, again
	keep(other, hour, 300)
	if got := since(hour); got != 320 {
		t.Errorf("%d of this hour", got)
	}
	if got := since(hour.Add(-time.Hour)); got != 321 {
		t.Errorf("%d of two hours", got)
	}
	now = now.Add(9 * 24 * time.Hour)
	if n, err := one.Sweep(t.Context()); err != nil || n != 3 || since(hour.Add(-time.Hour)) != 0 {
		t.Errorf("%d were forgotten after a week, %v", n, err)
	}
}
