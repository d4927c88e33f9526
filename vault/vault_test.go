package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"sallyport/vault"
	"sallyport/vault/bolt"
	"sallyport/vault/storetest"
)

func store(t *testing.T) vault.Store {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return storetest.Lent(storetest.Twice(s))
}

func open(t *testing.T, s vault.Store, key vault.Key) *vault.Vault {
	t.Helper()
	v, err := vault.Open(t.Context(), s, key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func put(t *testing.T, v *vault.Vault, fn func(*vault.Tx) error) {
	t.Helper()
	if err := v.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	want := vault.TokenSet{
		Identity: "salesforce|o/u", AccessToken: vault.NewSecret("at"), RefreshToken: vault.NewSecret("rt"),
		Scopes: []string{"api"}, Expires: time.Now().Add(time.Hour), Params: map[string]string{"instance_url": "https://x"},
		Attempt: &vault.Attempt{ID: "a", Until: time.Now()},
	}
	put(t, v, func(tx *vault.Tx) error { return tx.TokenSets.Put(want) })
	err := v.View(t.Context(), func(tx *vault.Tx) error {
		got, err := tx.TokenSets.Get(want.Identity)
		if err != nil || got.AccessToken != want.AccessToken || got.RefreshToken != want.RefreshToken ||
			!got.Expires.Equal(want.Expires) || got.Params["instance_url"] != "https://x" || got.Attempt.ID != "a" {
			t.Errorf("Get = %+v, %v", got, err)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestExpiredRecordsAreNotFoundBeforeTheyAreSwept(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	now := time.Unix(2_000_000_000, 0)
	v.Now = func() time.Time { return now }
	put(t, v, func(tx *vault.Tx) error {
		return tx.Sessions.Put(vault.Session{Hash: "h", User: "u", Expires: now.Add(time.Minute)})
	})
	now = now.Add(time.Minute)
	for range 2 {
		if err := v.View(t.Context(), func(tx *vault.Tx) error { _, err := tx.Sessions.Get("h"); return err }); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("Get of an expired record = %v", err)
		}
		now = now.Add(6 * time.Minute)
		if n, err := v.Sweep(t.Context()); err != nil || n > 1 {
			t.Errorf("Sweep = %d, %v", n, err)
		}
	}
}

func TestRecordIsTakenOnce(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	put(t, v, func(tx *vault.Tx) error {
		return tx.Codes.Put(vault.Code{Hash: "h", Expires: time.Now().Add(time.Minute)})
	})
	put(t, v, func(tx *vault.Tx) error { _, err := tx.Codes.Take("h"); return err })
	if err := v.Update(t.Context(), func(tx *vault.Tx) error { _, err := tx.Codes.Take("h"); return err }); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("second Take = %v", err)
	}
}

func TestWrongKeyOpensNothingAndChangesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	right := vault.NewKey()
	open(t, s, right)
	s.Close()
	before, _ := os.ReadFile(path)
	s, err = bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	wrong := vault.NewKey()
	_, err = vault.Open(t.Context(), s, wrong)
	if !errors.Is(err, vault.ErrWrongKey) || !strings.Contains(err.Error(), right.ID()) || !strings.Contains(err.Error(), wrong.ID()) {
		t.Errorf("Open under another key = %v", err)
	}
	s.Close()
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
}

func TestNewerVaultIsRefused(t *testing.T) {
	t.Parallel()
	s, key := store(t), vault.NewKey()
	header, err := cbor.Marshal(vault.Header{Version: vault.Version + 1, RootKey: key.ID()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(kv vault.KV) error {
		kv.Put("vault", "derive", vault.Value{Sealed: []byte("of another format")})
		return kv.Put("vault", "header", vault.Value{Sealed: header})
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(t.Context(), s, key); !errors.Is(err, vault.ErrNewer) {
		t.Errorf("Open = %v", err)
	}
}

// TestSealedRecordOpensInItsPlaceAlone moves a record to another key and to
// another bucket, as someone who can write to the store might (H35).
func TestSealedRecordOpensInItsPlaceAlone(t *testing.T) {
	t.Parallel()
	s := store(t)
	v := open(t, s, vault.NewKey())
	put(t, v, func(tx *vault.Tx) error {
		return tx.TokenSets.Put(vault.TokenSet{Identity: "ada", AccessToken: vault.NewSecret("hers")})
	})
	if err := s.Update(t.Context(), func(kv vault.KV) error {
		sealed, err := kv.Get("tokensets", "ada")
		if err != nil {
			return err
		}
		kv.Put("tokensets", "eve", sealed)
		return kv.Put("users", "ada", sealed)
	}); err != nil {
		t.Fatal(err)
	}
	v.View(t.Context(), func(tx *vault.Tx) error {
		if _, err := tx.TokenSets.Get("eve"); err == nil {
			t.Error("a record opened under another key")
		}
		if _, err := tx.Users.Get("ada"); err == nil {
			t.Error("a record opened in another bucket")
		}
		return nil
	})
}

func TestStoreSeesNothingInTheClear(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	key := vault.NewKey()
	v := open(t, s, key)
	put(t, v, func(tx *vault.Tx) error {
		return tx.TokenSets.Put(vault.TokenSet{Identity: "ada", AccessToken: vault.NewSecret("canary-at"), RefreshToken: vault.NewSecret("canary-rt"),
			Params: map[string]string{"instance_url": "canary-url"}})
	})
	s.Close()
	b, err := os.ReadFile(path)
	if err != nil || bytes.Contains(b, []byte("canary")) || bytes.Contains(b, []byte(key.Reveal())) {
		t.Errorf("found in the file, or %v", err)
	}
}

func TestSecretsHaveNoReadableForm(t *testing.T) {
	t.Parallel()
	key := vault.NewKey()
	for name, secret := range map[string]any{"secret": vault.NewSecret("canary"), "key": key} {
		within := struct{ S any }{secret}
		var out strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+verb+verb, secret, within, &within)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "secret", secret, "within", within)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "secret", secret, "within", within)
		j, err := json.Marshal(within)
		if err == nil {
			t.Errorf("%s: marshalled as %s", name, j)
		}
		for _, clear := range []string{"canary", "63616e617279", key.Reveal()} {
			if strings.Contains(out.String(), clear) {
				t.Errorf("%s: readable in %s", name, out.String())
			}
		}
	}
}

func TestRootKeyIsReadAsWritten(t *testing.T) {
	t.Parallel()
	key := vault.NewKey()
	if got, err := vault.ParseKey(key.Reveal() + "\n"); err != nil || got != key {
		t.Errorf("ParseKey: %v", err)
	}
	for _, bad := range []string{"", "x", key.Reveal()[:20], key.Reveal() + "A", strings.ToUpper(key.Reveal()), "sallyport-key-1_" + strings.Repeat("!", 43)} {
		if _, err := vault.ParseKey(bad); err == nil {
			t.Errorf("ParseKey(%q) took it", bad)
		} else if bad != "" && strings.Contains(err.Error(), bad) && len(bad) > 1 {
			t.Errorf("the error tells the key: %v", err)
		}
	}
}

func TestDerivedKeysDifferByLabelAndLast(t *testing.T) {
	t.Parallel()
	s, key := store(t), vault.NewKey()
	v := open(t, s, key)
	a, b := v.Derive("a"), v.Derive("b")
	if len(a) != 32 || bytes.Equal(a, b) || !bytes.Equal(a, open(t, s, key).Derive("a")) {
		t.Errorf("Derive: %d bytes", len(a))
	}
	if bytes.Equal(a, open(t, store(t), key).Derive("a")) {
		t.Error("two vaults under one root key derive the same")
	}
}

func TestInvalidRecordIsRefusedWithItsField(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	good := vault.Client{ID: "app", Name: "App", AuthMethod: "none", RedirectURIs: []string{"http://localhost/cb", "myapp:/cb"}}
	put(t, v, func(tx *vault.Tx) error { return tx.Clients.Put(good) })
	for field, spoil := range map[string]func(*vault.Client){
		"client_id":                  func(c *vault.Client) { c.ID = "" },
		"name":                       func(c *vault.Client) { c.Name = "" },
		"token_endpoint_auth_method": func(c *vault.Client) { c.AuthMethod = "magic" },
		"client_secret":              func(c *vault.Client) { c.AuthMethod = "client_secret_post" },
		"callbacks":                  func(c *vault.Client) { c.RedirectURIs = []string{"javascript:alert(1)"} },
		"allowed_logout_urls":        func(c *vault.Client) { c.LogoutURIs = []string{"/relative"} },
		"grant_types":                func(c *vault.Client) { c.GrantTypes = []string{"client_credentials"} },
	} {
		bad := good
		spoil(&bad)
		var invalid *vault.Invalid
		err := v.Update(t.Context(), func(tx *vault.Tx) error { return tx.Clients.Put(bad) })
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestSignInKnowsPeopleByConnectionAndSubjectAlone(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	signIn := func(connection, org, id, email string) vault.User {
		var u vault.User
		put(t, v, func(tx *vault.Tx) (err error) {
			u, err = tx.SignIn(vault.Identity{Connection: connection, Strategy: "salesforce", Subject: org + "/" + id, UserID: id, Org: org,
				Profile: vault.Profile{Email: email, EmailVerified: true}})
			return err
		})
		return u
	}
	first := signIn("salesforce", "00D1", "005A", "ada@example.com")
	if first.ID != "salesforce|005A" || first.Logins != 1 {
		t.Errorf("first sign-in: %+v", first)
	}
	if again := signIn("salesforce", "00D1", "005A", "new@example.com"); again.ID != first.ID || again.Logins != 2 || again.Profile.Email != "new@example.com" {
		t.Errorf("again: %+v", again)
	}
	if other := signIn("salesforce", "00D2", "005A", "ada@example.com"); other.ID != "salesforce|00D2/005A" {
		t.Errorf("the same account id in another org: %+v", other)
	}
	if other := signIn("acme", "00D1", "005A", "ada@example.com"); other.ID == first.ID {
		t.Errorf("another connection vouches for the same subject: %+v", other)
	}
}

// TestQualifiedUserIDsNameTheConnection, where a strategy stands for many
// providers, which may all call somebody "1".
func TestQualifiedUserIDsNameTheConnection(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	for _, tt := range []struct{ connection, server, want string }{
		{"acme", "https://a.example", "oidc|acme|1"}, {"other", "https://a.example", "oidc|other|1"}, {"acme", "https://a.example", "oidc|acme|1"},
		{"acme", "https://b.example", "oidc|acme|acme/https://b.example|1"}, // led elsewhere: somebody else
	} {
		put(t, v, func(tx *vault.Tx) error {
			u, err := tx.SignIn(vault.Identity{Connection: tt.connection, Strategy: "oidc", Qualified: true, Subject: tt.server + "|1", UserID: "1"})
			if u.ID != tt.want {
				t.Errorf("%+v: %s", tt, u.ID)
			}
			return err
		})
	}
}

func TestBlockedUserIsNotChangedBySigningIn(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	i := vault.Identity{Connection: "salesforce", Strategy: "salesforce", Subject: "o/u", UserID: "u"}
	put(t, v, func(tx *vault.Tx) error {
		u, err := tx.SignIn(i)
		u.Blocked = true
		return errors.Join(err, tx.Users.Put(u))
	})
	put(t, v, func(tx *vault.Tx) error {
		u, err := tx.SignIn(i)
		if !u.Blocked || u.Logins != 1 {
			t.Errorf("SignIn = %+v", u)
		}
		return err
	})
}

// TestH30IDIsUsedOnceByAllInstances uses IDs at two instances, and after a
// restart.
func TestH30IDIsUsedOnceByAllInstances(t *testing.T) {
	t.Parallel()
	s, key := store(t), vault.NewKey()
	again := errors.New("again")
	use := func(v *vault.Vault, id string) error {
		return v.UseOnce(t.Context(), id, time.Now().Add(time.Minute), again)
	}
	first, second := open(t, s, key), open(t, s, key)
	for i, v := range []*vault.Vault{first, second, open(t, s, key)} {
		if err := use(v, "a"); errors.Is(err, again) != (i > 0) {
			t.Errorf("use %d: %v", i, err)
		}
	}
	if err := use(second, "b"); err != nil {
		t.Errorf("another ID: %v", err)
	}
}

func TestUpdateWithEndedContextIsRefused(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.Update(ctx, func(*vault.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update = %v", err)
	}
}
