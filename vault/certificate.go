package vault

import (
	"slices"
	"time"
)

// Certificate is a key pair by which the gateway proves to an identity provider
// that it is the client of a connection, with its public half in the form that
// providers take: a self-signed X.509 certificate, to be uploaded there.
type Certificate struct {
	ID      string // the first half of its SHA-256 fingerprint, in hexadecimal
	PEM     string
	PKCS8   Secret // the private key, in PEM
	Created time.Time
	Used    time.Time // when the provider first took a signature of it; zero if it has not yet
}

// Signing are the connection's certificates in the order in which to sign with
// them: the newest that the provider takes, then the others. Until the provider
// has a new one, the one before does.
func (c Connection) Signing() []Certificate {
	list := slices.Clone(c.Certificates)
	slices.SortFunc(list, func(a, b Certificate) int {
		switch {
		case b.Used.IsZero() && !a.Used.IsZero():
			return -1
		case a.Used.IsZero() && !b.Used.IsZero():
			return 1
		}
		return b.Created.Compare(a.Created)
	})
	return list
}

// Newest is the certificate to upload, if there is one.
func (c Connection) Newest() (Certificate, bool) {
	if len(c.Certificates) == 0 {
		return Certificate{}, false
	}
	return slices.MaxFunc(c.Certificates, func(a, b Certificate) int { return a.Created.Compare(b.Created) }), true
}

// CertificateWaits reports whether the newest certificate is to take the place of
// another, and the provider does not take it yet.
func (c Connection) CertificateWaits() bool {
	newest, found := c.Newest()
	return found && len(c.Certificates) > 1 && newest.Used.IsZero()
}

// WithCertificate is the connection with a next certificate, and of those before
// only the one that the provider takes.
func (c Connection) WithCertificate(next Certificate) Connection {
	kept := []Certificate{next}
	if before := c.Signing(); len(before) > 0 {
		kept = append(kept, before[0])
	}
	c.Certificates = kept
	return c
}

// CertificateUsed is the connection with a certificate marked as taken by the
// provider.
func (c Connection) CertificateUsed(id string, now time.Time) Connection {
	c.Certificates = slices.Clone(c.Certificates)
	for i := range c.Certificates {
		if c.Certificates[i].ID == id && c.Certificates[i].Used.IsZero() {
			c.Certificates[i].Used = now
		}
	}
	return c
}
