package admin

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// Question is whether an exchange would be granted.
type Question struct {
	Client, Connection string
	User               string // "" if the application asks in its own name
	LoginHint          string
	Scopes             []string
	Address            netip.Addr // that the application would ask from; the zero Addr if that is not said
}

// Answer is what came of the rules, in their order, up to the one that denied it.
type Answer struct {
	Allowed bool
	Reason  string // of the exchange that would be refused
	Missing []string
	Rules   []Rule
}

// Rule is what came of one rule of the exchange.
type Rule struct {
	Name   string
	Passed bool
	Why    string
}

// clientsPerMatrix is how many applications a page of the matrix has.
const clientsPerMatrix = 25

// policy is which applications may have tokens of which connections, and the
// answer to whether one would get one.
func (p *Pages) policy(c echo.Context, v visitor) error {
	page := templates.Policy{Console: p.console(c, v, "policy"), After: c.QueryParam("after")}
	var list []vault.Connection
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		page.Rows, page.Next = nil, ""
		if list, err = all(tx.Connections); err != nil {
			return err
		}
		for r, err := range tx.Clients.All(page.After) {
			if err != nil {
				return err
			}
			if len(page.Rows) == clientsPerMatrix {
				page.Next = page.Rows[clientsPerMatrix-1].ID
				break
			}
			page.Rows = append(page.Rows, p.matrixRow(r, list))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, connection := range list {
		page.Columns = append(page.Columns, connection.Title())
	}
	page.Asked = templates.PolicyQuestion{
		Client: c.QueryParam("client"), Connection: c.QueryParam("connection"), User: c.QueryParam("user"),
		LoginHint: c.QueryParam("login_hint"), Scope: c.QueryParam("scope"), Address: c.QueryParam("address"),
	}
	page.Connections = connectionOptions(list, []string{page.Asked.Connection})
	status := http.StatusOK
	if page.Asked.Client != "" && page.Asked.Connection != "" && c.QueryParam("ask") != "" {
		err := p.answer(c, &page)
		var fault *vault.Invalid
		if errors.As(err, &fault) {
			page.Field, page.Fault, err, status = fault.Field, fault.Problem, nil, http.StatusBadRequest
		}
		if err != nil {
			return err
		}
	}
	return render(c, status, "policy", page)
}

func (p *Pages) answer(c echo.Context, page *templates.Policy) error {
	asked := page.Asked
	q := Question{Client: asked.Client, Connection: asked.Connection, User: strings.TrimSpace(asked.User), LoginHint: asked.LoginHint, Scopes: words(asked.Scope)}
	if address := strings.TrimSpace(asked.Address); address != "" {
		var err error
		if q.Address, err = netip.ParseAddr(address); err != nil {
			return &vault.Invalid{Field: "address", Problem: "should be an IP address, such as 192.0.2.7"}
		}
	}
	said, err := p.Explain(c.Request().Context(), q)
	if err != nil {
		return err
	}
	page.Answer = &templates.PolicyAnswer{Allowed: said.Allowed, Reason: said.Reason, Missing: said.Missing}
	for _, r := range said.Rules {
		page.Answer.Rules = append(page.Answer.Rules, templates.PolicyRule{Name: r.Name, Passed: r.Passed, Why: r.Why})
	}
	return nil
}

// words of the matrix for rules that deny, those first that say most.
var denialWords = []struct{ rule, words string }{
	{"enabled_clients", "not enabled"},
	{"authentication", "switched off"},
	{"connected_accounts", "keeps no tokens"},
	{"grant_type", "no exchange"},
	{"token_vault", "not in its list"},
}

func (p *Pages) matrixRow(r vault.Client, list []vault.Connection) templates.PolicyRow {
	row := templates.PolicyRow{ClientName: clientName(r)}
	for _, connection := range list {
		cell := templates.PolicyCell{Connection: connection.Name, OfClients: connections.OfClients(connection)}
		denied := p.Denies(r, connection)
		for _, w := range denialWords {
			i := slices.IndexFunc(denied, func(d Rule) bool { return d.Name == w.rule })
			if i >= 0 && cell.Denied == "" {
				cell.Denied, cell.Why, cell.Apart = w.words, denied[i].Why, w.rule == "enabled_clients"
			}
		}
		if r.TokenVault != nil && cell.Denied == "" {
			access, _ := r.TokenVault.Access(connection.Name)
			cell.Scopes = access.Scopes
			for _, network := range access.Networks {
				cell.Networks = append(cell.Networks, network.String())
			}
		}
		row.Cells = append(row.Cells, cell)
	}
	return row
}
