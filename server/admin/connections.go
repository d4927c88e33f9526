package admin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// connectionsOnAPage of the list.
const connectionsOnAPage = 50

// listConnections is the page of connections, published or not, by name.
func (p *Pages) listConnections(c echo.Context, v visitor) error {
	after := c.QueryParam("after")
	page := templates.Connections{Console: p.console(c, v, "connections"), Part: after != ""}
	lines := map[string]templates.ConnectionLine{}
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		published, err := first(tx.Connections, after, connectionsOnAPage+1)
		if err != nil {
			return err
		}
		drafts, err := first(tx.Drafts, after, connectionsOnAPage+1)
		if err != nil {
			return err
		}
		for _, d := range drafts {
			lines[d.Connection.Name] = lineOf(d.Connection, templates.Draft)
		}
		for _, conn := range published {
			line := lineOf(conn, stateOf(conn))
			if line.Probe, err = p.probeOf(tx, conn.Name); err != nil {
				return err
			}
			_, line.Drafted = lines[conn.Name]
			lines[conn.Name] = line
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, line := range lines {
		page.List = append(page.List, line)
	}
	slices.SortFunc(page.List, func(a, b templates.ConnectionLine) int { return strings.Compare(a.Name, b.Name) })
	if len(page.List) > connectionsOnAPage {
		page.List = page.List[:connectionsOnAPage]
		page.Next = Path + "/connections?" + url.Values{"after": {page.List[connectionsOnAPage-1].Name}}.Encode()
	}
	return p.render(c, "connections", page)
}

// first are the records that come after a key, of which there may be more.
func first[R vault.Record](records vault.Records[R], after string, most int) (list []R, err error) {
	for r, err := range records.All(after) {
		if err != nil {
			return nil, err
		}
		if list = append(list, r); len(list) == most {
			break
		}
	}
	return list, nil
}

func lineOf(c vault.Connection, state templates.ConnectionState) templates.ConnectionLine {
	return templates.ConnectionLine{Name: c.Name, Title: c.Title(), Kind: kindOf(c), State: state, Keeps: c.TokenVault, Applications: len(c.Clients)}
}

func stateOf(c vault.Connection) templates.ConnectionState {
	if c.Active {
		return templates.Active
	}
	return templates.Off
}

// strategyOf is the strategy of a name, if this version has it.
func strategyOf(name string) (connections.Strategy, bool) {
	i := slices.IndexFunc(connections.Strategies, func(s connections.Strategy) bool { return s.Name == name })
	if i < 0 {
		return connections.Strategy{}, false
	}
	return connections.Strategies[i], true
}

// kindOf is the kind of identity provider of a connection, for people.
func kindOf(c vault.Connection) string {
	if s, ok := strategyOf(c.Strategy); ok {
		return s.Title
	}
	return c.Strategy
}

// isSalesforce reports whether a strategy is one of Salesforce's environments.
func isSalesforce(strategy string) bool { return strings.HasPrefix(strategy, "salesforce") }

// found is a connection as it is published, and as it is drafted; one of the two
// may not be there.
type found struct {
	live, draft  vault.Connection
	published    bool
	drafted      bool
	saved        vault.Draft
	former       vault.Former
	changed      bool              // there is a former one
	trial        vault.Trial       // the last, if the draft was not changed since
	probe        vault.Probe       // what came of the last
	nameOf       map[string]string // of applications, by ID
	applications []vault.Client
}

// latest is the connection with the changes that were made to it last.
func (f found) latest() vault.Connection {
	if f.drafted {
		return f.draft
	}
	return f.live
}

// shown is the connection as it is in use, or its draft if it is not yet.
func (f found) shown() vault.Connection {
	if f.published {
		return f.live
	}
	return f.draft
}

// find reads a connection, with the applications that there are.
func find(tx *vault.Tx, name string) (f found, err error) {
	f.live, err = tx.Connections.Get(name)
	if f.published, err = vault.Exists(err); err != nil {
		return f, err
	}
	f.draft, f.saved, err = tx.Drafted(name)
	if f.drafted, err = vault.Exists(err); err != nil {
		return f, err
	}
	if !f.published && !f.drafted {
		return f, errNoConnection
	}
	f.former, err = tx.Former.Get(name)
	if f.changed, err = vault.Exists(err); err != nil {
		return f, err
	}
	f.trial, err = tx.Trials.Get(name)
	if _, err := vault.Exists(err); err != nil {
		return f, err
	}
	if f.trial.Began.Before(f.saved.Saved) {
		f.trial = vault.Trial{}
	}
	f.probe, err = tx.Probes.Get(name)
	if _, err := vault.Exists(err); err != nil {
		return f, err
	}
	f.applications, f.nameOf, err = applications(tx)
	return f, err
}

var errNoConnection = &Refused{Status: http.StatusNotFound, Title: "There is no such connection",
	Message: "It may have been deleted, or its draft discarded. The connections there are stand under " + Path + "/connections.", Err: errors.New("no such connection")}

// applications are the clients that there are, and what they are called.
func applications(tx *vault.Tx) (list []vault.Client, nameOf map[string]string, err error) {
	nameOf = map[string]string{}
	for client, err := range tx.Clients.All("") {
		if err != nil {
			return nil, nil, err
		}
		list = append(list, client)
		nameOf[client.ID] = client.Name
	}
	slices.SortStableFunc(list, func(a, b vault.Client) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return list, nameOf, nil
}

// toConnection answers a change with the connection's page, which says what was
// done.
func toConnection(c echo.Context, name, notice string) error {
	return c.Redirect(http.StatusSeeOther, Path+"/connections/"+name+"?notice="+notice)
}
