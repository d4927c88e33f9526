package oidc_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

const tokenEndpoint = issuer + "oauth/token"

var proofClaims = map[string]any{"jti": "j", "htm": "POST", "htu": tokenEndpoint, "iat": now.Unix()}

// proof makes a DPoP proof; changes of the header begin with a dot.
func proof(t testing.TB, alg string, changes ...any) string {
	t.Helper()
	header := map[string]any{"alg": alg, "typ": "dpop+jwt", "jwk": jwkOf(t, pairs()[alg])}
	claims := proofClaims
	for i := 0; i < len(changes); i += 2 {
		if name, found := strings.CutPrefix(changes[i].(string), "."); found {
			header = changed(header, name, changes[i+1])
		} else {
			claims = changed(claims, name, changes[i+1])
		}
	}
	return seal(t, pairs()[alg], header, claims)
}

func ath(token string) string {
	h := sha256.Sum256([]byte(token))
	return encode(h[:])
}

// The proof of RFC 9449, section 5, and the thumbprint of section 6.1.
func TestProofOfTheRFC(t *testing.T) {
	t.Parallel()
	const example = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19." +
		"eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ." +
		"2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	p, err := oidc.ParseProof([]string{example}, "POST", "https://server.example.com/token")
	if err != nil {
		t.Fatal(err)
	}
	if p.Thumbprint != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" || p.ID != "-BwC3ESc6acc2lTc" || p.Issued.Unix() != 1562262616 || p.Alg != "ES256" {
		t.Errorf("got %+v", p)
	}
}

