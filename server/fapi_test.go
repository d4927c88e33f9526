package server_test

import (
	"crypto/rand"
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"sallyport/vault"
)

const fapiCallback = "https://fapi.example/callback"

// fapi is a client that is held to the FAPI 2.0 Security Profile.
func (g *gateway) fapi() signer {
	key := newSigner(g.t)
	g.update(func(c *vault.Client) {
		c.AuthMethod, c.SecretHashes, c.Keys = "private_key_jwt", nil, []vault.ClientKey{{ID: "k1", Alg: "ES256", JWK: key.jwk("k1")}}
		c.FAPI, c.IDTokenAlg, c.RedirectURIs = true, "ES256", []string{fapiCallback}
	})
	g.work()
	return key
}

// asserted posts a form with an assertion and a proof.
func (g *gateway) asserted(key signer, path string, nonce string, pairs ...string) answer {
	g.t.Helper()
	return g.prove(path, key.proof(g, "POST", path, nonce, "", nil), append(pairs, "client_assertion", key.assertion(g, nil),
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")...)
}

// TestFAPIClientSignsInAndExchanges is the whole journey by the FAPI 2.0
// Security Profile: pushed, signed by a key, bound to one, with iss in the
// answer.
func TestFAPIClientSignsInAndExchanges(t *testing.T) {
	t.Parallel()
	g := start(t)
	key := g.fapi()
	push := []string{"redirect_uri", fapiCallback, "response_type", "code", "scope", "openid offline_access", "state", "the-state",
		"code_challenge", s256(verifier), "code_challenge_method", "S256"}
	nonce := g.asserted(key, "oauth/par", "", push...).header.Get("DPoP-Nonce")
	pushed := g.asserted(key, "oauth/par", nonce, push...)
	if pushed.status != 201 {
		t.Fatalf("%d %s", pushed.status, pushed.body)
	}
	page, err := ada().Visit(g.issuer+"authorize?"+form("client_id", "app", "request_uri", pushed.str("request_uri")).Encode(), fapiCallback)
	if err != nil || page.URL.Query().Get("iss") != g.issuer || page.URL.Query().Get("code") == "" {
		t.Fatalf("%v %+v", err, page)
	}
	redeem := []string{"grant_type", "authorization_code", "code", page.URL.Query().Get("code"), "redirect_uri", fapiCallback, "code_verifier", verifier}
	token := g.asserted(key, "oauth/token", nonce, redeem...)
	if token.status != 200 || token.str("token_type") != "DPoP" {
		t.Fatalf("%d %s", token.status, token.body)
	}
	var header struct{ Alg string }
	if json.Unmarshal(decode(t, token.str("id_token"), 0), &header); header.Alg != "ES256" {
		t.Errorf("the ID token is signed with %s", header.Alg)
	}
	refreshed := g.asserted(key, "oauth/token", nonce, "grant_type", "refresh_token", "refresh_token", token.str("refresh_token"))
	if refreshed.status != 200 || refreshed.str("refresh_token") != token.str("refresh_token") {
		t.Errorf("refresh: %d %s", refreshed.status, refreshed.body)
	}
	exchanged := g.asserted(key, "oauth/token", nonce, "grant_type", federatedGrant, "subject_token", token.str("refresh_token"), "subject_token_type", refreshType,
		"requested_token_type", federatedType, "connection", "salesforce")
	if exchanged.status != 200 || g.query(exchanged) != 200 {
		t.Errorf("exchange: %d %s", exchanged.status, exchanged.body)
	}
}

// TestFAPIClientIsHeldToIt leaves out one thing at a time.
func TestFAPIClientIsHeldToIt(t *testing.T) {
	t.Parallel()
	g := start(t)
	key := g.fapi()
	push := []string{"redirect_uri", fapiCallback, "response_type", "code", "scope", "openid", "code_challenge", s256(verifier), "code_challenge_method", "S256"}
	nonce := g.asserted(key, "oauth/par", "", push...).header.Get("DPoP-Nonce")
	for name, change := range map[string][]string{
		"no PKCE": {"code_challenge", "", "code_challenge_method", ""}, "another response type": {"response_type", "code id_token"}, "a message": {"response_mode", "web_message"},
	} {
		if a := g.asserted(key, "oauth/par", nonce, append(push, change...)...); a.status != 400 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	a := g.get("authorize?" + form("client_id", "app", "redirect_uri", fapiCallback, "response_type", "code", "scope", "openid").Encode())
	if u, _ := url.Parse(a.header.Get("Location")); u.Query().Get("error") != "invalid_request" {
		t.Errorf("unpushed: %d %v", a.status, a.header)
	}
	weak := newSignerFor(t, "RS256")
	g.update(func(c *vault.Client) {
		c.Keys = append(c.Keys, vault.ClientKey{ID: "k2", Alg: "RS256", JWK: weak.jwk("k2")})
	})
	now := g.clock.Now()
	assertion := weak.sign("JWT", "k2", false, map[string]any{"iss": "app", "sub": "app", "aud": g.issuer, "exp": now.Add(time.Minute).Unix(), "jti": rand.Text()})
	if a := g.prove("oauth/par", key.proof(g, "POST", "oauth/par", nonce, "", nil), append(push, "client_assertion", assertion,
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")...); a.status != 401 {
		t.Errorf("RS256: %d %s", a.status, a.body)
	}
	if a := g.prove("oauth/token", "", "grant_type", "client_credentials", "audience", "https://api.example", "client_assertion", key.assertion(g, nil),
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"); a.status != 400 || a.str("error") != "invalid_dpop_proof" {
		t.Errorf("a token for everybody: %d %s", a.status, a.body)
	}
	endpoint := key.assertion(g, map[string]any{"aud": g.issuer + "oauth/token"})
	if a := g.prove("oauth/token", key.proof(g, "POST", "oauth/token", nonce, "", nil), "grant_type", "client_credentials", "audience", "https://api.example",
		"client_assertion", endpoint, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"); a.status != 401 {
		t.Errorf("the endpoint as audience: %d %s", a.status, a.body)
	}
}
