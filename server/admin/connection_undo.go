package admin

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// undoConnection asks before the last change of a connection is undone.
func (p *Pages) undoConnection(c echo.Context, v visitor) error {
	f, err := p.found(c)
	if err == nil {
		err = undoable(f)
	}
	if err != nil {
		return err
	}
	return p.render(c, "connection_undo", templates.ConnectionUndo{Console: p.console(c, v, "connections"), Name: f.live.Name, Title: f.live.Title(), Draft: p.undoing(f)})
}

func undoable(f found) error {
	switch {
	case !f.published:
		return errUnpublished
	case !f.changed:
		return &Refused{Status: http.StatusConflict, Title: "There is nothing to undo", Message: "The connection has not been changed in the console yet."}
	}
	return nil
}

func (p *Pages) undoing(f found) templates.ConnectionDraft {
	return p.proposal(f.live, before(f), f.former.By, f.former.Changed, f.nameOf)
}

// before is the connection as it was before its last change, with the
// certificates that it has.
func before(f found) vault.Connection {
	c := f.former.Connection
	c.ID, c.Certificates = f.live.ID, f.live.Certificates
	return c
}

// undo makes a connection what it was before its last change, which is what it
// becomes again if this is undone.
func (p *Pages) undo(c echo.Context, v visitor) error {
	name := c.Param("name")
	err := p.replace(c.Request().Context(), v, name, func(_ *vault.Tx, f found) (vault.Connection, error) {
		if err := undoable(f); err != nil {
			return f.live, err
		}
		switch d := p.undoing(f); {
		case d.Seen != c.FormValue("seen"):
			return f.live, errUnseen
		case d.Problem != "":
			return f.live, &Refused{Status: http.StatusConflict, Title: "It cannot be undone", Message: d.Problem}
		}
		return before(f), nil
	})
	if err != nil {
		return err
	}
	return toConnection(c, name, "undone")
}
