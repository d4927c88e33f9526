package vault_test

import (
	"errors"
	"testing"

	"sallyport/vault"
)

// TestDraftLeavesTheSwitchAndTheCertificatesAsTheyAre: a connection that is
// switched off while a draft of it waits is not switched on by it.
func TestDraftLeavesTheSwitchAndTheCertificatesAsTheyAre(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	put(t, v, func(tx *vault.Tx) error {
		return errors.Join(
			tx.Connections.Put(vault.Connection{Name: "salesforce", ID: "con_1", Strategy: "salesforce", ClientID: "before", Certificates: []vault.Certificate{{ID: "live"}}}),
			tx.Drafts.Put(vault.Draft{Connection: vault.Connection{Name: "salesforce", ID: "con_2", Strategy: "salesforce", ClientID: "after", Active: true}, By: "ada"}),
			tx.Drafts.Put(vault.Draft{Connection: vault.Connection{Name: "other", ID: "con_3", Strategy: "salesforce", Active: true}}),
		)
	})
	err := v.View(t.Context(), func(tx *vault.Tx) error {
		c, d, err := tx.Drafted("salesforce")
		if c.ClientID != "after" || c.ID != "con_1" || c.Active || len(c.Certificates) != 1 || d.By != "ada" {
			t.Errorf("%+v", c)
		}
		other, _, err2 := tx.Drafted("other")
		if other.ID != "con_3" || !other.Active {
			t.Errorf("of nothing published: %+v", other)
		}
		if _, err := tx.Connections.Get("other"); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("a draft is a connection: %v", err)
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Error(err)
	}
}
