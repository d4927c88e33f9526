package admin

import (
	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// dashboard is the first page: what there is, and what to do first.
func (p *Pages) dashboard(c echo.Context, v visitor) error {
	page := templates.Dashboard{Console: p.console(c, v, "dashboard")}
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if page.Connections, err = count(tx.Connections); err != nil {
			return err
		}
		page.Clients, err = count(tx.Clients)
		return err
	})
	if err != nil {
		return err
	}
	return p.render(c, "dashboard", page)
}

// count is how many records there are of a kind of which there are few.
func count[R vault.Record](records vault.Records[R]) (n int, err error) {
	for _, err := range records.All("") {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
