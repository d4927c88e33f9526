package simulator_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sallyport/connections/simulator"
)

// boundToKey is what tokens are that need DPoP.
func (o *org) boundToKey(set tokenSet) {
	o.t.Helper()
	o.begin("dpop-nonce")
	r := o.refresh(set)
	o.refused(r, "use_dpop_nonce", "authorization server requires nonce in DPoP proof")
	holder := newHolder()
	ask := func(nonce string) response {
		req := o.request("POST", "/services/oauth2/token", refreshment(set.RefreshToken))
		req.Header.Set("DPoP", holder.proof(req, o.now.Now(), nonce))
		return o.do(o.client(nil), req)
	}
	if again := ask("wrong"); again.StatusCode != 400 || again.Header.Get("DPoP-Nonce") != r.Header.Get("DPoP-Nonce") {
		o.t.Errorf("%v %s", again.Header, again.body)
	}
	var bound tokenSet
	if err := json.Unmarshal([]byte(ask(r.Header.Get("DPoP-Nonce")).body), &bound); err != nil || bound.TokenType != "DPoP" {
		o.t.Errorf("%v %+v", err, bound)
	}
	o.expect(o.api(bound), 401, asJSON, sessionExpired)
	req := o.request("GET", "/services/data/v65.0/limits", nil)
	req.Header.Set("Authorization", "DPoP "+bound.AccessToken)
	req.Header.Set("DPoP", holder.proof(req, o.now.Now(), ""))
	if r := o.do(o.client(nil), req); r.StatusCode != 200 {
		o.t.Errorf("with a proof: %d %s", r.StatusCode, r.body)
	}
	req.Header.Set("DPoP", newHolder().proof(req, o.now.Now(), ""))
	o.expect(o.do(o.client(nil), req), 401, asJSON, sessionExpired)
}

func TestProofMustFitItsRequest(t *testing.T) {
	o := start(t, func(_ *simulator.Salesforce, a *simulator.App) { a.RunAs, a.DPoP = "ada@example.com", true })
	nonce := o.token(clientCredentials()).Header.Get("DPoP-Nonce")
	ask := func(now time.Time, changes ...string) response {
		r := o.request("POST", "/services/oauth2/token", clientCredentials())
		r.Header.Set("DPoP", newHolder().proof(r, now, nonce, changes...))
		return o.do(o.client(nil), r)
	}
	const refused = "invalid DPoP proof"
	o.refused(ask(o.now.Now(), "htm", "GET"), "invalid_dpop_proof", refused)
	o.refused(ask(o.now.Now(), "htu", o.url+"/services/oauth2/revoke"), "invalid_dpop_proof", refused)
	o.refused(ask(o.now.Now().Add(-3*time.Minute-time.Second)), "invalid_dpop_proof", refused)
	if r := ask(o.now.Now()); r.StatusCode != 200 {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	var set tokenSet
	r := o.request("POST", "/services/oauth2/token", clientCredentials())
	h := newHolder()
	r.Header.Set("DPoP", h.proof(r, o.now.Now(), nonce))
	if err := json.Unmarshal([]byte(o.do(o.client(nil), r).body), &set); err != nil {
		t.Fatal(err)
	}
	r = o.request("GET", "/services/data/v65.0/limits", nil)
	r.Header.Set("Authorization", "DPoP "+set.AccessToken)
	r.Header.Set("DPoP", h.proof(r, o.now.Now(), "", "ath", "of-another-token"))
	o.expect(o.do(o.client(nil), r), 401, asJSON, sessionExpired)
}

// holder has a key of which it makes DPoP proofs.
type holder struct{ *ecdsa.PrivateKey }

func newHolder() holder {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return holder{key}
}

func (h holder) proof(r *http.Request, now time.Time, nonce string, changes ...string) string {
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: h.PrivateKey}, options)
	if err != nil {
		panic(err)
	}
	claims := map[string]any{"jti": "1", "htm": r.Method, "htu": "http://" + r.URL.Host + r.URL.Path, "iat": now.Unix(), "nonce": nonce}
	if _, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	for i := 0; i < len(changes); i += 2 {
		claims[changes[i]] = changes[i+1]
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	proof, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return proof
}
