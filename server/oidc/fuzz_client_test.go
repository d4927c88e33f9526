package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sallyport/server/oidc"
)

// signedPart is a token without its signature, whose encodings may differ.
func signedPart(token string) string {
	return token[:max(strings.LastIndexByte(token, '.'), 0)]
}

func FuzzClientAssertion(f *testing.F) {
	keys := clientKeys(f)
	made := map[string]bool{}
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		token := assertion(f, alg)
		made[signedPart(token)] = true
		f.Add(token)
	}
	for _, token := range hostile(f, "JWT", assertionClaims) {
		if len(token) < 5000 {
			f.Add(token)
		}
	}
	f.Fuzz(func(t *testing.T, token string) {
		r, err := oidc.ParseTokenRequest(values("grant_type", "client_credentials", "client_assertion", token, "client_assertion_type", oidc.AssertionJWT), "")
		protocolError(t, err)
		if err == nil && len(r.ClientID) > 128 {
			t.Errorf("got the client %q", r.ClientID)
		}
		jti, until, err := oidc.CheckClientAssertion(asserting, shownAssertion(token), keys, issuer, now)
		protocolError(t, err)
		if err == nil && (!made[signedPart(token)] || jti == "" || !until.After(now) || until.After(now.Add(time.Hour))) {
			t.Errorf("%q passes", token)
		}
	})
}

func FuzzRequestObject(f *testing.F) {
	keys := clientKeys(f)
	made := map[string]bool{}
	for _, token := range []string{requestObject(f, "RS256"), requestObject(f, "EdDSA", "max_age", 60, "claims", map[string]any{"id_token": nil})} {
		made[signedPart(token)] = true
		f.Add(token)
	}
	for _, token := range hostile(f, "oauth-authz-req+jwt", objectClaims) {
		if len(token) < 5000 {
			f.Add(token)
		}
	}
	f.Fuzz(func(t *testing.T, token string) {
		params, err := oidc.ParseRequestObject(token, public, keys, issuer, now)
		protocolError(t, err)
		if err == nil && (!made[signedPart(token)] || params.Get("client_id") != "app") {
			t.Errorf("%q passes", token)
		}
	})
}

// The claims of a request object are the client's to choose.
func FuzzRequestObjectClaims(f *testing.F) {
	keys := clientKeys(f)
	f.Add("scope", `"openid"`)
	f.Add("claims", `{"id_token":{"sub":{"value":"u"}}}`)
	f.Add("resource", `["https://api","https://api"]`)
	f.Add("max_age", `1e400`)
	f.Add("request", `null`)
	f.Fuzz(func(t *testing.T, name, value string) {
		raw := strings.TrimSuffix(text(objectClaims), "}") + "," + text(name) + ":" + value + "}"
		token := seal(t, pairs()["EdDSA"], map[string]any{"alg": "EdDSA", "kid": "EdDSA"}, []byte(raw))
		params, err := oidc.ParseRequestObject(token, public, keys, issuer, now)
		protocolError(t, err)
		if err != nil {
			return
		}
		if params.Get("client_id") != "app" || params.Get("state") != "s" || params.Has("request") || params.Has("request_uri") {
			t.Errorf("%s: got %v", raw, params)
		}
		r, err := oidc.ParseAuthorizationRequest(params)
		protocolError(t, err)
		if err == nil {
			protocolError(t, oidc.CheckAuthorizationRequest(public, r))
		}
	})
}

// A proof brings its key along, so any that is signed by that key is one.
func FuzzProof(f *testing.F) {
	algs := []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
	for _, alg := range algs {
		f.Add(proof(f, string(alg), "ath", ath("token")), tokenEndpoint)
	}
	for _, token := range hostile(f, "dpop+jwt", proofClaims, "jwk", jwkOf(f, pairs()["ES256"]), "kid", nil) {
		if len(token) < 5000 {
			f.Add(token, tokenEndpoint)
		}
	}
	f.Fuzz(func(t *testing.T, token, uri string) {
		p, err := oidc.ParseProof([]string{token}, "POST", uri)
		protocolError(t, err)
		if (err == nil) != (p != nil) {
			t.Errorf("got %v, %v", p, err)
		}
		if p != nil {
			signed, err := jose.ParseSignedCompact(token, algs)
			if err != nil || signed.Signatures[0].Protected.JSONWebKey == nil {
				t.Fatalf("%q passes: %v", token, err)
			}
			if _, err := signed.Verify(signed.Signatures[0].Protected.JSONWebKey.Key); err != nil || len(p.Thumbprint) != 43 || p.ID == "" {
				t.Errorf("%q passes: %v", token, err)
			}
		}
		_, err = oidc.CheckProof(p, oidc.ProofNeeds{RequireNonce: true, Nonces: oidc.Nonces([]byte("k"), now)}, now)
		protocolError(t, err)
		if err == nil {
			t.Error("passes without a nonce")
		}
	})
}

