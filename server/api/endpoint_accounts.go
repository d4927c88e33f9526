package api

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// ConnectedAccount is a user's account of which the vault keeps tokens, as the My
// Account API has it. Auth0's does not say which account it is.
type ConnectedAccount struct {
	ID          string     `json:"id"`
	Connection  string     `json:"connection"`
	AccessType  string     `json:"access_type"` // "offline", or "online" if there is no refresh token
	Scopes      []string   `json:"scopes"`
	CreatedAt   time.Time  `json:"created_at"`
	ExpiresAt   *time.Time `json:"expires_at,omitempty"` // of the access token, if there is no other to follow
	OrgID       string     `json:"org_id,omitempty"`
	Account     string     `json:"account"` // the user's ID at the provider, as in an exchange
	Username    string     `json:"username,omitempty"`
	Email       string     `json:"email,omitempty"`
	Name        string     `json:"name,omitempty"`
	InstanceURL string     `json:"instance_url,omitempty"`
}

func accountOf(ts vault.TokenSet, i vault.Identity) ConnectedAccount {
	shown := ConnectedAccount{ID: ts.ID, Connection: i.Connection, AccessType: "offline", Scopes: append([]string{}, ts.Scopes...), CreatedAt: ts.Created.UTC().Truncate(time.Millisecond),
		OrgID: i.Org, Account: i.UserID, Username: i.Profile.Username, Email: i.Profile.Email, Name: i.Profile.Name, InstanceURL: ts.Params["instance_url"]}
	if ts.RefreshToken.IsZero() {
		shown.AccessType, shown.ExpiresAt = "online", utc(ts.Expires)
	}
	return shown
}

// tokenSets are those of a user that are connected, with their identities.
func tokenSets(tx *vault.Tx, user vault.User, yield func(vault.TokenSet, vault.Identity)) error {
	for _, key := range user.Identities {
		ts, err := tx.TokenSets.Get(key)
		if found, err := vault.Exists(err); err != nil {
			return err
		} else if !found {
			continue
		}
		i, err := tx.Identities.Get(key)
		if err != nil {
			return err
		}
		conn, err := tx.Connections.Get(i.Connection)
		if found, err := vault.Exists(err); err != nil {
			return err
		} else if found && ts.Connected(conn) {
			yield(ts, i)
		}
	}
	return nil
}

// findTokenSet finds one of a user's by the account's ID.
func findTokenSet(tx *vault.Tx, userID, id string) (found vault.TokenSet, err error) {
	user, err := tx.Users.Get(userID)
	if err != nil {
		return found, err
	}
	err = tokenSets(tx, user, func(ts vault.TokenSet, _ vault.Identity) {
		if ts.ID == id {
			found = ts
		}
	})
	if err == nil && found.ID == "" {
		err = vault.ErrNotFound
	}
	return found, err
}

// listMyAccounts lists a user's connected accounts.
func (a *API) listMyAccounts(c echo.Context, caller Caller) error {
	only := c.QueryParams()["connection"]
	var list []ConnectedAccount
	err := a.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		list = []ConnectedAccount{}
		user, err := tx.Users.Get(caller.User)
		if err != nil {
			return err
		}
		return tokenSets(tx, user, func(ts vault.TokenSet, i vault.Identity) {
			if len(only) == 0 || slices.Contains(only, i.Connection) {
				list = append(list, accountOf(ts, i))
			}
		})
	})
	if err != nil {
		return err
	}
	return myPage(c, "accounts", list, func(a ConnectedAccount) string { return a.ID })
}

// myPage answers with a part of a list that begins after a cursor, which Auth0's
// SDKs call from or next.
func myPage[T any](c echo.Context, name string, list []T, cursor func(T) string) error {
	take := 10
	if text := c.QueryParam("take"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 20 {
			return invalidQuery("take is a number from 1 to 20.")
		}
		take = n
	}
	from := c.QueryParam("from")
	if from == "" {
		from = c.QueryParam("next")
	}
	if from != "" {
		i := slices.IndexFunc(list, func(e T) bool { return cursor(e) == from })
		if i < 0 {
			return invalidQuery("from is not what an answer gave as next, or what it spoke of is gone: begin anew.")
		}
		list = list[i+1:]
	}
	answer := map[string]any{name: list}
	if len(list) > take {
		answer[name], answer["next"] = list[:take], cursor(list[take-1])
	}
	return c.JSON(http.StatusOK, answer)
}

// resultHeader says how far it has come to revoke what was disconnected.
const resultHeader = "X-Sallyport-Revocation"

// deleteMyAccount disconnects an account of the user's. Auth0's leaves the grant
// at the provider alone; here it is ended, too.
func (a *API) deleteMyAccount(c echo.Context, caller Caller) error {
	id := parameter(c, "id")
	result, err := a.Disconnect(c.Request().Context(), a.Event(c, "sallyport_account_disconnected", vault.Say("account", id)), func(tx *vault.Tx) (vault.TokenSet, error) {
		ts, err := findTokenSet(tx, caller.User, id)
		return ts, NotFound(err, "inexistent_account", "You have no connected account with this ID: it was disconnected already, or is somebody else's.")
	})
	if err != nil {
		return err
	}
	c.Response().Header().Set(resultHeader, result)
	return c.NoContent(http.StatusNoContent)
}

// listMyConnections lists the connections at which the user can connect accounts
// for the application.
func (a *API) listMyConnections(c echo.Context, caller Caller) error {
	type connection struct {
		Name     string   `json:"name"`
		Strategy string   `json:"strategy"`
		Scopes   []string `json:"scopes,omitempty"`
	}
	var list []connection
	err := a.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		list = []connection{}
		for conn, err := range tx.Connections.All("") {
			if err != nil {
				return err
			}
			if conn.Active && conn.TokenVault && conn.Allows(caller.Client) {
				list = append(list, connection{conn.Name, conn.Strategy, conn.Scopes})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return myPage(c, "connections", list, func(c connection) string { return c.Name })
}
