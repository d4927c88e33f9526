package vault_test

import (
	"strings"
	"testing"
	"time"

	"sallyport/vault"
)

func verifyStored(t *testing.T, v *vault.Vault) (vault.LogReport, uint64) {
	t.Helper()
	var read uint64
	r, err := v.VerifyStoredLogs(t.Context(), func(n uint64) { read = n })
	if err != nil {
		t.Fatal(err)
	}
	return r, read
}

func TestStoredLogIsVerifiedWhereItLies(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	r, read := verifyStored(t, v)
	if r.FaultCount != 0 || !r.Trusted || r.Events != 16 || r.Chains != 2 || r.First.IsZero() || r.Last.Before(r.First) {
		t.Errorf("%+v", r)
	}
	if all := len(export(t, v)); int(read) < all*9/10 || int(read) > all*11/10 {
		t.Errorf("read %d of %d", read, all)
	}
	all, err := v.LogsNewest(t.Context(), 100, func([]byte) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	put(t, v, func(tx *vault.Tx) error { return tx.Events.Delete(all[len(all)-3].ID) })
	if r, _ := verifyStored(t, v); r.FaultCount != 1 || !strings.Contains(r.Faults[0].Problem, "event number 3 of chain") {
		t.Errorf("with an event less: %+v", r)
	}
}

func TestStateOfTheLogIsTold(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	record(t, v, 0)
	s, err := v.LogState(t.Context())
	if err != nil || s.Events != 17 || len(s.Chains) != 3 || s.Oldest.IsZero() || s.Bytes == 0 || s.Key == "" || s.Retention != (vault.LogRetention{}) {
		t.Fatalf("%+v %v", s, err)
	}
	now, before := s.Chains[0], s.Chains[1]
	if !now.Here || now.Kept() != 1 || !now.Signed.IsZero() || now.Last.Time.IsZero() {
		t.Errorf("this instance's: %+v", now)
	}
	if before.Here || before.Kept() != 8 || before.Signed.IsZero() || before.SignedBy != s.Key || before.Checked.Seq != 8 {
		t.Errorf("that of the one before: %+v", before)
	}
	if _, err := v.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	record(t, v, 1)
	if s, err = v.LogState(t.Context()); err != nil || s.Chains[0].Checked.Seq != 1 || s.Chains[0].Last.Seq != 2 {
		t.Errorf("after a checkpoint: %+v %v", s.Chains[0], err)
	}
	r := vault.LogRetention{Age: 48 * time.Hour, Bytes: 1 << 30}
	err = v.SetLogRetention(t.Context(), r, func(_, _ vault.LogRetention) vault.Event { return happened(1) })
	if s, err2 := v.LogState(t.Context()); err != nil || err2 != nil || s.Retention != r {
		t.Errorf("%+v %v %v", s, err, err2)
	}
}