// What a proof is for is compared in a normal form: URIs that differ in host or
// path are never one.
func FuzzProofTarget(f *testing.F) {
	f.Add("https://login.example.com/oauth/token?x#y")
	f.Add("HTTPS://LOGIN.example.com:443/%6fauth/token")
	f.Add("https://login.example.com@evil.example/oauth/token")
	f.Fuzz(func(t *testing.T, htu string) {
		token := seal(t, pairs()["EdDSA"], map[string]any{"alg": "EdDSA", "typ": "dpop+jwt", "jwk": jwkOf(t, pairs()["EdDSA"])}, changed(proofClaims, "htu", htu))
		if _, err := oidc.ParseProof([]string{token}, "POST", tokenEndpoint); err != nil {
			protocolError(t, err)
			return
		}
		u, err := url.Parse(htu)
		if err != nil || !strings.EqualFold(u.Scheme, "https") || !strings.EqualFold(u.Hostname(), "login.example.com") ||
			u.Port() != "" && u.Port() != "443" || u.Path != "/oauth/token" || u.User != nil {
			t.Errorf("%q passes", htu)
		}
	})
}

func FuzzClientKeys(f *testing.F) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		f.Add([]byte(text(map[string]any{"keys": []any{jwkOf(f, pairs()[alg], "kid", "a")}})))
	}
	f.Add([]byte(`{"keys":[{"kty":"EC","d":"x"},{"kty":"oct","k":""}]}`))
	token := assertion(f, "RS256")
	f.Fuzz(func(t *testing.T, jwks []byte) {
		keys, err := oidc.ParseClientKeys(nil, jwks, now)
		if (err == nil) != (keys != nil) {
			t.Errorf("got %v, %v", keys, err)
		}
		_, _, err = oidc.CheckClientAssertion(asserting, shownAssertion(token), keys, issuer, now)
		protocolError(t, err)
	})
}

func FuzzClaimsParameter(f *testing.F) {
	f.Add(`{"userinfo":{"given_name":{"essential":true},"picture":null},"id_token":{"sub":{"value":"u"},"acr":{"values":["a",1]}}}`, "u")
	f.Add(`{"id_token":{"sub":{"values":[]}}}`, "")
	f.Add(`{"id_token":null}`, "v")
	f.Fuzz(func(t *testing.T, raw, user string) {
		idToken, userInfo, err := oidc.RequestedClaims(raw)
		protocolError(t, err)
		if err != nil && (idToken != nil || userInfo != nil) || len(idToken) > 50 || len(userInfo) > 50 {
			t.Errorf("got %v, %v, %v", idToken, userInfo, err)
		}
		u := ada
		u.ID = user
		claims := oidc.IDTokenClaims(issuer, oidc.IDToken{Client: public, User: u, Requested: idToken}, now)
		if claims["iss"] != issuer || claims["aud"] != "app" || claims["sub"] != user || claims["acr"] != nil {
			t.Errorf("got %v", claims)
		}
		if sub := idToken["sub"]; len(sub.Values) > 0 && !contains(sub.Values, user) {
			r := oidc.AuthorizationRequest{}
			r.Claims = raw
			if oidc.CheckUser(r.AuthorizationRequest, user) == nil {
				t.Errorf("%s: %q passes", raw, user)
			}
		}
	})
}

func FuzzPushedRequest(f *testing.F) {
	f.Add(with(authorization, "client_secret", "new secret").Encode(), "")
	f.Add(authorization.Encode(), basic("app", "new+secret"))
	f.Add("client_id=app&request=e30.e30.x&request_uri=urn:ietf:params:oauth:request_uri:x", "")
	f.Add("client_assertion="+assertion(f, "ES256")+"&client_assertion_type="+url.QueryEscape(oidc.AssertionJWT), "")
	f.Fuzz(func(t *testing.T, body, header string) {
		form, _ := url.ParseQuery(body)
		r, err := oidc.ParsePushedRequest(form, header)
		protocolError(t, err)
		for _, secret := range []string{"client_secret", "client_assertion", "client_assertion_type", "request"} {
			if r.Params.Has(secret) {
				t.Errorf("keeps %s", secret)
			}
		}
		if err == nil && (r.Params.Has("request_uri") || r.Params.Get("client_id") != r.ClientID) {
			t.Errorf("got %v", r.Params)
		}
		if err == nil {
			_, err = oidc.ParseAuthorizationRequest(r.Params)
			protocolError(t, err)
		}
		ref, err := oidc.ParseReference(form)
		protocolError(t, err)
		if err == nil && ref.RequestURI != "" && (ref.Object != "" || !strings.HasPrefix(ref.RequestURI, oidc.RequestURI(""))) {
			t.Errorf("got %+v", ref)
		}
	})
}

func FuzzUserCode(f *testing.F) {
	f.Add("bcdf-ghjk")
	f.Add("ſſſſſſſſ")
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := oidc.ParseUserCode(typed)
		if again, good := oidc.ParseUserCode(oidc.ShowUserCode(code)); ok != (code != "") || ok && (!good || again != code || len(code) != 8) {
			t.Errorf("%q: got %q, %v", typed, code, ok)
		}
	})
}
