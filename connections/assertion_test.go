package connections

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/go-jose/go-jose/v4"
	dsig "github.com/russellhaering/goxmldsig"

	"sallyport/vault"
)

var issuedAt = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

// ofAda is an assertion whose texts need escaping, as no real ones do.
var ofAda = assertion{
	id: "THE-ID", issuer: "3MVG9.key", subject: `ada+"<o&o>"@example.com`, audience: "https://login.salesforce.com",
	recipient: "https://acme.my.salesforce.com/services/oauth2/token", issued: issuedAt,
}

// certificate is made once for all tests, since RSA takes its time.
var certificate = sync.OnceValue(func() vault.Certificate {
	c, err := NewCertificate("salesforce", issuedAt)
	if err != nil {
		panic(err)
	}
	return c
})

func key(t *testing.T) (signingKey, *x509.Certificate) {
	t.Helper()
	keys, err := signingKeys(vault.Connection{Certificates: []vault.Certificate{certificate()}})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(keys[0].der)
	if err != nil {
		t.Fatal(err)
	}
	return keys[0], cert
}

func TestCertificateIsOneThatSalesforceTakes(t *testing.T) {
	t.Parallel()
	c := certificate()
	block, rest := pem.Decode([]byte(c.PEM))
	if block == nil || block.Type != "CERTIFICATE" || len(rest) != 0 || len(c.PEM) > 4<<10 {
		t.Fatalf("%d bytes: %s", len(c.PEM), c.PEM)
	}
	_, cert := key(t)
	if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil || cert.SignatureAlgorithm != x509.SHA256WithRSA {
		t.Errorf("signed with %v: %v", cert.SignatureAlgorithm, err)
	}
	if cert.Subject.CommonName != "Sallyport salesforce" || cert.IsCA || !cert.NotBefore.Before(issuedAt) || cert.NotAfter.Before(issuedAt.AddDate(9, 0, 0)) || len(c.ID) != 32 {
		t.Errorf("%+v", cert)
	}
	if _, err := NewCertificate(strings.Repeat("x", 128), issuedAt); err != nil {
		t.Errorf("of a long name: %v", err)
	}
}

