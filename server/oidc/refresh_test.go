package oidc_test

import (
	"testing"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

func TestH31RefreshTokensAreUsedOnce(t *testing.T) {
	t.Parallel()
	key := []byte("key")
	zeroth := oidc.NextSecret(key, "g", "random")
	first := oidc.NextSecret(key, "g", zeroth)
	second := oidc.NextSecret(key, "g", first)
	grant := vault.Grant{ID: "g", Client: "app", SecretHash: vault.Hash(second), Previous: vault.Hash(first), Replaced: now}
	patient := vault.Client{ID: "app", Rotate: true, RefreshLeeway: 30 * time.Second}
	strict := vault.Client{ID: "app", Rotate: true}
	fresh, none := grant, grant
	fresh.Previous, fresh.SecretHash = "", vault.Hash(zeroth)
	none.SecretHash = ""
	for _, tt := range []struct {
		section string
		g       vault.Grant
		c       vault.Client
		secret  string
		after   time.Duration
		want    oidc.Use
	}{
		{"RFC 6749 6", grant, patient, second, 0, oidc.UseCurrent},
		{"RFC 6749 6", grant, strict, second, time.Hour, oidc.UseCurrent},
		{"RFC 6749 6: never refreshed", fresh, strict, zeroth, 0, oidc.UseCurrent},
		{"Auth0: leeway", grant, patient, first, 0, oidc.UseReplayed},
		{"Auth0: leeway", grant, patient, first, 30*time.Second - 1, oidc.UseReplayed},
		{"RFC 9700 4.14.2: after the leeway", grant, patient, first, 30 * time.Second, oidc.UseReused},
		{"RFC 9700 4.14.2: no leeway", grant, strict, first, 0, oidc.UseReused},
		{"RFC 9700 4.14.2: the one before, within the leeway", grant, patient, zeroth, 0, oidc.UseReused},
		{"RFC 6749 10.4: another client's", grant, vault.Client{ID: "other"}, second, 0, oidc.UseUnknown},
		{"RFC 6749 10.4: another client's", grant, vault.Client{ID: "other", RefreshLeeway: time.Hour}, first, 0, oidc.UseUnknown},
		{"made up", grant, patient, "guess", 0, oidc.UseUnknown},
		{"made up", grant, patient, "", 0, oidc.UseUnknown},
		{"made up, as long", grant, patient, first[:80] + "AAAAAA", 0, oidc.UseUnknown},
		{"of another grant", grant, patient, oidc.NextSecret(key, "h", first), 0, oidc.UseUnknown},
		{"by another key", grant, patient, oidc.NextSecret([]byte("other"), "g", first), 0, oidc.UseUnknown},
		{"no refresh token", none, patient, second, 0, oidc.UseUnknown},
		{"no refresh token", vault.Grant{}, vault.Client{}, "", 0, oidc.UseUnknown},
	} {
		if got := oidc.UseOf(key, tt.g, tt.c, tt.secret, now.Add(tt.after)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.section, got, tt.want)
		}
	}
	if id, secret, ok := oidc.ParseRefreshToken(oidc.RefreshToken("g", second)); !ok || id != "g" || secret != second {
		t.Errorf("got %q, %q", id, secret)
	}
	// A key that changed meanwhile takes no grant with it.
	if got := oidc.UseOf([]byte("other"), grant, patient, first, now); got != oidc.UseUnknown {
		t.Errorf("got %s", got)
	}
	if got := oidc.UseOf([]byte("other"), grant, patient, second, now); got != oidc.UseCurrent {
		t.Errorf("got %s", got)
	}
}

func TestSameSecretFollowsTheSame(t *testing.T) {
	t.Parallel()
	a, b := oidc.NextSecret([]byte("key"), "g", "x"), oidc.NextSecret([]byte("key"), "g", "x")
	if a != b || len(a) != 86 || a[:43] == a[43:] {
		t.Errorf("got %q and %q", a, b)
	}
	for _, other := range []string{oidc.NextSecret([]byte("key"), "g", "y"), oidc.NextSecret([]byte("key"), "h", "x"), oidc.NextSecret([]byte("k"), "g", "x"), oidc.NextSecret([]byte("key"), "g\x00x", "")} {
		if other == a {
			t.Error("two secrets are one")
		}
	}
}