func TestH37ProofsAreParsed(t *testing.T) {
	t.Parallel()
	other := jwkOf(t, pairs()["stranger"])
	privateKey := jwkOf(t, pairs()["ES256"], "d", "AAAA")
	for _, tt := range []struct {
		section string
		alg     string
		changes []any
		words   string // of the error; "" for none
	}{
		{"RFC 9449 4.2", "ES256", nil, ""},
		{"RFC 9449 4.2", "RS256", nil, ""},
		{"RFC 9449 4.2", "PS256", nil, ""},
		{"RFC 9449 4.2", "EdDSA", nil, ""},
		{"RFC 9449 4.2: more is ignored", "ES256", []any{"x", 1, ".kid", "x", ".new", 1}, ""},

		{"RFC 9449 4.3 3: jti", "ES256", []any{"jti", nil}, "'jti'"},
		{"RFC 9449 4.3 3: jti", "ES256", []any{"jti", ""}, "'jti'"},
		{"RFC 9449 4.3 3: jti", "ES256", []any{"jti", 1}, "'jti'"},
		{"RFC 9449 11.1: jti is bounded", "ES256", []any{"jti", strings.Repeat("x", 257)}, "'jti'"},
		{"RFC 9449 11.1: jti is bounded", "ES256", []any{"jti", strings.Repeat("x", 256)}, ""},
		{"RFC 9449 4.3 3: htm", "ES256", []any{"htm", nil}, "'htm'"},
		{"RFC 9449 4.3 3: htu", "ES256", []any{"htu", nil}, "'htu'"},
		{"RFC 9449 4.3 3: iat", "ES256", []any{"iat", nil}, "'iat'"},
		{"RFC 9449 4.3 3: iat", "ES256", []any{"iat", "now"}, "'iat'"},
		{"RFC 9449 4.3 4: typ", "ES256", []any{".typ", "JWT"}, "type"},
		{"RFC 9449 4.3 4: typ", "ES256", []any{".typ", nil}, "type"},
		{"RFC 9449 4.3 5: alg", "ES256", []any{".alg", "none"}, "'none'"},
		{"RFC 9449 4.3 5: alg", "ES256", []any{".alg", "HS256"}, "'HS256'"},
		{"RFC 9449 4.3 5: alg", "ES256", []any{".alg", "ES384"}, "'ES384'"},
		{"RFC 9449 4.3 5: alg of another key", "ES256", []any{".alg", "RS256"}, "no key for RS256"},
		{"RFC 9449 4.3 3: jwk", "ES256", []any{".jwk", nil}, "no jwk"},
		{"RFC 9449 4.3 3: jwk", "ES256", []any{".jwk", "x"}, "jwk"},
		{"RFC 9449 4.3 6: signature", "ES256", []any{".jwk", other}, "wrong signature"},
		{"RFC 9449 4.3 7: private key", "ES256", []any{".jwk", privateKey}, "private"},
		{"RFC 9449 4.3 7: symmetric key", "ES256", []any{".jwk", map[string]any{"kty": "oct", "k": "AAAA"}}, "symmetric"},
		{"RFC 8725 3.10: jku", "ES256", []any{".jku", "https://evil.example"}, "'jku'"},
		{"RFC 8725 3.10: x5c", "ES256", []any{".x5c", []string{"AAAA"}}, "'x5c'"},
		{"RFC 7515 4.1.11: crit", "ES256", []any{".crit", []string{"exp"}}, "'crit'"},

		{"RFC 9449 4.3 8: method", "ES256", []any{"htm", "GET"}, "another method"},
		{"RFC 9449 4.3 8: case", "ES256", []any{"htm", "post"}, "another method"},
		{"RFC 9449 4.3 9: path", "ES256", []any{"htu", issuer + "userinfo"}, "another address"},
		{"RFC 9449 4.3 9: host", "ES256", []any{"htu", "https://evil.example/oauth/token"}, "another address"},
		{"RFC 9449 4.3 9: scheme", "ES256", []any{"htu", "http://login.example.com/oauth/token"}, "another address"},
		{"RFC 9449 4.3 9: port", "ES256", []any{"htu", "https://login.example.com:8443/oauth/token"}, "another address"},
		{"RFC 9449 4.3 9: default port", "ES256", []any{"htu", "https://login.example.com:443/oauth/token"}, ""},
		{"RFC 9449 4.3 9: other's default port", "ES256", []any{"htu", "https://login.example.com:80/oauth/token"}, "another address"},
		{"RFC 9449 4.3 9: query and fragment", "ES256", []any{"htu", tokenEndpoint + "?a=b#c"}, ""},
		{"RFC 3986 6.2.2.1: case", "ES256", []any{"htu", "HTTPS://Login.Example.COM/oauth/token"}, ""},
		{"RFC 3986 6.2.2.1: case of paths", "ES256", []any{"htu", issuer + "OAuth/token"}, "another address"},
		{"RFC 3986 6.2.2.2: escapes", "ES256", []any{"htu", issuer + "oauth/%74oken"}, ""},
		{"RFC 3986 6.2.2.2: escaped slash", "ES256", []any{"htu", issuer + "oauth%2ftoken"}, "another address"},
		{"RFC 9449 4.3 9: user info", "ES256", []any{"htu", "https://login.example.com@evil.example/oauth/token"}, "another address"},
		{"RFC 9449 4.3 9: user info", "ES256", []any{"htu", "https://x@login.example.com/oauth/token"}, "another address"},
		{"RFC 9449 4.3 9: relative", "ES256", []any{"htu", "/oauth/token"}, "another address"},
		{"RFC 9449 4.3 9: slash", "ES256", []any{"htu", tokenEndpoint + "/"}, "another address"},
		{"RFC 9449 4.3 9: no URI", "ES256", []any{"htu", "%"}, "another address"},
		{"RFC 9449 4.3 9: list", "ES256", []any{"htu", []string{tokenEndpoint}}, "'htu'"},
		{"RFC 9449 4.2: nonce", "ES256", []any{"nonce", 1}, "'nonce'"},
		{"RFC 9449 4.2: ath", "ES256", []any{"ath", 1}, "'ath'"},
		{"RFC 7519 4: names letter by letter", "ES256", []any{"htm", nil, "HTM", "POST"}, "'htm'"},
	} {
		t.Run(tt.section, func(t *testing.T) {
			p, err := oidc.ParseProof([]string{proof(t, tt.alg, tt.changes...)}, "POST", tokenEndpoint)
			if tt.words == "" && (err != nil || len(p.Thumbprint) != 43 || p.Alg != tt.alg) {
				t.Errorf("got %+v, %v", p, err)
			}
			if tt.words != "" {
				want(t, err, oidc.InvalidDPoPProof, tt.words)
			}
			protocolError(t, err)
		})
	}
	for name, token := range hostile(t, "dpop+jwt", proofClaims, "jwk", jwkOf(t, pairs()["ES256"]), "kid", nil) {
		if p, err := oidc.ParseProof([]string{token}, "POST", tokenEndpoint); err == nil || p != nil {
			t.Errorf("%s: passes", name)
		}
	}
	good := proof(t, "ES256")
	if p, err := oidc.ParseProof(nil, "POST", tokenEndpoint); p != nil || err != nil { // DPoP is not used
		t.Errorf("got %v, %v", p, err)
	}
	for _, header := range [][]string{{good, good}, {good, ""}, {""}, {good + ", " + good}} { // section 4.3, number 1
		_, err := oidc.ParseProof(header, "POST", tokenEndpoint)
		want(t, err, oidc.InvalidDPoPProof, "")
	}
	if p, err := oidc.ParseProof([]string{proof(t, "ES256", "htu", "http://[::1]:8080")}, "POST", "http://[::1]:8080/"); err != nil || p == nil { // RFC 3986, section 6.2.3
		t.Errorf("got %v", err)
	}
}

