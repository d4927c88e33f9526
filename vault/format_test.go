package vault_test

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sallyport/vault"
	"sallyport/vault/bolt"
)

var update = flag.Bool("update", false, "write testdata/format1.vault anew, which is to be done before the format is released and never after")

// The key of the store in testdata, which guards nothing.
const format1Key = "sallyport-key-1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

var format1Time = time.Date(2026, 11, 22, 7, 0, 0, 123456789, time.UTC)

// format1 is what the store in testdata has in it.
func format1(tx *vault.Tx) error {
	return errors.Join(
		tx.Clients.Put(vault.Client{ID: "app", Name: "Application", SecretHashes: []string{vault.Hash("secret")}, RedirectURIs: []string{"https://app.example/callback"},
			AuthMethod: "client_secret_post", GrantTypes: []string{"authorization_code"}}),
		tx.Connections.Put(vault.Connection{Name: "salesforce", ID: "con_1", Strategy: "salesforce", ClientID: "consumer-key", ClientSecret: vault.NewSecret("consumer-secret"),
			Options: map[string]string{"login_url": "https://login.salesforce.com"}, Active: true, TokenVault: true, Clients: []string{"app"}}),
		tx.Users.Put(vault.User{ID: "salesforce|u", Profile: vault.Profile{Name: "Ada"}, Identities: []string{"salesforce|o/u"}, Created: format1Time}),
		tx.Identities.Put(vault.Identity{Connection: "salesforce", Strategy: "salesforce", Subject: "o/u", UserID: "u", User: "salesforce|u"}),
		tx.TokenSets.Put(vault.TokenSet{Identity: "salesforce|o/u", ID: "cac_1", AccessToken: vault.NewSecret("at"), RefreshToken: vault.NewSecret("rt"), Scopes: []string{"api"},
			Issued: format1Time, Params: map[string]string{"instance_url": "https://org.example"}, Rotation: vault.Rotates, Attempt: &vault.Attempt{ID: "a", Until: format1Time}}),
		tx.Grants.Put(vault.Grant{ID: "g", Client: "app", User: "salesforce|u", Identity: "salesforce|o/u", Scopes: []string{"openid"}, Expires: format1Time.AddDate(100, 0, 0)}),
		tx.Keys.Put(vault.SigningKey{ID: "kid", Alg: "RS256", PKCS8: vault.NewSecret("private"), Created: format1Time}),
	)
}

// TestH56StoreOfFormat1Opens opens a store that was written when format 1 was
// new, and finds what was put there.
func TestH56StoreOfFormat1Opens(t *testing.T) {
	t.Parallel()
	key, err := vault.ParseKey(format1Key)
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "format1.vault")
	path := filepath.Join(t.TempDir(), "vault.db")
	if *update {
		writeFormat1(t, golden, path, key)
	}
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	v := open(t, s, key)
	err = v.View(t.Context(), func(tx *vault.Tx) error {
		client, err1 := tx.Clients.Get("app")
		conn, err2 := tx.Connections.Get("salesforce")
		user, err3 := tx.Users.Get("salesforce|u")
		identity, err4 := tx.Identities.Get(user.Identities[0])
		ts, err5 := tx.TokenSets.Get(identity.Key())
		grant, err6 := tx.Grants.Get("g")
		signing, err7 := tx.Keys.Get("kid")
		if client.Name != "Application" || conn.ClientSecret.Reveal() != "consumer-secret" || !conn.TokenVault || conn.ForAdmins || user.Profile.Name != "Ada" ||
			!user.Created.Equal(format1Time) || identity.User != user.ID || ts.RefreshToken.Reveal() != "rt" || ts.Rotation != vault.Rotates ||
			ts.Attempt == nil || ts.Attempt.ID != "a" || !ts.Issued.Equal(format1Time) || ts.Params["instance_url"] != "https://org.example" ||
			grant.Scopes[0] != "openid" || grant.Expires.Year() != 2126 || signing.PKCS8.Reveal() != "private" {
			t.Errorf("found %+v\n%+v\n%+v\n%+v\n%+v\n%+v\n%+v", client, conn, user, identity, ts, grant, signing)
		}
		return errors.Join(err1, err2, err3, err4, err5, err6, err7)
	})
	if err != nil {
		t.Error(err)
	}
	r, err := v.Check(t.Context(), io.Discard, func(int) {})
	if err != nil || r.FaultCount+r.WarningCount > 0 || r.Records["tokensets"] != 1 {
		t.Errorf("checked: %+v, %v", r, err)
	}
	put(t, v, format1) // it can be written, too
}

// writeFormat1 makes the store, without the room at its end.
func writeFormat1(t *testing.T, golden, path string, key vault.Key) {
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, open(t, s, key), format1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := len(b)
	for b[end-1] == 0 {
		end--
	}
	const page = 4096
	if err := os.WriteFile(golden, b[:(end+page-1)/page*page], 0o644); err != nil {
		t.Fatal(err)
	}
}
