package simulator_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"sallyport/connections/simulator"
)

// signer is an app's key with its certificate; two are enough for all tests.
type signer struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

var signers = sync.OnceValue(func() (list [2]signer) {
	for i := range list {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"},
			NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			panic(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			panic(err)
		}
		list[i] = signer{key, cert}
	}
	return list
})

func certified(_ *simulator.Salesforce, a *simulator.App) {
	a.Certificate = signers()[0].cert
	a.Preauthorized = true
}

// assertion signs claims as many a client does: by hand.
func (s signer) assertion(claims map[string]any) string {
	encode := base64.RawURLEncoding.EncodeToString
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	input := encode([]byte(`{"alg":"RS256"}`)) + "." + encode(payload)
	sum := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return input + "." + encode(signature)
}

func jwtBearer(assertion string) url.Values {
	return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
}

func samlBearer(assertion string) url.Values {
	return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:saml2-bearer"}, "assertion": {assertion}}
}

// noon is where the tests' clocks stand, in seconds.
const noon = 1772366400

func (o *org) claims(changes map[string]any) map[string]any {
	claims := map[string]any{"iss": key, "sub": "ada@example.com", "aud": o.url, "exp": noon + 180}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func TestAssertionBringsTheseFieldsAndNoOthers(t *testing.T) {
	o := start(t, certified)
	o.Apps[0].Connected = true
	for _, form := range []url.Values{
		jwtBearer(signers()[0].assertion(o.claims(nil))),
		samlBearer(signers()[0].saml(o, nil)),
	} {
		r := o.token(form)
		if got := names(t, r.body); !slices.Equal(got, strings.Fields("access_token scope instance_url id token_type")) {
			t.Errorf("%d %s", r.StatusCode, r.body)
		}
		var set tokenSet
		_ = json.Unmarshal([]byte(r.body), &set)
		if !o.alive(set.AccessToken) || set.InstanceURL != o.url || !strings.HasSuffix(set.ID, "/005Sa000000adaLIAQ") {
			t.Errorf("%+v", set)
		}
	}
}

func TestJWTBearerTakesWhatClientsSend(t *testing.T) {
	o := start(t, certified)
	for name, claims := range map[string]map[string]any{
		"exp as text":                 {"exp": "1772366580"},
		"exp in milliseconds":         {"exp": noon*1000 + 300},
		"real login host":             {"aud": "https://login.salesforce.com"},
		"real host, no scheme":        {"aud": "login.salesforce.com"},
		"host without scheme":         {"aud": strings.TrimPrefix(o.url, "http://")},
		"token endpoint":              {"aud": o.url + "/services/oauth2/token"},
		"real token endpoint":         {"aud": "https://login.salesforce.com/services/oauth2/token"},
		"aud as a list":               {"aud": []string{o.url}},
		"prn":                         {"sub": "nobody@example.com", "prn": "ada@example.com"},
		"capitals":                    {"sub": "ADA@Example.com"},
		"expired three minutes ago":   {"exp": noon - 179},
		"with the times it needs not": {"iat": noon, "nbf": noon + 179, "jti": "1"},
	} {
		if r := o.token(jwtBearer(signers()[0].assertion(o.claims(claims)))); r.StatusCode != 200 {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
}

func TestJWTBearerRefusals(t *testing.T) {
	const (
		invalid  = "invalid assertion"
		audience = "Audience validation failed"
	)
	for _, test := range []struct {
		name              string
		change            func(*simulator.Salesforce, *simulator.App)
		claims            map[string]any
		code, description string
	}{
		{"unknown app", nil, map[string]any{"iss": "3MVG9other"}, "invalid_client_id", "client identifier invalid"},
		{"no issuer", nil, map[string]any{"iss": nil}, "invalid_client_id", "client identifier invalid"},
		{"another key", func(_ *simulator.Salesforce, a *simulator.App) { a.Certificate = signers()[1].cert }, nil, "invalid_grant", invalid},
		{"no certificate", func(_ *simulator.Salesforce, a *simulator.App) { a.Certificate = nil }, nil, "invalid_grant", invalid},
		{"expired", nil, map[string]any{"exp": noon - 180}, "invalid_grant", invalid},
		{"no expiry", nil, map[string]any{"exp": nil}, "invalid_grant", invalid},
		{"expiry that is none", nil, map[string]any{"exp": "soon"}, "invalid_grant", invalid},
		{"not yet valid", nil, map[string]any{"nbf": noon + 181}, "invalid_grant", invalid},
		{"no audience", nil, map[string]any{"aud": nil}, "invalid_grant", audience},
		{"foreign audience", nil, map[string]any{"aud": "https://login.example.com"}, "invalid_grant", audience},
		{"sandbox's audience", nil, map[string]any{"aud": "https://test.salesforce.com"}, "invalid_grant", audience},
		{"two audiences", nil, map[string]any{"aud": []string{"https://login.salesforce.com", "https://other.example"}}, "invalid_grant", audience},
		{"audience of production at a sandbox", func(s *simulator.Salesforce, _ *simulator.App) { s.Org.Sandbox = true },
			map[string]any{"aud": "https://login.salesforce.com"}, "invalid_grant", audience},
		{"strict, no scheme", func(s *simulator.Salesforce, _ *simulator.App) { s.Org.StrictAudience = true },
			map[string]any{"aud": "login.salesforce.com"}, "invalid_grant", audience},
		{"unknown user", nil, map[string]any{"sub": "nobody@example.com"}, "invalid_grant", "user hasn't approved this consumer"},
		{"inactive user", func(s *simulator.Salesforce, _ *simulator.App) {
			s.Users = simulator.DefaultUsers()
			s.Users[0].Inactive = true
		}, nil, "inactive_user", "user is inactive"},
		{"user of no permission", func(_ *simulator.Salesforce, a *simulator.App) { a.PermittedUsers = []string{"grace@example.com"} }, nil,
			"invalid_grant", "user is not admin approved to access this app"},
		{"user who has not approved", func(_ *simulator.Salesforce, a *simulator.App) { a.Preauthorized = false }, nil,
			"invalid_grant", "user hasn't approved this consumer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := start(t, func(s *simulator.Salesforce, a *simulator.App) {
				certified(s, a)
				if test.change != nil {
					test.change(s, a)
				}
			})
			o.refused(o.token(jwtBearer(signers()[0].assertion(o.claims(test.claims)))), test.code, test.description)
		})
	}
}