func TestH37ProofsAreChecked(t *testing.T) {
	t.Parallel()
	token := vault.NewSecret("token")
	key := []byte("key")
	nonces := oidc.Nonces(key, now)
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for _, tt := range []struct {
		section string
		changes []any
		need    oidc.ProofNeeds
		code    oidc.Code
		until   time.Duration
	}{
		{"RFC 9449 4.3", nil, oidc.ProofNeeds{}, "", 61 * time.Second},
		{"RFC 9449 4.3 12: old", []any{"iat", at(-60 * time.Second)}, oidc.ProofNeeds{}, "", time.Second},
		{"RFC 9449 4.3 12: too old", []any{"iat", at(-61 * time.Second)}, oidc.ProofNeeds{}, oidc.InvalidDPoPProof, 0},
		{"RFC 9449 11.1: a clock ahead", []any{"iat", at(10 * time.Second)}, oidc.ProofNeeds{}, "", 71 * time.Second},
		{"RFC 9449 11.1: a clock far ahead", []any{"iat", at(11 * time.Second)}, oidc.ProofNeeds{}, oidc.InvalidDPoPProof, 0},
		{"RFC 9449 8: no nonce", nil, oidc.ProofNeeds{RequireNonce: true, Nonces: nonces}, oidc.UseDPoPNonce, 0},
		{"RFC 9449 8: newest nonce", []any{"nonce", nonces[0]}, oidc.ProofNeeds{RequireNonce: true, Nonces: nonces}, "", oidc.NonceLifetime},
		{"RFC 9449 8: the one before", []any{"nonce", nonces[1]}, oidc.ProofNeeds{RequireNonce: true, Nonces: nonces}, "", oidc.NonceLifetime},
		{"RFC 9449 8: a nonce that was not asked for", []any{"nonce", nonces[0]}, oidc.ProofNeeds{Nonces: nonces}, "", oidc.NonceLifetime},
		{"RFC 9449 4.3 10: another nonce", []any{"nonce", "x"}, oidc.ProofNeeds{Nonces: nonces}, oidc.UseDPoPNonce, 0},
		{"RFC 9449 4.3 10: another nonce", []any{"nonce", "x"}, oidc.ProofNeeds{RequireNonce: true, Nonces: nonces}, oidc.UseDPoPNonce, 0},
		{"RFC 9449 4.3 10: a nonce where there are none", []any{"nonce", "x"}, oidc.ProofNeeds{}, oidc.UseDPoPNonce, 0},
		{"RFC 9449 8: with a nonce the client's clock may be wrong", []any{"nonce", nonces[0], "iat", at(-24 * time.Hour)}, oidc.ProofNeeds{Nonces: nonces}, "", oidc.NonceLifetime},
		{"RFC 9449 4.3 11a: ath", []any{"ath", ath("token")}, oidc.ProofNeeds{AccessToken: token}, "", 61 * time.Second},
		{"RFC 9449 4.3 11a: no ath", nil, oidc.ProofNeeds{AccessToken: token}, oidc.InvalidDPoPProof, 0},
		{"RFC 9449 4.3 11a: another token's", []any{"ath", ath("other")}, oidc.ProofNeeds{AccessToken: token}, oidc.InvalidDPoPProof, 0},
		{"RFC 9449 4.3 11a: padded", []any{"ath", ath("token") + "="}, oidc.ProofNeeds{AccessToken: token}, oidc.InvalidDPoPProof, 0},
		{"RFC 9449 4.2: ath where there is no token", []any{"ath", ath("token")}, oidc.ProofNeeds{}, "", 61 * time.Second},
		{"FAPI 2.0 5.4.1", nil, oidc.ProofNeeds{Algs: oidc.AlgsOf(vault.Client{FAPI: true})}, "", 61 * time.Second},
		{"FAPI 2.0 5.4.1", nil, oidc.ProofNeeds{Algs: []string{"PS256"}}, oidc.InvalidDPoPProof, 0},
	} {
		t.Run(tt.section, func(t *testing.T) {
			p, err := oidc.ParseProof([]string{proof(t, "ES256", tt.changes...)}, "POST", tokenEndpoint)
			if err != nil {
				t.Fatal(err)
			}
			until, err := oidc.CheckProof(p, tt.need, now)
			want(t, err, tt.code, "")
			if err == nil && !until.Equal(now.Add(tt.until)) || err != nil && !until.IsZero() {
				t.Errorf("until %v", until)
			}
		})
	}
	_, err := oidc.CheckProof(nil, oidc.ProofNeeds{}, now)
	want(t, err, oidc.InvalidDPoPProof, "missing")
}

