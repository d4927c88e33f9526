package server

import (
	"errors"
	"slices"
	"strings"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/vault"
)

// account is a user's account at a connection.
type account struct {
	user       string
	grant      vault.Grant // of the subject token, if that is a refresh token
	connection vault.Connection
	identity   vault.Identity
	tokens     vault.TokenSet
}

// noteOn notes whose account it is, as far as it was found.
func (a account) noteOn(n *note) {
	n.byUser(a.user)
	if a.connection.Name != "" {
		n.at(a.connection)
	}
	n.event.Account, n.event.UserName = vault.Said(a.identity.UserID), vault.Said(a.identity.Profile.Username)
}

// findAccount is the account that an exchange asks for, if the client may have
// its tokens.
func findAccount(tx *vault.Tx, client vault.Client, x oidc.ExchangeRequest, userID string) (a account, err error) {
	a.user = userID
	a.connection, err = tx.Connections.Get(x.Connection)
	if errors.Is(err, vault.ErrNotFound) {
		return a, x.RefuseConnection()
	}
	if err != nil {
		return a, err
	}
	conn := a.connection
	user, err := tx.Users.Get(userID)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return a, x.RefuseSubject(errors.New("the user was deleted"))
	case err != nil:
		return a, err
	case user.Blocked:
		return a, x.Refuse(oidc.Refusal{Reason: oidc.UserBlocked}, "The user is blocked. An administrator can unblock the user.")
	}
	if err := checkConnection(conn, client, x); err != nil {
		return a, err
	}
	if connections.OfClients(conn) {
		return a, x.Refuse(oidc.Refusal{Reason: oidc.NotStored}, "The connection's tokens belong to applications, and to no user. Send an access token of the application's own, from the client credentials grant, as subject_token.")
	}
	identities, err := identitiesAt(tx, user, conn)
	if err != nil {
		return a, err
	}
	if len(identities) == 0 {
		where := conn.Title()
		if org := conn.Options["org_id"]; org != "" {
			where += " in the org " + org + ", which the connection is for (org_id)"
		}
		return a, x.Refuse(oidc.Refusal{Reason: oidc.NotConnected}, "The user has no account at "+where+". The user must connect it.")
	}
	if x.LoginHint != "" {
		if identities = slices.DeleteFunc(identities, func(i vault.Identity) bool { return !hinted(i, x.LoginHint) }); len(identities) == 0 {
			return a, x.RefuseLoginHint()
		}
	}
	if len(identities) > 1 {
		return a, x.Refuse(oidc.Refusal{Reason: oidc.AmbiguousAccount}, "The user has several accounts at "+conn.Title()+". Send login_hint: the account's id, username or e-mail there.")
	}
	a.identity = identities[0]
	a.tokens, err = tx.TokenSets.Get(a.identity.Key())
	if errors.Is(err, vault.ErrNotFound) {
		return a, x.Refuse(oidc.Refusal{Reason: oidc.NotConnected}, "No tokens of the user's account at "+conn.Title()+" are kept. The user must connect it.")
	}
	return a, err
}

// checkConnection finds fault with a connection that a client may not have
// tokens of, or that keeps none.
func checkConnection(conn vault.Connection, client vault.Client, x oidc.ExchangeRequest) error {
	switch {
	case !conn.Allows(client.ID):
		return x.Refuse(oidc.Refusal{Reason: oidc.ClientNotAllowed}, "The connection is not enabled for this application. Add its client_id to the connection's enabled_clients.")
	case !conn.TokenVault:
		return x.Refuse(oidc.Refusal{Reason: oidc.NotStored}, "The connection does not keep tokens. Set its connected_accounts.active, and let the user sign in again.")
	case !conn.Active:
		return x.Refuse(oidc.Refusal{Reason: oidc.ConnectionDisabled}, "The connection is switched off. Set its authentication.active.")
	}
	return nil
}

// hinted reports whether a login_hint fits an account: by its ID, username or
// e-mail at the identity provider.
func hinted(i vault.Identity, hint string) bool {
	return hint == i.UserID || hint == i.Subject || strings.EqualFold(hint, i.Profile.Username) || strings.EqualFold(hint, i.Profile.Email)
}
