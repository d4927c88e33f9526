package admin

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/server/branding"
	"sallyport/templates"
	"sallyport/vault"
)

const settingsPath = Path + "/settings"

// BrandingBody is how long the body of a form with a logo may be, in bytes: longer
// than a logo may be, so that the page can say how long that is.
const BrandingBody = 1 << 20

// brandings are the branding that is published and the draft of the next.
type brandings struct {
	published, draft vault.Branding
	drafted          bool
}

// latest is what the next change begins with.
func (b brandings) latest() vault.Branding {
	if b.drafted {
		return b.draft
	}
	return b.published
}

func readBrandings(tx *vault.Tx) (b brandings, err error) {
	if b.published, err = tx.Branding.Get(vault.PublishedBranding); err != nil && !errors.Is(err, vault.ErrNotFound) {
		return b, err
	}
	b.draft, err = tx.Branding.Get(vault.DraftBranding)
	b.drafted, err = vault.Exists(err)
	return b, err
}

// settings shows how the gateway is set up as a whole.
func (p *Pages) settings(c echo.Context, v visitor) error {
	b, err := p.brandings(c)
	if err != nil {
		return err
	}
	return p.renderSettings(c, v, http.StatusOK, b, brandingForm(b.latest().Appearance, nil))
}

func (p *Pages) brandings(c echo.Context) (b brandings, err error) {
	err = p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) { b, err = readBrandings(tx); return err })
	return b, err
}

func (p *Pages) renderSettings(c echo.Context, v visitor, status int, b brandings, form templates.BrandingForm) error {
	form.Client = "Example"
	form.Look, form.Colours = branding.Of(b.latest().Appearance, settingsPath+"/files/").Brand, coloursOf(b.latest().Appearance)
	page := templates.Settings{Console: p.console(c, v, "settings"), BrandingForm: form, Started: p.Started}
	if b.drafted {
		page.Draft = &templates.BrandingDraft{By: b.draft.By, Differences: brandingChanges(b.published, b.draft), Seen: seenBranding(b)}
	}
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) { page.Choices, err = someChoices(tx, forAnybody); return err })
	if err != nil {
		return err
	}
	return render(c, status, "settings", page)
}

func forAnybody(vault.Connection) bool { return true }

// someChoices are some of the connections that users sign in with, for a sample.
func someChoices(tx *vault.Tx, of func(vault.Connection) bool) (choices []templates.Choice, err error) {
	for conn, err := range tx.Connections.All("") {
		if err != nil {
			return nil, err
		}
		if conn.Active && of(conn) && !connections.OfClients(conn) {
			choices = append(choices, templates.Choice{Title: conn.Title(), Strategy: conn.Strategy, URL: "#"})
		}
		if len(choices) == 2 {
			return choices, nil
		}
	}
	if choices == nil {
		choices = []templates.Choice{{Title: "Salesforce", Strategy: "salesforce", URL: "#"}}
	}
	return choices, nil
}

// coloursOf are the accents of an appearance, in words.
func coloursOf(a vault.Appearance) (colours []templates.Fact) {
	inLight, inDark := branding.Accents(a)
	for _, f := range []templates.Fact{{Title: "Accent where it is light", Value: inLight}, {Title: "Where it is dark", Value: inDark}} {
		if f.Value != "" {
			colours = append(colours, f)
		}
	}
	return colours
}

// brandingForm is the form that begins with an appearance, or is shown again with
// its faults.
func brandingForm(b vault.Appearance, faults []*vault.Invalid) templates.BrandingForm {
	fault := map[string]string{}
	for _, f := range faults {
		fault[f.Field] = cmp.Or(fault[f.Field], f.Problem)
	}
	form := templates.BrandingForm{Logo: templates.LogoInput{There: branding.LogoInWords(b.Logo), Fault: fault[branding.FieldLogo]}}
	for _, i := range []templates.Input{
		{Name: branding.FieldName, Label: "Name", Value: b.Name, Help: "Of your product or company. Empty: the gateway shows itself as what it is."},
		{Name: branding.FieldAccent, Label: "Accent colour", Value: b.Accent, Placeholder: "#1a5fb4", Help: "Of buttons, links and the focus, where it is light."},
		{Name: branding.FieldAccentDark, Label: "Accent colour where it is dark", Value: b.AccentDark, Help: "Empty: the same, made as light as it has to be to be read."},
		{Name: branding.FieldSupport, Label: "Where users get help", Value: b.Support, Placeholder: "https://help.example.com", Help: "An address of https: or mailto:. It is linked where a page tells of a problem."},
	} {
		i.Fault = fault[i.Name]
		form.Branding = append(form.Branding, i)
	}
	return form
}
