package oidc

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"sallyport/vault"
)

// Use is what the use of a refresh token means for its grant.
type Use string

const (
	UseCurrent  Use = "current"  // the token is the grant's
	UseReplayed Use = "replayed" // it was replaced a moment ago: give the same answer again
	UseReused   Use = "reused"   // it was replaced: one of two who hold it is not its owner, so the grant is to go
	UseUnknown  Use = "unknown"  // it never was the grant's, which stays
)

// UseOf says what the use of a refresh token's secret means (RFC 9700, section
// 4.14.2). A client that did not hear the answer to a refresh may ask again with
// the token that it has, for as long as its leeway; the token before that one is
// reuse all the same. key is the one of [NextSecret].
//
// Only a secret that the gateway made revokes a grant: its ID is in access
// tokens, so that anybody could make up a refresh token with it.
func UseOf(key []byte, g vault.Grant, c vault.Client, secret string, now time.Time) Use {
	switch {
	case g.SecretHash == "" || g.Client != c.ID:
		return UseUnknown
	case Matches(g.SecretHash, secret):
		return UseCurrent
	case !ours(key, g.ID, secret):
		return UseUnknown
	case Matches(g.Previous, secret) && now.Before(g.Replaced.Add(c.RefreshLeeway)) && Matches(g.SecretHash, NextSecret(key, g.ID, secret)):
		return UseReplayed
	}
	return UseReused
}

// NextSecret is the secret that replaces another of a grant's refresh token. It
// follows from the secret before and a key of the gateway's, so that whoever
// shows one twice gets the same both times, although only hashes are kept. The
// first secret follows from something random.
func NextSecret(key []byte, grantID, before string) string {
	next := seal(key, "next", grantID, before)
	return next + seal(key, "made", grantID, next)
}

// ours reports whether a secret was made by [NextSecret] for a grant.
func ours(key []byte, grantID, secret string) bool {
	half := base64.RawURLEncoding.EncodedLen(sha256.Size)
	return len(secret) == 2*half &&
		subtle.ConstantTimeCompare([]byte(seal(key, "made", grantID, secret[:half])), []byte(secret[half:])) == 1
}

func seal(key []byte, use, grantID, secret string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("refresh token\x00" + use + "\x00" + grantID + "\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
