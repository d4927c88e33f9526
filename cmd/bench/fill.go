package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
	"sallyport/vault/bolt"
)

const (
	benchIssuer = "https://bench.example/"
	benchSecret = "the-secret-of-the-benchmark"
	benchClient = "app"
)

// fill makes a store with one application, one connection, and accounts whose
// access tokens are good for long.
func fill(path string, accounts int) (*vault.Vault, error) {
	ctx := context.Background()
	store, err := bolt.Open(path)
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(ctx, store, vault.NewKey())
	if err != nil {
		return nil, err
	}
	err = v.Update(ctx, func(tx *vault.Tx) error {
		if err := tx.Clients.Put(vault.Client{
			ID: benchClient, Name: "Application", SecretHashes: []string{vault.Hash(benchSecret)}, AuthMethod: "client_secret_post", Rotate: true,
			RefreshLifetime: 30 * 24 * time.Hour, GrantTypes: []string{oidc.GrantRefreshToken, oidc.GrantFederated},
		}); err != nil {
			return err
		}
		return tx.Connections.Put(vault.Connection{
			Name: "salesforce", ID: "con_bench", Strategy: "salesforce", ClientID: "key", Active: true, TokenVault: true, Clients: []string{benchClient},
		})
	})
	const batch = 5000
	for from := 0; from < accounts && err == nil; from += batch {
		err = v.Update(ctx, func(tx *vault.Tx) error {
			for i := from; i < min(from+batch, accounts); i++ {
				if err := putAccount(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return v, err
}

// putAccount is a user who has signed in: with an identity, a token set, and a
// grant with a refresh token.
func putAccount(tx *vault.Tx, i int) error {
	id := fmt.Sprintf("005%012dAAA", i)
	identity := vault.Identity{
		Connection: "salesforce", Strategy: "salesforce", Subject: "00D000000000062EAA/" + id, UserID: id, Org: "00D000000000062EAA", User: "salesforce|" + id,
		Profile: vault.Profile{Name: "Bench", Username: id + "@example.com", Email: id + "@example.com"},
	}
	now := tx.Now()
	if err := tx.Users.Put(vault.User{ID: identity.User, Profile: identity.Profile, Identities: []string{identity.Key()}, Created: now}); err != nil {
		return err
	}
	if err := tx.Identities.Put(identity); err != nil {
		return err
	}
	if err := tx.TokenSets.Put(vault.TokenSet{
		Identity: identity.Key(), ID: "cac_" + id, AccessToken: vault.NewSecret("00D000000000062!" + strings.Repeat("a", 96)),
		RefreshToken: vault.NewSecret(strings.Repeat("r", 87)), Scopes: []string{"openid", "id", "api", "refresh_token"}, Issued: now, Expires: now.Add(24 * time.Hour),
		Params: map[string]string{"instance_url": "https://acme.my.salesforce.com", "id": "https://login.salesforce.com/id/" + identity.Subject},
	}); err != nil {
		return err
	}
	return tx.Grants.Put(vault.Grant{
		ID: grantID(i), SecretHash: vault.Hash(grantSecret(i)), Client: benchClient, User: identity.User, Identity: identity.Key(),
		Scopes: []string{"openid", "offline_access"}, Created: now, Used: now, Expires: now.Add(30 * 24 * time.Hour),
	})
}

func grantID(i int) string     { return vault.Hash(fmt.Sprint("code", i)) }
func grantSecret(i int) string { return fmt.Sprintf("SECRET%020d", i) }
