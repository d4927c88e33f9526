package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sallyport/vault"
)

// ClientKeys are the public keys of a client. A nil ClientKeys holds none.
type ClientKeys struct{ keys []jose.JSONWebKey }

// Bounds of what a client publishes.
const (
	MaxJWKS = 256 << 10 // bytes
	maxKeys = 100
)

// ParseClientKeys reads the keys that are registered to a client, where they
// have not expired, and the JWK Set that it publishes, which may be empty. Of a
// set what is of no use here is passed over (RFC 7517, section 5); a set with a
// private or symmetric key is refused, since by being published it became
// anybody's.
func ParseClientKeys(registered []vault.ClientKey, jwks []byte, now time.Time) (*ClientKeys, error) {
	var ks ClientKeys
	for _, k := range registered {
		if !k.Expires.IsZero() && !now.Before(k.Expires) {
			continue
		}
		key, err := parseClientKey(k)
		if err != nil {
			return nil, fmt.Errorf("key '%s' of the client %w", shown(k.ID), err)
		}
		ks.keys = append(ks.keys, key)
	}
	if len(jwks) == 0 {
		return &ks, nil
	}
	if len(jwks) > MaxJWKS {
		return nil, errors.New("the client's JWK Set is longer than 256 KiB")
	}
	set, err := readObject(jwks)
	if err != nil {
		return nil, fmt.Errorf("the client's JWK Set %w", err)
	}
	var keys []json.RawMessage
	if json.Unmarshal(set["keys"], &keys) != nil || len(keys) > maxKeys {
		return nil, fmt.Errorf("the client's JWK Set should have a list of at most %d keys", maxKeys)
	}
	for _, raw := range keys {
		key, err := parseJWK(raw)
		switch {
		case errors.Is(err, errPrivate):
			return nil, fmt.Errorf("the client's JWK Set has a key that %w", err)
		case err == nil && key.Use != "enc":
			ks.keys = append(ks.keys, key)
		}
	}
	return &ks, nil
}

func parseClientKey(k vault.ClientKey) (jose.JSONWebKey, error) {
	key, err := parseJWK([]byte(k.JWK))
	k.Alg = algName(k.Alg)
	switch {
	case err != nil:
		return key, err
	case k.Alg != "" && key.Algorithm != "" && k.Alg != key.Algorithm:
		return key, fmt.Errorf("says it is for %s", shown(key.Algorithm))
	case k.Alg != "" && !suits(key.Key, k.Alg):
		return key, fmt.Errorf("is no key for %s", shown(k.Alg))
	case k.ID != "":
		key.KeyID = k.ID
	}
	if k.Alg != "" {
		key.Algorithm = k.Alg
	}
	return key, nil
}

var errPrivate = errors.New("is private or symmetric: register and publish public keys alone")

// parseJWK reads a public key (RFC 7517, section 4) of a kind that clients may
// sign with. Of its members only those that make the key and name it are looked
// at: certificates are not, since nothing here would vouch for them.
func parseJWK(raw []byte) (jose.JSONWebKey, error) {
	members, err := readObject(raw)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} { // RFC 7518, section 6
		if _, found := members[name]; found {
			return jose.JSONWebKey{}, errPrivate
		}
	}
	public := object{}
	for _, name := range []string{"kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"} {
		if value, found := members[name]; found {
			public[name] = value
		}
	}
	bare, err := json.Marshal(public)
	if err != nil {
		return jose.JSONWebKey{}, errors.New("is not JSON")
	}
	var key jose.JSONWebKey
	if key.UnmarshalJSON(bare) != nil { // its error may quote
		return jose.JSONWebKey{}, errors.New("is no public key of a kind that can be used here")
	}
	key.Algorithm = algName(key.Algorithm)
	for _, alg := range clientAlgs {
		if suits(key.Key, alg) {
			return key, nil
		}
	}
	return jose.JSONWebKey{}, errors.New("is no RSA key of 2048 to 8192 bits, P-256 key or Ed25519 key")
}

// suits reports whether a public key is of the kind and strength that an
// algorithm takes (RFC 7518, sections 3.3 to 3.5; RFC 8037, section 3.1).
func suits(key any, alg string) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return (alg == "RS256" || alg == "PS256") && key.N.BitLen() >= 2048 && key.N.BitLen() <= 8192 && key.E > 1
	case *ecdsa.PublicKey:
		return alg == "ES256" && key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

// find is the one key that a token can have been signed with: the one that it
// names, or the only one for its algorithm.
func (ks *ClientKeys) find(s jws) (any, error) {
	if ks == nil {
		return nil, errors.New("the client has no key")
	}
	var found []any
	for _, k := range ks.keys {
		if (s.kid == "" || k.KeyID == s.kid || k.KeyID == "" && len(ks.keys) == 1) &&
			(k.Algorithm == "" || k.Algorithm == s.alg) && suits(k.Key, s.alg) {
			found = append(found, k.Key)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, fmt.Errorf("the client has several keys for %s: name one by kid", s.alg)
	}
	return nil, fmt.Errorf("the client has no key '%s' for %s", shown(s.kid), s.alg)
}

// thumbprint is the SHA-256 JWK Thumbprint of a public key (RFC 7638, section
// 3).
func thumbprint(key jose.JSONWebKey) (string, error) {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", errors.New("has no thumbprint")
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
