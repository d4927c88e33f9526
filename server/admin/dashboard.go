package admin

import (
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// dashboard is the first page: how everything is, and what to do first. It reads
// what was counted, and counts nothing of which there are many.
func (p *Pages) dashboard(c echo.Context, v visitor) error {
	page := templates.Dashboard{Console: p.console(c, v, "dashboard"), Week: c.QueryParam("over") == "week"}
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		counts, err := tx.HealthCounts()
		if err != nil {
			return err
		}
		page.Counted, page.Accounts, page.States = p.moment(counts.Began), counts.Accounts, statesOf(counts)
		conns, err := all(tx.Connections)
		if err != nil {
			return err
		}
		t, err := p.tallies(tx)
		if err != nil {
			return err
		}
		page.Failures, page.More = p.failures(t, conns)
		page.Plots = p.plots(t, page.Week)
		if page.Coming, err = p.coming(tx, conns, counts); err != nil {
			return err
		}
		page.Steps, err = p.steps(tx, conns, t)
		return err
	})
	if err != nil {
		return err
	}
	return p.render(c, "dashboard", page)
}

// statesOf are the accounts by their health, those first that ask for somebody.
func statesOf(counts vault.HealthCounts) (list []templates.StateCount) {
	for _, h := range vault.Healths {
		list = append(list, templates.StateCount{Name: string(h), State: templates.Healths[string(h)], Count: counts.Are(h)})
	}
	return list
}

// steps are those to the first token, or none if they are done.
func (p *Pages) steps(tx *vault.Tx, conns []vault.Connection, t tallies) ([]templates.Step, error) {
	drafts, err := first(tx.Drafts, "", 1)
	if err != nil {
		return nil, err
	}
	clients, err := first(tx.Clients, "", 1)
	if err != nil {
		return nil, err
	}
	accounts, err := first(tx.TokenSets, "", 1)
	if err != nil {
		return nil, err
	}
	trials, err := all(tx.Trials)
	if err != nil {
		return nil, err
	}
	tried, call := Path+"/connections", Path+"/clients"
	switch {
	case len(conns) > 0:
		tried = tryPath(conns[0].Name)
	case len(drafts) > 0:
		tried = tryPath(drafts[0].Key())
	}
	if len(clients) > 0 {
		call += "/" + url.PathEscape(clients[0].ID) + "/call"
	}
	passed := slices.ContainsFunc(trials, func(t vault.Trial) bool { return t.State == vault.TrialPassed })
	list := []templates.Step{
		{Title: "Set up a connection", URL: Path + "/connections/new", Says: "to Salesforce, or to another identity provider.", Done: len(conns) > 0},
		{Title: "Add an application", URL: Path + "/clients/new", Says: "of yours, and let it use the connection.", Done: len(clients) > 0},
		{Title: "Try the connection", URL: tried, Says: "It does what a user’s sign-in does, and says what is set up wrong.", Done: len(accounts) > 0 || passed},
		{Title: "Get the first token", URL: call, Says: "A user signs in to the application, and it exchanges its token. None was in the last seven days.", Done: t.sum(vault.DidExchange) > 0},
	}
	if !slices.ContainsFunc(list, func(s templates.Step) bool { return !s.Done }) {
		return nil, nil
	}
	return list, nil
}
