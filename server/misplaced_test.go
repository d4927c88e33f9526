package server

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

// TestH36WhateverATokenIsMadeOfIsKeptFromTheLogs has tokens by chance, since one of
// some hundred in base 32 has no digit in it, with something beside them as it is
// when they are put where they do not belong.
func TestH36WhateverATokenIsMadeOfIsKeptFromTheLogs(t *testing.T) {
	t.Parallel()
	random := func(n int) []byte {
		b := make([]byte, n)
		rand.Read(b)
		return b
	}
	tokens := map[string]func() string{
		"base 32":    rand.Text,
		"base 16":    func() string { return hex.EncodeToString(random(16)) },
		"base64url":  func() string { return base64.RawURLEncoding.EncodeToString(random(32)) },
		"a JWT":      func() string { return "eyJhbGciOiJFUzI1NiJ9.e30." + base64.RawURLEncoding.EncodeToString(random(64)) },
		"Salesforce": func() string { return "00D000000000062!" + base64.RawURLEncoding.EncodeToString(random(72)) },
	}
	for kind, token := range tokens {
		for range 3_000 {
			secret := token()
			for _, word := range []string{secret, secret + "x", "x" + secret} {
				said := withoutTokens("There is no connection " + word + ".")
				if strings.Contains(said, secret) || strings.Contains(said, secret[len(secret)-20:]) {
					t.Fatalf("%s: the log has %q", kind, said)
				}
			}
		}
	}
}

func TestWhatIsNoTokenIsToldInTheLogs(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		"There is no connection salesforce-of-the-subsidiary.",
		"unsupported grant type urn:ietf:params:oauth:grant-type:token-exchange",
		"dial tcp: lookup acme--sandbox2026.sandbox.my.salesforce.com: no such host",
		"The parameter code_challenge_methods_supported is missing.",
		"unknown scope read:federated_connections_tokens",
	} {
		if got := withoutTokens(said); got != said {
			t.Errorf("%q became %q", said, got)
		}
	}
}
