package oidc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

var asserting = vault.Client{
	ID: "app", AppType: "regular_web", AuthMethod: "private_key_jwt",
	RedirectURIs: []string{"https://app.example.com/cb"},
	GrantTypes:   []string{oidc.GrantAuthorizationCode, oidc.GrantRefreshToken, oidc.GrantClientCredentials},
}

var assertionClaims = map[string]any{"iss": "app", "sub": "app", "aud": issuer, "jti": "j", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}

func assertion(t testing.TB, alg string, changes ...any) string {
	t.Helper()
	return seal(t, pairs()[alg], map[string]any{"alg": alg, "kid": alg, "typ": "JWT"}, changed(assertionClaims, changes...))
}

func shownAssertion(token string) oidc.Credentials {
	return oidc.Credentials{ClientID: "app", ClientAssertion: vault.NewSecret(token), AuthMethod: "private_key_jwt"}
}

func TestH29ClientAssertions(t *testing.T) {
	t.Parallel()
	fapi := asserting
	fapi.FAPI = true
	keys := clientKeys(t)
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for _, tt := range []struct {
		section string
		client  vault.Client
		alg     string
		changes []any
		words   string // of the error; "" for none
	}{
		{"RFC 7523 3", asserting, "RS256", nil, ""},
		{"RFC 7523 3", asserting, "PS256", nil, ""},
		{"RFC 7523 3", asserting, "ES256", nil, ""},
		{"RFC 8037 3.1", asserting, "EdDSA", nil, ""},
		{"FAPI 2.0 5.4.1", fapi, "PS256", nil, ""},
		{"FAPI 2.0 5.4.1", fapi, "ES256", nil, ""},
		{"FAPI 2.0 5.4.1", fapi, "EdDSA", nil, ""},
		{"FAPI 2.0 5.4.1: no PKCS #1 v1.5", fapi, "RS256", nil, "authentication failed"},

		{"RFC 7523 3 1: iss", asserting, "ES256", []any{"iss", "other"}, "'iss'"},
		{"RFC 7523 3 1: iss", asserting, "ES256", []any{"iss", nil}, "'iss'"},
		{"RFC 7523 3 1: iss", asserting, "ES256", []any{"iss", []string{"app"}}, "'iss'"},
		{"RFC 7523 3 2B: sub", asserting, "ES256", []any{"sub", "other"}, "'sub'"},
		{"RFC 7523 3 2: sub", asserting, "ES256", []any{"sub", nil}, "'sub'"},
		{"RFC 7519 4: names letter by letter", asserting, "ES256", []any{"sub", nil, "SUB", "app"}, "'sub'"},

		{"RFC 7523 3 3: aud", asserting, "ES256", []any{"aud", nil}, "'aud'"},
		{"RFC 7523 3 3: aud", asserting, "ES256", []any{"aud", "https://evil.example/"}, "'aud'"},
		{"RFC 7523 3 3: token endpoint", asserting, "ES256", []any{"aud", issuer + "oauth/token"}, ""},
		{"RFC 9126 2: PAR endpoint", asserting, "ES256", []any{"aud", issuer + "oauth/par"}, ""},
		{"RFC 7523 3 3: another endpoint", asserting, "ES256", []any{"aud", issuer + "oauth/revoke"}, "'aud'"},
		{"RFC 7523 3 3: without its slash", asserting, "ES256", []any{"aud", strings.TrimSuffix(issuer, "/")}, "'aud'"},
		{"rfc7523bis: no list", asserting, "ES256", []any{"aud", []string{issuer}}, "no list"},
		{"rfc7523bis: no list", asserting, "ES256", []any{"aud", []string{issuer, "https://evil.example/"}}, "no list"},
		{"FAPI 2.0 5.3.2.1: issuer", fapi, "ES256", []any{"aud", issuer + "oauth/token"}, "'aud'"},
		{"FAPI 2.0 5.3.2.1: issuer", fapi, "ES256", []any{"aud", issuer + "oauth/par"}, "'aud'"},
		{"FAPI 2.0 5.3.2.1: string", fapi, "ES256", []any{"aud", []string{issuer}}, "'aud'"},

		{"RFC 7523 3 4: exp", asserting, "ES256", []any{"exp", nil}, "'exp' is missing"},
		{"RFC 7523 3 4: expired", asserting, "ES256", []any{"exp", in(0)}, "'exp' has passed"},
		{"RFC 7523 3 4: expired", asserting, "ES256", []any{"exp", in(-time.Hour), "iat", in(-time.Hour)}, "'exp' has passed"},
		{"RFC 7523 3 4: not for ever", asserting, "ES256", []any{"exp", in(6*time.Minute + time.Second)}, "more than 5 minutes"},
		{"RFC 7523 3 4: a clock ahead", asserting, "ES256", []any{"exp", in(6 * time.Minute)}, ""},
		{"RFC 7519 2: a number", asserting, "ES256", []any{"exp", "tomorrow"}, "'exp' is not a number"},
		{"RFC 7519 2: a fraction", asserting, "ES256", []any{"exp", float64(in(time.Minute)) + 0.5}, ""},
		{"RFC 7519 2: no number", asserting, "ES256", []any{"exp", 1e300}, "'exp' is not a number"},
		{"RFC 7519 2: no number", asserting, "ES256", []any{"iat", -1}, "'iat' is not a number"},
		{"RFC 7519 2: no number", asserting, "ES256", []any{"exp", []int{1}}, "'exp' is not a number"},
		{"RFC 7523 3 5: nbf", asserting, "ES256", []any{"nbf", in(-time.Minute)}, ""},
		{"RFC 7523 3 5: nbf", asserting, "ES256", []any{"nbf", in(61 * time.Second)}, "'nbf' is in the future"},
		{"FAPI 2.0 5.3.2.1: a clock ahead", fapi, "ES256", []any{"nbf", in(10 * time.Second), "iat", in(10 * time.Second)}, ""},
		{"FAPI 2.0 5.3.2.1: a clock ahead", fapi, "ES256", []any{"nbf", in(61 * time.Second)}, "'nbf' is in the future"},
		{"RFC 7523 3 6: iat", asserting, "ES256", []any{"iat", nil}, ""},
		{"RFC 7523 3 6: iat", asserting, "ES256", []any{"iat", in(61 * time.Second)}, "'iat' is in the future"},
		{"RFC 7523 3 6: iat", asserting, "ES256", []any{"iat", in(-7 * time.Minute)}, "'iat' is long ago"},

		{"Core 9: jti", asserting, "ES256", []any{"jti", nil}, "'jti' is missing"},
		{"Core 9: jti", asserting, "ES256", []any{"jti", ""}, "'jti' is missing"},
		{"Core 9: jti", asserting, "ES256", []any{"jti", 1}, "'jti' is not a string"},
		{"bounds", asserting, "ES256", []any{"jti", strings.Repeat("x", 256)}, ""},
		{"bounds", asserting, "ES256", []any{"jti", strings.Repeat("x", 257)}, "'jti' is too long"},
		{"bounds", asserting, "ES256", []any{"jti", "a\x00b"}, "'jti' has control characters"},
		{"RFC 7523 3: more claims are ignored", asserting, "ES256", []any{"x", map[string]any{"y": 1}}, ""},
	} {
		t.Run(tt.section, func(t *testing.T) {
			token := assertion(t, tt.alg, tt.changes...)
			jti, until, err := oidc.CheckClientAssertion(tt.client, shownAssertion(token), keys, issuer, now)
			if tt.words != "" {
				want(t, err, oidc.InvalidClient, tt.words)
			}
			if (err == nil) != (tt.words == "") || (err == nil) != (jti != "") || (err == nil) != until.After(now) {
				t.Errorf("got %q until %v, %v", jti, until, err)
			}
		})
	}
}

