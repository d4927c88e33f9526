package connections

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"time"

	"sallyport/vault"
)

// certificateLifetime is long, since nothing is trusted for it: whoever checks
// a signature does so by this very certificate, and rotation is what ends it.
const certificateLifetime = 10 * 365 * 24 * time.Hour

// NewCertificate makes a key pair for a connection, RSA of 2048 bits, and the
// certificate to upload at its identity provider: about 1.2 KB, of the 4 KB that
// Salesforce takes.
func NewCertificate(connection string, now time.Time) (c vault.Certificate, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return c, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return c, err
	}
	name := "Sallyport " + connection
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name[:min(len(name), 64)]}, // RFC 5280, appendix A.1: ub-common-name
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLifetime), // an hour, for clocks that are behind
		KeyUsage: x509.KeyUsageDigitalSignature, SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return c, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return c, err
	}
	print := sha256.Sum256(der)
	return vault.Certificate{
		ID:      hex.EncodeToString(print[:16]),
		PEM:     string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		PKCS8:   vault.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))),
		Created: now,
	}, nil
}

// CheckCertifiable finds fault with a connection whose strategy signs nothing.
func CheckCertifiable(c vault.Connection) error {
	s, _ := strategy(c.Strategy)
	if !slices.ContainsFunc(s.Fields, func(f Field) bool { return f.Name == tokenGrant }) {
		return &vault.Invalid{Field: "strategy", Problem: c.Strategy + " signs nothing by a certificate"}
	}
	return nil
}

// signingKey is a certificate that is ready to sign.
type signingKey struct {
	id      string
	used    bool // the provider takes it
	private *rsa.PrivateKey
	der     []byte // the certificate
}

func signingKeys(c vault.Connection) (keys []signingKey, err error) {
	for _, cert := range c.Signing() {
		public, _ := pem.Decode([]byte(cert.PEM))
		private, _ := pem.Decode([]byte(cert.PKCS8.Reveal()))
		if public == nil || private == nil {
			return nil, errors.New("its certificate is damaged")
		}
		key, err := x509.ParsePKCS8PrivateKey(private.Bytes)
		rsaKey, ok := key.(*rsa.PrivateKey)
		if err != nil || !ok {
			return nil, errors.New("its certificate's key is damaged") // the cause might quote it
		}
		keys = append(keys, signingKey{cert.ID, !cert.Used.IsZero(), rsaKey, public.Bytes})
	}
	return keys, nil
}
