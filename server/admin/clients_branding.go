package admin

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/server/branding"
	"sallyport/templates"
	"sallyport/vault"
)

// clientBranding shows how the pages of a client look, and a form that changes it.
func (p *Pages) clientBranding(c echo.Context, v visitor) error {
	r, _, err := p.theClient(c)
	if err != nil {
		return err
	}
	return p.showClientBranding(c, v, http.StatusOK, r, clientBrandingForm(brandingForm(r.Appearance, nil)))
}

func (p *Pages) showClientBranding(c echo.Context, v visitor, status int, r vault.Client, form templates.BrandingForm) error {
	form.Client, form.Look, form.Colours = r.Name, p.Look(r), coloursOf(r.Appearance)
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		form.Choices, err = someChoices(tx, func(conn vault.Connection) bool { return conn.Allows(r.ID) })
		return err
	})
	if err != nil {
		return err
	}
	return render(c, status, "client_branding", templates.ClientBranding{
		Console: p.console(c, v, "clients"), ClientName: clientName(r), BrandingForm: form, Revision: brandingRevision(r),
	})
}

// clientBrandingForm is a form of a branding that is a client's: what it leaves
// empty is not the gateway's own, but as the gateway has it.
func clientBrandingForm(form templates.BrandingForm) templates.BrandingForm {
	for i := range form.Branding {
		switch input := &form.Branding[i]; input.Name {
		case branding.FieldName:
			input.Help = "As users know the application. Empty: the name and the logo of the settings."
		case branding.FieldAccentDark:
			input.Help += " If the accent colour is empty, too: that of the settings."
		}
	}
	return form
}

// brandingRevision stands for a client's branding, so that a form which was opened
// before somebody else's change does not undo it.
func brandingRevision(r vault.Client) string {
	return vault.Hash(fmt.Sprintf("%q", inShort(r.Appearance)))[:16]
}

// brandClient has a client look as the form says, or shows what is wrong with it.
func (p *Pages) brandClient(c echo.Context, v visitor) error {
	form, err := readBranding(c)
	if err != nil {
		return err
	}
	var old, next vault.Client
	var faults []*vault.Invalid
	err = p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if old, err = tx.Clients.Get(parameter(c, "id")); errors.Is(err, vault.ErrNotFound) {
			return errNoClient
		}
		if err != nil {
			return err
		}
		if c.FormValue("revision") != brandingRevision(old) {
			return &Refused{Status: http.StatusConflict, Title: "It has changed meanwhile",
				Message: "Somebody changed this branding after you had opened it, so nothing was saved. Go back, load the page again, and make your change there."}
		}
		next = old
		if next.Appearance, faults = form.over(old.Appearance); len(faults) > 0 {
			return nil
		}
		return errors.Join(tx.Clients.Put(next), p.changed(tx, v, "branding of application "+old.ID, inShort(old.Appearance), inShort(next.Appearance)))
	})
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return p.showClientBranding(c, v, http.StatusBadRequest, old, clientBrandingForm(form.again(next.Appearance, old.Appearance, faults)))
	}
	return c.Redirect(http.StatusSeeOther, clientName(old).URL()+"/branding?notice=branding-saved")
}