func TestNonces(t *testing.T) {
	t.Parallel()
	key := []byte("key")
	first := oidc.Nonces(key, now)[0]
	good := func(at time.Time) bool { return contains(oidc.Nonces(key, at), first) }
	if !good(now) || !good(now.Add(oidc.NonceLifetime/2)) || good(now.Add(oidc.NonceLifetime)) || good(now.Add(-oidc.NonceLifetime)) {
		t.Error("a nonce should be good for between half and all of its lifetime")
	}
	if len(first) != 22 || contains(oidc.Nonces([]byte("other"), now), first) {
		t.Errorf("got %q", first)
	}
	p, err := oidc.ParseProof([]string{proof(t, "ES256", "nonce", first)}, "POST", tokenEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	later := now.Add(oidc.NonceLifetime)
	_, err = oidc.CheckProof(p, oidc.ProofNeeds{Nonces: oidc.Nonces(key, later)}, later)
	want(t, err, oidc.UseDPoPNonce, "no longer good")
}

func TestTokensAreBoundToKeys(t *testing.T) {
	t.Parallel()
	required, fapi := confidential, asserting
	required.RequireDPoP, fapi.FAPI = true, true
	a, b := &oidc.Proof{Thumbprint: "a"}, &oidc.Proof{Thumbprint: "b"}
	code := func(key string) vault.Code { return vault.Code{Request: vault.AuthorizationRequest{DPoPKey: key}} }
	grant := func(key string) vault.Grant { return vault.Grant{DPoPKey: key} }
	key := func(k string, err error) func() (string, error) { return func() (string, error) { return k, err } }
	for _, tt := range []struct {
		section string
		got     func() (string, error)
		key     string
		code    oidc.Code
	}{
		{"RFC 9449 5: no DPoP", key(oidc.CheckCodeKey(public, code(""), nil)), "", ""},
		{"RFC 9449 5: DPoP", key(oidc.CheckCodeKey(public, code(""), a)), "a", ""},
		{"RFC 9449 10: dpop_jkt", key(oidc.CheckCodeKey(confidential, code("a"), a)), "a", ""},
		{"RFC 9449 10: another key", key(oidc.CheckCodeKey(confidential, code("a"), b)), "", oidc.InvalidGrant},
		{"RFC 9449 10: no proof", key(oidc.CheckCodeKey(confidential, code("a"), nil)), "", oidc.InvalidDPoPProof},
		{"RFC 9449 5.2: dpop_bound_access_tokens", key(oidc.CheckCodeKey(required, code(""), nil)), "", oidc.InvalidDPoPProof},
		{"FAPI 2.0 5.3.2.1: sender-constrained", key(oidc.CheckCodeKey(fapi, code(""), nil)), "", oidc.InvalidDPoPProof},
		{"RFC 9449 5: refresh", key(oidc.CheckGrantKey(public, grant("a"), a)), "a", ""},
		{"RFC 9449 5: refresh of a public client, another key", key(oidc.CheckGrantKey(public, grant("a"), b)), "", oidc.InvalidGrant},
		{"RFC 9449 5: refresh of a public client, no proof", key(oidc.CheckGrantKey(public, grant("a"), nil)), "", oidc.InvalidDPoPProof},
		{"RFC 9449 5: refresh of a confidential client, another key", key(oidc.CheckGrantKey(confidential, grant("a"), b)), "b", ""},
		{"no way back: refresh of a confidential client, no proof", key(oidc.CheckGrantKey(confidential, grant("a"), nil)), "", oidc.InvalidDPoPProof},
		{"RFC 9449 5: refresh, DPoP from now on", key(oidc.CheckGrantKey(public, grant(""), a)), "a", ""},
		{"RFC 9449 5: refresh, no DPoP", key(oidc.CheckGrantKey(public, grant(""), nil)), "", ""},
		{"RFC 9449 5: client credentials", key(oidc.CheckSenderKey(confidential, a)), "a", ""},
		{"RFC 9449 5: client credentials", key(oidc.CheckSenderKey(confidential, nil)), "", ""},
		{"RFC 9449 5.2: client credentials", key(oidc.CheckSenderKey(required, nil)), "", oidc.InvalidDPoPProof},
	} {
		t.Run(tt.section, func(t *testing.T) {
			key, err := tt.got()
			want(t, err, tt.code, "")
			if key != tt.key {
				t.Errorf("got %q", key)
			}
		})
	}
	if oidc.TokenType("a") != "DPoP" || oidc.TokenType("") != "Bearer" {
		t.Error("RFC 9449, section 5: token_type")
	}
	claims := oidc.AccessTokenClaims(issuer, oidc.AccessToken{ClientID: "app", Subject: "u", DPoPKey: "a"}, now)
	if got := text(claims["cnf"]); got != `{"jkt":"a"}` { // RFC 9449, section 6.1
		t.Errorf("cnf: %s", got)
	}
	var read oidc.TokenClaims
	if err := json.Unmarshal([]byte(text(claims)), &read); err != nil || read.Confirmation.Thumbprint != "a" {
		t.Errorf("got %+v, %v", read, err)
	}
}

func TestH37BoundTokensNeedTheirProof(t *testing.T) {
	t.Parallel()
	a, b := &oidc.Proof{Thumbprint: "a"}, &oidc.Proof{Thumbprint: "b"}
	for _, tt := range []struct {
		section, scheme, bound string
		p                      *oidc.Proof
		code                   oidc.Code
	}{
		{"RFC 9449 7.1", "DPoP", "a", a, ""},
		{"RFC 9449 7.1: any case", "dpop", "a", a, ""},
		{"RFC 6750 2.1", "Bearer", "", nil, ""},
		{"RFC 6750 2.1: a proof that nobody needs", "Bearer", "", a, ""},
		{"RFC 9449 7.2: a bound token as bearer", "Bearer", "a", nil, oidc.InvalidToken},
		{"RFC 9449 7.2: a bound token as bearer, with a proof", "Bearer", "a", a, oidc.InvalidToken},
		{"RFC 9449 7.1: no proof", "DPoP", "a", nil, oidc.InvalidDPoPProof},
		{"RFC 9449 7.1: another key", "DPoP", "a", b, oidc.InvalidToken},
		{"RFC 9449 7.1: a token that is not bound", "DPoP", "", a, oidc.InvalidToken},
	} {
		err := oidc.OnResource(oidc.CheckPossession(tt.scheme, tt.bound, tt.p))
		t.Run(tt.section, func(t *testing.T) { want(t, err, tt.code, "") })
		var e *oidc.Error
		if errors.As(err, &e) && e.Status() != 401 {
			t.Errorf("%s: status %d", tt.section, e.Status())
		}
	}
	nonce := &oidc.Error{Code: oidc.UseDPoPNonce, Description: `say "x"`}
	var on *oidc.Error
	if err := oidc.OnResource(nonce); !errors.As(err, &on) || on.Status() != 401 || nonce.Status() != 400 {
		t.Errorf("RFC 9449, sections 8 and 9: got %v", err)
	}
	for _, tt := range []struct {
		section, scheme string
		e               *oidc.Error
		want            string
	}{
		{"RFC 9449 9", "DPoP", on, `DPoP error="use_dpop_nonce", error_description="say 'x'", algs="RS256 PS256 ES256 EdDSA Ed25519"`},
		{"RFC 9449 7.1: no token", "DPoP", nil, `DPoP algs="RS256 PS256 ES256 EdDSA Ed25519"`},
		{"RFC 6750 3", "Bearer", &oidc.Error{Code: oidc.InvalidToken, Description: "x"}, `Bearer error="invalid_token", error_description="x"`},
		{"RFC 6750 3.1: no token", "Bearer", nil, `Bearer`},
	} {
		if got := oidc.Challenge(tt.scheme, tt.e); got != tt.want {
			t.Errorf("%s: got  %s\nwant %s", tt.section, got, tt.want)
		}
	}
}
