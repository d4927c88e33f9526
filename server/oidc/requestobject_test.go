package oidc_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

var objectClaims = map[string]any{"iss": "app", "aud": issuer, "exp": now.Add(time.Minute).Unix(), "nbf": now.Unix(), "iat": now.Unix(), "jti": "j",
	"client_id": "app", "redirect_uri": "https://app.example.com/cb", "response_type": "code", "scope": "openid profile", "state": "s", "nonce": "n",
	"code_challenge": challenge, "code_challenge_method": "S256"}

func requestObject(t testing.TB, alg string, changes ...any) string {
	t.Helper()
	return seal(t, pairs()[alg], map[string]any{"alg": alg, "kid": alg, "typ": "oauth-authz-req+jwt"}, changed(objectClaims, changes...))
}

func TestRequestObjects(t *testing.T) {
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
		words   string // of the error; else parameters that are not those of the plain request
	}{
		{"RFC 9101 4", public, "RS256", nil, ""},
		{"RFC 9101 4", public, "PS256", nil, ""},
		{"RFC 9101 4", public, "ES256", nil, ""},
		{"RFC 9101 4", public, "EdDSA", nil, ""},
		{"FAPI 2.0 5.4.1", fapi, "ES256", nil, ""},
		{"FAPI 2.0 5.4.1: no PKCS #1 v1.5", fapi, "RS256", nil, "!use PS256"},

		{"RFC 9101 4: iss", public, "ES256", []any{"iss", nil}, "!'iss'"},
		{"RFC 9101 4: iss", public, "ES256", []any{"iss", "other"}, "!'iss'"},
		{"RFC 9101 4: aud", public, "ES256", []any{"aud", nil}, "!'aud'"},
		{"RFC 9101 4: aud", public, "ES256", []any{"aud", "https://evil.example/"}, "!'aud'"},
		{"RFC 9101 4: aud", public, "ES256", []any{"aud", issuer + "authorize"}, "!'aud'"},
		{"RFC 7519 4.1.3: a list", public, "ES256", []any{"aud", []string{"https://other.example/", issuer}}, ""},
		{"RFC 7519 4.1.3: of strings", public, "ES256", []any{"aud", []any{issuer, 1}}, "!'aud'"},
		{"RFC 7519 4.1.3: of strings", public, "ES256", []any{"aud", []any{issuer, nil}}, "!'aud'"},
		{"RFC 9101 5: client_id", public, "ES256", []any{"client_id", nil}, "!'client_id'"},
		{"RFC 9101 5: client_id", public, "ES256", []any{"client_id", "other"}, "!'client_id'"},
		{"RFC 9101 10.8: a client assertion", public, "ES256", []any{"sub", "app"}, "!'sub'"},
		{"RFC 9101 4: exp", public, "ES256", []any{"exp", in(0)}, "!'exp' has passed"},
		{"RFC 9101 4: exp is optional", public, "ES256", []any{"exp", nil, "nbf", nil, "iat", nil, "jti", nil}, ""},
		{"RFC 7519 4.1.5: nbf", public, "ES256", []any{"nbf", in(61 * time.Second)}, "!'nbf' is in the future"},
		{"RFC 7519 4.1.6: iat", public, "ES256", []any{"iat", in(61 * time.Second)}, "!'iat' is in the future"},
		{"FAPI 2.0 Message Signing 5.3.1: exp", fapi, "ES256", []any{"exp", nil}, "!'exp' or 'nbf' is missing"},
		{"FAPI 2.0 Message Signing 5.3.1: nbf", fapi, "ES256", []any{"nbf", nil}, "!'exp' or 'nbf' is missing"},
		{"FAPI 2.0 Message Signing 5.3.1: lifetime", fapi, "ES256", []any{"exp", in(time.Hour + time.Second)}, "!more than an hour"},
		{"FAPI 2.0 Message Signing 5.3.1: lifetime", fapi, "ES256", []any{"exp", in(time.Hour)}, ""},
		{"FAPI 2.0 Message Signing 5.3.1: age", fapi, "ES256", []any{"nbf", in(-time.Hour - time.Second)}, "!more than an hour"},
		{"RFC 9101 4: request", public, "ES256", []any{"request", "e30.e30.x"}, "!'request'"},
		{"RFC 9101 4: request_uri", public, "ES256", []any{"request_uri", oidc.RequestURI("x")}, "!'request_uri'"},

		{"RFC 9101 4: numbers and booleans", public, "ES256", []any{"max_age", 60, "ext-x", true, "ext-y", 1.5}, "max_age=60 ext-x=true ext-y=1.5"},
		{"RFC 9101 4: null", public, "ES256", []any{"login_hint", json.RawMessage("null")}, ""},
		{"Core 6.1: claims", public, "ES256", []any{"claims", json.RawMessage(`{ "id_token" : {"email":null} }`)}, `claims={"id_token":{"email":null}}`},
		{"Core 6.1: claims", public, "ES256", []any{"claims", []string{"email"}}, "!'claims'"},
		{"RFC 8707 2: resource", public, "ES256", []any{"resource", "https://api"}, "resource=https://api"},
		{"RFC 8707 2: resources", public, "ES256", []any{"resource", []string{"https://api"}}, "resource=https://api"},
		{"RFC 8707 2: resources", public, "ES256", []any{"resource", []any{1}}, "!'resource'"},
		{"no lists", public, "ES256", []any{"scope", []string{"openid"}}, "!nested value in 'scope'"},
		{"no objects", public, "ES256", []any{"state", map[string]any{}}, "!nested value in 'state'"},
		{"no objects", public, "ES256", []any{"authorization_details", []any{map[string]any{"type": "x"}}}, "!nested value in 'authorization_details'"},
	} {
		t.Run(tt.section, func(t *testing.T) {
			params, err := oidc.ParseRequestObject(requestObject(t, tt.alg, tt.changes...), tt.client, keys, issuer, now)
			if words, fault := strings.CutPrefix(tt.words, "!"); fault {
				want(t, err, oidc.InvalidRequestObject, words)
				if params != nil {
					t.Errorf("got %v", params)
				}
				return
			}
			more := with(authorization)
			for _, pair := range strings.Fields(tt.words) {
				name, value, _ := strings.Cut(pair, "=")
				more.Add(name, value)
			}
			if err != nil || params.Encode() != more.Encode() {
				t.Errorf("got %s, %v, want %s", params.Encode(), err, more.Encode())
			}
		})
	}
}

