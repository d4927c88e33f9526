package oidc

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// S256 is the code challenge of a code verifier (RFC 7636, section 4.2).
func S256(verifier string) string {
	h := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// isChallenge reports whether s can be a code challenge of the method S256
// (RFC 7636, sections 4.2 and 4.3).
func isChallenge(s string) bool {
	return len(s) >= 43 && len(s) <= 128 && madeOf(s, base64url)
}

// verifies reports whether a verifier is well formed (RFC 7636, section 4.1)
// and the challenge's (section 4.6).
func verifies(verifier, challenge string) bool {
	return len(verifier) >= 43 && len(verifier) <= 128 && madeOf(verifier, base64url+".~") &&
		subtle.ConstantTimeCompare([]byte(S256(verifier)), []byte(challenge)) == 1
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func madeOf(s, alphabet string) bool {
	for i := range len(s) {
		if strings.IndexByte(alphabet, s[i]) < 0 {
			return false
		}
	}
	return true
}
