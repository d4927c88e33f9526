package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// localTLS is a certificate for localhost, by an authority that only this
// machine is asked to trust. The authority's key is thrown away once it has
// signed, so that nobody can sign another with it.
type localTLS struct{ authority, cert, key string } // files

// newLocalTLS makes the certificate in a folder, or finds it there.
func newLocalTLS(dir string) (*localTLS, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	t := &localTLS{filepath.Join(dir, "ca.pem"), filepath.Join(dir, "localhost.pem"), filepath.Join(dir, "localhost.key")}
	if t.good(time.Now()) {
		return t, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return t, t.make(time.Now())
}

// good reports whether the files are there, fit together, and last a day.
func (t *localTLS) good(now time.Time) bool {
	pair, err := tls.LoadX509KeyPair(t.cert, t.key)
	if err != nil {
		return false
	}
	pem, err := os.ReadFile(t.authority)
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		return false
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: roots, CurrentTime: now.Add(24 * time.Hour)})
	return err == nil
}

func (t *localTLS) make(now time.Time) error {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Sallyport demo authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 3, 0), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign, PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, {IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)}},
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano() + 1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 3, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return err
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), authorityKey)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		writePEM(t.authority, 0o644, "CERTIFICATE", authorityDER),
		writePEM(t.cert, 0o644, "CERTIFICATE", leafDER),
		writePEM(t.key, 0o600, "PRIVATE KEY", keyDER),
	)
}

func writePEM(path string, mode os.FileMode, kind string, der []byte) error {
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		return fmt.Errorf("write the certificate: %w", err)
	}
	return nil
}

// client is an HTTP client that trusts the authority, and no other.
func (t *localTLS) client() *http.Client {
	roots := x509.NewCertPool()
	if b, err := os.ReadFile(t.authority); err == nil {
		roots.AppendCertsFromPEM(b)
	}
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
}
