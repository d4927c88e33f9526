package oidc_test

import (
	"strings"
	"testing"
	"time"

	"sallyport/server/oidc"
)

// TestSeenTokenPassesNoMoreThanANewOne verifies a token that is remembered: its
// signature alone is taken for granted.
func TestSeenTokenPassesNoMoreThanANewOne(t *testing.T) {
	t.Parallel()
	rs, es, ks := signers(t)
	token := sign(t, es, oidc.TypAccessToken, good())
	access := []string{oidc.TypAccessToken}
	var c oidc.TokenClaims
	for range 3 {
		if err := ks.Verify(token, access, issuer, now, &c); err != nil || c.Subject != "u" {
			t.Fatalf("got %+v, %v", c, err)
		}
	}
	without, err := oidc.NewKeySet(rs)
	if err != nil {
		t.Fatal(err)
	}
	cut := strings.LastIndex(token, ".")
	for name, err := range map[string]error{
		"expired since":        ks.Verify(token, access, issuer, now.Add(time.Hour), &c),
		"as an ID token":       ks.Verify(token, []string{oidc.TypIDToken}, issuer, now, &c),
		"of another issuer":    ks.Verify(token, access, issuer+"x", now, &c),
		"without its end":      ks.Verify(token[:len(token)-1], access, issuer, now, &c),
		"without a signature":  ks.Verify(token[:cut+1], access, issuer, now, &c),
		"when its key is gone": without.Verify(token, access, issuer, now, &c),
	} {
		if err == nil {
			t.Errorf("%s, it passes", name)
		}
	}
}
