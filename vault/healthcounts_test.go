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
		if err := v.CountHealth(t.Context(), time.Minute, plainRules); err != nil {
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

// plainRules are of connections that all need refresh tokens, and are to keep them
// from lapsing where their name says so.
var plainRules = vault.HealthRules{
	Asserts: func(vault.Connection) bool { return false },
	KeepAlive: func(c vault.Connection) time.Duration {
		if c.Name == "kept" {
			return 20 * 24 * time.Hour
		}
		return 0
	},
}

// TestAccountsAreCountedThatWillNeedSomebody: those that end by themselves, and
// those whose renewal is overdue.
func TestAccountsAreCountedThatWillNeedSomebody(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	now := time.Now()
	const hour, day = time.Hour, 24 * time.Hour
	put(t, v, func(tx *vault.Tx) error {
		for _, name := range []string{"kept", "plain"} {
			if err := tx.Connections.Put(vault.Connection{Name: name, Strategy: "x", Active: true, TokenVault: true}); err != nil {
				return err
			}
		}
		rt := vault.NewSecret("rt")
		for _, ts := range []vault.TokenSet{
			{Identity: "plain|1", Expires: now.Add(hour)},                                                 // ends today
			{Identity: "plain|2", Expires: now.Add(3 * day)},                                              // this week
			{Identity: "plain|3", Expires: now.Add(30 * day)},                                             // later
			{Identity: "plain|4", Expires: now.Add(-hour)},                                                // has ended
			{Identity: "plain|5", Expires: now.Add(hour), RefreshToken: rt},                               // can be renewed
			{Identity: "plain|6", Issued: now.Add(-100 * day), RefreshToken: rt},                          // nobody keeps it from lapsing
			{Identity: "kept|1", Issued: now.Add(-20*day - hour), RefreshToken: rt},                       // is due
			{Identity: "kept|2", Issued: now.Add(-21*day - hour), RefreshToken: rt},                       // is overdue
			{Identity: "kept|3", Issued: now.Add(-30 * day)},                                              // has nothing to renew
			{Identity: "kept|4", Issued: now.Add(-30 * day), RefreshToken: rt, Refusal: &vault.Refusal{}}, // is beyond help
		} {
			if err := tx.TokenSets.Put(ts); err != nil {
				return err
			}
		}
		return nil
	})
	if err := v.CountHealth(t.Context(), time.Minute, plainRules); err != nil {
		t.Fatal(err)
	}
	var h vault.HealthCounts
	if err := v.View(t.Context(), func(tx *vault.Tx) (err error) { h, err = tx.HealthCounts(); return err }); err != nil {
		t.Fatal(err)
	}
	if h.EndInDay["plain"] != 1 || h.EndInWeek["plain"] != 2 || len(h.EndInWeek) != 1 {
		t.Errorf("end in a day %v, in a week %v", h.EndInDay, h.EndInWeek)
	}
	if h.Overdue["kept"] != 1 || len(h.Overdue) != 1 {
		t.Errorf("overdue %v", h.Overdue)
	}
}
