package vault_test

import (
	"testing"

	"sallyport/vault"
)

// TestConsentsAreOneUsersEach, whatever identity providers and operators put
// into the names of users and clients.
func TestConsentsAreOneUsersEach(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	users, clients := []string{"a", "a b", "a b c", "a+b", "a%20b", "ab", "a|b", ""}, []string{"c", "b c", "b", "c d"}
	for _, user := range users {
		for _, client := range clients {
			put(t, v, func(tx *vault.Tx) error {
				return tx.Consents.Put(vault.Consent{ID: user + "/" + client, User: user, Client: client, Audience: "an api"})
			})
		}
	}
	for _, user := range users {
		err := v.View(t.Context(), func(tx *vault.Tx) error {
			list, err := tx.ConsentsOf(user)
			if len(list) != len(clients) {
				t.Errorf("%q has %d consents", user, len(list))
			}
			for _, c := range list {
				if c.User != user {
					t.Errorf("%q has one of %q", user, c.User)
				}
			}
			for _, client := range clients {
				if c, err := tx.Consents.Get(vault.ConsentKey(user, client, "an api")); err != nil || c.ID != user+"/"+client {
					t.Errorf("%q, %q: %+v, %v", user, client, c, err)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
