package vault_test

import (
	"slices"
	"testing"
	"time"

	"sallyport/vault"
)

// TestCertificatesAreRotatedWithoutAGap follows a connection's certificates: a
// new one is tried after the one in use, until the provider takes it.
func TestCertificatesAreRotatedWithoutAGap(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	next := func(c vault.Connection, id string) vault.Connection {
		day = day.Add(24 * time.Hour)
		return c.WithCertificate(vault.Certificate{ID: id, Created: day})
	}
	check := func(step string, c vault.Connection, newest string, signing ...string) {
		t.Helper()
		var ids []string
		for _, cert := range c.Signing() {
			ids = append(ids, cert.ID)
		}
		if got, _ := c.Newest(); got.ID != newest || !slices.Equal(ids, signing) {
			t.Errorf("%s: newest %q, signing %v; want %q, %v", step, got.ID, ids, newest, signing)
		}
	}
	var c vault.Connection
	check("none", c, "")
	c = next(c, "a")
	check("the first", c, "a", "a")
	c = c.CertificateUsed("a", day)
	c = next(c, "b")
	check("the second is not uploaded yet", c, "b", "a", "b")
	c = c.CertificateUsed("b", day)
	check("the second is in use", c, "b", "b", "a")
	c = next(c, "c")
	check("the third replaces the first", c, "c", "b", "c")
}
