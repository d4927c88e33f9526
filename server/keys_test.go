package server_test

import (
	"encoding/json"
	"testing"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"

	"sallyport/server"
	"sallyport/vault"
)

// TestSigningKeysRotateWithoutAGap goes through half a year of the keys' life: at
// any time a client's copy of the published keys that is not a day old verifies
// what is issued, and all that was issued is good until it expires.
func TestSigningKeysRotateWithoutAGap(t *testing.T) {
	t.Parallel()
	g := start(t)
	kid := func(token string) string {
		var header struct{ Kid string }
		json.Unmarshal(decode(t, token, 0), &header)
		return header.Kid
	}
	published := func() map[string]bool {
		var set struct{ Keys []struct{ Kid string } }
		json.Unmarshal(g.get(".well-known/jwks.json").body, &set)
		all := map[string]bool{}
		for _, k := range set.Keys {
			all[k.Kid] = true
		}
		return all
	}
	used := map[string]bool{}
	before := published()
	for range 180 {
		token := g.post("oauth/token", "grant_type", "client_credentials", "client_id", "app", "client_secret", appSecret, "audience", "https://api.example").str("access_token")
		if !before[kid(token)] {
			t.Fatalf("signed with a key that was not published a day ago")
		}
		used[kid(token)] = true
		before = published()
		g.clock.forward(24 * time.Hour)
		g.work()
	}
	if len(used) < 2 || len(published()) > 3 {
		t.Errorf("%d keys signed in half a year, %d are published", len(used), len(published()))
	}
}

// TestRotationByHandLeavesWhatWasIssuedGood.
func TestRotationByHandLeavesWhatWasIssuedGood(t *testing.T) {
	t.Parallel()
	g := start(t)
	raw, _ := g.signIn(ada()).Extra("id_token").(string)
	if keys, err := server.RotateKeys(t.Context(), g.vault, 0, nil); err != nil || len(keys) != 2 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	g.work()
	_, verify := g.application()
	if _, err := verify.Verify(t.Context(), raw); err != nil {
		t.Errorf("issued before: %v", err)
	}
	fresh, _ := g.signIn(ada()).Extra("id_token").(string)
	_, verify = g.application()
	if _, err := verify.Verify(t.Context(), fresh); err != nil {
		t.Errorf("issued after: %v", err)
	}
	if string(decode(t, raw, 0)) == string(decode(t, fresh, 0)) {
		t.Error("the new key does not sign")
	}
}

func TestClientsAndAPIsChooseTheAlgorithm(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.put(func(tx *vault.Tx) error {
		c, err := tx.Clients.Get("app")
		c.IDTokenAlg = "ES256"
		if err == nil {
			err = tx.Clients.Put(c)
		}
		return err
	})
	g.work()
	raw, _ := g.signIn(ada()).Extra("id_token").(string)
	provider, err := goidc.NewProvider(t.Context(), g.issuer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Verifier(&goidc.Config{ClientID: "app", SupportedSigningAlgs: []string{"ES256"}}).Verify(t.Context(), raw); err != nil {
		t.Error(err)
	}
}
