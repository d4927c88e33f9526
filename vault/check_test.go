package vault_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"sallyport/vault"
)

// TestCheckNamesWhatIsWrong has each kind of trouble in a vault.
func TestCheckNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := store(t)
	v := open(t, s, vault.NewKey())
	put(t, v, format1)
	put(t, v, func(tx *vault.Tx) error {
		return tx.Identities.Put(vault.Identity{Connection: "gone", Subject: "s", User: "nobody"})
	})
	put(t, v, func(tx *vault.Tx) error {
		return tx.TokenSets.Put(vault.TokenSet{Identity: "salesforce|left"})
	})
	err := s.Update(t.Context(), func(kv vault.KV) error {
		users, err := kv.Get("users", "salesforce|u")
		if err != nil {
			return err
		}
		if err := kv.Put("users", "another", users); err != nil { // out of its place
			return err
		}
		if err := kv.Put("keys", "kid", vault.Value{Sealed: []byte("short")}); err != nil {
			return err
		}
		return kv.Put("hats", "h", vault.Value{Sealed: []byte("of a kind to come")})
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.Check(t.Context(), io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range append(r.Faults, r.Warnings...) {
		got = append(got, f.Bucket+" "+f.Key+": "+f.Problem)
	}
	for _, want := range []string{
		"users another: a record of users is damaged, or not in its own place",
		"keys kid: a record of keys is damaged",
		"identities gone|s: the identity's user is not there",
		"identities gone|s: the identity's connection is not there",
		"tokensets salesforce|left: the token set's identity is not there",
		"hats : records of a kind that this version does not know",
	} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("nothing says %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if r.FaultCount != 2 || r.WarningCount != 4 || r.Records["users"] != 1 || r.Records["identities"] != 2 {
		t.Errorf("%+v", r)
	}
}

// TestLeaksAreFoundWhereverTheyLie has secrets lie across the borders of what is
// looked at at once.
func TestLeaksAreFoundWhereverTheyLie(t *testing.T) {
	t.Parallel()
	secrets := map[string]string{
		"an access token of Salesforce (00D…!)":   "00DSa000000sim1!AQU2jgOxiWGmJYhYzfLT6Z.mXYTiH7fD6ngUFbOXuabBeC4f",
		"a refresh token of Salesforce (5Aep…)":   "5Aep861TSESvWeugxvFHRBTTbf.YrTWgEyjBJrYbVSzGQ07rd",
		"a JSON Web Token (eyJ…)":                 "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
		"a refresh token of the gateway's (v1.…)": "v1.VN2LQ5ZC3UUCVN2LQ5ZC3UUCVN.c2VjcmV0c2VjcmV0c2VjcmV0",
		"a root key (sallyport-key-1_…)":          vault.NewKey().Reveal(),
		"a value given by --canary":               "correct horse",
	}
	for name, secret := range secrets {
		for _, piece := range []int{1, 7, 512, 100_000} {
			l := vault.NewLeaks([]string{"correct horse"})
			all := strings.Repeat("00D 5Aep eyJ v1. ", 40) + secret + strings.Repeat("\x00sallyport-key-1_", 60) + secret
			for i := 0; i < len(all); i += piece {
				io.WriteString(l, all[i:min(i+piece, len(all))])
			}
			if got := fmt.Sprint(l.Found()); got != fmt.Sprint(map[string]int{name: 2}) {
				t.Errorf("in pieces of %d: found %s, want %s twice", piece, got, name)
			}
		}
	}
	l := vault.NewLeaks(nil)
	io.WriteString(l, "salesforce|00DSa000000sim1MAA/005Sa000000adaLIAQ 5Aep"+vault.Hash("a key")[4:])
	if len(l.Found()) != 0 {
		t.Errorf("a user's ID, or a record's key, is taken for a secret: %v", l.Found())
	}
}
