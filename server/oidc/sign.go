package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sallyport/vault"
)

// Types of the tokens that are signed, their header's "typ".
const (
	TypIDToken     = "JWT"    // RFC 7519, section 5.1
	TypAccessToken = "at+jwt" // RFC 9068, section 2.1
)

// DefaultAlg is what is signed with where nothing else is set (OpenID Connect
// Core 1.0, section 15.1).
const DefaultAlg = "RS256"

// signingAlgs are what the gateway can sign with.
var signingAlgs = []string{"RS256", "PS256", "ES256", "EdDSA"}

// Signer signs with one key. It is made once a key, since making it parses and
// checks the key, and may be used from many goroutines.
type Signer struct {
	id        string
	alg       jose.SignatureAlgorithm
	notBefore time.Time
	private   crypto.Signer
}

// NewSigner returns the Signer of a key.
func NewSigner(k vault.SigningKey) (*Signer, error) {
	private, err := parseKey(k)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
	}
	return &Signer{id: k.ID, alg: jose.SignatureAlgorithm(k.Alg), notBefore: k.NotBefore, private: private}, nil
}

// parseKey parses a private key, which must be of the kind that its algorithm
// takes (RFC 7518, sections 3.3 to 3.5; RFC 8037, section 3.1).
func parseKey(k vault.SigningKey) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(k.PKCS8.Reveal()))
	if block == nil {
		return nil, errors.New("is not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("is not PKCS #8") // err might tell of the key
	}
	private, ok := parsed.(crypto.Signer)
	if !ok || !suits(private.Public(), k.Alg) {
		return nil, fmt.Errorf("is no key for %q", k.Alg)
	}
	return private, nil
}

// ID is the key's, the "kid" of what the Signer signs.
func (s *Signer) ID() string { return s.id }

// Alg is the algorithm that the Signer signs with.
func (s *Signer) Alg() string { return string(s.alg) }

// Sign makes a signed token of a type with claims (RFC 7519, section 7.1), as a
// compact JWS (RFC 7515, section 3.1). It is written out here, since signing is
// most of what a token costs, and the library would make that half as much
// again; what verifies it is the library.
func (s *Signer) Sign(typ string, claims any) (string, error) {
	header, err := json.Marshal(struct {
		Alg string `json:"alg"`
		KID string `json:"kid"`
		Typ string `json:"typ"`
	}{s.Alg(), s.id, typ})
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	const longest = 512 // bytes of a signature, of RSA with 4096 bits
	encode := base64.RawURLEncoding
	token := make([]byte, 0, encode.EncodedLen(len(header))+encode.EncodedLen(len(payload))+encode.EncodedLen(longest)+2)
	token = append(encode.AppendEncode(token, header), '.')
	token = encode.AppendEncode(token, payload)
	signature, err := s.signature(token)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return string(encode.AppendEncode(append(token, '.'), signature)), nil
}

// signature is that of an input (RFC 7518, sections 3.3 to 3.5; RFC 8037, section
// 3.1).
func (s *Signer) signature(input []byte) ([]byte, error) {
	hash := sha256.Sum256(input)
	switch private := s.private.(type) {
	case *ecdsa.PrivateKey: // the two numbers, of 32 bytes each
		r, v, err := ecdsa.Sign(rand.Reader, private, hash[:])
		if err != nil {
			return nil, err
		}
		both := make([]byte, 64)
		r.FillBytes(both[:32])
		v.FillBytes(both[32:])
		return both, nil
	case ed25519.PrivateKey:
		return ed25519.Sign(private, input), nil
	}
	if s.Alg() == "PS256" {
		return s.private.Sign(rand.Reader, hash[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	}
	return s.private.Sign(rand.Reader, hash[:], crypto.SHA256)
}

// public is the key as it is published (RFC 7517, section 4).
func (s *Signer) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: s.private.Public(), KeyID: s.id, Algorithm: string(s.alg), Use: "sig"}
}

// atHash is the "at_hash" of an access token, beside an ID token that is signed
// with an algorithm: half of the hash that the algorithm uses (OpenID Connect
// Core 1.0, section 3.1.3.6). Ed25519 uses SHA-512 (RFC 8032, section 5.1).
func atHash(accessToken, alg string) string {
	h := sha256.Sum256([]byte(accessToken))
	hash := h[:]
	if alg == "EdDSA" {
		long := sha512.Sum512([]byte(accessToken))
		hash = long[:]
	}
	return base64.RawURLEncoding.EncodeToString(hash[:len(hash)/2])
}

// GenerateKey makes a key for an algorithm: RS256, PS256, ES256 or EdDSA, which
// is Ed25519. It is the one function of the package that makes random values, so
// it must not be called within a transaction; RSA takes it a while, too.
func GenerateKey(alg string, now time.Time) (vault.SigningKey, error) {
	var private any
	var err error
	switch alg {
	case "RS256", "PS256":
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		return vault.SigningKey{}, fmt.Errorf("generate key: no such algorithm %q: use %s", alg, strings.Join(signingAlgs, ", "))
	}
	if err != nil {
		return vault.SigningKey{}, fmt.Errorf("generate key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return vault.SigningKey{}, fmt.Errorf("generate key: %w", err)
	}
	return vault.SigningKey{
		ID:      rand.Text(),
		Alg:     alg,
		PKCS8:   vault.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))),
		Created: now,
	}, nil
}
