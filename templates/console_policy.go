package templates

import (
	"net/url"
	"slices"
	"strings"
)

// Policy is the page "admin/policy": which applications may have tokens of which
// connections, and whether one would get one.
type Policy struct {
	Console
	Columns      []string // titles of the connections
	Rows         []PolicyRow
	After, Next  string // the last client ID of the page before, and of this one if there are more
	Asked        PolicyQuestion
	Connections  []Option
	Field, Fault string        // what is wrong with the question
	Answer       *PolicyAnswer // nil if nothing was asked
}

// Legend are cells that stand for all that are denied as they are.
func (p Policy) Legend() (legend []PolicyCell) {
	for _, row := range p.Rows {
		for _, cell := range row.Cells {
			if cell.Denied != "" && !slices.ContainsFunc(legend, func(other PolicyCell) bool { return other.Denied == cell.Denied }) {
				legend = append(legend, cell)
			}
		}
	}
	return legend
}

// PolicyRow is an application in the matrix.
type PolicyRow struct {
	ClientName
	Cells []PolicyCell
}

// PolicyCell is what an application may have of a connection.
type PolicyCell struct {
	Connection       string
	OfClients        bool   // the connection's tokens belong to applications
	Denied           string // why it may have nothing, in a word or three; "" if it may
	Why              string // the same in sentences
	Apart            bool   // the two have nothing to do with each other
	Scopes, Networks []string
}

// PolicyQuestion is a question as it was entered.
type PolicyQuestion struct{ Client, Connection, User, LoginHint, Scope, Address string }

// PolicyAnswer is what the rules say, up to the one that denies.
type PolicyAnswer struct {
	Allowed bool
	Reason  string
	Missing []string
	Rules   []PolicyRule
}

// PolicyRule is what came of one rule.
type PolicyRule struct {
	Name   string
	Passed bool
	Why    string
}

// Ask is the address of the question about a cell.
func (r PolicyRow) Ask(c PolicyCell) string {
	return "/admin/policy?" + url.Values{"client": {r.ID}, "connection": {c.Connection}}.Encode() + "#ask"
}

// At is what is wrong with a field of the question, if anything.
func (p Policy) At(field string) string {
	if p.Field != field {
		return ""
	}
	return p.Fault
}

// Command asks the same on the command line.
func (p Policy) Command() string {
	line := "sallyport connections explain --connection " + quoteShell(p.Asked.Connection) + " --client " + quoteShell(p.Asked.Client)
	for _, flag := range []struct{ name, value string }{{"user", p.Asked.User}, {"login-hint", p.Asked.LoginHint}, {"scope", p.Asked.Scope}, {"address", p.Asked.Address}} {
		if value := strings.TrimSpace(flag.value); value != "" {
			line += " --" + flag.name + " " + quoteShell(value)
		}
	}
	return line + " \\\n  --gateway " + quoteShell(p.Issuer) + ` --client-id "$CLIENT_ID"`
}

// Curl asks the same of the management API.
func (p Policy) Curl() string {
	query := url.Values{"client_id": {p.Asked.Client}}
	for _, parameter := range []struct{ name, value string }{{"user_id", p.Asked.User}, {"login_hint", p.Asked.LoginHint}, {"scope", p.Asked.Scope}, {"address", p.Asked.Address}} {
		if value := strings.TrimSpace(parameter.value); value != "" {
			query.Set(parameter.name, value)
		}
	}
	return "curl -s " + quoteShell(p.Issuer+"api/v2/connections/"+url.PathEscape(p.Asked.Connection)+"/explain?"+query.Encode()) + ` -H "Authorization: Bearer $TOKEN"`
}