func TestH26ForgedAssertions(t *testing.T) {
	t.Parallel()
	keys := clientKeys(t)
	tokens := hostile(t, "JWT", assertionClaims)
	es := pairs()["ES256"]
	for name, header := range map[string]map[string]any{
		"RFC 8725 3.10: jwk":               {"alg": "ES256", "jwk": jwkOf(t, es)},
		"RFC 9101 10.8: a request object":  {"alg": "ES256", "kid": "ES256", "typ": "oauth-authz-req+jwt"},
		"RFC 9449 11.6: a DPoP proof":      {"alg": "ES256", "kid": "ES256", "typ": "dpop+jwt"},
		"RFC 7515 4.1.4: kid of another":   {"alg": "ES256", "kid": "RS256"},
		"RFC 7515 4.1.4: kid unknown":      {"alg": "ES256", "kid": "x"},
		"RFC 7515 4.1.4: kid, a path":      {"alg": "ES256", "kid": "../../dev/null"},
		"RFC 7517 4.4: PS256 with RS256's": {"alg": "PS256", "kid": "RS256"},
	} {
		signer := es
		if header["alg"] == "PS256" {
			signer = pairs()["PS256"]
		}
		tokens[name] = seal(t, signer, header, assertionClaims)
	}
	tokens["a stranger's key"] = seal(t, pairs()["stranger"], map[string]any{"alg": "ES256", "kid": "ES256"}, assertionClaims)
	for name, token := range tokens {
		jti, _, err := oidc.CheckClientAssertion(asserting, shownAssertion(token), keys, issuer, now)
		want(t, err, oidc.InvalidClient, "Client authentication failed")
		if err == nil || jti != "" || len(token) < 1000 && strings.Contains(err.Error(), token) {
			t.Errorf("%s: got %q, %v", name, jti, err)
		}
	}
	for _, header := range []map[string]any{
		{"alg": "ES256"}, // the only one for its algorithm
		{"alg": "ES256", "kid": "ES256", "typ": "client-authentication+jwt"}, // rfc7523bis
		{"alg": "ES256", "kid": "ES256", "x5t": "AAAA", "new": 1},            // RFC 7515, section 4: ignored
	} {
		if _, _, err := oidc.CheckClientAssertion(asserting, shownAssertion(seal(t, es, header, assertionClaims)), keys, issuer, now); err != nil {
			t.Errorf("%v: %v", header, err)
		}
	}
}

