package server_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sallyport/vault"
)

// signer is a client's key.
type signer struct {
	t   *testing.T
	alg string
	key crypto.Signer
}

func newSigner(t *testing.T) signer { return newSignerFor(t, "ES256") }

func newSignerFor(t *testing.T, alg string) signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg {
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA", "Ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer{t, alg, key}
}

func (s signer) sign(typ, kid string, embed bool, claims map[string]any) string {
	s.t.Helper()
	if s.alg == "Ed25519" { // whose name go-jose does not know
		older := signer{s.t, "EdDSA", s.key}.sign(typ, kid, embed, claims)
		header := strings.Replace(string(decode(s.t, older, 0)), `"alg":"EdDSA"`, `"alg":"Ed25519"`, 1)
		input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + strings.Split(older, ".")[1]
		signature, err := s.key.Sign(nil, []byte(input), crypto.Hash(0))
		if err != nil {
			s.t.Fatal(err)
		}
		return input + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
	options := &jose.SignerOptions{EmbedJWK: embed}
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(s.alg), Key: jose.JSONWebKey{Key: s.key, KeyID: kid}}, options.WithType(jose.ContentType(typ)))
	if err != nil {
		s.t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		s.t.Fatal(err)
	}
	signed, err := made.Sign(payload)
	if err != nil {
		s.t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// jwk is the public key.
func (s signer) jwk(kid string) string {
	b, err := json.Marshal(jose.JSONWebKey{Key: s.key.Public(), KeyID: kid, Algorithm: s.alg, Use: "sig"})
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

func (s signer) thumbprint() string {
	sum, err := (&jose.JSONWebKey{Key: s.key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		s.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// proof is a DPoP proof; more overrides.
func (s signer) proof(g *gateway, method, path, nonce, accessToken string, more map[string]any) string {
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": g.issuer + path, "iat": g.clock.Now().Unix()}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if accessToken != "" {
		sum := sha256.Sum256([]byte(accessToken))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	for k, v := range more {
		claims[k] = v
	}
	return s.sign("dpop+jwt", "", true, claims)
}

// prove posts a form with a proof.
func (g *gateway) prove(path, proof string, pairs ...string) answer {
	g.t.Helper()
	req := g.request("POST", path, "application/x-www-form-urlencoded", form(pairs...).Encode())
	if proof != "" {
		req.Header.Set("DPoP", proof)
	}
	return g.do(req)
}

// TestH37TokensThatAreBoundToAKey has tokens bound to a key by a client that can
// keep no secret, and uses them in each wrong way.
func TestH37TokensThatAreBoundToAKey(t *testing.T) {
	t.Parallel()
	g := start(t)
	key, other := newSigner(t), newSigner(t)
	params := form("client_id", "spa", "redirect_uri", "http://spa.example/callback", "response_type", "code", "scope", "openid offline_access", "state", "s",
		"code_challenge", s256(verifier), "code_challenge_method", "S256", "dpop_jkt", key.thumbprint())
	page, err := ada().Visit(g.issuer+"authorize?"+params.Encode(), "http://spa.example/")
	if err != nil || page.URL.Query().Get("code") == "" {
		t.Fatalf("%v %+v", err, page)
	}
	redeem := []string{"grant_type", "authorization_code", "client_id", "spa", "code", page.URL.Query().Get("code"), "redirect_uri", "http://spa.example/callback", "code_verifier", verifier}

	first := g.prove("oauth/token", key.proof(g, "POST", "oauth/token", "", "", nil), redeem...)
	nonce := first.header.Get("DPoP-Nonce")
	if first.status != 400 || first.str("error") != "use_dpop_nonce" || nonce == "" {
		t.Fatalf("without a nonce: %d %s %v", first.status, first.body, first.header)
	}
	token := g.prove("oauth/token", key.proof(g, "POST", "oauth/token", nonce, "", nil), redeem...)
	if token.status != 200 || token.str("token_type") != "DPoP" {
		t.Fatalf("%d %s", token.status, token.body)
	}
	at := token.str("access_token")
	info := func(scheme, proof string) answer {
		headers := []string{"Authorization", scheme + " " + at}
		if proof != "" {
			headers = append(headers, "DPoP", proof)
		}
		return g.get("userinfo", headers...)
	}
	if a := info("DPoP", key.proof(g, "GET", "userinfo", "", at, nil)); a.status != 200 {
		t.Errorf("as it should be: %d %s", a.status, a.body)
	}
	used := key.proof(g, "GET", "userinfo", "", at, nil)
	info("DPoP", used)
	for name, a := range map[string]answer{
		"as a bearer token":      info("Bearer", ""),
		"as a bearer's, proved":  info("Bearer", key.proof(g, "GET", "userinfo", "", at, nil)),
		"without a proof":        info("DPoP", ""),
		"another key":            info("DPoP", other.proof(g, "GET", "userinfo", "", at, nil)),
		"another method":         info("DPoP", key.proof(g, "POST", "userinfo", "", at, nil)),
		"another address":        info("DPoP", key.proof(g, "GET", "oauth/token", "", at, nil)),
		"another token":          info("DPoP", key.proof(g, "GET", "userinfo", "", "another", nil)),
		"no token":               info("DPoP", key.proof(g, "GET", "userinfo", "", "", nil)),
		"used before":            info("DPoP", used),
		"stale":                  info("DPoP", key.proof(g, "GET", "userinfo", "", at, map[string]any{"iat": g.clock.Now().Add(-time.Hour).Unix()})),
		"from the future":        info("DPoP", key.proof(g, "GET", "userinfo", "", at, map[string]any{"iat": g.clock.Now().Add(time.Hour).Unix()})),
		"a nonce of nobody":      info("DPoP", key.proof(g, "GET", "userinfo", "made-up", at, nil)),
		"a token of another typ": info("DPoP", key.sign("JWT", "", true, map[string]any{"jti": "x"})),
	} {
		if a.status != 401 || !strings.Contains(a.header.Get("WWW-Authenticate"), "error=") {
			t.Errorf("%s: %d %s %v", name, a.status, a.body, a.header["Www-Authenticate"])
		}
	}

	refresh := []string{"grant_type", "refresh_token", "client_id", "spa", "refresh_token", token.str("refresh_token")}
	if a := g.prove("oauth/token", "", refresh...); a.status != 400 || a.str("error") != "invalid_dpop_proof" {
		t.Errorf("refresh without a proof: %d %s", a.status, a.body)
	}
	if a := g.prove("oauth/token", other.proof(g, "POST", "oauth/token", nonce, "", nil), refresh...); a.status < 400 {
		t.Errorf("refresh with another key: %d %s", a.status, a.body)
	}
	if a := g.prove("oauth/token", key.proof(g, "POST", "oauth/token", nonce, "", nil), refresh...); a.status != 200 || a.str("token_type") != "DPoP" {
		t.Errorf("refresh: %d %s", a.status, a.body)
	}
}

// TestBoundSubjectTokenIsExchangedByItsHolderAlone.
func TestBoundSubjectTokenIsExchangedByItsHolderAlone(t *testing.T) {
	t.Parallel()
	g := start(t)
	key, other := newSigner(t), newSigner(t)
	code := g.visit(ada()).Get("code")
	token := g.prove("oauth/token", key.proof(g, "POST", "oauth/token", "", "", nil), "grant_type", "authorization_code", "client_id", "app", "client_secret", appSecret,
		"code", code, "redirect_uri", callback, "code_verifier", verifier)
	if token.status != 200 || token.str("token_type") != "DPoP" {
		t.Fatalf("%d %s", token.status, token.body)
	}
	exchange := []string{"grant_type", federatedGrant, "client_id", "app", "client_secret", appSecret, "subject_token", token.str("access_token"),
		"subject_token_type", accessType, "requested_token_type", federatedType, "connection", "salesforce"}
	if a := g.prove("oauth/token", "", exchange...); a.status != 401 {
		t.Errorf("without a proof: %d %s", a.status, a.body)
	}
	if a := g.prove("oauth/token", other.proof(g, "POST", "oauth/token", "", "", nil), exchange...); a.status != 401 {
		t.Errorf("with another key: %d %s", a.status, a.body)
	}
	if a := g.prove("oauth/token", key.proof(g, "POST", "oauth/token", "", "", nil), exchange...); a.status != 200 || a.str("token_type") != "Bearer" || g.query(a) != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// assertion is a client assertion; more overrides.
func (s signer) assertion(g *gateway, more map[string]any) string {
	now := g.clock.Now()
	claims := map[string]any{"iss": "app", "sub": "app", "aud": g.issuer, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": rand.Text()}
	for k, v := range more {
		claims[k] = v
	}
	return s.sign("JWT", "k1", false, claims)
}

func (g *gateway) assert(assertion string) answer {
	g.t.Helper()
	return g.post("oauth/token", "grant_type", "client_credentials", "audience", "https://api.example", "client_assertion", assertion,
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
}

// TestH29H30AssertionsAreForUsAndGoodOnce is private_key_jwt.
func TestH29H30AssertionsAreForUsAndGoodOnce(t *testing.T) {
	t.Parallel()
	g := start(t)
	key := newSigner(t)
	g.update(func(c *vault.Client) {
		c.AuthMethod, c.SecretHashes, c.Keys = "private_key_jwt", nil, []vault.ClientKey{{ID: "k1", Alg: "ES256", JWK: key.jwk("k1")}}
	})
	once := key.assertion(g, nil)
	if a := g.assert(once); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for name, assertion := range map[string]string{
		"again":                once,
		"another key":          newSigner(t).assertion(g, nil),
		"another client's":     key.assertion(g, map[string]any{"iss": "other", "sub": "other"}),
		"another audience":     key.assertion(g, map[string]any{"aud": "https://evil.example/"}),
		"several audiences":    key.assertion(g, map[string]any{"aud": []string{g.issuer, "https://evil.example/"}}),
		"a list of audiences":  key.assertion(g, map[string]any{"aud": []string{g.issuer}}),
		"expired":              key.assertion(g, map[string]any{"exp": g.clock.Now().Add(-time.Hour).Unix()}),
		"good for ever":        key.assertion(g, map[string]any{"exp": g.clock.Now().Add(24 * time.Hour).Unix()}),
		"without an expiry":    key.assertion(g, map[string]any{"exp": nil}),
		"without an ID":        key.assertion(g, map[string]any{"jti": nil}),
		"a proof":              key.proof(g, "POST", "oauth/token", "", "", nil),
		"of no form":           "x.y.z",
		"a megabyte's worth":   strings.Repeat("a", 20<<10) + ".b.c",
		"an ID token of ours ": g.post("oauth/token", "grant_type", "refresh_token", "client_id", "spa", "refresh_token", "x").str("id_token"),
	} {
		if a := g.assert(assertion); a.status < 400 || a.status >= 500 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := g.post("oauth/token", "grant_type", "client_credentials", "audience", "https://api.example", "client_id", "app", "client_secret", appSecret); a.status != 401 {
		t.Errorf("by its old secret: %d %s", a.status, a.body)
	}
}

// TestAssertionOutlivesAMissingNonce retries with another proof, as clients do.
func TestAssertionOutlivesAMissingNonce(t *testing.T) {
	t.Parallel()
	g := start(t)
	key := newSigner(t)
	g.update(func(c *vault.Client) {
		c.AuthMethod, c.SecretHashes, c.Keys, c.FAPI, c.IDTokenAlg = "private_key_jwt", nil, []vault.ClientKey{{ID: "k1", Alg: "ES256", JWK: key.jwk("k1")}}, true, "ES256"
	})
	request := []string{"grant_type", "client_credentials", "audience", "https://api.example", "client_assertion", key.assertion(g, nil),
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
	first := g.prove("oauth/token", key.proof(g, "POST", "oauth/token", "", "", nil), request...)
	if first.str("error") != "use_dpop_nonce" {
		t.Fatalf("%d %s", first.status, first.body)
	}
	if a := g.prove("oauth/token", key.proof(g, "POST", "oauth/token", first.header.Get("DPoP-Nonce"), "", nil), request...); a.status != 200 || a.str("token_type") != "DPoP" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.prove("oauth/token", "", append(request, "client_assertion", key.assertion(g, nil))...); a.status != 400 || a.str("error") != "invalid_dpop_proof" {
		t.Errorf("without a proof: %d %s", a.status, a.body)
	}
}

// TestH49PublishedKeysAreFetchedAsOftenAsNeeded rotates the keys that a client
// publishes, and storms the gateway with keys that nobody has.
func TestH49PublishedKeysAreFetchedAsOftenAsNeeded(t *testing.T) {
	t.Parallel()
	g := start(t)
	old, fresh := newSigner(t), newSigner(t)
	published, fetched := old.jwk("k1"), 0
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetched++
		w.Write([]byte(`{"keys":[` + published + `]}`))
	}))
	t.Cleanup(keys.Close)
	g.update(func(c *vault.Client) { c.AuthMethod, c.SecretHashes, c.JWKSURI = "private_key_jwt", nil, keys.URL })
	if a := g.assert(old.assertion(g, nil)); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	g.clock.forward(2 * time.Minute)
	published = fresh.jwk("k1")
	if a := g.assert(fresh.assertion(g, nil)); a.status != 200 {
		t.Errorf("after the client's rotation: %d %s", a.status, a.body)
	}
	before := fetched
	for range 30 {
		g.assert(newSigner(t).assertion(g, nil))
	}
	if fetched-before > 1 {
		t.Errorf("made-up keys made the gateway fetch %d times", fetched-before)
	}
}

// TestRequestObjectIsAllThatCounts is RFC 9101.
func TestRequestObjectIsAllThatCounts(t *testing.T) {
	t.Parallel()
	g := start(t)
	key := newSigner(t)
	g.update(func(c *vault.Client) { c.Keys = []vault.ClientKey{{ID: "k1", Alg: "ES256", JWK: key.jwk("k1")}} })
	object := func(more map[string]any) string {
		claims := map[string]any{"iss": "app", "aud": g.issuer, "client_id": "app", "redirect_uri": callback, "response_type": "code", "scope": "openid",
			"state": "signed", "exp": g.clock.Now().Add(time.Minute).Unix()}
		for k, v := range more {
			claims[k] = v
		}
		return key.sign("oauth-authz-req+jwt", "k1", false, claims)
	}
	page, err := ada().Visit(g.issuer+"authorize?"+form("client_id", "app", "request", object(nil), "state", "unsigned", "redirect_uri", "https://evil.example/").Encode(), callback)
	if err != nil || page.URL.Query().Get("code") == "" || page.URL.Query().Get("state") != "signed" {
		t.Errorf("%v %+v", err, page)
	}
	if a := g.push("request", object(map[string]any{"state": "pushed"})); a.status != 201 {
		t.Errorf("pushed: %d %s", a.status, a.body)
	}
	for name, more := range map[string]map[string]any{
		"for another": {"aud": "https://evil.example/"}, "another client's": {"client_id": "other"}, "expired": {"exp": 1}, "to elsewhere": {"redirect_uri": "https://evil.example/"},
	} {
		a := g.get("authorize?" + form("client_id", "app", "request", object(more)).Encode())
		if a.status != 400 || a.header.Get("Location") != "" {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
	g.update(func(c *vault.Client) { c.RequireSignedRequest = true })
	if q := g.visit(ada()); q.Get("error") != "invalid_request" {
		t.Errorf("unsigned: %v", q)
	}
}

func TestH33IntrospectionTellsWhoseBusinessItIs(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	ask := func(token, client, secret string) answer {
		return g.post("oauth/introspect", "token", token, "client_id", client, "client_secret", secret)
	}
	for name, tok := range map[string]string{"access": token.AccessToken, "refresh": token.RefreshToken} {
		if a := ask(tok, "app", appSecret); a.json["active"] != true || a.str("sub") == "" || a.json["exp"] == nil {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if a := ask(tok, "other", appSecret+"-of-another"); string(a.body) != `{"active":false}` {
			t.Errorf("%s, to another: %d %s", name, a.status, a.body)
		}
	}
	if a := ask(token.AccessToken, "app", "wrong"); a.status != 401 {
		t.Errorf("to nobody: %d %s", a.status, a.body)
	}
	g.post("oauth/revoke", "client_id", "app", "client_secret", appSecret, "token", token.RefreshToken)
	for name, tok := range map[string]string{"access": token.AccessToken, "refresh": token.RefreshToken, "unknown": "x", "forged": "a.b.c"} {
		if a := ask(tok, "app", appSecret); string(a.body) != `{"active":false}` {
			t.Errorf("%s, after revocation: %d %s", name, a.status, a.body)
		}
	}
}

// TestH31RefreshIsRepeatedWithinItsLeeway asks again with the token before: for
// the same answer at first, and then to lose the grant.
func TestH31RefreshIsRepeatedWithinItsLeeway(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.update(func(c *vault.Client) { c.RefreshLeeway = 30 * time.Second })
	token := g.signIn(ada())
	refresh := func(rt string) answer {
		return g.post("oauth/token", "grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret, "refresh_token", rt)
	}
	first := refresh(token.RefreshToken)
	again := refresh(token.RefreshToken)
	if first.status != 200 || again.status != 200 || first.str("refresh_token") != again.str("refresh_token") {
		t.Fatalf("%d %s\n%d %s", first.status, first.body, again.status, again.body)
	}
	third := refresh(again.str("refresh_token"))
	if third.status != 200 {
		t.Fatalf("%d %s", third.status, third.body)
	}
	if a := refresh("v1." + strings.Split(token.RefreshToken, ".")[1] + ".made-up"); a.status != 403 {
		t.Errorf("made up: %d %s", a.status, a.body)
	}
	if a := refresh(third.str("refresh_token")); a.status != 200 {
		t.Errorf("a made-up token cost the grant: %d %s", a.status, a.body)
	}
	g.clock.forward(31 * time.Second)
	if a := refresh(again.str("refresh_token")); a.status != 403 {
		t.Errorf("after its leeway: %d %s", a.status, a.body)
	}
	if a := g.exchange(third.str("refresh_token")); a.status != 401 {
		t.Errorf("reuse left the grant: %d %s", a.status, a.body)
	}
}
