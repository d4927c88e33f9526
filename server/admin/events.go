package admin

import (
	"net/http"
	"regexp"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// How many events are looked at for a page: so few that it comes at once, or, for
// whoever wants to look further back, so many that it takes a moment.
const (
	mostLooked    = 5_000
	mostLookedFar = 100_000
)

// anEventID is what the ID of an event looks like.
var anEventID = regexp.MustCompile(`^[0-9]{17}[0-9A-Z]{10}[0-9]{12}$`)

// events lists what happened, the newest first.
func (p *Pages) events(c echo.Context, v visitor) error {
	f, err := p.readEventFilter(c)
	if err != nil {
		return err
	}
	if anEventID.MatchString(f.form.Correlation) {
		return c.Redirect(http.StatusSeeOther, eventURL(f.form.Correlation))
	}
	before, look := c.QueryParam("before"), mostLooked
	if c.QueryParam("far") != "" {
		look = mostLookedFar
	}
	page := templates.Events{Console: p.console(c, v, "events"), Part: before != "", Newest: f.url(Path + "/events"), Most: mostDownloaded}
	if err := p.offer(c, &f.form); err != nil {
		return err
	}
	page.Filter = f.form
	if !f.sound() {
		page.Export = f.url(Path + "/events/export")
		return render(c, http.StatusBadRequest, "events", page)
	}
	now := p.Now()
	found, err := p.Vault.SearchLogs(c.Request().Context(), f.search(before, perPage, look))
	if err != nil {
		return err
	}
	if page.Rows, err = p.eventRows(found.Entries); err != nil {
		return err
	}
	export := []string{"before", before}
	if before == "" {
		export = nil
	}
	page.Export = f.url(Path+"/events/export", export...)
	if found.Next != "" {
		more := []string{"before", found.Next}
		if len(found.Entries) < perPage {
			page.Looked, page.Far = found.Looked, p.moment(found.Reached)
			more = append(more, "far", "1")
		}
		page.Older = f.url(Path+"/events", more...)
	}
	if before == "" && f.until.IsZero() {
		page.Live = f.url(Path+"/events/live", "after", vault.LogsUntil(now.Add(-overlap)))
	}
	return p.render(c, "events", page)
}

// mostOffered is how many applications and connections a form offers.
const mostOffered = 100

// offer has a form offer applications and connections to choose from.
func (p *Pages) offer(c echo.Context, form *templates.EventFilter) error {
	return p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		clients, err := first(tx.Clients, "", mostOffered)
		if err != nil {
			return err
		}
		conns, err := first(tx.Connections, "", mostOffered)
		if err != nil {
			return err
		}
		form.Clients, form.Connections = nil, nil
		for _, r := range clients {
			form.Clients = append(form.Clients, templates.Option{Value: r.ID, Title: r.Name})
		}
		for _, r := range conns {
			form.Connections = append(form.Connections, templates.Option{Value: r.Name, Title: r.Title()})
		}
		return nil
	})
}
