package api_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/server/api"
	"sallyport/vault"
)

// The keys of RFC 7638, section 3.1, of RFC 7515, appendix A.3.1, and of RFC
// 8037, appendix A.2.
const (
	rsaN = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	ecX  = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
	ecY  = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
	edX  = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

	rsaJWK = `{"e":"AQAB","kty":"RSA","n":"` + rsaN + `"}`
	ecJWK  = `{"crv":"P-256","kty":"EC","x":"` + ecX + `","y":"` + ecY + `"}`
	edJWK  = `{"crv":"Ed25519","kty":"OKP","x":"` + edX + `"}`

	rsaThumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" // RFC 7638, section 3.1
	edThumbprint  = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" // RFC 8037, appendix A.3
	ecThumbprint  = "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
)

var (
	rsaPEM = pemOf(&rsa.PublicKey{N: new(big.Int).SetBytes(octets(rsaN)), E: 65537})
	ecPEM  = pemOf(&ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(octets(ecX)), Y: new(big.Int).SetBytes(octets(ecY))})
	edPEM  = pemOf(ed25519.PublicKey(octets(edX)))

	p384 = func() any {
		key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return key.Public()
	}()
)

func octets(s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func pemBlock(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pemOf(public any) string {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(err)
	}
	return pemBlock("PUBLIC KEY", der)
}

// rsaKey looks like an RSA key of so many bits.
func rsaKey(bits int) *rsa.PublicKey {
	return &rsa.PublicKey{N: new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(bits)), big.NewInt(1)), E: 65537}
}

// edKeys are different JWKs.
func edKeys(n int) (keys []string) {
	for i := range n {
		x := make([]byte, 32)
		x[0] = byte(i)
		keys = append(keys, `{kty: OKP, crv: Ed25519, x: "`+base64.RawURLEncoding.EncodeToString(x)+`"}`)
	}
	return keys
}

// credential is a field of a client, with one key to authenticate with.
func credential(pem string, more ...string) string {
	return fmt.Sprintf("client_authentication_methods: {private_key_jwt: {credentials: [{%s}]}}", strings.Join(append([]string{"pem: " + strconv.Quote(pem)}, more...), ", "))
}

// certificate is a self-signed one, as PEM.
func certificate(t *testing.T) (cert string, public ed25519.PublicKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(0, 0)} // has long expired
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return pemBlock("CERTIFICATE", der), public
}

