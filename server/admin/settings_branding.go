package admin

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/server/branding"
	"sallyport/templates"
	"sallyport/vault"
)

// draftBranding keeps what was entered as a draft, or shows what is wrong with it.
func (p *Pages) draftBranding(c echo.Context, v visitor) error {
	form, err := readBranding(c)
	if err != nil {
		return err
	}
	var b brandings
	var next vault.Branding
	var faults []*vault.Invalid
	err = p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if b, err = readBrandings(tx); err != nil {
			return err
		}
		next = vault.Branding{Draft: true, By: v.Name}
		if next.Appearance, faults = form.over(b.latest().Appearance); len(faults) > 0 {
			return nil
		}
		return errors.Join(tx.Branding.Put(next), p.changed(tx, v, "draft of the branding", inShort(b.latest().Appearance), inShort(next.Appearance)))
	})
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return p.renderSettings(c, v, http.StatusBadRequest, b, form.again(next.Appearance, b.latest().Appearance, faults))
	}
	return c.Redirect(http.StatusSeeOther, settingsPath+"?notice=branding-drafted")
}

// brandingSent is the form of a branding as it was sent.
type brandingSent struct {
	values map[string][]string
	logo   []byte         // as it is to be kept; nil if none was sent
	fault  *vault.Invalid // of the logo
}

func readBranding(c echo.Context) (sent brandingSent, err error) {
	form, err := c.MultipartForm()
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return sent, &Refused{Status: http.StatusRequestEntityTooLarge, Title: "The logo is too large", Message: "It may be of 64 KiB at most. Nothing was changed: go back, and choose a smaller one.", Err: err}
	case err != nil:
		return sent, &Refused{Status: http.StatusBadRequest, Title: "The form did not come whole", Message: "Nothing was changed. Go back, and send it again.", Err: err}
	}
	defer form.RemoveAll()
	sent.values = form.Value
	sent.logo, sent.fault, err = logoOf(form)
	return sent, err
}

// over is the appearance that the form says, with the logo of before if it has no
// other, and what is wrong with it.
func (s brandingSent) over(before vault.Appearance) (vault.Appearance, []*vault.Invalid) {
	said := func(name string) string { return strings.TrimSpace(strings.Join(s.values[name], "")) }
	next := vault.Appearance{
		Name: said(branding.FieldName), Logo: s.logo, Support: said(branding.FieldSupport),
		Accent: strings.ToLower(said(branding.FieldAccent)), AccentDark: strings.ToLower(said(branding.FieldAccentDark)),
	}
	if s.logo == nil && said("remove_logo") == "" {
		next.Logo = before.Logo
	}
	faults := branding.Faults(next)
	if s.fault != nil {
		faults = append(faults, s.fault)
	}
	return next, faults
}

// again is the form of what was sent, with its faults.
func (s brandingSent) again(next, before vault.Appearance, faults []*vault.Invalid) templates.BrandingForm {
	next.Logo = before.Logo
	form := brandingForm(next, faults)
	form.Logo.Again, form.Logo.Remove = s.logo != nil, len(s.values["remove_logo"]) > 0
	return form
}

// logoOf is the logo that a form was sent with, if any, as it is to be kept, or
// what is wrong with it.
func logoOf(form *multipart.Form) (logo []byte, fault *vault.Invalid, err error) {
	files := form.File["logo"]
	if len(files) == 0 || files[0].Size == 0 {
		return nil, nil, nil
	}
	f, err := files[0].Open()
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	sent, err := io.ReadAll(f)
	if err != nil {
		return nil, nil, err
	}
	logo, err = branding.Logo(sent)
	if errors.As(err, &fault) {
		return nil, fault, nil
	}
	return logo, nil, err
}

// publishBranding has users see the draft.
func (p *Pages) publishBranding(c echo.Context, v visitor) error {
	ctx := c.Request().Context()
	err := p.Vault.Update(ctx, func(tx *vault.Tx) error {
		b, err := readBrandings(tx)
		switch {
		case err != nil:
			return err
		case !b.drafted || seenBranding(b) != c.FormValue("seen"):
			return &Refused{Status: http.StatusConflict, Title: "It has changed meanwhile",
				Message: "Somebody changed the branding or its draft since you looked at it. Nothing was done: go back, load the page again, and look once more."}
		}
		next := b.draft
		next.Draft, next.By = false, ""
		return errors.Join(tx.Branding.Put(next), tx.Branding.Delete(vault.DraftBranding), p.changed(tx, v, "branding", inShort(b.published.Appearance), inShort(next.Appearance)))
	})
	if err != nil {
		return err
	}
	p.Rebrand(ctx)
	return c.Redirect(http.StatusSeeOther, settingsPath+"?notice=branding-published")
}

// discardBranding forgets the draft.
func (p *Pages) discardBranding(c echo.Context, v visitor) error {
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		b, err := readBrandings(tx)
		if err != nil || !b.drafted {
			return err
		}
		return errors.Join(tx.Branding.Delete(vault.DraftBranding), p.changed(tx, v, "draft of the branding", inShort(b.draft.Appearance), nil))
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, settingsPath+"?notice=branding-discarded")
}

// brandingFile is a file of the samples.
func (p *Pages) brandingFile(c echo.Context, _ visitor) error {
	b, err := p.brandings(c)
	if err != nil {
		return err
	}
	file, _, found := branding.Of(b.latest().Appearance, "").File(c.Param("file"))
	if !found {
		return echo.ErrNotFound
	}
	return c.Blob(http.StatusOK, file.Type, file.Content)
}

// shortBranding is an appearance in words, to be compared with another.
type shortBranding struct{ Name, Logo, Accent, AccentDark, Support string }

func inShort(b vault.Appearance) shortBranding {
	return shortBranding{b.Name, branding.LogoInWords(b.Logo), b.Accent, b.AccentDark, b.Support}
}

var brandingTitles = map[string]string{
	"Name": "Name", "Logo": "Logo", "Accent": "Accent colour", "AccentDark": "Accent colour where it is dark", "Support": "Where users get help",
}

func brandingChanges(before, after vault.Branding) (list []templates.Difference) {
	for _, d := range differences(inShort(before.Appearance), inShort(after.Appearance)) {
		list = append(list, templates.Difference{Title: brandingTitles[d.Field], Before: d.Before, After: d.After})
	}
	return list
}

// seenBranding stands for what publishing a draft would change.
func seenBranding(b brandings) string {
	return vault.Hash(fmt.Sprintf("%q %q", inShort(b.published.Appearance), inShort(b.draft.Appearance)))
}
