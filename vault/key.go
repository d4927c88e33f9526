package vault

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// Key is the vault's root key: 32 random bytes that the operator keeps. It
// encrypts the keyset, whose keys seal the records.
type Key struct{ bytes [32]byte }

// keyPrefix tells a root key from other secrets in files, and finds it in
// places where it should not be.
const keyPrefix = "sallyport-key-1_"

// NewKey makes a random Key.
func NewKey() Key {
	var k Key
	rand.Read(k.bytes[:])
	return k
}

// ParseKey parses a key in the form that [Key.Reveal] gives.
func ParseKey(s string) (Key, error) {
	var k Key
	enc, ok := strings.CutPrefix(strings.TrimSpace(s), keyPrefix)
	if !ok {
		return k, fmt.Errorf("not a root key: it should begin with %q", keyPrefix)
	}
	b, err := base64.RawURLEncoding.DecodeString(enc)
	if err != nil || len(b) != len(k.bytes) {
		return k, errors.New("not a whole root key: after its prefix it should have 43 characters of base64url")
	}
	copy(k.bytes[:], b)
	return k, nil
}

// Reveal is the key as the operator keeps it.
func (k Key) Reveal() string { return keyPrefix + base64.RawURLEncoding.EncodeToString(k.bytes[:]) }

// ID names the key without telling anything of it: 8 hexadecimal digits.
func (k Key) ID() string {
	h := sha256.Sum256(append([]byte("sallyport root key id\x00"), k.bytes[:]...))
	return hex.EncodeToString(h[:4])
}

// Format implements [fmt.Formatter] for all verbs.
func (k Key) Format(f fmt.State, _ rune) { f.Write([]byte(redacted)) }

// LogValue implements [slog.LogValuer].
func (k Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON refuses: a key has no JSON form.
func (k Key) MarshalJSON() ([]byte, error) { return nil, errors.New("vault: a key has no JSON form") }

// Encrypt and Decrypt implement Tink's AEAD, for the keyset.
func (k Key) Encrypt(plain, additional []byte) ([]byte, error) {
	a, err := subtle.NewAESGCM(k.bytes[:])
	if err != nil {
		return nil, err
	}
	return a.Encrypt(plain, additional)
}

func (k Key) Decrypt(sealed, additional []byte) ([]byte, error) {
	a, err := subtle.NewAESGCM(k.bytes[:])
	if err != nil {
		return nil, err
	}
	return a.Decrypt(sealed, additional)
}
