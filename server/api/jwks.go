package api

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"

	"sallyport/vault"
)

// JWKS is a JWK Set of public keys (RFC 7517, section 5). It is read as an
// object, or as text that is its JSON.
type JWKS struct {
	Keys []JWK `yaml:"keys" json:"keys"`
}

// JWK is a public key (RFC 7517, section 4). Members that it does not know are
// passed over; those of private keys are not.
type JWK struct {
	KTY string `yaml:"kty" json:"kty"`
	CRV string `yaml:"crv" json:"crv,omitzero"`
	X   string `yaml:"x" json:"x,omitzero"`
	Y   string `yaml:"y" json:"y,omitzero"`
	N   string `yaml:"n" json:"n,omitzero"`
	E   string `yaml:"e" json:"e,omitzero"`
	KID string `yaml:"kid" json:"kid,omitzero"`
	Alg string `yaml:"alg" json:"alg,omitzero"`
	Use string `yaml:"use" json:"use,omitzero"`
}

// UnmarshalJSON reads an object, or a string that is its JSON.
func (s *JWKS) UnmarshalJSON(b []byte) error {
	n, err := readJSON(string(b), pos{})
	if err != nil {
		return errors.New("jwks is not JSON") // the cause might quote it
	}
	var e *Error
	if err := (&decoder{at: make(map[string]pos)}).jwks(n, s, "jwks"); errors.As(err, &e) {
		return &vault.Invalid{Field: e.Key, Problem: e.Problem}
	}
	return nil
}

// public is the key itself: of type [*rsa.PublicKey], [*ecdsa.PublicKey] or
// [ed25519.PublicKey].
func (k JWK) public() (any, error) {
	var parts [4][]byte
	for i, part := range []struct{ name, value string }{{"x", k.X}, {"y", k.Y}, {"n", k.N}, {"e", k.E}} {
		b, err := base64.RawURLEncoding.DecodeString(part.value)
		if err != nil {
			return nil, fmt.Errorf("has a member %s that is not base64url without padding", part.name)
		}
		parts[i] = b
	}
	x, y, n, e := parts[0], parts[1], new(big.Int).SetBytes(parts[2]), new(big.Int).SetBytes(parts[3])
	switch {
	case k.Use == "enc":
		return nil, errors.New("is for encryption: leave it out")
	case k.KTY == "RSA" && (n.Bit(0) == 0 || e.Bit(0) == 0 || e.BitLen() < 2 || e.BitLen() > 31):
		return nil, errors.New("is no RSA key: n or e is missing, or wrong")
	case k.KTY == "RSA":
		return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
	case k.KTY == "EC" && k.CRV == "P-256":
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
		if err != nil || len(x) != 32 { // RFC 7518, section 6.2.1.2
			return nil, errors.New("is no EC key: x or y is missing, or wrong")
		}
		return key, nil
	case k.KTY == "OKP" && k.CRV == "Ed25519":
		if len(x) != ed25519.PublicKeySize {
			return nil, errors.New("is no Ed25519 key: x is missing, or wrong")
		}
		return ed25519.PublicKey(x), nil
	}
	return nil, errKind
}

// jwks reads a JWK Set.
func (d *decoder) jwks(n *node, to *JWKS, path string) error {
	if n.kind == text {
		set, err := readJSON(n.text, n.pos)
		if err != nil || set.kind == text {
			return fault(n.pos, path, `is not JSON: write a JWK Set, {"keys": […]}`)
		}
		n = set
	}
	if err := want(n, mapping, path); err != nil {
		return err
	}
	keys := n.get("keys")
	if keys == nil {
		return fault(n.pos, path, "should be a JWK Set, and has no keys: write {keys: […]}")
	}
	path += ".keys"
	if err := want(keys, list, path); err != nil {
		return err
	}
	d.at[path] = keys.pos
	to.Keys = make([]JWK, len(keys.items))
	for i, item := range keys.items {
		if err := d.jwk(item, &to.Keys[i], at(path, i)); err != nil {
			return err
		}
	}
	return nil
}

// privateMembers are what only private and symmetric keys have (RFC 7518,
// section 6).
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// jwk reads a JWK, whose other members mean nothing here (RFC 7517, section 4).
func (d *decoder) jwk(n *node, to *JWK, path string) error {
	if err := want(n, mapping, path); err != nil {
		return err
	}
	names := fieldNames(reflect.TypeFor[JWK]())
	known := &node{kind: mapping, pos: n.pos}
	for _, e := range n.entries {
		if slices.Contains(privateMembers, e.key) {
			return fault(n.pos, path, errPrivate.Error())
		}
		if _, ok := names[e.key]; ok {
			known.entries = append(known.entries, e)
		}
	}
	return d.decode(known, reflect.ValueOf(to).Elem(), path)
}
