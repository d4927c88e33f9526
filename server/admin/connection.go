package admin

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// connection is the page of a connection.
func (p *Pages) connection(c echo.Context, v visitor) error {
	f, err := p.found(c)
	if err != nil {
		return err
	}
	return p.render(c, "connection", p.connectionPage(p.console(c, v, "connections"), f))
}

func (p *Pages) connectionPage(console templates.Console, f found) templates.ConnectionPage {
	shown := f.shown()
	page := templates.ConnectionPage{Console: console, State: stateOf(f.live), Probe: p.badge(f.probe)}
	if f.drafted {
		d := p.proposal(f.live, f.draft, f.saved.By, f.saved.Saved, f.nameOf)
		page.Draft = &d
	}
	if !f.published {
		page.State = templates.Draft
	}
	page.OwnersAlone = (f.live.ForAdmins || f.draft.ForAdmins) && !console.Owner
	page.Name, page.Title, page.Kind, page.Callback = shown.Name, shown.Title(), kindOf(shown), connections.CallbackURL(p.Issuer, shown)
	page.Facts = facts(shown)
	page.Cautions = connections.Cautions(f.latest())
	page.File, page.Checklist = string(p.TenantFile(shown)), p.checked(f.latest(), f.trial)
	for _, id := range shown.Clients {
		page.Applications = append(page.Applications, templates.Link{Title: applicationTitle(id, f.nameOf), URL: Path + "/clients/" + id})
	}
	if f.changed {
		page.Former = &templates.Change{By: f.former.By, At: clockTime(f.former.Changed)}
	}
	page.Certifies = len(shown.Certificates) > 0 || strings.HasSuffix(f.latest().Options["token_grant"], "_bearer")
	page.Waits = shown.CertificateWaits()
	newest, _ := shown.Newest()
	for _, cert := range shown.Certificates {
		line := templates.CertificateLine{ID: cert.ID, Created: clockTime(cert.Created), Newest: cert.ID == newest.ID}
		if !cert.Used.IsZero() {
			line.Used = clockTime(cert.Used)
		}
		page.Certificates = append(page.Certificates, line)
	}
	return page
}

// facts are the settings of a connection that differ from their defaults.
func facts(c vault.Connection) (list []templates.Fact) {
	for _, s := range settingsOf(c, nil) {
		if s.value != "" && s.title != "Applications" && s.title != "Switched on" && !strings.HasSuffix(s.value, "(the default)") {
			list = append(list, templates.Fact{Title: s.title, Value: s.value})
		}
	}
	return list
}

// connectionFile is a connection as a tenant file.
func (p *Pages) connectionFile(c echo.Context, _ visitor) error {
	f, err := p.found(c)
	if err != nil {
		return err
	}
	shown := f.shown()
	return download(c, shown.Name+".yaml", "application/yaml", p.TenantFile(shown))
}

// download answers with a file to be saved.
func download(c echo.Context, name, contentType string, content []byte) error {
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	return c.Blob(http.StatusOK, contentType, content)
}

// recognise tells a script what an address of Salesforce's is of.
func (p *Pages) recognise(c echo.Context, _ visitor) error {
	strategy, loginURL, err := connections.SalesforceAt(c.QueryParam("address"), strategyFor(c.QueryParam("environment"), ""))
	if err != nil {
		return c.JSON(http.StatusOK, map[string]string{"problem": err.Error()})
	}
	found := vault.Connection{Strategy: strategy, Options: map[string]string{"login_url": loginURL}}
	return c.JSON(http.StatusOK, map[string]string{"environment": environmentOf(found), "login_url": loginURL, "kind": kindOf(found)})
}
