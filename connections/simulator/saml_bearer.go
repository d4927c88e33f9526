package simulator

import (
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// samlBearer is the SAML 2.0 bearer grant (RFC 7522, section 2.1), which
// connected apps have and external client apps have not. What is wrong with an
// assertion that could be read is explained at error_uri.
func (s *Salesforce) samlBearer(w http.ResponseWriter, r *http.Request) (pairs, error) {
	assertion, err := parseAssertion(r.Form.Get("assertion"))
	if err != nil {
		return nil, errAssertion
	}
	app, err := s.app(textAt(assertion, "Issuer"))
	if err != nil {
		return nil, err
	}
	if !app.Connected {
		return nil, errGrantType
	}
	if app, err = s.prove(w, r, app); err != nil {
		return nil, err
	}
	s.makeKeys() // may take its time, so not under the lock
	s.mu.Lock()
	defer s.mu.Unlock()
	h := hostOf(r)
	username, wrong := s.checkAssertion(h, app, assertion)
	if wrong != nil {
		return nil, &explained{wrong, h.base() + "/setup/secur/SAMLValidationPage.apexp"}
	}
	return s.assertionTokens(h, app, username, r.Form.Get("assertion"))
}

// parseAssertion reads the base64url form of an assertion, with or without
// padding (RFC 7522, section 2.1).
func parseAssertion(encoded string) (*etree.Element, error) {
	encoded = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_", "\r", "", "\n", "").Replace(encoded), "=")
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings.MaxDepth = 50
	if err := doc.ReadFromBytes(text); err != nil {
		return nil, err
	}
	root := doc.Root()
	if root == nil || root.Tag != "Assertion" || root.NamespaceURI() != "urn:oasis:names:tc:SAML:2.0:assertion" {
		return nil, errAssertion
	}
	return root, nil
}

// checkAssertion verifies an assertion's signature, audience, subject and times
// (RFC 7522, section 3) and returns its user's name. It looks at nothing but
// what is signed.
func (s *Salesforce) checkAssertion(h host, app App, assertion *etree.Element) (username string, wrong *refusal) {
	if app.Certificate == nil {
		return "", errAssertion
	}
	now := s.now()
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{app.Certificate}})
	ctx.Clock = dsig.NewFakeClockAt(now)
	signed, err := ctx.Validate(assertion)
	if err != nil || textAt(signed, "Issuer") != app.ConsumerKey {
		return "", errAssertion
	}
	if !h.isAudience(textAt(signed, "Conditions/AudienceRestriction/Audience")) {
		return "", errAudience
	}
	conditions := signed.FindElement("Conditions")
	confirmed := signed.FindElement("Subject/SubjectConfirmation[@Method='urn:oasis:names:tc:SAML:2.0:cm:bearer']/SubjectConfirmationData")
	switch {
	case confirmed == nil, !isWithin(now, conditions, false), !isWithin(now, confirmed, true):
		return "", errAssertion
	case !h.isRecipient(confirmed.SelectAttrValue("Recipient", "")):
		return "", errRecipient
	}
	return textAt(signed, "Subject/NameID"), nil
}

// isWithin tells whether now is within the times of an element, some minutes
// more or less. It must have an end if that is required.
func isWithin(now time.Time, e *etree.Element, required bool) bool {
	notBefore, notOnOrAfter := e.SelectAttrValue("NotBefore", ""), e.SelectAttrValue("NotOnOrAfter", "")
	if t, err := time.Parse(time.RFC3339, notBefore); notBefore != "" && (err != nil || now.Add(skew).Before(t)) {
		return false
	}
	if notOnOrAfter == "" {
		return !required
	}
	t, err := time.Parse(time.RFC3339, notOnOrAfter)
	return err == nil && now.Add(-skew).Before(t)
}

func textAt(e *etree.Element, path string) string {
	if found := e.FindElement(path); found != nil {
		return strings.TrimSpace(found.Text())
	}
	return ""
}
