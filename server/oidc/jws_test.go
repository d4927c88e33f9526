package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// pairs are a client's private keys, by algorithm, and a stranger's.
var pairs = sync.OnceValue(func() map[string]crypto.Signer {
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	es, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return map[string]crypto.Signer{"RS256": rs, "PS256": rs, "ES256": es, "EdDSA": ed, "stranger": stranger}
})

// seal signs any header and claims, whatever they say.
func seal(t testing.TB, private crypto.Signer, header map[string]any, claims any) string {
	t.Helper()
	input := encode(header) + "." + encode(claims)
	h := sha256.Sum256([]byte(input))
	var sig []byte
	var err error
	switch key := private.(type) {
	case *rsa.PrivateKey:
		if header["alg"] == "PS256" {
			sig, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, h[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			sig, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, h[:])
		}
	case *ecdsa.PrivateKey:
		r, s, signErr := ecdsa.Sign(rand.Reader, key, h[:])
		if err = signErr; err == nil {
			sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	case ed25519.PrivateKey:
		sig = ed25519.Sign(key, []byte(input))
	}
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + encode(sig)
}

// jwkOf is the public key of a pair as a JWK, with changes as of [with].
func jwkOf(t testing.TB, key any, changes ...any) map[string]any {
	t.Helper()
	if private, ok := key.(crypto.Signer); ok {
		key = private.Public()
	}
	raw, err := json.Marshal(jose.JSONWebKey{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return changed(m, changes...)
}

// changed is a JSON object with changes: names and values, where nil takes a
// member out.
func changed(m map[string]any, changes ...any) map[string]any {
	c := map[string]any{}
	for name, value := range m {
		c[name] = value
	}
	for i := 0; i < len(changes); i += 2 {
		name := changes[i].(string)
		if c[name] = changes[i+1]; changes[i+1] == nil {
			delete(c, name)
		}
	}
	return c
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// clientKeys are the registered keys of the pairs, each by its algorithm.
func clientKeys(t testing.TB) *oidc.ClientKeys {
	t.Helper()
	var list []vault.ClientKey
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		list = append(list, vault.ClientKey{ID: alg, Alg: alg, JWK: text(jwkOf(t, pairs()[alg]))})
	}
	ks, err := oidc.ParseClientKeys(list, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

// hostile are ways to sign a token that must not pass, whatever it is for (RFC
// 8725). typ is the type that the token should have; "" is none.
func hostile(t testing.TB, typ string, claims map[string]any, more ...any) map[string]string {
	t.Helper()
	rs, es := pairs()["RS256"].(*rsa.PrivateKey), pairs()["ES256"]
	header := func(alg string, changes ...any) map[string]any {
		h := changed(map[string]any{"alg": alg, "kid": alg}, more...)
		if h["typ"] = typ; typ == "" {
			delete(h, "typ")
		}
		return changed(h, changes...)
	}
	der, _ := x509.MarshalPKIXPublicKey(rs.Public())
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	mac := func(header map[string]any) string {
		input := encode(header) + "." + encode(claims)
		h := hmac.New(sha256.New, public)
		h.Write([]byte(input))
		return input + "." + encode(h.Sum(nil))
	}
	good := seal(t, es, header("ES256"), claims)
	head, rest, _ := strings.Cut(good, ".")
	body, sig, _ := strings.Cut(rest, ".")
	twice := func(raw string) string { // a member that comes twice
		input := head + "." + encode([]byte(raw))
		h := sha256.Sum256([]byte(input))
		r, s, _ := ecdsa.Sign(rand.Reader, es.(*ecdsa.PrivateKey), h[:])
		return input + "." + encode(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
	}
	return map[string]string{
		"RFC 8725 3.2: none":                        encode(header("none")) + "." + encode(claims) + ".",
		"RFC 8725 3.2: nOnE":                        encode(header("nOnE")) + "." + body + "." + sig,
		"RFC 8725 2.1: HS256 with the public key":   mac(header("HS256", "kid", "RS256")),
		"RFC 8725 2.1: that says RS256":             mac(header("RS256")),
		"RFC 8725 3.1: no alg":                      seal(t, rs, header("RS256", "alg", nil), claims),
		"RFC 8725 3.1: RS512":                       seal(t, rs, header("RS512", "kid", "RS256"), claims),
		"RFC 8725 3.1: ES256 by an RSA key":         seal(t, rs, header("ES256", "kid", "RS256"), claims),
		"RFC 8725 3.1: RS256 by an EC key":          seal(t, es, header("RS256", "kid", "ES256"), claims),
		"RFC 8725 3.10: jku":                        seal(t, es, header("ES256", "jku", "https://evil.example/jwks"), claims),
		"RFC 8725 3.10: x5u":                        seal(t, es, header("ES256", "x5u", "https://evil.example/x"), claims),
		"RFC 8725 3.10: x5c":                        seal(t, es, header("ES256", "x5c", []string{"AAAA"}), claims),
		"RFC 7515 4.1.11: crit":                     seal(t, es, header("ES256", "crit", []string{"exp"}), claims),
		"RFC 7797 3: b64":                           seal(t, es, header("ES256", "b64", false), claims),
		"RFC 7516 4.1.3: zip":                       seal(t, es, header("ES256", "zip", "DEF"), claims),
		"RFC 7519 5.2: nested":                      seal(t, es, header("ES256", "cty", "JWT"), claims),
		"a kid that is a number":                    seal(t, es, header("ES256", "kid", 1), claims),
		"a typ that is null":                        seal(t, es, header("ES256", "typ", json.RawMessage("null")), claims),
		"RFC 8725 3.11: an ID token's shape":        seal(t, es, header("ES256", "typ", "at+jwt"), claims),
		"RFC 8725 3.11: a logout token":             seal(t, es, header("ES256", "typ", "logout+jwt"), claims),
		"RFC 7519 7.2: another's signature":         head + "." + encode(changed(claims, "x", 1)) + "." + sig,
		"RFC 7519 7.2: no signature":                head + "." + body + ".",
		"RFC 7519 4: a claim twice":                 twice(text(claims)[:len(text(claims))-1] + `,"iss":"x","iss":"x"}`),
		"RFC 7519 7.2: claims that are no object":   twice(`["x"]`),
		"RFC 7519 7.2: claims that go on":           twice(text(claims) + "{}"),
		"RFC 7519 7.2: claims that break off":       twice(text(claims)[:20]),
		"RFC 7519 7.2: claims that are not UTF-8":   twice(strings.Replace(text(claims), ":\"", ":\"\xff", 1)),
		"RFC 7515 7.1: two parts":                   head + "." + body,
		"RFC 7516 3.1: encrypted":                   good + ".." + sig,
		"RFC 7515 7.2: JSON":                        `{"protected":"` + head + `","payload":"` + body + `","signature":"` + sig + `"}`,
		"a line end":                                good + "\n",
		"padding":                                   head + "=." + body + "." + sig,
		"nothing":                                   "..",
		"H27: dots":                                 strings.Repeat(".", 1<<20),
		"H27: letters":                              strings.Repeat("a", 1<<20),
		"H27: nesting":                              encode([]byte(strings.Repeat("[", 10000))) + ".e30.e30",
		"RFC 7515 4: a header parameter twice":      encode([]byte(`{"alg":"none","alg":"ES256"`+strings.TrimPrefix(text(header("ES256", "alg", nil)), "{,"))) + "." + body + "." + sig,
		"RFC 7515 4.1.4: names of another case":     seal(t, es, header("ES256", "alg", nil, "ALG", "ES256"), claims),
		"H27: too long":                             seal(t, es, header("ES256"), changed(claims, "x", strings.Repeat("x", 16384))),
		"RFC 7515 3.1: header that is no JSON":      encode([]byte("x")) + "." + body + "." + sig,
		"RFC 7515 3.1: header that is not base64":   "*." + body + "." + sig,
		"RFC 7515 3.1: claims that are not base64":  head + ".a." + sig,
		"RFC 7515 3.1: signature that is no base64": head + "." + body + ".a",
	}
}

func TestClientKeys(t *testing.T) {
	t.Parallel()
	rs, es, ed := pairs()["RS256"], pairs()["ES256"], pairs()["EdDSA"]
	small, _ := rsa.GenerateKey(rand.Reader, 1024)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	privateJWK, _ := json.Marshal(jose.JSONWebKey{Key: es})
	for _, tt := range []struct {
		section string
		key     vault.ClientKey
		words   string // of the error; "" for none
	}{
		{"RFC 7518 6.3", vault.ClientKey{ID: "a", Alg: "RS256", JWK: text(jwkOf(t, rs))}, ""},
		{"RFC 7518 3.5", vault.ClientKey{ID: "a", Alg: "PS256", JWK: text(jwkOf(t, rs))}, ""},
		{"RFC 7518 6.2", vault.ClientKey{ID: "a", Alg: "ES256", JWK: text(jwkOf(t, es))}, ""},
		{"RFC 8037 2", vault.ClientKey{ID: "a", Alg: "EdDSA", JWK: text(jwkOf(t, ed))}, ""},
		{"RFC 7517 4.4: alg is optional", vault.ClientKey{JWK: text(jwkOf(t, rs))}, ""},
		{"RFC 7517 4.7: certificates are passed over", vault.ClientKey{JWK: text(jwkOf(t, rs, "x5c", []string{"!"}, "x5u", "%"))}, ""},
		{"RFC 7517 4.4: alg", vault.ClientKey{Alg: "RS256", JWK: text(jwkOf(t, rs, "alg", "PS256"))}, "for PS256"},
		{"RFC 7518 3.3: 2048 bits", vault.ClientKey{Alg: "RS256", JWK: text(jwkOf(t, small))}, "2048"},
		{"RFC 7518 3.4: P-256", vault.ClientKey{Alg: "ES256", JWK: text(jwkOf(t, p384))}, "P-256"},
		{"RFC 7518 3.1", vault.ClientKey{Alg: "ES256", JWK: text(jwkOf(t, rs))}, "no key for ES256"},
		{"RFC 7518 3.1", vault.ClientKey{Alg: "none", JWK: text(jwkOf(t, rs))}, "no key for none"},
		{"RFC 7518 6.2.2: private", vault.ClientKey{Alg: "ES256", JWK: string(privateJWK)}, "private or symmetric"},
		{"RFC 7518 6.2.2: private, empty", vault.ClientKey{JWK: text(jwkOf(t, es, "d", ""))}, "private or symmetric"},
		{"RFC 7518 6.4: symmetric", vault.ClientKey{JWK: `{"kty":"oct","k":"AAAA"}`}, "private or symmetric"},
		{"RFC 7518 6.2.1.2: on the curve", vault.ClientKey{JWK: text(jwkOf(t, es, "x", encode(make([]byte, 32))))}, "no public key"},
		{"RFC 7517 4.1", vault.ClientKey{JWK: text(jwkOf(t, es, "kty", nil))}, "no public key"},
		{"RFC 7517 4: once", vault.ClientKey{JWK: `{"kty":"EC","kty":"EC"}`}, "twice"},
		{"RFC 7517 4", vault.ClientKey{JWK: ``}, "not a JSON object"},
	} {
		t.Run(tt.section, func(t *testing.T) {
			_, err := oidc.ParseClientKeys([]vault.ClientKey{tt.key}, nil, now)
			if (err == nil) != (tt.words == "") || err != nil && !strings.Contains(err.Error(), tt.words) {
				t.Errorf("got %v, want %q", err, tt.words)
			}
		})
	}
	expired := vault.ClientKey{JWK: "!", Expires: now}
	if _, err := oidc.ParseClientKeys([]vault.ClientKey{expired}, nil, now); err != nil {
		t.Errorf("an expired key is looked at: %v", err)
	}
}

func TestH27JWKSetsAreBounded(t *testing.T) {
	t.Parallel()
	es := jwkOf(t, pairs()["ES256"])
	many := func(n int) string {
		return text(map[string]any{"keys": slicesRepeat(es, n)})
	}
	for _, tt := range []struct {
		section, jwks, words string
	}{
		{"RFC 7517 5", many(1), ""},
		{"RFC 7517 5: none", `{"keys":[]}`, ""},
		{"RFC 7517 5: what is not understood is passed over", `{"keys":[{"kty":"new"},{"kty":"EC","crv":"P-521"},{},"x",null,{"kty":"RSA","n":"AQAB","e":"AQAB"}],"x":1}`, ""},
		{"bounds", many(100), ""},
		{"bounds", many(101), "at most 100 keys"},
		{"bounds", many(10000), "longer than 256 KiB"},
		{"bounds", strings.Repeat("[", 256<<10), "not a JSON object"},
		{"RFC 7517 5", `{}`, "list of at most"},
		{"RFC 7517 5", `{"keys":{}}`, "list of at most"},
		{"RFC 7517 5: once", `{"keys":[],"keys":[]}`, "twice"},
		{"RFC 7517 9.2: private", `{"keys":[{"kty":"EC","crv":"P-256","x":"x","y":"y","d":"d"}]}`, "private or symmetric"},
		{"RFC 7517 9.2: symmetric", `{"keys":[{"kty":"oct","k":"AAAA"}]}`, "private or symmetric"},
		{"no JSON", `<html>`, "not a JSON object"},
	} {
		_, err := oidc.ParseClientKeys(nil, []byte(tt.jwks), now)
		if (err == nil) != (tt.words == "") || err != nil && !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%s: %.60s: got %v, want %q", tt.section, tt.jwks, err, tt.words)
		}
	}
}

func slicesRepeat(v any, n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = v
	}
	return list
}