func TestKeysOfClients(t *testing.T) {
	t.Parallel()
	cert, public := certificate(t)
	certX := base64.RawURLEncoding.EncodeToString(public)
	expires := time.Date(2030, 1, 31, 10, 0, 0, 0, time.UTC)
	rsaKey := vault.ClientKey{ID: rsaThumbprint, Alg: "RS256", JWK: rsaJWK}
	ecKey := vault.ClientKey{ID: ecThumbprint, Alg: "ES256", JWK: ecJWK}
	edKey := vault.ClientKey{ID: edThumbprint, Alg: "EdDSA", JWK: edJWK}
	for _, tt := range []struct {
		name, fields string
		want         []vault.ClientKey
	}{
		{"RSA", credential(rsaPEM), []vault.ClientKey{rsaKey}},
		{"P-256", credential(ecPEM), []vault.ClientKey{ecKey}},
		{"Ed25519", credential(edPEM), []vault.ClientKey{edKey}},
		{"everything", credential(rsaPEM, "name: k, credential_type: public_key, alg: PS256, kid: k1, expires_at: 2030-01-31T11:00:00.5+01:00"), []vault.ClientKey{{ID: "k1", Alg: "PS256", JWK: rsaJWK, Expires: expires}}},
		{"quoted time", credential(edPEM, `kid: "", expires_at: "2030-01-31T10:00:00Z"`), []vault.ClientKey{{ID: edThumbprint, Alg: "EdDSA", JWK: edJWK, Expires: expires}}},
		{"certificate", credential("Subject: me\n"+cert, "kid: k1"), []vault.ClientKey{{ID: "k1", Alg: "EdDSA", JWK: `{"crv":"Ed25519","kty":"OKP","x":"` + certX + `"}`}}},
		{"JWK Set", `jwks: {keys: [{kty: RSA, n: ` + rsaN + `, e: AQAB}, {kty: EC, crv: P-256, x: ` + ecX + `, y: ` + ecY + `, use: sig, key_ops: [verify], x5t: x}, ` + edJWK + `]}`, []vault.ClientKey{rsaKey, ecKey, edKey}},
		{"JWK Set as JSON", `jwks: '{"keys": [` + strings.Replace(rsaJWK, "{", `{"kid":"k1","alg":"PS256",`, 1) + `]}'`, []vault.ClientKey{{ID: "k1", Alg: "PS256", JWK: rsaJWK}}},
		{"longer than it needs to be", `jwks: {keys: [{kty: RSA, n: ` + rsaN + `, e: AAEAAQ}]}`, []vault.ClientKey{rsaKey}},
		{"all lists", credential(rsaPEM) + ", jwks: {keys: [" + ecJWK + "]}, signed_request_object: {credentials: [{pem: " + strconv.Quote(edPEM) + "}, {pem: " + strconv.Quote(ecPEM) + "}]}", []vault.ClientKey{rsaKey, ecKey, edKey}},
		{"FAPI", "compliance_level: fapi2_sp_pkj_dpop, " + credential(rsaPEM), []vault.ClientKey{{ID: rsaThumbprint, Alg: "PS256", JWK: rsaJWK}}},
		{"as many as there may be", "jwks: {keys: [" + strings.Join(edKeys(10), ", ") + "]}", nil},
		{"published", "jwks_uri: https://app.example.com/jwks.json", nil},
		{"published beside", "jwks_uri: http://127.0.0.1:9000/jwks, " + credential(ecPEM), []vault.ClientKey{ecKey}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVault(t)
			plan := mustApply(t, v, "clients: [{client_id: app, name: App, "+tt.fields+"}]")
			c := client(t, v, "app")
			if d := cmp.Diff(tt.want, c.Keys); tt.want != nil && d != "" {
				t.Error(d)
			}
			if c.AuthMethod != "private_key_jwt" || len(c.SecretHashes) > 0 {
				t.Errorf("client: %+v", c)
			}
			if len(c.Keys) > 0 && !strings.Contains(plan.String(), `client_authentication_methods.private_key_jwt.credentials: [{credential_type: public_key`) {
				t.Errorf("plan: %s", plan)
			}
			if plan := planOf(t, v, "clients: [{client_id: app, name: App, "+tt.fields+"}]"); !plan.Empty() {
				t.Errorf("applied twice: %s", plan)
			}
			out := export(t, v)
			if plan := planOf(t, v, out); !plan.Empty() {
				t.Errorf("%s\n%s", plan, out)
			}
			elsewhere := newVault(t)
			mustApply(t, elsewhere, out)
			if d := cmp.Diff(out, export(t, elsewhere)) + cmp.Diff(c.Keys, client(t, elsewhere, "app").Keys); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestKeyIsWrittenInLines(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	file := `
clients:
  - client_id: app
    name: App
    client_authentication_methods:
      private_key_jwt:
        credentials:
          - name: 2026
            credential_type: public_key
            alg: ES256
            pem: |
              ` + strings.ReplaceAll(ecPEM, "\n", "\n              ")
	_, err := apply(t, v, file)
	if err == nil || !strings.Contains(err.Error(), "tenant.yaml:8:13: clients[0].client_authentication_methods.private_key_jwt.credentials[0].name: should be text, and is a number") {
		t.Errorf("Apply = %v", err)
	}
	mustApply(t, v, strings.Replace(file, "2026", "year 2026", 1))
	if keys := client(t, v, "app").Keys; len(keys) != 1 || keys[0].JWK != ecJWK {
		t.Errorf("keys: %+v", keys)
	}
}

func TestMethodOfClientWithKeys(t *testing.T) {
	t.Parallel()
	key := []api.Credential{{PEM: &ecPEM}}
	methods := &api.ClientAuthenticationMethods{PrivateKeyJWT: &api.PrivateKeyJWT{Credentials: key}}
	set := &api.JWKS{Keys: []api.JWK{{KTY: "OKP", CRV: "Ed25519", X: edX}}}
	secret := api.NewSecret(appSecret)
	for _, tt := range []struct {
		name   string
		client api.Client
		want   string
	}{
		{"credentials", api.Client{ClientAuthenticationMethods: methods}, "private_key_jwt"},
		{"jwks", api.Client{JWKS: set, AppType: new("spa")}, "private_key_jwt"},
		{"jwks_uri", api.Client{JWKSURI: new("https://a/")}, "private_key_jwt"},
		{"jwks for requests alone", api.Client{JWKS: set, TokenEndpointAuthMethod: new("client_secret_post"), ClientSecret: secret}, "client_secret_post"},
		{"jwks of a public client", api.Client{JWKS: set, TokenEndpointAuthMethod: new("none")}, "none"},
		{"keys for requests", api.Client{SignedRequestObject: &api.SignedRequestObject{Credentials: key}, ClientSecret: secret}, "client_secret_post"},
		{"none of them", api.Client{JWKS: &api.JWKS{}, JWKSURI: new(""), ClientSecret: secret}, "client_secret_post"},
	} {
		tt.client.ClientID, tt.client.Name = "a", new("A")
		r, err := tt.client.Record(vault.Client{})
		if err != nil || r.AuthMethod != tt.want {
			t.Errorf("%s: %s, %v", tt.name, r.AuthMethod, err)
		}
	}
}

func TestKeysAreReplacedAndStay(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, "clients: [{client_id: app, name: App, client_secret: ${SAMPLE_APP_SECRET}}]")
	mustApply(t, v, "clients: [{client_id: app, "+credential(ecPEM)+"}]")
	if c := client(t, v, "app"); c.AuthMethod != "private_key_jwt" || len(c.SecretHashes) > 0 || len(c.Keys) != 1 {
		t.Errorf("client with a secret that got a key: %+v", c)
	}
	mustApply(t, v, "clients: [{client_id: app, description: New}]")
	if c := client(t, v, "app"); len(c.Keys) != 1 || c.Keys[0].JWK != ecJWK {
		t.Errorf("keys that were not mentioned: %+v", c.Keys)
	}
	plan := mustApply(t, v, "clients: [{client_id: app, jwks: {keys: ["+edJWK+"]}}]")
	if c := client(t, v, "app"); len(c.Keys) != 1 || c.Keys[0].JWK != edJWK {
		t.Errorf("keys: %+v\n%s", c.Keys, plan)
	}
	mustApply(t, v, "clients: [{client_id: app, jwks: {keys: []}, jwks_uri: https://app.example.com/jwks}]")
	if c := client(t, v, "app"); len(c.Keys) > 0 || c.JWKSURI == "" || c.AuthMethod != "private_key_jwt" {
		t.Errorf("client: %+v", c)
	}
	mustApply(t, v, "clients: [{client_id: app, jwks_uri: \"\", token_endpoint_auth_method: none}]")
	if c := client(t, v, "app"); c.JWKSURI != "" || !c.Public() {
		t.Errorf("client: %+v", c)
	}
}

// What other code keeps without an ID or an algorithm gets none by being
// exported and applied.
func TestKeyWithoutIDStays(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	if err := v.Update(t.Context(), func(tx *vault.Tx) error {
		return tx.Clients.Put(vault.Client{ID: "app", Name: "App", AppType: "regular_web", AuthMethod: "private_key_jwt", Keys: []vault.ClientKey{{JWK: `{"use":"sig",` + rsaJWK[1:]}}})
	}); err != nil {
		t.Fatal(err)
	}
	if plan := planOf(t, v, export(t, v)); !plan.Empty() {
		t.Error(plan)
	}
}

func TestJWKSIsJSON(t *testing.T) {
	t.Parallel()
	for _, src := range []string{`{"jwks":{"keys":[` + edJWK + `]}}`, `{"jwks":` + strconv.Quote(`{"keys":[`+edJWK+`]}`) + `}`} {
		var c api.Client
		if err := json.Unmarshal([]byte(src), &c); err != nil || c.JWKS == nil || !slices.Equal(c.JWKS.Keys, []api.JWK{{KTY: "OKP", CRV: "Ed25519", X: edX}}) {
			t.Errorf("%s: %+v, %v", src, c.JWKS, err)
		}
	}
	for _, bad := range []string{`1`, `"canary"`, `{}`, `{"keys":{}}`, `{"keys":[1]}`, `{"keys":[{"kty":"EC","d":"canary"}]}`, `"{\"keys\":[{\"k\":\"canary\"}]}"`} {
		var s api.JWKS
		err := json.Unmarshal([]byte(bad), &s)
		var invalid *vault.Invalid
		if !errors.As(err, &invalid) || !strings.HasPrefix(invalid.Field, "jwks") {
			t.Errorf("%s: %v", bad, err)
		}
		silent(t, "error", fmt.Sprint(err))
	}
}

func FuzzClientKey(f *testing.F) {
	for _, s := range []string{rsaPEM, ecPEM, edPEM} {
		f.Add(s, `{"keys":[`+ecJWK+`]}`)
	}
	f.Fuzz(func(t *testing.T, pem, jwks string) {
		c := api.Client{ClientID: "a", Name: new("A"), SignedRequestObject: &api.SignedRequestObject{Credentials: []api.Credential{{PEM: &pem}}}, TokenEndpointAuthMethod: new("none")}
		if json.Unmarshal([]byte(jwks), &c.JWKS) != nil {
			c.JWKS = nil
		}
		r, err := c.Record(vault.Client{})
		if err != nil {
			return
		}
		again, err := api.ClientOf(r).Record(r)
		if d := cmp.Diff(r.Keys, again.Keys); err != nil || d != "" {
			t.Errorf("its own shape changes it: %s, %v", d, err)
		}
	})
}
