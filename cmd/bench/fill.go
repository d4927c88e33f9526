package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sallyport/vault"
)

// fill fills an empty store with accounts whose access tokens are good for
// long, and others whose access tokens are not.
func (t tenant) fill(ctx context.Context, accounts int) error {
	g, err := t.open(ctx, "http://127.0.0.1/")
	if err != nil {
		return err
	}
	defer g.vault.Close()
	// Big transactions: each of them writes most pages of a big store again.
	const batch = 20_000
	for from := 0; from < accounts; from += batch {
		err := g.vault.Update(ctx, func(tx *vault.Tx) error {
			for i := from; i < min(from+batch, accounts); i++ {
				if err := putAccount(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// shortlived is how many of the first accounts have, at a connection of its
// own, a further identity whose access token always has to be refreshed.
const shortlived = 1000

const life = 30 * 24 * time.Hour

// putAccount is a user who has signed in: with an identity, a token set, and a
// grant with a refresh token and an opaque access token.
func putAccount(tx *vault.Tx, i int) error {
	id, now := accountID(i), tx.Now()
	profile := vault.Profile{Name: "Bench", Username: id + "@example.com", Email: id + "@example.com"}
	user := vault.User{ID: "salesforce|" + id, Profile: profile, Created: now}
	connect := func(connection string, expires time.Time) error {
		identity := vault.Identity{
			Connection: connection, Strategy: "salesforce", Subject: "00D000000000062EAA/" + id, UserID: id, Org: "00D000000000062EAA", User: user.ID, Profile: profile,
		}
		user.Identities = append(user.Identities, identity.Key())
		if err := tx.Identities.Put(identity); err != nil {
			return err
		}
		return tx.TokenSets.Put(vault.TokenSet{
			Identity: identity.Key(), ID: "cac_" + id, AccessToken: vault.NewSecret("00D000000000062!" + strings.Repeat("a", 96)),
			RefreshToken: vault.NewSecret(strings.Repeat("r", 87)), Scopes: []string{"openid", "id", "api", "refresh_token"}, Issued: now, Expires: expires,
			Params: map[string]string{"instance_url": "https://acme.my.salesforce.com", "id": "https://login.salesforce.com/id/" + identity.Subject},
		})
	}
	if err := connect(lasting, now.Add(life)); err != nil {
		return err
	}
	if i < shortlived {
		if err := connect(fleeting, now); err != nil {
			return err
		}
	}
	if err := tx.Users.Put(user); err != nil {
		return err
	}
	if err := tx.AccessTokens.Put(vault.AccessToken{
		Hash: vault.Hash(accessToken(i)), Grant: grantID(i), Client: clientES256, User: user.ID, Scopes: []string{"openid"}, Expires: now.Add(life),
	}); err != nil {
		return err
	}
	return tx.Grants.Put(vault.Grant{
		ID: grantID(i), SecretHash: vault.Hash(grantSecret(i)), Client: clientES256, User: user.ID, Identity: user.Identities[0],
		Scopes: []string{"openid", "offline_access"}, Created: now, Used: now, Expires: now.Add(life),
	})
}

func accountID(i int) string   { return fmt.Sprintf("005%012dAAA", i) }
func grantID(i int) string     { return vault.Hash(fmt.Sprint("grant ", i)) }
func grantSecret(i int) string { return fmt.Sprintf("SECRET%020d", i) }
func accessToken(i int) string { return fmt.Sprintf("ACCESS%020d", i) }
func code(n int64) string      { return fmt.Sprintf("CODE%020d", n) }
