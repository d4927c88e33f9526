package admin

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// switchOn and switchOff let users and applications use a connection, or not.
func (p *Pages) switchOn(c echo.Context, v visitor) error { return p.turn(c, v, true, "switched-on") }
func (p *Pages) switchOff(c echo.Context, v visitor) error {
	return p.turn(c, v, false, "switched-off")
}

func (p *Pages) turn(c echo.Context, v visitor, active bool, notice string) error {
	name := c.Param("name")
	err := p.replace(c.Request().Context(), v, name, func(_ *vault.Tx, f found) (vault.Connection, error) {
		if !f.published {
			return f.live, errUnpublished
		}
		after := f.live
		after.Active = active
		return after, nil
	})
	if err != nil {
		return err
	}
	return toConnection(c, name, notice)
}

var errUnpublished = &Refused{Status: http.StatusConflict, Title: "It is not published", Message: "The connection is a draft: there is nothing to change about it before it is published. A draft is discarded on its page."}
