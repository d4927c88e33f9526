package templates

import (
	"net/url"
	"strings"
)

// TerminalCommand does, or shows, in a terminal what a page of the console does.
type TerminalCommand struct {
	Does  string
	Scope string // of the management API, that its client needs; "" if it asks no gateway
	Line  string
}

// onStore is for commands that open the store themselves.
const onStore = " --store sallyport.db --key-file root.key"

// terminal are the commands of pages that show none of their own. What stands in a
// page's path after a colon stands in the line, too. One that begins with a method
// is a request to the management API; --gateway becomes all that it takes to ask
// a gateway that runs.
var terminal = []struct{ page, does, scope, line string }{
	{"/connections", "Print all that is set up as a tenant file, without its secrets", "", "sallyport export" + onStore},
	{"/clients", "List the applications", "read:clients", "GET clients"},
	{"/clients/:id/rotate", "Replace its secret, and have the one before live on for a while", "update:client_keys", `POST clients/:id/rotate-secret {"keep_previous": true}`},
	{"/users", "List users", "read:users", "GET users?take=50"},
	{"/users/:id", "Show the user", "read:users", "GET users/:id"},
	{"/users/:id", "Show the user's accounts", "read:users", "GET users/:id/connected-accounts"},
	{"/users/:id", "Show what the user has allowed applications", "read:grants", "GET grants?user_id=:id"},
	{"/users/:id/delete", "Delete the user", "delete:users", "sallyport users delete :id --gateway"},
	{"/users/:id/accounts/:account", "Show the user's accounts", "read:users", "GET users/:id/connected-accounts"},
	{"/users/:id/accounts/:account/disconnect", "Disconnect the account", "delete:federated_connections_tokens", "DELETE users/:id/federated-connections-tokensets/:account"},
	{"/events", "List events, the newest first", "read:logs", "GET logs?per_page=50"},
	{"/events", "Download all of them, so that they can be verified", "read:logs", "sallyport logs export --gateway"},
	{"/events/:id", "Show the event", "read:logs", "GET logs/:id"},
	{"/audit", "Download the log", "read:logs", "sallyport logs export --gateway"},
	{"/audit", "Verify what was downloaded, anywhere", "", "sallyport logs verify events.jsonl"},
	{"/administrators", "Print a link that makes an administrator", "", "sallyport admin invite --role editor --issuer :issuer" + onStore},
	{"/settings", "Print all that is set up as a tenant file, the branding with it", "", "sallyport export" + onStore},
}

// Terminal are the commands by which what the page has can be had where there is no
// browser.
func (c Console) Terminal() (list []TerminalCommand) {
	path, _, _ := strings.Cut(strings.TrimPrefix(c.Path, "/admin"), "?")
	for _, command := range terminal {
		if values, ok := match(command.page, path); ok {
			list = append(list, TerminalCommand{command.does, command.scope, c.line(command.line, values)})
		}
	}
	return list
}

// match returns what a path has where a pattern has names.
func match(pattern, path string) (values map[string]string, ok bool) {
	names, parts := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(names) != len(parts) {
		return nil, false
	}
	values = map[string]string{}
	for i, name := range names {
		part, err := url.PathUnescape(parts[i])
		switch {
		case strings.HasPrefix(name, ":") && err == nil && part != "":
			values[name] = part
		case name != parts[i]:
			return nil, false
		}
	}
	return values, true
}

// line is a command for a shell.
func (c Console) line(pattern string, values map[string]string) string {
	method, rest, _ := strings.Cut(pattern, " ")
	if method == "sallyport" {
		words := strings.Fields(pattern)
		for i, word := range words {
			switch value, named := values[word]; {
			case named:
				words[i] = quoteShell(value)
			case word == ":issuer":
				words[i] = quoteShell(c.Issuer)
			case word == "--gateway":
				words[i] += " " + quoteShell(c.Issuer) + ` --client-id "$CLIENT_ID"`
			}
		}
		return strings.Join(words, " ")
	}
	target, body, _ := strings.Cut(rest, " ")
	path, query, asks := strings.Cut(target, "?")
	var inPath, inQuery []string
	for name, value := range values {
		inPath, inQuery = append(inPath, name, url.PathEscape(value)), append(inQuery, name, url.QueryEscape(value))
	}
	path = strings.NewReplacer(inPath...).Replace(path)
	if asks {
		path += "?" + strings.NewReplacer(inQuery...).Replace(query)
	}
	line := "curl -s "
	if method != "GET" {
		line += "-X " + method + " "
	}
	if body != "" {
		line += "--json " + quoteShell(body) + " "
	}
	return line + quoteShell(c.Issuer+"api/v2/"+path) + ` -H "Authorization: Bearer $TOKEN"`
}
