package server

import (
	"context"
	"errors"

	"sallyport/server/api"
	"sallyport/vault"
)

// Explain says whether an exchange would be granted, and by which rules: by the
// very function that decides about exchanges. It asks no identity provider.
func Explain(ctx context.Context, v *vault.Vault, q api.ExplainRequest) (answer api.Explanation, err error) {
	w := wish{loginHint: q.LoginHint, scopes: q.Scopes, address: q.Address}
	err = v.View(ctx, func(tx *vault.Tx) (err error) {
		if w.connection, err = tx.Connections.Get(q.Connection); err != nil {
			return api.NotFound(err, "inexistent_connection", "There is no connection "+q.Connection+".")
		}
		if w.client, err = tx.Clients.Get(q.Client); err != nil {
			return api.NotFound(err, "inexistent_client", "There is no client "+q.Client+".")
		}
		if err = w.complete(tx, q.User); errors.Is(err, errNoUser) {
			return api.NotFound(vault.ErrNotFound, "inexistent_user", "There is no user "+q.User+".")
		}
		if err == nil && w.user != nil {
			w.signedIn, err = signedIn(tx, *w.user, w.client)
		}
		return err
	})
	if err != nil {
		return answer, err
	}
	d := decide(&w, func(rule, holds string, d *denial) {
		if d != nil {
			holds = d.why
		}
		answer.Rules = append(answer.Rules, api.ExplainedRule{Rule: rule, Passed: d == nil, Why: holds})
	})
	answer.Allowed = d == nil
	if d != nil {
		answer.Reason, answer.MissingScopes = string(d.reason), d.missing
	}
	return answer, nil
}

// signedIn reports whether some sign-in of a user is in force by which a client
// can exchange tokens: to the client, or to another for the client's API.
func signedIn(tx *vault.Tx, user vault.User, client vault.Client) (bool, error) {
	grants, err := grantsOf(tx, user.ID)
	if err != nil {
		return false, err
	}
	for _, g := range grants {
		if g.Client != client.ID && (client.API == "" || g.Audience != client.API) {
			continue
		}
		_, err := tx.Grant(g.ID)
		if found, err := vault.Exists(err); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// mostGrants is more than a user has who signs in every hour of half a year.
const mostGrants = 5000

// grantsOf are a user's grants. In a vault of an earlier version, all have to be
// looked at until they can be found.
func grantsOf(tx *vault.Tx, user string) (list []vault.Grant, err error) {
	findable, err := tx.Findable()
	switch {
	case err != nil:
		return nil, err
	case findable:
		return tx.GrantsOf(user, mostGrants)
	}
	for g, err := range tx.Grants.All("") {
		if err != nil {
			return nil, err
		}
		if g.User == user {
			list = append(list, g)
		}
	}
	return list, nil
}