func TestAssertionAsJWT(t *testing.T) {
	t.Parallel()
	k, cert := key(t)
	token, err := ofAda.jwt(k)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := parsed.Verify(cert.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	// RFC 7523, section 3: one audience, as a string (H29), and a numeric exp.
	want := `{"iss":"3MVG9.key","sub":"ada+\"\u003co\u0026o\u003e\"@example.com","aud":"https://login.salesforce.com","exp":1767323225,"jti":"THE-ID"}`
	if string(claims) != want {
		t.Errorf("claims %s\nwant   %s", claims, want)
	}
}

// samlOf is the XML of an assertion, parsed and as it is sent.
func samlOf(t *testing.T, encoded string) (*etree.Element, []byte) {
	t.Helper()
	xml, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(xml); err != nil {
		t.Fatal(err)
	}
	return doc.Root(), xml
}

func TestPoint25AssertionAsSAML(t *testing.T) {
	t.Parallel()
	k, cert := key(t)
	encoded, err := ofAda.saml(k)
	if err != nil {
		t.Fatal(err)
	}
	root, _ := samlOf(t, encoded)
	validation := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
	validation.Clock = dsig.NewFakeClockAt(issuedAt)
	if _, err := validation.Validate(root); err != nil {
		t.Errorf("signature: %v", err)
	}
	// Assertions and Protocols for SAML 2.0, section 5.4, and the schema.
	children := root.ChildElements()
	if len(children) != 4 || children[0].Tag != "Issuer" || children[1].Tag != "Signature" {
		t.Errorf("the signature is not right after the issuer: %v", children)
	}
	for path, want := range map[string]string{
		"./Signature/SignedInfo/CanonicalizationMethod":            "http://www.w3.org/2001/10/xml-exc-c14n#",
		"./Signature/SignedInfo/SignatureMethod":                   "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
		"./Signature/SignedInfo/Reference/DigestMethod":            "http://www.w3.org/2001/04/xmlenc#sha256",
		"./Signature/SignedInfo/Reference/Transforms/Transform[1]": "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
	} {
		if e := root.FindElement(path); e == nil || e.SelectAttrValue("Algorithm", "") != want {
			t.Errorf("%s: %v", path, e)
		}
	}
	root.RemoveChild(children[1])
	got := etree.NewDocumentWithRoot(root)
	text, _ := got.WriteToString()
	want := `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_THE-ID" IssueInstant="2026-01-02T03:04:05Z" Version="2.0">` +
		`<saml:Issuer>3MVG9.key</saml:Issuer>` +
		`<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">ada+&quot;&lt;o&amp;o&gt;&quot;@example.com</saml:NameID>` +
		`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">` +
		`<saml:SubjectConfirmationData NotOnOrAfter="2026-01-02T03:07:05Z" Recipient="https://acme.my.salesforce.com/services/oauth2/token"/></saml:SubjectConfirmation></saml:Subject>` +
		`<saml:Conditions NotBefore="2026-01-02T03:04:05Z" NotOnOrAfter="2026-01-02T03:07:05Z">` +
		`<saml:AudienceRestriction><saml:Audience>https://login.salesforce.com</saml:Audience></saml:AudienceRestriction></saml:Conditions></saml:Assertion>`
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// TestSAMLAssertionPassesXMLSec verifies by a library that shares no code with
// the one that signed.
func TestSAMLAssertionPassesXMLSec(t *testing.T) {
	t.Parallel()
	xmlsec, err := exec.LookPath("xmlsec1")
	if err != nil {
		if os.Getenv("SALLYPORT_TEST_TOOLS") == "required" {
			t.Fatal("xmlsec1 is not installed: run 'make tools'")
		}
		t.Skip("xmlsec1 is not installed: 'make test' installs it")
	}
	k, _ := key(t)
	encoded, err := ofAda.saml(k)
	if err != nil {
		t.Fatal(err)
	}
	_, xml := samlOf(t, encoded)
	dir := t.TempDir()
	verify := func(name string, xml []byte) ([]byte, error) {
		file, cert := filepath.Join(dir, name+".xml"), filepath.Join(dir, "cert.pem")
		if err := os.WriteFile(file, xml, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(cert, []byte(certificate().PEM), 0o600); err != nil {
			t.Fatal(err)
		}
		return exec.Command(xmlsec, "--verify", "--pubkey-cert-pem", cert, "--id-attr:ID", samlNamespace+":Assertion", file).CombinedOutput()
	}
	if out, err := verify("whole", xml); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := verify("changed", []byte(strings.Replace(string(xml), "ada+", "eve+", 1))); err == nil {
		t.Errorf("a changed assertion passed: %s", out)
	}
}

// TestH29AssertionsHaveTheAudienceOfTheirOrg: one, whatever host they are sent to.
func TestH29AssertionsHaveTheAudienceOfTheirOrg(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ strategy, login, option, want string }{
		{"salesforce", "", "", "https://login.salesforce.com"},
		{"salesforce", "https://acme.my.salesforce.com", "", "https://login.salesforce.com"},
		{"salesforce", "https://acme-dev-ed.develop.my.salesforce.com", "", "https://login.salesforce.com"},
		{"salesforce-sandbox", "", "", "https://test.salesforce.com"},
		{"salesforce-sandbox", "https://acme--uat.sandbox.my.salesforce.com", "", "https://test.salesforce.com"},
		{"salesforce-community", "https://acme.my.site.com/partners", "", "https://acme.my.site.com/partners"},
		{"salesforce-community", "https://portal.acme.com", "", "https://portal.acme.com"},
		{"salesforce-community", "https://portal.acme.com", "https://acme.my.site.com/portal", "https://acme.my.site.com/portal"},
	} {
		s, _ := strategy(tt.strategy)
		p, err := s.Open(vault.Connection{ClientID: "key", Options: map[string]string{"login_url": tt.login, tokenGrant: jwtBearer, assertionAudience: tt.option}}, Env{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.(*salesforceOrg).audience(); got != tt.want {
			t.Errorf("%s at %q: audience %q, want %q", tt.strategy, tt.login, got, tt.want)
		}
	}
}
