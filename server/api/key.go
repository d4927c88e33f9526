package api

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"sallyport/vault"
)

// algs are what tokens may be signed with, ours and clients' (RFC 8725, section
// 3.2: nothing symmetric, and no none). The first is the default.
var algs = []string{"RS256", "PS256", "ES256", "EdDSA"}

// Bounds of clients' RSA keys (RFC 7518, section 3.3), in bits.
const (
	minRSA = 2048
	maxRSA = 8192
)

var (
	errPrivate = errors.New("is a private or symmetric key: leave it with the client, and write its public key, as `openssl pkey -in key.pem -pubout` does")
	errNoPEM   = errors.New("should be PEM, line by line as in its file, from -----BEGIN PUBLIC KEY----- or -----BEGIN CERTIFICATE----- on")
	errKind    = errors.New("should be an RSA key, an EC key on P-256 or an Ed25519 key")
)

// parsePEM is the public key in a PEM block, or that of the certificate in it.
// Nothing else of a certificate counts.
func parsePEM(s string) (any, error) {
	if strings.Contains(s, "PRIVATE KEY-----") {
		return nil, errPrivate
	}
	block, rest := pem.Decode([]byte(s))
	switch {
	case block == nil:
		return nil, errNoPEM
	case strings.TrimSpace(string(rest)) != "":
		return nil, errors.New("holds more than one key or certificate: keep the first")
	}
	switch block.Type {
	case "PUBLIC KEY":
		if key, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			return key, nil
		}
	case "CERTIFICATE":
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			return cert.PublicKey, nil
		}
	default:
		return nil, errNoPEM
	}
	return nil, errors.New("is damaged, or holds a key of an unknown kind")
}

// keyOf is a public key to keep, without ID and algorithm, and the algorithms
// that it fits. Its JWK has the members, and the order, that its thumbprint is
// made of (RFC 7638, section 3.2).
func keyOf(public any) (k vault.ClientKey, fits []string, err error) {
	b64 := base64.RawURLEncoding.EncodeToString
	switch key := public.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
			return k, nil, fmt.Errorf("is an RSA key of %d bits: make one of %d to %d", bits, minRSA, maxRSA)
		}
		k.JWK = fmt.Sprintf(`{"e":"%s","kty":"RSA","n":"%s"}`, b64(big.NewInt(int64(key.E)).Bytes()), b64(key.N.Bytes()))
		return k, []string{"RS256", "PS256"}, nil
	case *ecdsa.PublicKey:
		b, err := key.Bytes()
		if err != nil || key.Curve != elliptic.P256() {
			return k, nil, errKind
		}
		k.JWK = fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, b64(b[1:33]), b64(b[33:]))
		return k, []string{"ES256"}, nil
	case ed25519.PublicKey:
		k.JWK = fmt.Sprintf(`{"crv":"Ed25519","kty":"OKP","x":"%s"}`, b64(key))
		return k, []string{"EdDSA"}, nil
	}
	return k, nil, errKind
}

// thumbprint is that of a JWK as [keyOf] makes it (RFC 7638, section 3).
func thumbprint(jwk string) string {
	sum := sha256.Sum256([]byte(jwk))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
