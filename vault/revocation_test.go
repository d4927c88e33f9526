package vault_test

import (
	"errors"
	"testing"
	"time"

	"sallyport/vault"
)

// TestDiscardedTokensAreRevokedWhenNobodyUsesThem is the table of when that is,
// if ever.
func TestDiscardedTokensAreRevokedWhenNobodyUsesThem(t *testing.T) {
	t.Parallel()
	now := time.Now().Round(0)
	const never = -1
	for name, tt := range map[string]struct {
		change func(*vault.TokenSet)
		kept   bool
		after  time.Duration
	}{
		"while its access token lives": {func(*vault.TokenSet) {}, true, 2 * time.Hour},
		"whose access token is over":   {func(ts *vault.TokenSet) { ts.Expires = now.Add(-time.Hour) }, true, 0},
		"whose access token lives on":  {func(ts *vault.TokenSet) { ts.Expires = now.Add(100 * time.Hour) }, true, 24 * time.Hour},
		"that nobody was given":        {func(*vault.TokenSet) {}, false, 0},
		"without a refresh token":      {func(ts *vault.TokenSet) { ts.RefreshToken = vault.Secret{} }, true, never},
		"that may be spent":            {func(ts *vault.TokenSet) { ts.Attempt = &vault.Attempt{ID: "a"} }, true, never},
		"that is dead":                 {func(ts *vault.TokenSet) { ts.Refusal = &vault.Refusal{} }, true, never},
	} {
		v := open(t, store(t), vault.NewKey())
		v.Now = func() time.Time { return now }
		ts := vault.TokenSet{Identity: "salesforce|o/u", AccessToken: vault.NewSecret("at"), RefreshToken: vault.NewSecret("rt"), Expires: now.Add(2 * time.Hour)}
		tt.change(&ts)
		put(t, v, func(tx *vault.Tx) error { return tx.Discard("id", ts, tt.kept) })
		var r vault.Revocation
		err := v.View(t.Context(), func(tx *vault.Tx) (err error) { r, err = tx.Revocations.Get("id"); return err })
		switch {
		case tt.after == never && !errors.Is(err, vault.ErrNotFound):
			t.Errorf("%s: %+v, %v", name, r, err)
		case tt.after != never && (err != nil || !r.Next.Equal(now.Add(tt.after)) || r.Connection() != "salesforce" || r.Tokens.RefreshToken != ts.RefreshToken):
			t.Errorf("%s: in %v, %v", name, r.Next.Sub(now), err)
		}
	}
}

func TestH16IdentityIsLinkedToOneUser(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	sign := func(subject string) (u vault.User) {
		put(t, v, func(tx *vault.Tx) (err error) {
			u, err = tx.SignIn(vault.Identity{Connection: "salesforce", Strategy: "salesforce", Subject: "o/" + subject, UserID: subject})
			return err
		})
		return u
	}
	ada, grace := sign("ada"), sign("grace")
	further := vault.Identity{Connection: "other", Strategy: "salesforce", Subject: "p/ada", UserID: "ada", Profile: vault.Profile{Name: "Ada"}}
	for range 2 { // again is no conflict, and adds nothing
		put(t, v, func(tx *vault.Tx) error { return tx.Link(ada, further) })
		put(t, v, func(tx *vault.Tx) (err error) { ada, err = tx.Users.Get(ada.ID); return err })
	}
	if len(ada.Identities) != 2 || ada.Profile.Name != "" {
		t.Errorf("user %+v", ada)
	}
	for _, taken := range []vault.Identity{further, {Connection: "salesforce", Subject: "o/ada"}} {
		if err := v.Update(t.Context(), func(tx *vault.Tx) error { return tx.Link(grace, taken) }); !errors.Is(err, vault.ErrConflict) {
			t.Errorf("Link %s = %v", taken.Key(), err)
		}
	}
	if u := sign("ada"); u.ID != ada.ID || len(u.Identities) != 2 {
		t.Errorf("signed in again: %+v", u)
	}
}

// TestH11QuarantinedSetHasNothingLeftToUse: also an access token that lives.
func TestH11QuarantinedSetHasNothingLeftToUse(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	put(t, v, func(tx *vault.Tx) error {
		return tx.TokenSets.Put(vault.TokenSet{Identity: "i", AccessToken: vault.NewSecret("at"), RefreshToken: vault.NewSecret("rt"),
			IDToken: vault.NewSecret("it"), Expires: time.Now().Add(time.Hour)})
	})
	swapped := &provider{answer: func(int, string) (vault.TokenSet, error) {
		return vault.TokenSet{}, &vault.Refusal{Why: "another user", Quarantine: true}
	}}
	for _, need := range []vault.Need{{TTL: 2 * time.Hour}, {}} {
		if ts, err := v.Fresh(t.Context(), seen(t, v), need, swapped); !errors.Is(err, vault.ErrReauthorize) {
			t.Errorf("Fresh = %+v, %v", ts, err)
		}
	}
	if ts := seen(t, v); !ts.AccessToken.IsZero() || !ts.RefreshToken.IsZero() || !ts.IDToken.IsZero() || ts.Refusal == nil {
		t.Errorf("kept %+v", ts)
	}
}
