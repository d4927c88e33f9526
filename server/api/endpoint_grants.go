package api

import (
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// Grant is what a user allowed a client, in Auth0's words: a consent, in the
// vault's.
type Grant struct {
	ID       string   `json:"id"`
	Client   string   `json:"clientID"`
	User     string   `json:"user_id"`
	Audience string   `json:"audience,omitempty"`
	Scope    []string `json:"scope"`
}

// grantID names a consent where its key may not stand.
func grantID(c vault.Consent) string { return base64.RawURLEncoding.EncodeToString([]byte(c.Key())) }

func (a *API) listGrants(c echo.Context, _ Caller) error {
	return a.answerGrants(c, c.QueryParam("user_id"))
}

func (a *API) listMyGrants(c echo.Context, caller Caller) error {
	return a.answerGrants(c, caller.User)
}

// answerGrants answers with the grants of a user, or of all if it is "".
func (a *API) answerGrants(c echo.Context, user string) error {
	client, audience := c.QueryParam("client_id"), c.QueryParam("audience")
	var list []Grant
	err := a.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		list = []Grant{}
		all, err := consents(tx, user)
		for _, given := range all {
			if (client == "" || client == given.Client) && (audience == "" || audience == given.Audience) {
				list = append(list, Grant{grantID(given), given.Client, given.User, given.Audience, append([]string{}, given.Scopes...)})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return page(c, "grants", list)
}

// consents are what a user has allowed, or all users if it is "".
func consents(tx *vault.Tx, user string) (list []vault.Consent, err error) {
	if user != "" {
		return tx.ConsentsOf(user)
	}
	for given, err := range tx.Consents.All("") {
		if err != nil {
			return nil, err
		}
		list = append(list, given)
	}
	return list, nil
}

func (a *API) deleteGrant(c echo.Context, _ Caller) error {
	return a.takeBack(c, done, func(vault.Consent) bool { return true })
}

func (a *API) deleteMyGrant(c echo.Context, caller Caller) error {
	return a.takeBack(c, "sallyport_consent_withdrawn", func(given vault.Consent) bool { return given.User == caller.User })
}

// takeBack ends a grant that may be taken back, and with it all that it brought.
func (a *API) takeBack(c echo.Context, kind vault.EventType, may func(vault.Consent) bool) error {
	key, err := base64.RawURLEncoding.DecodeString(parameter(c, "id"))
	if err != nil {
		return errNoGrant
	}
	err = a.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		given, err := tx.Consents.Get(string(key))
		if err == nil && !may(given) {
			return errNoGrant
		}
		if err != nil {
			return err
		}
		return errors.Join(tx.Consents.Delete(given.Key()), tx.Record(a.Event(c, kind,
			vault.Say("grant.client_id", given.Client), vault.Say("grant.user_id", given.User), vault.Say("grant.audience", given.Audience))))
	})
	if errors.Is(err, vault.ErrNotFound) {
		return errNoGrant
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

var errNoGrant = &Problem{Status: http.StatusNotFound, Code: "inexistent_grant", Message: "The grant does not exist: it was taken back already, or is somebody else's."}

// deleteGrantsOf ends all grants of a user.
func (a *API) deleteGrantsOf(c echo.Context, _ Caller) error {
	user := c.QueryParam("user_id")
	if user == "" {
		return &Problem{Status: http.StatusBadRequest, Code: "invalid_query_string", Message: "Query validation error: user_id is missing: say whose grants to delete."}
	}
	err := a.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		all, err := tx.ConsentsOf(user)
		for _, given := range all {
			err = errors.Join(err, tx.Consents.Delete(given.Key()))
		}
		return errors.Join(err, tx.Record(a.Event(c, done, vault.Say("grant.user_id", user), vault.Count("grants", int64(len(all))))))
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