func TestJWTBearerTakesNoOtherAlgorithm(t *testing.T) {
	o := start(t, certified)
	good := signers()[0].assertion(o.claims(nil))
	_, rest, _ := strings.Cut(good, ".")
	payload, _, _ := strings.Cut(rest, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + payload + "."
	for _, assertion := range []string{"", "x", none, good[:len(good)-8] + "AAAAAAAA"} {
		o.refused(o.token(jwtBearer(assertion)), "invalid_grant", "invalid assertion")
	}
}

func TestAssertionNeedsAnApprovalAndSharesItsToken(t *testing.T) {
	o := start(t, certified, func(_ *simulator.Salesforce, a *simulator.App) { a.Preauthorized = false })
	form := jwtBearer(signers()[0].assertion(o.claims(nil)))
	o.refused(o.token(form), "invalid_grant", "user hasn't approved this consumer")
	byCode := o.signIn("scope", "openid api")
	if got := o.tokenSet(form); got.AccessToken != byCode.AccessToken || got.Scope != "openid api" {
		t.Errorf("got %+v, by code %+v", got, byCode)
	}
	o.RevokeUser("ada@example.com")
	o.refused(o.token(form), "invalid_grant", "user hasn't approved this consumer")
}

func TestSameOpaqueTokenForEachAssertionUnlessTheAppIsToldOtherwise(t *testing.T) {
	o := start(t, certified)
	form := jwtBearer(signers()[0].assertion(o.claims(nil)))
	first := o.tokenSet(form)
	if second := o.tokenSet(form); second.AccessToken != first.AccessToken {
		t.Error("another token while the first is alive")
	}
	o.Apps[0].FreshAccessTokens = true
	if third := o.tokenSet(form); third.AccessToken == first.AccessToken {
		t.Error("the same token with FreshAccessTokens")
	}
	o.Apps[0].JWTAccessTokens = true
	if jwt := o.tokenSet(form); strings.Count(jwt.AccessToken, ".") != 2 {
		t.Errorf("no JWT: %s", jwt.AccessToken)
	}
}

// saml signs an assertion for Ada, in which texts are replaced.
func (s signer) saml(o *org, replacements []string) string {
	const assertion = `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1" Version="2.0" IssueInstant="2026-03-01T12:00:00Z">` +
		`<saml:Issuer>` + key + `</saml:Issuer>` +
		`<saml:Subject><saml:NameID>ada@example.com</saml:NameID>` +
		`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">` +
		`<saml:SubjectConfirmationData NotOnOrAfter="2026-03-01T12:03:00Z" Recipient="HOST/services/oauth2/token"/></saml:SubjectConfirmation></saml:Subject>` +
		`<saml:Conditions NotBefore="2026-03-01T12:00:00Z" NotOnOrAfter="2026-03-01T12:03:00Z">` +
		`<saml:AudienceRestriction><saml:Audience>HOST</saml:Audience></saml:AudienceRestriction></saml:Conditions></saml:Assertion>`
	doc := etree.NewDocument()
	text := strings.NewReplacer(replacements...).Replace(assertion)
	if err := doc.ReadFromString(strings.ReplaceAll(text, "HOST", o.url)); err != nil {
		panic(err)
	}
	ctx, err := dsig.NewSigningContext(s.key, [][]byte{s.cert.Raw})
	if err != nil {
		panic(err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signed, err := ctx.SignEnveloped(doc.Root())
	if err != nil {
		panic(err)
	}
	// SAML core, section 5.4: the signature follows the issuer.
	signature := signed.RemoveChildAt(len(signed.Child) - 1)
	signed.InsertChildAt(1, signature)
	out := etree.NewDocument()
	out.SetRoot(signed)
	b, err := out.WriteToBytes()
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func TestSAMLBearerRefusals(t *testing.T) {
	for _, test := range []struct {
		name         string
		replacements []string
		description  string // "": accepted
	}{
		{"good", nil, ""},
		{"real login host", []string{">HOST<", ">https://login.salesforce.com<", "HOST/", "https://login.salesforce.com/"}, ""},
		{"three minutes late", []string{"12:03:00Z", "11:57:01Z", "2026-03-01T12:00:00Z", "2026-03-01T11:50:00Z"}, ""},
		{"audience", []string{">HOST<", ">https://login.example.com<"}, "Audience validation failed"},
		{"no audience", []string{"<saml:Audience>HOST</saml:Audience>", ""}, "Audience validation failed"},
		{"recipient", []string{"HOST/services", "https://login.example.com/services"}, "Recipient validation failed"},
		{"expired", []string{"12:03:00Z", "11:57:00Z"}, "invalid assertion"},
		{"not yet valid", []string{`NotBefore="2026-03-01T12:00:00Z"`, `NotBefore="2026-03-01T12:03:01Z"`}, "invalid assertion"},
		{"confirmation without an end", []string{`Data NotOnOrAfter="2026-03-01T12:03:00Z"`, "Data"}, "invalid assertion"},
		{"not bearer", []string{"cm:bearer", "cm:holder-of-key"}, "invalid assertion"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := start(t, certified, func(_ *simulator.Salesforce, a *simulator.App) { a.Connected = true })
			r := o.token(samlBearer(signers()[0].saml(o, test.replacements)))
			if test.description == "" {
				if r.StatusCode != 200 {
					t.Errorf("%d %s", r.StatusCode, r.body)
				}
				return
			}
			o.expect(r, 400, asJSON, `{"error_uri":"`+o.url+`/setup/secur/SAMLValidationPage.apexp","error":"invalid_grant","error_description":"`+test.description+`"}`)
		})
	}
}

var regexpSignature = regexp.MustCompile(`<ds:Signature.*</ds:Signature>`)

func TestSAMLBearerBelievesOnlyWhatTheAppSigned(t *testing.T) {
	o := start(t, certified, func(_ *simulator.Salesforce, a *simulator.App) { a.Connected = true })
	good := signers()[0].saml(o, nil)
	text, _ := base64.RawURLEncoding.DecodeString(good)
	encode := func(xml string) string { return base64.RawURLEncoding.EncodeToString([]byte(xml)) }
	explained := `{"error_uri":"` + o.url + `/setup/secur/SAMLValidationPage.apexp","error":"invalid_grant","error_description":"invalid assertion"}`
	for name, assertion := range map[string]string{
		"another user":      encode(strings.ReplaceAll(string(text), "ada@", "grace@")),
		"another's key":     signers()[1].saml(o, nil),
		"no signature":      encode(regexpSignature.ReplaceAllString(string(text), "")),
		"wrapped in a copy": encode(strings.Replace(strings.ReplaceAll(regexpSignature.ReplaceAllString(string(text), ""), "ada@", "grace@"), "</saml:Assertion>", string(text)+"</saml:Assertion>", 1)),
	} {
		if r := o.token(samlBearer(assertion)); r.StatusCode != 400 || r.body != explained {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
	for _, assertion := range []string{"", "%%%", encode("no XML"), encode("<Assertion/>"), encode(strings.Repeat("<a>", 1000))} {
		o.refused(o.token(samlBearer(assertion)), "invalid_grant", "invalid assertion")
	}
}

func TestSAMLBearerIsNotForExternalClientApps(t *testing.T) {
	o := start(t, certified)
	o.refused(o.token(samlBearer(signers()[0].saml(o, nil))), "unsupported_grant_type", "grant type not supported")
}

func clientCredentials() url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {key}, "client_secret": {secret}}
}

func TestClientCredentials(t *testing.T) {
	o := start(t, func(_ *simulator.Salesforce, a *simulator.App) {
		a.RunAs = "grace@example.com"
		a.Scopes = []string{"full", "web", "refresh_token", "offline_access", "api", "id"}
	})
	r := o.token(clientCredentials())
	if got := names(t, r.body); !slices.Equal(got, strings.Fields("access_token signature scope instance_url id token_type issued_at api_instance_url")) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	set := o.tokenSet(clientCredentials())
	if set.Scope != "api id" || !strings.HasSuffix(set.ID, "/005Sa000000graHIAQ") || !o.alive(set.AccessToken) {
		t.Errorf("%+v", set)
	}
}

func TestClientCredentialsRefusals(t *testing.T) {
	o := start(t)
	o.refused(o.token(clientCredentials()), "invalid_grant", "no client credentials user enabled")
	o.Apps[0].RunAs = "grace@example.com"
	o.Apps[0].Scopes = []string{"full", "web", "refresh_token"}
	o.refused(o.token(clientCredentials()), "invalid_grant", "no valid scopes defined")
	form := clientCredentials()
	form.Set("client_secret", "guess")
	o.refused(o.token(form), "invalid_client", "invalid client credentials")
}

func TestUserWithoutPermissionMayNotSignInNorRefresh(t *testing.T) {
	o := start(t)
	set := o.signIn()
	o.Apps[0].Preauthorized = true
	o.Apps[0].PermittedUsers = []string{"grace@example.com"}
	o.refused(o.token(refreshment(set.RefreshToken)), "invalid_grant", "user is not admin approved to access this app")
	if q := o.browser().authorize(request()); q.Get("error") != "OAUTH_APP_ACCESS_DENIED" || q.Get("state") != "s t+1" {
		t.Errorf("%v", q)
	}
}
