package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"time"

	"sallyport/connections"
	"sallyport/server"
	"sallyport/server/oidc"
	"sallyport/vault"
	"sallyport/vault/bolt"
	"sallyport/vault/postgres"
)

const (
	benchSecret = "the-secret-of-the-benchmark"
	clientES256 = "app"       // an application whose tokens are signed with ES256
	clientRS256 = "app-rs256" // and with RS256
	callback    = "http://app.example/callback"
	audience    = "https://api.example"
	lasting     = "salesforce" // a connection whose access tokens are good for long
	fleeting    = "fleeting"   // a connection whose access tokens always have to be refreshed
)

// tenant is where a store lies and what is upstream of it.
type tenant struct {
	Store      string // path or postgres:// URL
	Key        string // root key
	Salesforce string // URL of the simulated Salesforce
	Refresher  string // URL of a token endpoint whose tokens are good for no time
	Unaudited  bool   // events are not kept
}

// gateway is a gateway and its vault.
type gateway struct {
	store  vault.Store
	vault  *vault.Vault
	server *server.Server
	issuer string
	codes  int64 // number of the next
}

// open opens the vault, and makes in it what is not of any account.
func (t tenant) open(ctx context.Context, issuer string) (*gateway, error) {
	key, err := vault.ParseKey(t.Key)
	if err != nil {
		return nil, err
	}
	store, err := t.openStore(ctx)
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(ctx, store, key)
	if err != nil {
		return nil, err
	}
	if err := v.Update(ctx, t.put); err != nil {
		return nil, err
	}
	const plenty = 1_000_000 // a rate limit that is counted, and never reached
	s, err := server.New(ctx, server.Config{
		Issuer: issuer, Vault: v, HTTP: connections.NewHTTPClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}),
		Pace: server.Pace{Address: plenty, Client: plenty, User: plenty}, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	})
	return &gateway{store: store, vault: v, server: s, issuer: issuer}, err
}

// unaudited is a store that keeps no events, so that what they cost can be told.
// There is no such setting: it is made of Go, and here alone.
type unaudited struct{ vault.Store }

func (u unaudited) Update(ctx context.Context, fn func(vault.KV) error) error {
	return u.Store.Update(ctx, func(kv vault.KV) error { return fn(noEvents{kv}) })
}

// noEvents is a transaction that keeps none.
type noEvents struct{ vault.KV }

func (n noEvents) Put(bucket, key string, v vault.Value) error {
	if bucket == "events" {
		return nil
	}
	return n.KV.Put(bucket, key, v)
}

func (t tenant) openStore(ctx context.Context) (vault.Store, error) {
	if t.Unaudited {
		t.Unaudited = false
		store, err := t.openStore(ctx)
		return unaudited{store}, err
	}
	if strings.HasPrefix(t.Store, "postgres:") {
		return postgres.Open(ctx, t.Store)
	}
	return bolt.Open(t.Store)
}

// put puts the applications, the API and the connections.
func (t tenant) put(tx *vault.Tx) error {
	for client, alg := range map[string]string{clientES256: "ES256", clientRS256: "RS256"} {
		if err := tx.Clients.Put(vault.Client{
			ID: client, Name: "Application", SecretHashes: []string{vault.Hash(benchSecret)}, AuthMethod: "client_secret_post", FirstParty: true,
			Rotate: true, RefreshLifetime: life, IDTokenAlg: alg, RedirectURIs: []string{callback},
			GrantTypes: []string{oidc.GrantAuthorizationCode, oidc.GrantRefreshToken, oidc.GrantClientCredentials, oidc.GrantFederated},
		}); err != nil {
			return err
		}
	}
	if err := tx.ResourceServers.Put(vault.ResourceServer{Identifier: audience, ID: "api", Name: "API", Alg: "ES256", Scopes: []vault.Scope{{Value: "read"}}}); err != nil {
		return err
	}
	if err := tx.ClientGrants.Put(vault.ClientGrant{ID: "cgr", Client: clientES256, Audience: audience, Scopes: []string{"read"}}); err != nil {
		return err
	}
	if err := tx.Connections.Put(vault.Connection{
		Name: lasting, ID: "con_lasting", Strategy: "salesforce", ClientID: "consumer-key", ClientSecret: vault.NewSecret("consumer-secret"),
		Options: map[string]string{"login_url": t.Salesforce}, Active: true, TokenVault: true, Clients: []string{clientES256, clientRS256},
	}); err != nil {
		return err
	}
	return tx.Connections.Put(vault.Connection{
		Name: fleeting, ID: "con_fleeting", Strategy: "oauth2", ClientID: "gateway", ClientSecret: vault.NewSecret("secret"),
		Options: map[string]string{"authorizationURL": t.Refresher, "tokenURL": t.Refresher, "userInfoURL": t.Refresher, "profile.id": "/id"},
		Active:  true, TokenVault: true, Clients: []string{clientES256},
	})
}

// warm reads the whole store, so that the pages of its file are mapped as they are
// in a gateway that has run for a while.
func (g *gateway) warm() error {
	return g.store.View(context.Background(), func(kv vault.KV) error {
		buckets, err := kv.Buckets()
		for _, b := range buckets {
			for _, failed := range kv.Scan(b, "") {
				err = errors.Join(err, failed)
			}
		}
		return err
	})
}

// makeCodes makes authorization codes for an application, of the first accounts'
// users, and returns the number of the first.
func (g *gateway) makeCodes(n int, client string) (first int64, err error) {
	first = g.codes
	g.codes += int64(n)
	return first, g.vault.Update(context.Background(), func(tx *vault.Tx) error {
		for i := range n {
			id := accountID(i % shortlived)
			if err := tx.Codes.Put(vault.Code{
				Hash: vault.Hash(code(first + int64(i))), User: "salesforce|" + id, Identity: vault.IdentityKey(lasting, "00D000000000062EAA/"+id),
				Request: vault.AuthorizationRequest{ClientID: client, RedirectURI: callback, Scopes: []string{"openid", "offline_access"}},
				Expires: tx.Now().Add(time.Hour),
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// makeTokens writes access tokens in the form of JWTs to a file, a line each: of
// any accounts' users, for the API, and no two the same.
func (g *gateway) makeTokens(n, accounts int, file string) error {
	var keys []vault.SigningKey
	err := g.vault.View(context.Background(), func(tx *vault.Tx) error {
		for k, err := range tx.Keys.All("") {
			if err != nil {
				return err
			}
			keys = append(keys, k)
		}
		return nil
	})
	if err != nil {
		return err
	}
	signers, err := oidc.NewSigners(keys)
	if err != nil {
		return err
	}
	signer, err := signers.For("ES256", time.Now())
	if err != nil {
		return err
	}
	var lines []byte
	for range n {
		i := mathrand.IntN(accounts)
		token, err := signer.Sign(oidc.TypAccessToken, oidc.AccessTokenClaims(g.issuer, oidc.AccessToken{
			ClientID: clientES256, Subject: "salesforce|" + accountID(i), Audience: audience, Scopes: []string{"read"}, ID: oidc.TokenID(grantID(i), rand.Text()),
		}, time.Now()))
		if err != nil {
			return err
		}
		lines = append(append(lines, token...), '\n')
	}
	return os.WriteFile(file, lines, 0o600)
}
