package server

import (
	"errors"
	"strings"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/vault"
)

// account is a user's account at a connection, or the connection's own.
type account struct {
	user       string      // "" if it is the connection's own
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
// its tokens. The user is one who signed in to the client, or "" if the client
// asks in its own name.
func findAccount(tx *vault.Tx, client vault.Client, x oidc.ExchangeRequest, userID string) (a account, err error) {
	a.user = userID
	w := &wish{client: client, signedIn: true, loginHint: x.LoginHint, scopes: x.Scopes, address: x.Address}
	w.connection, err = tx.Connections.Get(x.Connection)
	if errors.Is(err, vault.ErrNotFound) {
		return a, x.RefuseConnection()
	}
	if err != nil {
		return a, err
	}
	a.connection = w.connection
	err = w.complete(tx, userID)
	switch {
	case errors.Is(err, errNoUser):
		return a, x.RefuseSubject(err)
	case err != nil:
		return a, err
	}
	if fitting := w.fitting(); len(fitting) == 1 {
		a.identity = fitting[0]
	}
	if w.tokens != nil {
		a.tokens = *w.tokens
	}
	if d := decide(w, nil); d != nil {
		return a, d.err(x)
	}
	return a, nil
}

var errNoUser = errors.New("the user was deleted")

// complete reads what is known of the user, "" if the client asks in its own
// name, and of the accounts there.
func (w *wish) complete(tx *vault.Tx, userID string) error {
	if userID == "" {
		w.identities = []vault.Identity{ownIdentity(w.connection)}
	} else {
		user, err := tx.Users.Get(userID)
		if errors.Is(err, vault.ErrNotFound) {
			return errNoUser
		}
		if err != nil {
			return err
		}
		w.user = &user
		if err := foreseeAccounts(tx, user, w.connection); err != nil {
			return err
		}
		if w.identities, err = identitiesAt(tx, user, w.connection); err != nil {
			return err
		}
	}
	fitting := w.fitting()
	if len(fitting) != 1 {
		return nil
	}
	ts, err := tx.TokenSets.Get(fitting[0].Key())
	found, err := vault.Exists(err)
	if found && (userID != "" || ts.Params["basis"] == connections.Basis(w.connection) && ts.Connected(w.connection)) {
		w.tokens = &ts
	}
	return err
}

// hinted reports whether a login_hint fits an account: by its ID, username or
// e-mail at the identity provider.
func hinted(i vault.Identity, hint string) bool {
	return hint == i.UserID || hint == i.Subject || strings.EqualFold(hint, i.Profile.Username) || strings.EqualFold(hint, i.Profile.Email)
}

// foreseeAccounts has the user's identities at a connection read together with
// their tokens.
func foreseeAccounts(tx *vault.Tx, user vault.User, conn vault.Connection) error {
	var places []vault.Location
	for _, key := range user.Identities {
		if vault.ConnectionOf(key) == conn.Name {
			places = append(places, tx.Identities.At(key), tx.TokenSets.At(key))
		}
	}
	return tx.Foresee(places...)
}