// One method a client: whoever has the secret of old, or the key, must not get
// in by it.
func TestClientsUseTheirOwnMethod(t *testing.T) {
	t.Parallel()
	keys := clientKeys(t)
	token := assertion(t, "ES256")
	withSecret := asserting
	withSecret.SecretHashes = confidential.SecretHashes
	fapi := confidential
	fapi.FAPI = true
	other := asserting
	other.ID = "other"
	secret := oidc.Credentials{ClientID: "app", ClientSecret: vault.NewSecret("new secret"), AuthMethod: "client_secret_post"}
	none := oidc.Credentials{ClientID: "app", AuthMethod: "none"}
	fails := func(name string, err error) {
		t.Helper()
		var e *oidc.Error
		if !errors.As(err, &e) || e.Code != oidc.InvalidClient || !strings.HasPrefix(e.Description, "Client authentication failed") || e.Err == nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	fails("a secret in place of an assertion", oidc.CheckClient(withSecret, secret))
	fails("nothing in place of an assertion", oidc.CheckClient(asserting, none))
	fails("an assertion that nobody has looked at", oidc.CheckClient(asserting, shownAssertion(token)))
	fails("an assertion of a public client", oidc.CheckClient(public, shownAssertion(token)))
	fails("FAPI 2.0, 5.3.2.1: a secret", oidc.CheckClient(fapi, secret))
	for name, try := range map[string]struct {
		c  vault.Client
		cr oidc.Credentials
		ks *oidc.ClientKeys
	}{
		"a client with a secret":     {confidential, shownAssertion(token), keys},
		"a public client":            {public, shownAssertion(token), keys},
		"an unknown client":          {vault.Client{}, shownAssertion(token), keys},
		"another client":             {other, shownAssertion(token), keys},
		"no assertion":               {asserting, none, keys},
		"a secret":                   {withSecret, secret, keys},
		"no keys":                    {asserting, shownAssertion(token), nil},
		"a client_id that is not it": {asserting, oidc.Credentials{ClientID: "other", ClientAssertion: vault.NewSecret(token)}, keys},
	} {
		_, _, err := oidc.CheckClientAssertion(try.c, try.cr, try.ks, issuer, now)
		fails(name, err)
	}
}

func TestKeysAreFoundByTheirID(t *testing.T) {
	t.Parallel()
	es, stranger := jwkOf(t, pairs()["ES256"]), jwkOf(t, pairs()["stranger"])
	set := func(list ...map[string]any) string { return text(map[string]any{"keys": list}) }
	check := func(header map[string]any, registered []vault.ClientKey, jwks string) error {
		keys, err := oidc.ParseClientKeys(registered, []byte(jwks), now)
		if err != nil {
			return err
		}
		_, _, err = oidc.CheckClientAssertion(asserting, shownAssertion(seal(t, pairs()["ES256"], header, assertionClaims)), keys, issuer, now)
		return err
	}
	named, bare := map[string]any{"alg": "ES256", "kid": "a"}, map[string]any{"alg": "ES256"}
	for _, tt := range []struct {
		section string
		header  map[string]any
		keys    []vault.ClientKey
		jwks    string
		ok      bool
	}{
		{"by kid", named, nil, set(changed(stranger, "kid", "b"), changed(es, "kid", "a")), true},
		{"the only one", bare, nil, set(changed(es, "kid", "a")), true},
		{"the only one, without a name", named, []vault.ClientKey{{JWK: text(es)}}, "", true},
		{"the only one of its kind", bare, []vault.ClientKey{{ID: "r", JWK: text(jwkOf(t, pairs()["RS256"]))}}, set(es), true},
		{"the only one by another name", named, nil, set(changed(es, "kid", "b")), false},
		{"several, and no kid", bare, nil, set(changed(stranger, "kid", "b"), changed(es, "kid", "a")), false},
		{"several of one name", named, nil, set(changed(stranger, "kid", "a"), changed(es, "kid", "a")), false},
		{"several, without names", named, nil, set(stranger, es), false},
		{"RFC 7517 4.2: for encryption", named, nil, set(changed(es, "kid", "a", "use", "enc")), false},
		{"RFC 7517 4.4: for another algorithm", named, nil, set(changed(es, "kid", "a", "alg", "ES384")), false},
		{"an expired one", named, []vault.ClientKey{{ID: "a", JWK: text(es), Expires: now}}, "", false},
		{"one that will expire", named, []vault.ClientKey{{ID: "a", JWK: text(es), Expires: now.Add(1)}}, "", true},
		{"two live ones", named, []vault.ClientKey{{ID: "b", JWK: text(stranger)}, {ID: "a", JWK: text(es)}}, "", true},
	} {
		if err := check(tt.header, tt.keys, tt.jwks); (err == nil) != tt.ok {
			t.Errorf("%s: got %v", tt.section, err)
		}
	}
}

func TestAssertionsAreRead(t *testing.T) {
	t.Parallel()
	token := assertion(t, "ES256")
	form := values("grant_type", "client_credentials", "client_id", "app", "client_assertion", token, "client_assertion_type", oidc.AssertionJWT)
	for _, tt := range []struct {
		section string
		changes []string
		header  string
		code    oidc.Code
		words   string
	}{
		{"RFC 7523 2.2", nil, "", "", ""},
		{"RFC 7521 4.2: client_id is optional", []string{"client_id", "-"}, "", "", ""},
		{"RFC 7521 4.2: client_assertion_type", []string{"client_assertion_type", "-"}, "", oidc.InvalidClient, "should be " + oidc.AssertionJWT},
		{"RFC 7521 4.2: client_assertion_type", []string{"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, "", oidc.InvalidClient, "should be"},
		{"RFC 7521 4.2: client_assertion", []string{"client_assertion", "-"}, "", oidc.InvalidRequest, "without a client_assertion"},
		{"RFC 7521 4.2: one method", []string{"client_secret", "s"}, "", oidc.InvalidRequest, "in two ways"},
		{"RFC 7521 4.2: one method", nil, basic("app", "s"), oidc.InvalidRequest, "in two ways"},
		{"RFC 7521 4.2: one method", nil, basic("app", ""), oidc.InvalidRequest, "in two ways"},
		{"RFC 6749 3.2: once", []string{"+client_assertion", token}, "", oidc.InvalidRequest, "client_assertion is sent 2 times"},
		{"bounds", []string{"client_assertion", strings.Repeat("x", 16385)}, "", oidc.InvalidRequest, "client_assertion is too long"},
	} {
		t.Run(tt.section, func(t *testing.T) {
			r, err := oidc.ParseTokenRequest(with(form, tt.changes...), tt.header)
			want(t, err, tt.code, tt.words)
			if err == nil && (r.ClientID != "app" || r.AuthMethod != "private_key_jwt" || r.ClientAssertion.Reveal() != token) {
				t.Errorf("got %+v", r)
			}
			if s := fmt.Sprintf("%v %+v %#v", r, r, r); strings.Contains(s, token) {
				t.Errorf("prints an assertion: %s", s)
			}
		})
	}
	for _, broken := range []string{"x", "..", assertion(t, "ES256", "sub", 1), assertion(t, "ES256", "sub", strings.Repeat("x", 129)), assertion(t, "ES256", "sub", "a\x00")} {
		r, err := oidc.ParseTokenRequest(with(form, "client_id", "-", "client_assertion", broken), "")
		if err != nil || r.ClientID != "" {
			t.Errorf("%.20s: got %q, %v", broken, r.ClientID, err)
		}
	}
}
