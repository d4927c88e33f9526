package vault_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"sallyport/vault"
)

// TestDisconnectingAllIsOfOneConnection, whose name others begin with, and of
// what it had until then: also its own token set.
func TestDisconnectingAllIsOfOneConnection(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	set := func(connection, subject string, generation int) {
		put(t, v, func(tx *vault.Tx) error {
			return tx.TokenSets.Put(vault.TokenSet{Identity: vault.IdentityKey(connection, subject), ID: "cac" + connection + subject, Generation: generation,
				RefreshToken: vault.NewSecret("rt"), AccessToken: vault.NewSecret("at")})
		})
	}
	for _, name := range []string{"a", "a-b", "ab", "A", "b"} {
		put(t, v, func(tx *vault.Tx) error {
			return tx.Connections.Put(vault.Connection{Name: name, Strategy: "oidc"})
		})
		set(name, "", 0)
		set(name, "u", 0)
	}
	put(t, v, func(tx *vault.Tx) error { _, err := tx.DisconnectAll("a"); return err })
	set("a", "connected since", 1)
	for done := false; !done; {
		var err error
		if done, err = v.DisconnectSome(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	var left, revocations []string
	var d vault.Disconnection
	put(t, v, func(tx *vault.Tx) (err error) {
		left, revocations = nil, nil
		for ts, err := range tx.TokenSets.All("") {
			left = append(left, ts.Identity)
			if err != nil {
				return err
			}
		}
		for r, err := range tx.Revocations.All("") {
			revocations = append(revocations, r.Tokens.Identity)
			if err != nil || !r.Disconnect || r.Generation != 1 || r.Tokens.RefreshToken.IsZero() {
				t.Errorf("%+v, %v", r.ID, err)
			}
		}
		d, err = tx.Disconnections.Get("a")
		return err
	})
	if fmt.Sprint(left) != "[A| A|u a-b| a-b|u ab| ab|u a|connected since b| b|u]" || fmt.Sprint(revocations) != "[a| a|u]" {
		t.Errorf("left %v, revoked %v", left, revocations)
	}
	if !d.Swept || d.Accounts != 2 {
		t.Errorf("%+v", d)
	}
}

// TestAccountIsTakenAwayWhenItsRefreshHasEnded: with what that brought.
func TestAccountIsTakenAwayWhenItsRefreshHasEnded(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	under := func(a *vault.Attempt, refresh string) vault.TokenSet {
		ts := vault.TokenSet{Identity: "a|u", ID: "cac_1", RefreshToken: vault.NewSecret(refresh), Attempt: a}
		put(t, v, func(tx *vault.Tx) error {
			if known, err := tx.TokenSets.Get("a|u"); err == nil {
				ts.Disconnected = known.Disconnected
			}
			return tx.TokenSets.Put(ts)
		})
		return ts
	}
	ts := under(&vault.Attempt{ID: "one", Until: time.Now().Add(10 * time.Second)}, "old")
	var r vault.Revocation
	put(t, v, func(tx *vault.Tx) error {
		id, err := tx.Disconnect(ts)
		if err == nil {
			r, err = tx.Revocations.Get(id)
		}
		return err
	})
	collect := func() {
		put(t, v, func(tx *vault.Tx) (err error) { r, err = tx.Collect(r); return err })
	}
	if collect(); !r.Awaits || !r.Tokens.RefreshToken.IsZero() || !r.Next.After(time.Now()) {
		t.Errorf("while it is under way: %+v", r.ID)
	}
	put(t, v, func(tx *vault.Tx) error {
		ts, err := tx.TokenSets.Get("a|u")
		if ts.Connected(vault.Connection{}) {
			t.Error("it can still be used")
		}
		return err
	})
	under(nil, "new")
	if collect(); r.Awaits || r.GivenUp || r.Tokens.RefreshToken.Reveal() != "new" {
		t.Errorf("when it has ended: %v %v", r.Awaits, r.Problem)
	}
	err := v.View(t.Context(), func(tx *vault.Tx) error { _, err := tx.TokenSets.Get("a|u"); return err })
	if !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("it is left: %v", err)
	}
}
