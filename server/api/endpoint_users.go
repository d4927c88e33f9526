package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// listUsers lists users in the order of their IDs, in pages that begin after a
// cursor, or are counted; what is searched for may take a look at all users.
func (a *API) listUsers(c echo.Context, _ Caller) error {
	matches, err := parseUserQuery(c.QueryParam("q"))
	if err != nil {
		return err
	}
	from, take, skip := c.QueryParam("from"), 50, 0
	counted := c.QueryParam("take") == "" && from == ""
	for param, to := range map[string]*int{"take": &take, "per_page": &take, "page": &skip} {
		if text := c.QueryParam(param); text != "" {
			n, err := strconv.ParseUint(text, 10, 16)
			if err != nil || param != "page" && (n < 1 || n > 100) {
				return invalidQuery("page is a number from 0, and per_page or take one from 1 to 100.")
			}
			*to = int(n)
		}
	}
	totals := counted && c.QueryParam("include_totals") == "true"
	start := skip * take
	var list []User
	var next string
	var total int
	err = a.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		list, next, total = []User{}, "", 0
		for u, err := range tx.Users.All(from) {
			if err != nil {
				return err
			}
			shown, err := userOf(tx, u)
			if err != nil {
				return err
			}
			if !matches(shown) {
				continue
			}
			total++
			switch {
			case total <= start:
			case len(list) < take:
				list = append(list, shown)
			default:
				next = list[take-1].ID
				if !totals {
					return nil
				}
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case totals:
		return c.JSON(http.StatusOK, map[string]any{"users": list, "start": start, "limit": take, "length": len(list), "total": total})
	case counted:
		return c.JSON(http.StatusOK, list)
	}
	answer := map[string]any{"users": list}
	if next != "" {
		answer["next"] = next
	}
	return c.JSON(http.StatusOK, answer)
}

func (a *API) getUser(c echo.Context, _ Caller) error {
	id := parameter(c, "id")
	var shown User
	err := a.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		u, err := tx.Users.Get(id)
		if err != nil {
			return NotFound(err, "inexistent_user", "The user does not exist.")
		}
		shown, err = userOf(tx, u)
		return err
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shown)
}

// deleteUser deletes a user, who need not be there, with all that is theirs.
func (a *API) deleteUser(c echo.Context, _ Caller) error {
	if err := a.DeleteUser(c.Request().Context(), a.Event(c, done, vault.Say("user_id", parameter(c, "id"))), parameter(c, "id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// TokenSet is one of a user's, in Auth0's shape, without its tokens.
type TokenSet struct {
	ID         string     `json:"id"`
	Connection string     `json:"connection"`
	Scope      string     `json:"scope"`
	IssuedAt   *time.Time `json:"issued_at,omitempty"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"` // of the access token
}

// ofUser answers with what is made of each of a user's connected token sets.
func (a *API) ofUser(c echo.Context, each func(vault.TokenSet, vault.Identity)) error {
	return a.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		u, err := tx.Users.Get(parameter(c, "id"))
		if err != nil {
			return NotFound(err, "inexistent_user", "The user does not exist.")
		}
		return tokenSets(tx, u, each)
	})
}

func (a *API) listAccountsOf(c echo.Context, _ Caller) error {
	list := []ConnectedAccount{}
	err := a.ofUser(c, func(ts vault.TokenSet, i vault.Identity) { list = append(list, accountOf(ts, i)) })
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"connected_accounts": list})
}

func (a *API) listTokenSets(c echo.Context, _ Caller) error {
	list := []TokenSet{}
	err := a.ofUser(c, func(ts vault.TokenSet, i vault.Identity) {
		list = append(list, TokenSet{ts.ID, i.Connection, strings.Join(ts.Scopes, " "), utc(ts.Issued), utc(ts.Expires)})
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, list)
}

// deleteTokenSet disconnects an account of a user's, who need not have it.
func (a *API) deleteTokenSet(c echo.Context, _ Caller) error {
	user, id := parameter(c, "id"), parameter(c, "tokenset")
	result, err := a.Disconnect(c.Request().Context(), a.Event(c, done, vault.Say("user_id", user), vault.Say("account", id)), func(tx *vault.Tx) (vault.TokenSet, error) { return findTokenSet(tx, user, id) })
	if errors.Is(err, vault.ErrNotFound) {
		return c.NoContent(http.StatusNoContent) // as Auth0's
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set(resultHeader, result)
	return c.NoContent(http.StatusNoContent)
}
