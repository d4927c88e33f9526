package vault_test

import (
	"slices"
	"testing"
	"time"

	"sallyport/vault"
)

func TestHealthOfAnAccount(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	conn := vault.Connection{Name: "salesforce", Active: true, TokenVault: true}
	off, forgetful := conn, conn
	off.Active, forgetful.TokenVault = false, false
	live := vault.TokenSet{AccessToken: vault.NewSecret("at"), RefreshToken: vault.NewSecret("rt"), Expires: now.Add(time.Hour)}
	with := func(changes ...func(*vault.TokenSet)) vault.TokenSet {
		ts := live
		for _, change := range changes {
			change(&ts)
		}
		return ts
	}
	expired := func(ts *vault.TokenSet) { ts.Expires = now.Add(-time.Hour) }
	alone := func(ts *vault.TokenSet) { ts.RefreshToken = vault.Secret{} }
	static := func(ts *vault.TokenSet) { ts.Rotation = vault.Static }
	attempt := func(a vault.Attempt) func(*vault.TokenSet) { return func(ts *vault.TokenSet) { ts.Attempt = &a } }
	refused := func(r vault.Refusal) func(*vault.TokenSet) { return func(ts *vault.TokenSet) { ts.Refusal = &r } }
	underWay := attempt(vault.Attempt{ID: "a", Until: now.Add(10 * time.Second)})

	for name, c := range map[string]struct {
		ts      vault.TokenSet
		conn    vault.Connection
		asserts bool
		want    vault.Health
	}{
		"in use":                                       {live, conn, false, vault.Healthy},
		"not in use for long":                          {with(expired), conn, false, vault.Healthy},
		"without a refresh token":                      {with(alone), conn, false, vault.Expiring},
		"without a refresh token, expired":             {with(alone, expired), conn, false, vault.NotRenewable},
		"by assertion":                                 {with(alone, expired), conn, true, vault.Healthy},
		"by assertion, before the first":               {vault.TokenSet{}, conn, true, vault.Healthy},
		"by assertion, refused":                        {with(alone, refused(vault.Refusal{})), conn, true, vault.Reauthorize},
		"refresh under way":                            {with(expired, underWay), conn, false, vault.Refreshing},
		"refresh under way that would not matter":      {with(static, underWay), conn, false, vault.Refreshing},
		"refresh without an answer":                    {with(attempt(vault.Attempt{Until: now})), conn, false, vault.Ambiguous},
		"refresh broken off":                           {with(attempt(vault.Attempt{Until: now.Add(10 * time.Second), Unheard: true})), conn, false, vault.Ambiguous},
		"refresh answered with nothing useful":         {with(attempt(vault.Attempt{Until: now.Add(10 * time.Second), Ended: true})), conn, false, vault.Ambiguous},
		"refresh of a clock that was put back":         {with(attempt(vault.Attempt{Until: now.Add(time.Hour)})), conn, false, vault.Ambiguous},
		"from a backup":                                {with(attempt(vault.Attempt{Restored: true})), conn, false, vault.Ambiguous},
		"without an answer, of one that may be reused": {with(static, attempt(vault.Attempt{Until: now})), conn, false, vault.Healthy},
		"refused":                    {with(refused(vault.Refusal{})), conn, false, vault.Reauthorize},
		"refused, expired":           {with(expired, refused(vault.Refusal{})), conn, false, vault.Reauthorize},
		"answered for somebody else": {with(alone, refused(vault.Refusal{Quarantine: true})), conn, false, vault.Quarantined},
		"disconnected":               {with(func(ts *vault.TokenSet) { ts.Disconnected = true }, underWay), conn, false, vault.Revoked},
		"disconnected with all of its connection": {live, vault.Connection{Name: "salesforce", Active: true, TokenVault: true, Generation: 1}, false, vault.Revoked},
		"switched off":               {live, off, false, vault.Disabled},
		"switched off, refused":      {with(refused(vault.Refusal{})), off, false, vault.Disabled},
		"switched off, by assertion": {live, off, true, vault.Disabled},
		"no tokens are kept":         {live, forgetful, false, vault.Disabled},
		"its connection is gone":     {live, vault.Connection{}, false, vault.Disabled},
	} {
		got := c.ts.Health(c.conn, c.asserts, now)
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if !slices.Contains(vault.Healths, got) {
			t.Errorf("%s is not among all of them", got)
		}
	}
}
