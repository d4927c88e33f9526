package vault

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"time"
)

// LogKey is the key that signs what the log says of itself (Ed25519, RFC 8032).
type LogKey struct {
	forever
	ID      string
	Private Secret // its seed, in base64url
	Created time.Time
}

func (k LogKey) Key() string { return k.ID }

// newLogKey makes a key of a seed of 32 bytes.
func newLogKey(seed []byte, now time.Time) LogKey {
	private := ed25519.NewKeyFromSeed(seed)
	return LogKey{ID: logKeyID(publicOf(private)), Private: NewSecret(base64.RawURLEncoding.EncodeToString(seed)), Created: now}
}

func (k LogKey) private() (ed25519.PrivateKey, error) {
	seed, err := base64.RawURLEncoding.DecodeString(k.Private.Reveal())
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("vault: the key that signs the log is damaged")
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func publicOf(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// logKeyID names a key.
func logKeyID(public ed25519.PublicKey) string { return Hash(string(public))[:16] }

// PublicPEM is the key's public half, by which anybody can verify an export.
func (k LogKey) PublicPEM() (string, error) {
	private, err := k.private()
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(publicOf(private))
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), err
}

// logKey is the key that signs, or [ErrNotFound] while there are no events.
func (tx *Tx) logKey() (LogKey, error) {
	for k, err := range tx.LogKeys.All("") {
		return k, err
	}
	return LogKey{}, ErrNotFound
}

// ParseLogKey reads a public key in PEM.
func ParseLogKey(text []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is no public key in PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("it is no Ed25519 key")
	}
	return key, nil
}
