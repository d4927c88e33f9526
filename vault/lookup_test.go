package vault_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
	"sallyport/vault/storetest"
)

func signedIn(t *testing.T, v *vault.Vault, subject, email, username string) vault.User {
	t.Helper()
	var u vault.User
	put(t, v, func(tx *vault.Tx) (err error) {
		u, err = tx.SignIn(vault.Identity{Connection: "salesforce", Strategy: "salesforce", Subject: "org/" + subject, UserID: subject,
			Profile: vault.Profile{Email: email, Username: username}})
		return err
	})
	return u
}

// accountsNamed are the subjects of those that are found.
func accountsNamed(t *testing.T, v *vault.Vault, name string) (list []string) {
	t.Helper()
	err := v.View(t.Context(), func(tx *vault.Tx) error {
		found, err := tx.IdentitiesNamed(name, 10)
		list = nil
		for _, i := range found {
			list = append(list, i.UserID)
		}
		slices.Sort(list)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAccountsAreFoundByName(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	signedIn(t, v, "005A", "ada@example.com", "ada@example.com")
	signedIn(t, v, "005B", "Shared@example.com", "grace@example.com.sandbox")
	signedIn(t, v, "005C", "shared@example.com", "")
	for name, want := range map[string][]string{
		"ada@example.com": {"005A"}, " ADA@EXAMPLE.COM ": {"005A"}, "shared@example.com": {"005B", "005C"}, "grace@example.com.sandbox": {"005B"},
		"005c": {"005C"}, "ada@example": nil, "": nil, "%": nil, "named": nil,
	} {
		if got := accountsNamed(t, v, name); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
	signedIn(t, v, "005A", "countess@example.com", "ada@example.com")
	if got := accountsNamed(t, v, "countess@example.com"); !slices.Equal(got, []string{"005A"}) {
		t.Errorf("by a new address: %v", got)
	}
	put(t, v, func(tx *vault.Tx) error { return tx.Identities.Delete("salesforce|org/005B") })
	if got := accountsNamed(t, v, "shared@example.com"); !slices.Equal(got, []string{"005C"}) {
		t.Errorf("after one is gone: %v", got)
	}
	r, err := v.Check(t.Context(), io.Discard, func(int) {})
	if err != nil || r.Records["lookups"] != 5 { // 005A by three names, 005C by two
		t.Errorf("%d lookups, %v", r.Records["lookups"], err)
	}
}

func TestSessionsAndGrantsAreFoundByTheirUser(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	now := time.Now()
	v.Now = func() time.Time { return now }
	session := func(id, user string) error {
		return v.Update(t.Context(), func(tx *vault.Tx) error {
			return tx.Sessions.Put(vault.Session{Hash: vault.Hash(id), SID: id, User: user, Idle: now.Add(time.Hour), Expires: now.Add(2 * time.Hour)})
		})
	}
	err := errors.Join(session("a", "ada"), session("b", "ada"), session("c", "grace"), v.Update(t.Context(), func(tx *vault.Tx) error {
		return errors.Join(tx.Grants.Put(vault.Grant{ID: "g", User: "ada"}), tx.Grants.Put(vault.Grant{ID: "h", User: "ada", Expires: now.Add(time.Hour)}))
	}))
	if err != nil {
		t.Fatal(err)
	}
	found := func() (sessions, grants []string) {
		t.Helper()
		err := v.View(t.Context(), func(tx *vault.Tx) error {
			s, err1 := tx.SessionsOf("ada", 10)
			g, err2 := tx.GrantsOf("ada", 10)
			for _, s := range s {
				sessions = append(sessions, s.SID)
			}
			for _, g := range g {
				grants = append(grants, g.ID)
			}
			slices.Sort(sessions)
			slices.Sort(grants)
			return errors.Join(err1, err2)
		})
		if err != nil {
			t.Fatal(err)
		}
		return sessions, grants
	}
	if s, g := found(); !slices.Equal(s, []string{"a", "b"}) || !slices.Equal(g, []string{"g", "h"}) {
		t.Errorf("%v %v", s, g)
	}
	put(t, v, func(tx *vault.Tx) error { return tx.Sessions.Delete(vault.Hash("a")) })
	if s, _ := found(); !slices.Equal(s, []string{"b"}) {
		t.Errorf("after one has ended: %v", s)
	}
	now = now.Add(90 * time.Minute)
	if s, g := found(); len(s) != 0 || !slices.Equal(g, []string{"g"}) {
		t.Errorf("after they have expired: %v %v", s, g)
	}
	now = now.Add(30 * 24 * time.Hour)
	if _, err := v.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := v.Check(t.Context(), io.Discard, func(int) {}); err != nil || r.Records["lookups"] != 1 {
		t.Errorf("%d lookups are left, %v", r.Records["lookups"], err)
	}
}

// TestLookupsTellNothingOfWhatTheyAreBy to whoever has the store alone.
func TestLookupsTellNothingOfWhatTheyAreBy(t *testing.T) {
	t.Parallel()
	s := store(t)
	v := open(t, s, vault.NewKey())
	signedIn(t, v, "005A", "ada@example.com", "")
	err := s.View(t.Context(), func(kv vault.KV) error {
		n := 0
		for e, err := range kv.Scan("lookups", "") {
			if err != nil {
				return err
			}
			n++
			for _, s := range []string{"ada", "005", "org", vault.Hash("ada@example.com"), vault.Hash("salesforce|org/005A")} {
				if strings.Contains(strings.ToLower(e.Key+string(e.Sealed)), strings.ToLower(s)) && len(s) > 3 {
					t.Errorf("a lookup shows %q: %q", s, e.Key)
				}
			}
		}
		if n != 2 {
			t.Errorf("%d lookups", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestH56OlderStoresGetTheirLookups while instances serve, one of which goes on
// where another has ended.
func TestH56OlderStoresGetTheirLookups(t *testing.T) {
	t.Parallel()
	s, key := store(t), vault.NewKey()
	v := open(t, s, key)
	for i := range 450 {
		signedIn(t, v, fmt.Sprintf("005%03d", i), fmt.Sprintf("user%d@example.com", i), "")
	}
	err := s.Update(t.Context(), func(kv vault.KV) error { // as an earlier version has left it
		for e, err := range kv.Scan("lookups", "") {
			if err != nil {
				return err
			}
			if err := kv.Delete("lookups", e.Key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	next := func(v *vault.Vault) bool {
		t.Helper()
		done, err := v.IndexSome(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	if next(v) {
		t.Fatal("it is done at once")
	}
	if findable(t, v) {
		t.Error("it seems to be done")
	}
	if len(accountsNamed(t, v, "user100@example.com")) != 1 || len(accountsNamed(t, v, "user300@example.com")) != 0 {
		t.Error("the first were not made, or all")
	}
	signedIn(t, v, "005400", "changed@example.com", "") // has none yet, and is read
	other := open(t, storetest.Clock(s, func() time.Time { return now.Add(2 * time.Minute) }), key)
	for !next(other) {
	}
	if !findable(t, v) || !next(v) {
		t.Error("it does not seem to be done")
	}
	for _, email := range []string{"user0@example.com", "user199@example.com", "user200@example.com", "user449@example.com", "changed@example.com"} {
		if len(accountsNamed(t, v, email)) != 1 {
			t.Errorf("%s is not found", email)
		}
	}
}

func findable(t *testing.T, v *vault.Vault) (ok bool) {
	t.Helper()
	if err := v.View(t.Context(), func(tx *vault.Tx) (err error) { ok, err = tx.Findable(); return err }); err != nil {
		t.Fatal(err)
	}
	return ok
}
