package admin

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// probe asks the identity provider of a connection whether it knows the gateway.
func (p *Pages) probe(c echo.Context, v visitor) error {
	conn, _, err := p.toTry(c)
	if err != nil {
		return err
	}
	if err := p.told(c, v, "asked whether the identity provider knows the gateway", "connection "+conn.Name); err != nil {
		return err
	}
	if err := p.Probe(c.Request().Context(), conn); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, tryPath(conn.Name)+"?notice=probed")
}

// probeOf is the badge of a connection.
func (p *Pages) probeOf(tx *vault.Tx, connection string) (templates.Probe, error) {
	known, err := tx.Probes.Get(connection)
	_, err = vault.Exists(err)
	return p.badge(known), err
}

// badge is how the last probe of a connection is shown; one that was never asked is
// empty.
func (p *Pages) badge(known vault.Probe) templates.Probe {
	if known.State == "" {
		return templates.Probe{}
	}
	now := p.Now()
	view := templates.Probe{State: string(known.State), At: ago(now, known.At), Since: ago(now, known.Since), Cause: known.Cause, Cure: known.Cure}
	if known.State == vault.StepSkipped {
		view.State = "unknown"
	}
	return view
}
