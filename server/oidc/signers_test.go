package oidc_test

import (
	"encoding/json"
	"testing"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

func TestEveryAlgorithmSigns(t *testing.T) {
	t.Parallel()
	var keys []vault.SigningKey
	algs := []string{"RS256", "PS256", "ES256", "EdDSA"}
	for _, alg := range algs {
		k, err := oidc.GenerateKey(alg, now)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	signers, err := oidc.NewSigners(keys)
	if err != nil {
		t.Fatal(err)
	}
	ks, err := oidc.NewKeySet(signers...)
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range algs {
		s, err := signers.For(alg, now)
		if err != nil || s.Alg() != alg {
			t.Fatalf("%s: got %v, %v", alg, s, err)
		}
		if err := ks.Verify(sign(t, s, oidc.TypIDToken, good()), []string{oidc.TypIDToken}, issuer, now, &oidc.TokenClaims{}); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		client := vault.Client{ID: "app", IDTokenAlg: alg}
		if hint, err := ks.VerifyHint(sign(t, s, oidc.TypIDToken, oidc.IDTokenClaims(issuer, oidc.IDToken{Client: client, User: ada}, now)), issuer); err != nil || hint.Subject != ada.ID {
			t.Errorf("%s: got %+v, %v", alg, hint, err)
		}
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(ks.JWKS(), &set); err != nil || len(set.Keys) != 4 {
		t.Fatalf("%s: %v", ks.JWKS(), err)
	}
	if ed := set.Keys[3]; ed["kty"] != "OKP" || ed["crv"] != "Ed25519" || ed["alg"] != "EdDSA" || ed["use"] != "sig" || len(ed["x"]) != 43 || len(ed) != 6 {
		t.Errorf("got %v", ed) // RFC 8037, section 2: nothing private
	}
	if ps := set.Keys[1]; ps["kty"] != "RSA" || ps["alg"] != "PS256" || len(ps) != 6 {
		t.Errorf("got %v", ps)
	}
}

func TestNewestSignerForAnAlgorithm(t *testing.T) {
	t.Parallel()
	rs, es := keys()
	older, newer, next := es, es, es
	older.ID, older.NotBefore = "older", now.Add(-2*time.Hour)
	newer.ID, newer.NotBefore = "newer", now.Add(-time.Hour)
	next.ID, next.NotBefore = "next", now.Add(time.Hour)
	signers, err := oidc.NewSigners([]vault.SigningKey{older, rs, next, newer})
	if err != nil {
		t.Fatal(err)
	}
	for alg, id := range map[string]string{"": rs.ID, "RS256": rs.ID, "ES256": "newer"} {
		if s, err := signers.For(alg, now); err != nil || s.ID() != id {
			t.Errorf("%q: got %v, %v", alg, s, err)
		}
	}
	for _, alg := range []string{"PS256", "EdDSA", "none", "HS256", "rs256"} {
		if s, err := signers.For(alg, now); err == nil {
			t.Errorf("%s: got %s", alg, s.ID())
		}
	}
	if s, err := signers.For("ES256", next.NotBefore); err != nil || s.ID() != "next" {
		t.Errorf("got %v, %v", s, err)
	}
	if signers[0].ID() != "next" {
		t.Error("the newest should be first")
	}
	if _, err := oidc.NewSigners([]vault.SigningKey{rs, {ID: "x"}}); err == nil {
		t.Error("passes over a broken key")
	}
}

// OpenID Connect Core 1.0, section 3.1.3.6: the hash is the algorithm's.
func TestAtHashFitsTheAlgorithm(t *testing.T) {
	t.Parallel()
	const token = "jHkWEdUXMU1BwAsC4vtUsZwnvTvpg"
	for alg, want := range map[string]string{"": "MVpzSQdeDc9OgOlsoUZDKw", "RS256": "MVpzSQdeDc9OgOlsoUZDKw", "PS256": "MVpzSQdeDc9OgOlsoUZDKw", "ES256": "MVpzSQdeDc9OgOlsoUZDKw"} {
		c := oidc.IDTokenClaims(issuer, oidc.IDToken{Client: vault.Client{ID: "app", IDTokenAlg: alg}, User: ada, AccessToken: token}, now)
		if c["at_hash"] != want {
			t.Errorf("%s: got %v", alg, c["at_hash"])
		}
	}
	c := oidc.IDTokenClaims(issuer, oidc.IDToken{Client: vault.Client{ID: "app", IDTokenAlg: "EdDSA"}, User: ada, AccessToken: token}, now)
	if s, ok := c["at_hash"].(string); !ok || len(s) != 43 { // half of SHA-512
		t.Errorf("EdDSA: got %v", c["at_hash"])
	}
}
