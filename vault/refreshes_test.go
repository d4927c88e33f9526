package vault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
)

// saying is an error with a reason for people.
type saying struct {
	error
	why string
}

func (s saying) Unwrap() error   { return s.error }
func (s saying) Explain() string { return s.why }

// TestRefreshesAreRemembered, each with what came of it, and the last twenty.
func TestRefreshesAreRemembered(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	expired(t, v, vault.Static)
	now := time.Now()
	v.Now = func() time.Time { return now }
	p := &provider{}
	refresh := func(answer error) {
		t.Helper()
		now = now.Add(time.Minute)
		p.answer = func(n int, _ string) (vault.TokenSet, error) {
			return vault.TokenSet{AccessToken: vault.NewSecret(fmt.Sprint("at", n)), Expires: now.Add(time.Hour)}, answer
		}
		ts := seen(t, v)
		v.Fresh(t.Context(), ts, vault.Need{Rejected: ts.AccessToken}, p)
	}
	told := func() (list []string) {
		t.Helper()
		err := v.View(t.Context(), func(tx *vault.Tx) error {
			refreshes, err := tx.RefreshesOf("i")
			for _, r := range refreshes {
				list = append(list, fmt.Sprintf("%d %s %s", r.Times, r.Outcome, r.Why))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := told(); len(list) != 0 {
		t.Errorf("before the first: %v", list)
	}
	refresh(nil)
	refresh(errors.Join(vault.ErrUnspent, saying{errNoAnswer, "It is not reachable."}))
	refresh(errors.Join(vault.ErrUnspent, saying{errNoAnswer, "It is not reachable."}))
	refresh(errors.Join(vault.ErrAnswered, saying{errNoAnswer, strings.Repeat("é", 2000)}))
	refresh(nil)
	refresh(&vault.Refusal{Why: "It was revoked."})
	want := []string{"1 refused It was revoked.", "1 refreshed ", "1 no_use " + strings.Repeat("é", 600) + "…", "2 not_spent It is not reachable.", "1 refreshed "}
	if got := told(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
	expired(t, v, vault.Static)
	for i := range 30 {
		refresh(errors.Join(vault.ErrUnspent, saying{errNoAnswer, fmt.Sprint(i)}))
	}
	if got := told(); len(got) != 20 || got[0] != "1 not_spent 29" || got[19] != "1 not_spent 10" {
		t.Errorf("after thirty: %q", got)
	}
	put(t, v, func(tx *vault.Tx) error { _, err := tx.Disconnect(seen(t, v)); return err })
	if got := told(); len(got) != 0 {
		t.Errorf("after it was disconnected: %q", got)
	}
}

// TestDamagedHistoryCostsNoToken: what the provider issued exists nowhere else.
func TestDamagedHistoryCostsNoToken(t *testing.T) {
	t.Parallel()
	s := store(t)
	v := open(t, s, vault.NewKey())
	expired(t, v, vault.Rotates)
	if err := s.Update(t.Context(), func(kv vault.KV) error { return kv.Put("refreshes", "i", vault.Value{Sealed: []byte("nonsense")}) }); err != nil {
		t.Fatal(err)
	}
	ts := seen(t, v)
	if _, err := v.Fresh(t.Context(), ts, vault.Need{Rejected: ts.AccessToken}, &provider{}); err != nil {
		t.Fatal(err)
	}
	if got := seen(t, v); got.RefreshToken.Reveal() != "rt1" || got.Attempt != nil {
		t.Errorf("kept is %s", got.RefreshToken.Reveal())
	}
}
