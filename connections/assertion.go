package connections

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// assertionLifetime is how long an assertion is good for: no longer than the
// difference of clocks that Salesforce puts up with.
const assertionLifetime = 3 * time.Minute

// assertion is the gateway's word that it asks for a user's access token (RFC
// 7521, section 5.1). Each has an ID of its own, and is sent once.
type assertion struct {
	id        string
	issuer    string // client ID of the connection
	subject   string // the user, as the provider knows them
	audience  string // the one that may believe it
	recipient string // token endpoint that it is sent to
	issued    time.Time
}

// jwt is the assertion as a JWT signed with RS256 (RFC 7523, section 3). Its exp
// is a number (RFC 7519, section 4.1.4).
func (a assertion) jwt(key signingKey) (string, error) {
	header, err := json.Marshal(struct {
		Alg string `json:"alg"`
		Typ string `json:"typ"`
	}{"RS256", "JWT"})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(struct {
		Iss string `json:"iss"`
		Sub string `json:"sub"`
		Aud string `json:"aud"`
		Exp int64  `json:"exp"`
		Jti string `json:"jti"`
	}{a.issuer, a.subject, a.audience, a.issued.Add(assertionLifetime).Unix(), a.id})
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key.private, crypto.SHA256, digest[:])
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

const samlNamespace = "urn:oasis:names:tc:SAML:2.0:assertion"

// saml is the assertion in XML, signed with RSA-SHA256 after exclusive
// canonicalization (RFC 7522, section 3; Assertions and Protocols for SAML
// 2.0, section 5.4). There is no AuthnStatement, since nobody authenticated the
// user for it. The issuer is a client ID, as Salesforce wants it, although SAML
// would have a URI.
func (a assertion) saml(key signingKey) (string, error) {
	expires := samlTime(a.issued.Add(assertionLifetime))
	root := etree.NewElement("saml:Assertion")
	for _, attr := range [][2]string{
		{"xmlns:saml", samlNamespace}, {"ID", "_" + a.id}, {"IssueInstant", samlTime(a.issued)}, {"Version", "2.0"},
	} {
		root.CreateAttr(attr[0], attr[1])
	}
	root.CreateElement("saml:Issuer").SetText(a.issuer)

	subject := root.CreateElement("saml:Subject")
	name := subject.CreateElement("saml:NameID")
	name.CreateAttr("Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified")
	name.SetText(a.subject)
	confirmation := subject.CreateElement("saml:SubjectConfirmation")
	confirmation.CreateAttr("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
	data := confirmation.CreateElement("saml:SubjectConfirmationData")
	data.CreateAttr("NotOnOrAfter", expires)
	data.CreateAttr("Recipient", a.recipient)

	conditions := root.CreateElement("saml:Conditions")
	conditions.CreateAttr("NotBefore", samlTime(a.issued))
	conditions.CreateAttr("NotOnOrAfter", expires)
	conditions.CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText(a.audience)

	signing, err := dsig.NewSigningContext(key.private, [][]byte{key.der})
	if err != nil {
		return "", err
	}
	signing.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signature, err := signing.ConstructSignature(root, true)
	if err != nil {
		return "", err
	}
	root.InsertChildAt(1, signature) // right after the issuer, where the schema has it

	doc := etree.NewDocument()
	doc.WriteSettings = etree.WriteSettings{CanonicalEndTags: true, CanonicalText: true, CanonicalAttrVal: true}
	doc.SetRoot(root)
	xml, err := doc.WriteToBytes()
	return base64.RawURLEncoding.EncodeToString(xml), err
}

func samlTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
