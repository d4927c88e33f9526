package admin

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// askDelete asks before a connection is deleted.
func (p *Pages) askDelete(c echo.Context, v visitor) error {
	return p.deletion(c, v, http.StatusOK, "")
}

func (p *Pages) deletion(c echo.Context, v visitor, status int, fault string) error {
	var f found
	var accounts string
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if f, err = find(tx, c.Param("name")); err != nil {
			return err
		}
		keys, err := tokenSetsOf(tx, f.live.Name, 101)
		accounts = howMany(len(keys))
		return err
	})
	if err == nil && !f.published {
		err = errUnpublished
	}
	if err != nil {
		return err
	}
	return render(c, status, "connection_delete", templates.ConnectionDelete{
		Console: p.console(c, v, "connections"), Name: f.live.Name, Title: f.live.Title(), Provider: kindOf(f.live), Active: f.live.Active, Accounts: accounts,
		Confirm: templates.Input{Name: "confirm", Label: "To confirm, write its name: " + f.live.Name, Required: true, Fault: fault},
	})
}

// howMany accounts there are, in words, of which 101 stand for more.
func howMany(n int) string {
	switch {
	case n == 0:
		return ""
	case n == 1:
		return "1 account"
	case n > 100:
		return "more than 100 accounts"
	}
	return strconv.Itoa(n) + " accounts"
}

// tokenSetsOf are the keys of a connection's token sets, of which there may be
// more: its own, and its users'.
func tokenSetsOf(tx *vault.Tx, name string, most int) (keys []string, err error) {
	_, err = tx.TokenSets.Get(name)
	own, err := vault.Exists(err)
	if own {
		keys = append(keys, name)
	}
	if err != nil {
		return nil, err
	}
	begin := vault.IdentityKey(name, "")
	for ts, err := range tx.TokenSets.All(begin) {
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(ts.Key(), begin) || len(keys) == most {
			break
		}
		keys = append(keys, ts.Key())
	}
	return keys, nil
}

// deleteConnection deletes a connection that is switched off: first the tokens,
// in several transactions, so that what is left of an attempt that was cut short
// can be deleted by another.
func (p *Pages) deleteConnection(c echo.Context, v visitor) error {
	f, err := p.found(c)
	switch {
	case err != nil:
		return err
	case !f.published:
		return errUnpublished
	case f.live.ForAdmins && !v.Role.May(vault.Owner):
		return errOwnersAlone
	case f.live.Active:
		return p.deletion(c, v, http.StatusConflict, "")
	case strings.TrimSpace(c.FormValue("confirm")) != f.live.Name:
		return p.deletion(c, v, http.StatusBadRequest, "is not the connection's name")
	}
	name := f.live.Name
	for more := true; more; {
		if more, err = p.forgetTokens(c.Request().Context(), name); err != nil {
			return err
		}
	}
	err = p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		live, err := tx.Connections.Get(name)
		if err != nil {
			return err
		}
		if live.Active {
			return errUnseen
		}
		if err := p.mayReplace(v, live, vault.Connection{}); err != nil {
			return err
		}
		return errors.Join(tx.Connections.Delete(name), tx.Drafts.Delete(name), tx.Former.Delete(name), p.changed(tx, v, "connection "+name, audited(live), nil))
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, Path+"/connections?notice=deleted")
}

// forgetTokens deletes some of a connection's token sets, and reports whether
// there are more.
func (p *Pages) forgetTokens(ctx context.Context, name string) (more bool, err error) {
	const batch = 500
	err = p.Vault.Update(ctx, func(tx *vault.Tx) error {
		live, err := tx.Connections.Get(name)
		if err != nil {
			return err
		}
		if live.Active {
			return errUnseen
		}
		keys, err := tokenSetsOf(tx, name, batch)
		if err != nil {
			return err
		}
		more = len(keys) == batch
		for _, key := range keys {
			if err := tx.TokenSets.Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}
