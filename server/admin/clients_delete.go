package admin

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// mostCounted is how many sign-ins are looked at to tell how many an application
// has: as many as a page can wait for.
const mostCounted = 3000

// confirmDeletion says what would go with an application.
func (p *Pages) confirmDeletion(c echo.Context, v visitor) error {
	var page templates.DeleteClient
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		r, connections, err := readClient(tx, parameter(c, "id"))
		if err != nil {
			return err
		}
		page = templates.DeleteClient{Console: p.console(c, v, "clients"), ClientName: clientName(r), Connections: len(enabled(connections, r.ID))}
		var whole bool
		if page.SignIns, whole, err = tx.CountGrants(r.ID, mostCounted); err != nil {
			return err
		}
		page.More = !whole
		for g, err := range tx.ClientGrants.All("") {
			if err != nil {
				return err
			}
			if g.Client == r.ID {
				page.APIs++
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.render(c, "client_delete", page)
}

// deleteClient deletes an application, with all that users allowed it.
func (p *Pages) deleteClient(c echo.Context, v visitor) error {
	err := p.Vault.DeleteClient(c.Request().Context(), parameter(c, "id"), func(tx *vault.Tx, r vault.Client) error {
		return p.changed(tx, v, "application "+r.ID, r, nil)
	})
	gone, err := vault.Exists(err)
	switch {
	case err != nil:
		return err
	case !gone:
		return errNoClient
	}
	return c.Redirect(http.StatusSeeOther, Path+"/clients?notice=deleted")
}
