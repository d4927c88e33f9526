package vault_test

import (
	"fmt"
	"testing"
	"time"

	"sallyport/vault"
)

func TestAccountsAreCountedByTheirHealth(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	now := time.Now()
	v.Now = func() time.Time { return now }
	const many = 1203
	put(t, v, func(tx *vault.Tx) error {
		for _, c := range []vault.Connection{{Name: "one", Strategy: "x", Active: true, TokenVault: true}, {Name: "two", Strategy: "x"}} {
			if err := tx.Connections.Put(c); err != nil {
				return err
			}
		}
		for i := range many {
			ts := vault.TokenSet{Identity: fmt.Sprintf("one|%05d", i), RefreshToken: vault.NewSecret("rt")}
			if i%4 == 0 {
				ts.Refusal = &vault.Refusal{}
			}
			if err := tx.TokenSets.Put(ts); err != nil {
				return err
			}
		}
		return tx.TokenSets.Put(vault.TokenSet{Identity: "two|a"})
	})
	counted := func() (h vault.HealthCounts) {
		t.Helper()
		if err := v.CountHealth(t.Context(), time.Minute, func(vault.Connection) bool { return false }); err != nil {
			t.Fatal(err)
		}
		if err := v.View(t.Context(), func(tx *vault.Tx) (err error) { h, err = tx.HealthCounts(); return err }); err != nil {
			t.Fatal(err)
		}
		return h
	}
	h := counted()
	if h.Accounts != many+1 || h.Are(vault.Reauthorize) != 301 || h.Of["one"][vault.Healthy] != many-301 || h.Of["two"][vault.Disabled] != 1 {
		t.Errorf("%+v", h.Of)
	}
	if first := h.First[vault.Reauthorize]; len(first) != vault.MostFirst || first[0] != "one|00000" || first[1] != "one|00004" || len(h.First[vault.Healthy]) != 0 {
		t.Errorf("named are %d: %v", len(first), first)
	}
	put(t, v, func(tx *vault.Tx) error { return tx.TokenSets.Delete("two|a") })
	if h := counted(); h.Accounts != many+1 {
		t.Error("counted again within a minute")
	}
	now = now.Add(h.Took*30 + time.Minute)
	if h := counted(); h.Accounts != many || h.Are(vault.Disabled) != 0 {
		t.Errorf("after a minute: %+v", h.Of)
	}
}
