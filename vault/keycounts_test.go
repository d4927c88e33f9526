package vault_test

import (
	"fmt"
	"testing"
	"time"

	"sallyport/vault"
)

// TestRecordsAreCountedByTheKeyThatTheyAreUnder, before and after the data key was
// changed, and the keys' ages are known from then on.
func TestRecordsAreCountedByTheKeyThatTheyAreUnder(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	now := time.Now().Truncate(time.Second)
	v.Now = func() time.Time { return now }
	const many = 4321
	put(t, v, func(tx *vault.Tx) error {
		for i := range many {
			if err := tx.Users.Put(vault.User{ID: fmt.Sprint(i)}); err != nil {
				return err
			}
		}
		return nil
	})
	counted := func() (vault.KeyCounts, vault.KeyState) {
		t.Helper()
		c, mine, err := v.BeginKeyCount(t.Context())
		if err == nil && mine {
			err = v.CountKeys(t.Context(), c)
		}
		if err != nil || !mine {
			t.Fatal(mine, err)
		}
		if err := v.View(t.Context(), func(tx *vault.Tx) (err error) { c, err = tx.KeyCounts(); return err }); err != nil {
			t.Fatal(err)
		}
		s, err := v.KeyState(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c, s
	}
	c, s := counted()
	if c.Under[s.Data] < many || len(c.Under) != 1 || c.Seen != c.Under[s.Data] || c.Ended.IsZero() || c.Counting(now) {
		t.Errorf("%+v", c)
	}
	if !s.DataMade.IsZero() || !s.RootSince.IsZero() {
		t.Errorf("the first keys are of the vault's own age: %+v", s)
	}
	before := s.Data
	now = now.Add(time.Hour)
	if err := v.Rekey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, s := counted(); s.NextData == "" || !s.NextMade.Equal(now) {
		t.Errorf("announced: %+v", s)
	}
	made := now
	now = now.Add(time.Minute)
	if err := v.Reseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, s = counted(); c.Under[before] != 0 || c.Under[s.Data] < many || len(c.Under) != 1 || c.Before < many || !s.DataMade.Equal(made) || !s.NextMade.IsZero() {
		t.Errorf("%+v, %+v", c, s)
	}
}

// TestOneCountGoesOnAtATime, and one that was broken off can be begun anew.
func TestOneCountGoesOnAtATime(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	now := time.Now()
	v.Now = func() time.Time { return now }
	put(t, v, func(tx *vault.Tx) error { return tx.KeysCounted.Put(vault.KeyCounts{Began: now, Told: now}) })
	begins := func() bool {
		t.Helper()
		_, mine, err := v.BeginKeyCount(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return mine
	}
	if begins() {
		t.Error("two counts at once")
	}
	now = now.Add(time.Minute)
	if !begins() {
		t.Error("one that was broken off is waited for")
	}
	if begins() {
		t.Error("a second one, at once")
	}
}
