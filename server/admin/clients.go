package admin

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// ClientChange is what the console's form says of a client. Times are in seconds.
type ClientChange struct {
	Name, Description                 string
	FirstParty                        bool
	RedirectURIs, LogoutURIs, Origins []string
	GrantTypes                        []string
	Rotate                            bool
	RefreshLifetime, RefreshIdle      int64 // 0 is for ever
	RefreshLeeway                     int64
	Restricted                        bool // to the access listed, out of what is enabled for it
	Access                            []Access
}

// Access is how far a client may have tokens of a connection.
type Access struct {
	Connection       string
	Scopes, Networks []string // none means all
}

// NewClient is what is said of a client that is to be made. All else is as the
// tenant file has it for a new client of the kind.
type NewClient struct {
	ID, Name, AppType string
	Secret            string // kept as its hash; "" if the kind has none
	RedirectURIs      []string
}

// clientsPerPage is how many applications a page of the list has.
const clientsPerPage = 50

var errNoClient = &Refused{Status: http.StatusNotFound, Title: "No such application", Message: "It may have been deleted. See the list of applications at " + Path + "/clients."}

// clients lists the applications.
func (p *Pages) clients(c echo.Context, v visitor) error {
	page := templates.Clients{Console: p.console(c, v, "clients"), After: c.QueryParam("after")}
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		page.Rows, page.Next = nil, ""
		connections, err := all(tx.Connections)
		if err != nil {
			return err
		}
		for r, err := range tx.Clients.All(page.After) {
			if err != nil {
				return err
			}
			if len(page.Rows) == clientsPerPage {
				page.Next = page.Rows[clientsPerPage-1].ID
				break
			}
			row := templates.ClientRow{ID: r.ID, Name: r.Name, Kind: r.AppType}
			for _, connection := range connections {
				if connection.Allows(r.ID) {
					row.Connections = append(row.Connections, connection.Title())
				}
			}
			page.Rows = append(page.Rows, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.render(c, "clients", page)
}

// all are the records of a kind of which there are few.
func all[R vault.Record](records vault.Records[R]) (list []R, err error) {
	for r, err := range records.All("") {
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// client is an application, and a form that changes it.
func (p *Pages) client(c echo.Context, v visitor) error {
	r, connections, err := p.theClient(c)
	if err != nil {
		return err
	}
	return p.showClient(c, v, http.StatusOK, r, connections, formOf(r, connections), nil)
}

// theClient is the client that the path names, and all connections.
func (p *Pages) theClient(c echo.Context) (r vault.Client, connections []vault.Connection, err error) {
	err = p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		r, connections, err = readClient(tx, parameter(c, "id"))
		return err
	})
	return r, connections, err
}

func readClient(tx *vault.Tx, id string) (r vault.Client, connections []vault.Connection, err error) {
	if r, err = tx.Clients.Get(id); errors.Is(err, vault.ErrNotFound) {
		return r, nil, errNoClient
	}
	if err == nil {
		connections, err = all(tx.Connections)
	}
	return r, connections, err
}

// showClient shows a client as it is kept, and a form that may have been filled
// in with a fault.
func (p *Pages) showClient(c echo.Context, v visitor, status int, r vault.Client, connections []vault.Connection, form templates.ClientForm, fault *vault.Invalid) error {
	page := templates.Client{
		Console: p.console(c, v, "clients"), ClientName: clientName(r), Public: r.Public(), Keys: len(r.Keys), JWKSURI: r.JWKSURI,
		Secrets: secretsOf(r), Form: form, Revision: p.revision(r, connections), API: r.API,
	}
	if fault != nil {
		page.Form.Fault = fault.Problem
		page.Form.Field = fieldOf(fault.Field)
		if page.Form.Field == "" {
			page.Form.Fault = fault.Error()
		}
	}
	page.TenantFile = p.ClientFile(r)
	return render(c, status, "client", page)
}

func clientName(r vault.Client) templates.ClientName {
	return templates.ClientName{ID: r.ID, Name: r.Name, Kind: r.AppType}
}

// revision stands for all that the form of a client changes, so that a form which
// was opened before somebody else's change does not undo it.
func (p *Pages) revision(r vault.Client, connections []vault.Connection) string {
	state := p.ClientFile(r)
	for _, connection := range connections {
		if connection.Allows(r.ID) {
			state += "\n" + connection.Name
		}
	}
	return vault.Hash(state)[:16]
}

// enabled are the names of the connections that a client may use.
func enabled(connections []vault.Connection, client string) (names []string) {
	for _, c := range connections {
		if c.Allows(client) {
			names = append(names, c.Name)
		}
	}
	return names
}
