package main

import (
	"context"
	"fmt"
	"slices"
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
	// What is put from here on has its lookups: the gateway that is measured is not
	// to make them.
	if _, err := g.vault.IndexSome(ctx); err != nil {
		return err
	}
	// In the order of their keys, so that no page is written twice.
	const batch = 20_000
	for _, kind := range filled {
		order := make([]int, accounts)
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return strings.Compare(kind.key(a), kind.key(b)) })
		for some := range slices.Chunk(order, batch) {
			err := g.vault.Update(ctx, func(tx *vault.Tx) error {
				for _, i := range some {
					if err := kind.put(tx, i); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// filled are the kinds of records that a user has who has signed in.
var filled = []struct {
	key func(account int) string
	put func(tx *vault.Tx, account int) error
}{
	{accountID, putUser},
	{accountID, func(tx *vault.Tx, i int) error { return putIdentity(tx, lasting, i) }},
	{accountID, func(tx *vault.Tx, i int) error {
		if i >= shortlived {
			return nil
		}
		return putIdentity(tx, fleeting, i)
	}},
	{accountID, func(tx *vault.Tx, i int) error { return putTokenSet(tx, lasting, i, tx.Now().Add(life)) }},
	{accountID, func(tx *vault.Tx, i int) error {
		if i >= shortlived {
			return nil
		}
		return putTokenSet(tx, fleeting, i, tx.Now())
	}},
	{func(i int) string { return vault.Hash(accessToken(i)) }, putAccessToken},
	{grantID, putGrant},
}

// shortlived is how many of the first accounts have, at a connection of its
// own, a further identity whose access token always has to be refreshed.
const shortlived = 1000

const life = 30 * 24 * time.Hour

func profileOf(i int) vault.Profile {
	name := accountID(i) + "@example.com"
	return vault.Profile{Name: "Bench", Username: name, Email: name}
}

func userID(i int) string { return "salesforce|" + accountID(i) }

func identityKey(connection string, i int) string {
	return vault.IdentityKey(connection, "00D000000000062EAA/"+accountID(i))
}

func putUser(tx *vault.Tx, i int) error {
	user := vault.User{ID: userID(i), Profile: profileOf(i), Identities: []string{identityKey(lasting, i)}, Created: tx.Now()}
	if i < shortlived {
		user.Identities = append(user.Identities, identityKey(fleeting, i))
	}
	return tx.Users.Put(user)
}

func putIdentity(tx *vault.Tx, connection string, i int) error {
	return tx.Identities.Put(vault.Identity{
		Connection: connection, Strategy: "salesforce", Subject: "00D000000000062EAA/" + accountID(i), UserID: accountID(i), Org: "00D000000000062EAA",
		User: userID(i), Profile: profileOf(i),
	})
}

func putTokenSet(tx *vault.Tx, connection string, i int, expires time.Time) error {
	return tx.TokenSets.Put(vault.TokenSet{
		Identity: identityKey(connection, i), ID: "cac_" + accountID(i), AccessToken: vault.NewSecret("00D000000000062!" + strings.Repeat("a", 96)),
		RefreshToken: vault.NewSecret(strings.Repeat("r", 87)), Scopes: []string{"openid", "id", "api", "refresh_token"}, Issued: tx.Now(), Expires: expires,
		Params: map[string]string{"instance_url": "https://acme.my.salesforce.com", "id": "https://login.salesforce.com/id/00D000000000062EAA/" + accountID(i)},
	})
}

func putAccessToken(tx *vault.Tx, i int) error {
	return tx.AccessTokens.Put(vault.AccessToken{
		Hash: vault.Hash(accessToken(i)), Grant: grantID(i), Client: clientES256, User: userID(i), Scopes: []string{"openid"}, Expires: tx.Now().Add(life),
	})
}

func putGrant(tx *vault.Tx, i int) error {
	return tx.Grants.Put(vault.Grant{
		ID: grantID(i), SecretHash: vault.Hash(grantSecret(i)), Client: clientES256, User: userID(i), Identity: identityKey(lasting, i),
		Scopes: []string{"openid", "offline_access"}, Created: tx.Now(), Used: tx.Now(), Expires: tx.Now().Add(life),
	})
}

func accountID(i int) string   { return fmt.Sprintf("005%012dAAA", i) }
func grantID(i int) string     { return vault.Hash(fmt.Sprint("grant ", i)) }
func grantSecret(i int) string { return fmt.Sprintf("SECRET%020d", i) }
func accessToken(i int) string { return fmt.Sprintf("ACCESS%020d", i) }
func code(n int64) string      { return fmt.Sprintf("CODE%020d", n) }