func TestH26ForgedRequestObjects(t *testing.T) {
	t.Parallel()
	keys := clientKeys(t)
	es := pairs()["ES256"]
	tokens := hostile(t, "oauth-authz-req+jwt", objectClaims)
	for name, header := range map[string]map[string]any{
		"RFC 8725 3.10: jwk":              {"alg": "ES256", "jwk": jwkOf(t, es)},
		"RFC 9101 10.8: client assertion": {"alg": "ES256", "kid": "ES256", "typ": "client-authentication+jwt"},
		"RFC 9449 11.6: a DPoP proof":     {"alg": "ES256", "kid": "ES256", "typ": "dpop+jwt"},
		"kid unknown":                     {"alg": "ES256", "kid": "x"},
	} {
		tokens[name] = seal(t, es, header, objectClaims)
	}
	tokens["a stranger's key"] = seal(t, pairs()["stranger"], map[string]any{"alg": "ES256", "kid": "ES256"}, objectClaims)
	for name, token := range tokens {
		params, err := oidc.ParseRequestObject(token, public, keys, issuer, now)
		want(t, err, oidc.InvalidRequestObject, "the request object")
		protocolError(t, err)
		if err == nil || params != nil {
			t.Errorf("%s: passes", name)
		}
	}
	_, err := oidc.ParseRequestObject(tokens["RFC 7516 3.1: encrypted"], public, keys, issuer, now)
	want(t, err, oidc.InvalidRequestObject, "encrypted") // RFC 9101, section 6.1
	_, err = oidc.ParseRequestObject(tokens["RFC 8725 3.2: none"], public, keys, issuer, now)
	want(t, err, oidc.InvalidRequestObject, "'none'") // RFC 9101, section 6.2
	_, err = oidc.ParseRequestObject(requestObject(t, "ES256"), public, nil, issuer, now)
	want(t, err, oidc.InvalidRequestObject, "no key")
	for _, typ := range []any{nil, "JWT", "jwt", "application/oauth-authz-req+jwt"} {
		header := changed(map[string]any{"alg": "ES256", "kid": "ES256"}, "typ", typ)
		if _, err := oidc.ParseRequestObject(seal(t, es, header, objectClaims), public, keys, issuer, now); err != nil {
			t.Errorf("%v: %v", typ, err)
		}
	}
}

// An assertion must not pass for a request, nor a request for an assertion,
// although one key signs both.
func TestH28TokensOfClientsStandForOneThing(t *testing.T) {
	t.Parallel()
	keys := clientKeys(t)
	_, err := oidc.ParseRequestObject(assertion(t, "ES256", "client_id", "app"), asserting, keys, issuer, now)
	want(t, err, oidc.InvalidRequestObject, "'sub'")
	for _, typ := range []string{"JWT", "oauth-authz-req+jwt"} {
		object := seal(t, pairs()["ES256"], map[string]any{"alg": "ES256", "kid": "ES256", "typ": typ}, objectClaims)
		_, _, err = oidc.CheckClientAssertion(asserting, shownAssertion(object), keys, issuer, now)
		want(t, err, oidc.InvalidClient, "")
	}
	_, _, err = oidc.CheckClientAssertion(asserting, shownAssertion(proof(t, "ES256")), keys, issuer, now)
	want(t, err, oidc.InvalidClient, "")
	_, err = oidc.ParseProof([]string{assertion(t, "ES256")}, "POST", tokenEndpoint)
	want(t, err, oidc.InvalidDPoPProof, "")
}
