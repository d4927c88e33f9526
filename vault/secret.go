package vault

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"

	"github.com/fxamacker/cbor/v2"
)

// Secret is a value that only its owner may read, such as a token. It prints,
// logs and marshals as nothing readable; [Secret.Reveal] is the one way to its
// value, and so the word to search for. Its only encoding is CBOR, in which
// records are sealed.
type Secret struct{ value string }

// NewSecret makes a Secret of a value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal is the value itself.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == "" }

const redacted = "[secret]"

// Format implements [fmt.Formatter] for all verbs.
func (s Secret) Format(f fmt.State, _ rune) { f.Write([]byte(redacted)) }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON refuses: a secret has no JSON form.
func (s Secret) MarshalJSON() ([]byte, error) {
	return nil, errors.New("vault: a secret has no JSON form")
}

// MarshalCBOR is how a secret enters a record that is about to be sealed.
func (s Secret) MarshalCBOR() ([]byte, error) { return cbor.Marshal(s.value) }

// UnmarshalCBOR is how a secret comes out of a record that was unsealed.
func (s *Secret) UnmarshalCBOR(b []byte) error { return cbor.Unmarshal(b, &s.value) }

// Hash is the form in which the vault keeps a secret that its bearer shows,
// such as an authorization code: base64url of SHA-256. It is meant for secrets
// of full entropy, which need no slow hash.
func Hash(secret string) string {
	h := sha256.Sum256([]byte(secret))
	var b [43]byte
	base64.RawURLEncoding.Encode(b[:], h[:])
	return string(b[:])
}

// Fingerprint tells a random secret from others, and nothing of it: the first 8
// hexadecimal digits of its SHA-256, or "" of none.
func (s Secret) Fingerprint() string {
	if s.IsZero() {
		return ""
	}
	h := sha256.Sum256([]byte(s.value))
	return hex.EncodeToString(h[:4])
}
