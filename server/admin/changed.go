package admin

import (
	"slices"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// mostChanges is how many fields of a change are told, one by one.
const mostChanges = 30

// changed records, within the transaction that changes it, what an administrator
// changed, and how.
func (p *Pages) changed(tx *vault.Tx, v visitor, what string, before, after any) error {
	list := differences(before, after)
	details := []vault.Detail{vault.Count("changes", int64(len(list)))}
	for _, d := range list[:min(len(list), mostChanges)] {
		details = append(details, vault.Say("changed."+d.Field, d.Before+" → "+d.After))
	}
	return tx.Record(v.did("sallyport_console_changed", what, details...))
}

// told records what an administrator did that changes no record of its own.
func (p *Pages) told(c echo.Context, v visitor, what, about string) error {
	return p.Vault.Record(c.Request().Context(), v.did("sallyport_console_done", what, vault.Say("about", about)))
}

// did is the event of something that an administrator does.
func (v visitor) did(kind vault.EventType, what string, details ...vault.Detail) vault.Event {
	e := v.event
	e.Type, e.Description = kind, vault.Said(what)
	e.Details = slices.Concat(e.Details, details)
	return e
}

// name has the event of a request name an administrator.
func (p *Pages) name(c echo.Context, a vault.Admin, known bool) {
	p.Note(c, known, vault.Say("administrator.id", a.ID), vault.Say("administrator.name", a.Name), vault.Say("administrator.role", string(a.Role)))
}
