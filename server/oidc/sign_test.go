package oidc_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// keys are made once: RSA takes its time.
var keys = sync.OnceValues(func() (rs, es vault.SigningKey) {
	rs, err := oidc.GenerateKey("RS256", now)
	if err != nil {
		panic(err)
	}
	if es, err = oidc.GenerateKey("ES256", now); err != nil {
		panic(err)
	}
	return rs, es
})

func signers(t testing.TB) (rs, es *oidc.Signer, ks *oidc.KeySet) {
	t.Helper()
	rsKey, esKey := keys()
	rs, err := oidc.NewSigner(rsKey)
	if err != nil {
		t.Fatal(err)
	}
	if es, err = oidc.NewSigner(esKey); err != nil {
		t.Fatal(err)
	}
	if ks, err = oidc.NewKeySet(rs, es); err != nil {
		t.Fatal(err)
	}
	return rs, es, ks
}

func sign(t testing.TB, s *oidc.Signer, typ string, claims oidc.Claims) string {
	t.Helper()
	token, err := s.Sign(typ, claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func privateRSA(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	k, _ := keys()
	block, _ := pem.Decode([]byte(k.PKCS8.Reveal()))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

func encode(v any) string {
	b, ok := v.([]byte)
	if !ok {
		b, _ = json.Marshal(v)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// forge signs any header with our own RSA key: what remains wrong is the header.
func forge(t testing.TB, header, claims any) string {
	t.Helper()
	input := encode(header) + "." + encode(claims)
	h := sha256.Sum256([]byte(input))
	sig, err := rsa.SignPKCS1v15(rand.Reader, privateRSA(t), crypto.SHA256, h[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + encode(sig)
}

func good() oidc.Claims {
	return oidc.Claims{"iss": issuer, "sub": "u", "aud": "app", "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(), "jti": "g.r", "scope": "openid"}
}

func claimsWith(name string, value any) oidc.Claims {
	c := good()
	if c[name] = value; value == nil {
		delete(c, name)
	}
	return c
}

func TestTokensAreVerified(t *testing.T) {
	t.Parallel()
	rs, es, ks := signers(t)
	for _, s := range []*oidc.Signer{rs, es} {
		for _, typ := range []string{oidc.TypIDToken, oidc.TypAccessToken, "logout+jwt"} {
			var c oidc.TokenClaims
			err := ks.Verify(sign(t, s, typ, good()), []string{typ}, issuer, now, &c)
			if err != nil || c.Subject != "u" || !c.Audience.Contains("app") || c.ID != "g.r" || c.Scope != "openid" {
				t.Errorf("%s %s: got %+v, %v", s.ID(), typ, c, err)
			}
		}
	}
	var c oidc.TokenClaims
	err := ks.Verify(sign(t, rs, oidc.TypIDToken, claimsWith("aud", []string{"a", "b"})), []string{oidc.TypIDToken}, issuer, now, &c)
	if err != nil || len(c.Audience) != 2 {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestH26H28ForgedTokens(t *testing.T) {
	t.Parallel()
	rs, es, ks := signers(t)
	rsKey, _ := keys()
	stranger, err := oidc.GenerateKey("ES256", now)
	if err != nil {
		t.Fatal(err)
	}
	strangerSigner, _ := oidc.NewSigner(stranger)
	namesake := stranger
	namesake.ID = es.ID()
	namesakeSigner, _ := oidc.NewSigner(namesake)
	private := privateRSA(t)
	publicDER, _ := x509.MarshalPKIXPublicKey(private.Public())
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})
	mac := func(key []byte, header any) string {
		input := encode(header) + "." + encode(good())
		h := hmac.New(sha256.New, key)
		h.Write([]byte(input))
		return input + "." + encode(h.Sum(nil))
	}
	header := func(alg string, more ...any) map[string]any {
		h := map[string]any{"alg": alg, "kid": rsKey.ID, "typ": "JWT"}
		for i := 0; i < len(more); i += 2 {
			h[more[i].(string)] = more[i+1]
		}
		return h
	}
	strangersJWK := jose.JSONWebKey{Key: private.Public()}
	valid := sign(t, rs, "JWT", good())
	head, rest, _ := strings.Cut(valid, ".")
	body, sig, _ := strings.Cut(rest, ".")

	if err := ks.Verify(forge(t, header("RS256"), good()), []string{"JWT"}, issuer, now, &oidc.TokenClaims{}); err != nil {
		t.Fatal("forge does not forge:", err)
	}
	for _, tt := range []struct{ section, token string }{
		{"RFC 8725 3.2: none", encode(header("none")) + "." + encode(good()) + "."},
		{"RFC 8725 3.2: None", encode(header("None")) + "." + encode(good()) + "."},
		{"RFC 8725 3.2: none, with a signature", encode(header("none")) + "." + body + "." + sig},
		{"RFC 8725 2.1: HS256 with the public PEM", mac(publicPEM, header("HS256"))},
		{"RFC 8725 2.1: HS256 with the public DER", mac(publicDER, header("HS256"))},
		{"RFC 8725 2.1: HS256 with nothing", mac(nil, header("HS256"))},
		{"RFC 8725 2.1: HS256 that says RS256", mac(publicPEM, header("RS256"))},
		{"RFC 8725 3.1: RS512", forge(t, header("RS512"), good())},
		{"RFC 8725 3.1: PS256", forge(t, header("PS256"), good())},
		{"RFC 8725 3.1: ES256 with an RSA key", forge(t, header("ES256"), good())},
		{"RFC 8725 3.1: RS256 with an EC key", forge(t, header("RS256", "kid", es.ID()), good())},
		{"RFC 7515 4.1.1: no alg", forge(t, map[string]any{"kid": rsKey.ID, "typ": "JWT"}, good())},
		{"RFC 8725 3.10: jwk", forge(t, header("RS256", "jwk", strangersJWK), good())},
		{"RFC 8725 3.10: jku", forge(t, header("RS256", "jku", "https://evil.example/jwks"), good())},
		{"RFC 8725 3.10: x5u", forge(t, header("RS256", "x5u", "https://evil.example/x"), good())},
		{"RFC 8725 3.10: x5c", forge(t, header("RS256", "x5c", []string{encode(publicDER)}), good())},
		{"RFC 7515 4.1.11: crit", forge(t, header("RS256", "crit", []string{"exp"}), good())},
		{"RFC 7797 3: b64", forge(t, header("RS256", "b64", false), good())},
		{"RFC 7515 4.1.3: jwk for kid", forge(t, map[string]any{"alg": "RS256", "jwk": strangersJWK, "typ": "JWT"}, good())},
		{"anything else in the header", forge(t, header("RS256", "zip", "DEF"), good())},
		{"no kid", forge(t, map[string]any{"alg": "RS256", "typ": "JWT"}, good())},
		{"kid: empty", forge(t, header("RS256", "kid", ""), good())},
		{"kid: unknown", forge(t, header("RS256", "kid", "x"), good())},
		{"kid: a path", forge(t, header("RS256", "kid", "../../dev/null"), good())},
		{"kid: SQL", forge(t, header("RS256", "kid", "' OR 1=1 --"), good())},
		{"kid: no string", forge(t, header("RS256", "kid", 1), good())},
		{"kid: twice", forge(t, []byte(`{"alg":"RS256","kid":"x","kid":"`+rsKey.ID+`","typ":"JWT"}`), good())},
		{"alg: twice", forge(t, []byte(`{"alg":"none","alg":"RS256","kid":"`+rsKey.ID+`","typ":"JWT"}`), good())},
		{"kid: the other key's", forge(t, header("RS256", "kid", es.ID()), good())},
		{"a stranger's key", sign(t, strangerSigner, "JWT", good())},
		{"a stranger's key by our kid", sign(t, namesakeSigner, "JWT", good())},
		{"RFC 7519 7.2: signature of another token", head + "." + encode(claimsWith("sub", "admin")) + "." + sig},
		{"RFC 7519 7.2: no signature", head + "." + body + "."},
		{"RFC 7519 7.2: no claims", head + ".." + sig},
		{"RFC 7515 7.1: two parts", head + "." + body},
		{"RFC 7515 7.1: four parts", valid + "." + sig},
		{"RFC 7516 3.1: five parts", head + "." + body + "." + sig + "." + sig + "." + sig},
		{"RFC 7515 7.2: JSON", `{"protected":"` + head + `","payload":"` + body + `","signature":"` + sig + `"}`},
		{"a line end", valid + "\n"},
		{"a line end within", head + ".\r\n" + body + "." + sig},
		{"padding", head + "=." + body + "." + sig},
		{"a space before", " " + valid},
		{"empty", ""},
		{"dots", ".."},

		{"RFC 8725 3.11: an access token", sign(t, rs, "at+jwt", good())},
		{"RFC 8725 3.11: a logout token", sign(t, rs, "logout+jwt", good())},
		{"RFC 8725 3.11: another case", sign(t, rs, "jwt", good())},
		{"RFC 8725 3.11: the long form", sign(t, rs, "application/JWT", good())},
		{"RFC 8725 3.11: no type", forge(t, map[string]any{"alg": "RS256", "kid": rsKey.ID, "x": ""}, good())},

		{"RFC 7519 4.1.4: expired", sign(t, rs, "JWT", claimsWith("exp", now.Unix()))},
		{"RFC 7519 4.1.4: long expired", sign(t, rs, "JWT", claimsWith("exp", now.Add(-time.Hour).Unix()))},
		{"no expiry", sign(t, rs, "JWT", claimsWith("exp", nil))},
		{"an expiry that is none", sign(t, rs, "JWT", claimsWith("exp", "tomorrow"))},
		{"RFC 7519 4.1.5: not yet", sign(t, rs, "JWT", claimsWith("nbf", now.Add(31*time.Second).Unix()))},
		{"RFC 7519 4.1.1: no issuer", sign(t, rs, "JWT", claimsWith("iss", nil))},
		{"RFC 7519 4.1.1: another issuer", sign(t, rs, "JWT", claimsWith("iss", "https://evil.example/"))},
		{"RFC 7519 4.1.1: without its slash", sign(t, rs, "JWT", claimsWith("iss", strings.TrimSuffix(issuer, "/")))},
		{"RFC 7519 4.1.1: case", sign(t, rs, "JWT", claimsWith("iss", strings.ToUpper(issuer)))},
		{"claims of another kind", sign(t, rs, "JWT", claimsWith("sub", 1))},
		{"claims that are no object", forge(t, header("RS256"), []byte(`"x"`))},
		{"claims that are no JSON", forge(t, header("RS256"), []byte(`{`))},
	} {
		if err := ks.Verify(tt.token, []string{"JWT"}, issuer, now, &oidc.TokenClaims{}); err == nil {
			t.Errorf("%s: passes", tt.section)
		} else if len(sig) > 0 && strings.Contains(err.Error(), sig) {
			t.Errorf("%s: the error shows the token", tt.section)
		}
	}
	var none *oidc.KeySet
	if none.Verify(valid, []string{"JWT"}, issuer, now, &oidc.TokenClaims{}) == nil {
		t.Error("passes without keys")
	}
	if ks.Verify(valid, nil, issuer, now, &oidc.TokenClaims{}) == nil {
		t.Error("passes as no type")
	}
	if ks.Verify(sign(t, rs, "JWT", claimsWith("iss", "")), []string{"JWT"}, "", now, &oidc.TokenClaims{}) == nil {
		t.Error("passes without an issuer")
	}
	if err := ks.Verify(sign(t, rs, "JWT", claimsWith("nbf", now.Add(30*time.Second).Unix())), []string{"JWT"}, issuer, now, &oidc.TokenClaims{}); err != nil {
		t.Errorf("a clock that is a little ahead: %v", err)
	}
}

func TestH27TokensAreBounded(t *testing.T) { // not parallel: it counts allocations
	rs, _, ks := signers(t)
	valid := sign(t, rs, "JWT", claimsWith("x", strings.Repeat("x", 20000)))
	for name, token := range map[string]string{
		"dots":            strings.Repeat(".", 1<<20),
		"header and dots": valid[:strings.Index(valid, ".")] + strings.Repeat(".", 1<<20),
		"letters":         strings.Repeat("a", 1<<20),
		"nesting":         encode([]byte(strings.Repeat("[", 10000))) + ".e30.e30",
		"a long one":      valid,
	} {
		allocated := testing.AllocsPerRun(1, func() {
			if ks.Verify(token, []string{"JWT"}, issuer, now, &oidc.TokenClaims{}) == nil {
				t.Errorf("%s: passes", name)
			}
		})
		if allocated > 200 {
			t.Errorf("%s: %v allocations", name, allocated)
		}
	}
}

func TestJWKS(t *testing.T) {
	t.Parallel()
	rs, es, ks := signers(t)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(ks.JWKS(), &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("%s: %v", ks.JWKS(), err)
	}
	rsa, ec := set.Keys[0], set.Keys[1]
	if rsa["kty"] != "RSA" || rsa["use"] != "sig" || rsa["alg"] != "RS256" || rsa["kid"] != rs.ID() || rsa["e"] != "AQAB" || len(rsa["n"]) != 342 || len(rsa) != 6 {
		t.Errorf("got %v", rsa) // RFC 7518, section 6.3.1: nothing private
	}
	if ec["kty"] != "EC" || ec["crv"] != "P-256" || ec["use"] != "sig" || ec["alg"] != "ES256" || ec["kid"] != es.ID() || len(ec["x"]) != 43 || len(ec["y"]) != 43 || len(ec) != 7 {
		t.Errorf("got %v", ec) // RFC 7518, section 6.2.1: nothing private
	}
	if none, err := oidc.NewKeySet(); err != nil || string(none.JWKS()) != `{"keys":[]}` {
		t.Errorf("no keys: %s, %v", none.JWKS(), err)
	}
}

func TestSigningKeys(t *testing.T) {
	t.Parallel()
	rs, es := keys()
	if rs.ID == "" || rs.ID == es.ID || rs.Created != now || !rs.Expires.IsZero() || privateRSA(t).N.BitLen() != 2048 {
		t.Errorf("got %+v", rs)
	}
	if s := fmt.Sprintf("%v %+v %#v", rs, rs, rs); strings.Contains(s, "PRIVATE") {
		t.Error("prints the key")
	}
	small, _ := rsa.GenerateKey(rand.Reader, 1024)
	der, _ := x509.MarshalPKCS8PrivateKey(small)
	weak := vault.SigningKey{ID: "weak", Alg: "RS256", PKCS8: vault.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))}
	swapped, none, hmac := rs, es, rs
	swapped.Alg, none.Alg, hmac.Alg = "ES256", "none", "HS256"
	for name, k := range map[string]vault.SigningKey{
		"RFC 7518 3.3: 2048 bits": weak, "another algorithm's": swapped, "none": none, "HS256": hmac,
		"no key": {ID: "x", Alg: "RS256"}, "no PKCS #8": {ID: "x", Alg: "RS256", PKCS8: vault.NewSecret("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")},
	} {
		if _, err := oidc.NewSigner(k); err == nil {
			t.Errorf("%s: passes", name)
		}
	}
	for _, alg := range []string{"", "none", "HS256", "rs256", "PS384"} {
		if _, err := oidc.GenerateKey(alg, now); err == nil {
			t.Errorf("makes a key for %q", alg)
		}
	}
}

func TestSignerServesMany(t *testing.T) {
	t.Parallel()
	_, es, ks := signers(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				token, err := es.Sign(oidc.TypAccessToken, good())
				if err == nil {
					err = ks.Verify(token, []string{oidc.TypAccessToken}, issuer, now, &oidc.TokenClaims{})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := es.Sign("JWT", vault.NewSecret("x")); err == nil {
		t.Error("signs a secret")
	}
}

func BenchmarkSign(b *testing.B) {
	rs, es, _ := signers(b)
	for _, s := range []*oidc.Signer{rs, es} {
		b.Run(s.ID()[:1], func(b *testing.B) {
			for b.Loop() {
				sign(b, s, oidc.TypAccessToken, good())
			}
		})
	}
}
