package admin

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// sdks are what there are programs for, and what of them fits a public client.
var sdks = []templates.Option{
	{Value: "curl", Title: "curl"},
	{Value: "go", Title: "Go"},
	{Value: "node", Title: "Node.js"},
	{Value: "python", Title: "Python"},
	{Value: "nextjs", Title: "Next.js"},
}

// callClient shows how to call the gateway as an application.
func (p *Pages) callClient(c echo.Context, v visitor) error {
	r, list, err := p.theClient(c)
	if err != nil {
		return err
	}
	audience, err := p.audience(c, r.ID)
	if err != nil {
		return err
	}
	page := templates.CallClient{Console: p.console(c, v, "clients"), ClientName: clientName(r), Issuer: p.Issuer, Secret: len(r.SecretHashes) > 0}
	page.Callback = choose(&page.Callbacks, c.QueryParam("callback"), options(r.RedirectURIs))
	page.Connection = choose(&page.Connections, c.QueryParam("connection"), connectionOptions(usable(list, r.ID), nil))
	page.SDK = choose(&page.SDKs, c.QueryParam("sdk"), sdksFor(r))

	s := templates.Snippet{
		Issuer: p.Issuer, ClientID: r.ID, Secret: page.Secret, Callback: page.Callback, Connection: page.Connection, Audience: audience,
	}
	if i := slices.IndexFunc(list, func(c vault.Connection) bool { return c.Name == page.Connection }); i >= 0 {
		s.Salesforce = strings.HasPrefix(list[i].Strategy, "salesforce")
	}
	for _, part := range partsOf(r, s, page.SDK) {
		if part.lacks != "" {
			page.Missing = append(page.Missing, part.lacks)
			continue
		}
		code, err := s.Code(part.name + "." + page.SDK)
		if err != nil {
			return err
		}
		page.Parts = append(page.Parts, templates.Part{Name: part.name, Title: part.title, Text: part.text, Code: code})
	}
	return p.render(c, "client_call", page)
}

// part is a program, or what an application lacks for it.
type part struct{ name, title, text, lacks string }

func partsOf(r vault.Client, s templates.Snippet, sdk string) (parts []part) {
	if !r.Public() && !s.Secret {
		return []part{{lacks: "The application proves who it is by a key. The programs here do so by a secret: see docs/clients.md for keys."}}
	}
	if r.May(grantCode) {
		signIn := part{name: "signin", title: "Sign users in", text: "Tokens of the sign-in stay on the application’s server."}
		if s.Callback == "" {
			signIn.lacks = "To sign users in, the application needs a callback URL: the address of its own to which users come back."
		}
		parts = append(parts, signIn)
	}
	if r.May(grantCredentials) && sdk == "curl" {
		token := part{name: "token", title: "Act in its own name", text: "The token is for the API named by audience."}
		if s.Audience == "" {
			token.lacks = "To act in its own name, the application needs an API that it may call: a client grant, in the tenant file."
		}
		parts = append(parts, token)
	}
	exchange := part{name: "exchange", title: "Get a token out of the vault", text: "For the refresh token of the application’s own sign-in, an access token of the user’s account at the connection. It is refreshed when it needs to be."}
	switch {
	case r.Public():
		exchange.lacks = "Tokens of the vault take a secret, which this kind of application cannot keep. Let its server get them, as an application of its own."
	case !exchanges(r):
		exchange.lacks = "To get tokens out of the vault, the application needs the grant type “Exchange tokens”."
	case s.Connection == "":
		exchange.lacks = "To get tokens out of the vault, the application needs a connection that is enabled for it."
	case !r.May(grantCode) || !r.May(grantRefresh):
		exchange.lacks = "The exchange here begins with the refresh token of a sign-in, and this application signs nobody in. docs/clients.md has the exchange of access tokens."
	}
	return append(parts, exchange)
}

// usable are the connections enabled for a client that users sign in with.
func usable(list []vault.Connection, client string) (out []vault.Connection) {
	for _, c := range list {
		if c.Allows(client) && c.Active && !connections.OfClients(c) {
			out = append(out, c)
		}
	}
	return out
}

// sdksFor are those that fit a client: an application that runs in browsers has
// no use for a server's library.
func sdksFor(r vault.Client) []templates.Option {
	switch {
	case r.AppType == "spa", !r.May(grantCode):
		return sdks[:1]
	case r.Public():
		return sdks[:4]
	}
	return sdks
}

// choose marks the option that is asked for, or the first, and returns it.
func choose(to *[]templates.Option, asked string, options []templates.Option) string {
	*to = slices.Clone(options)
	if len(options) == 0 {
		return ""
	}
	i := max(0, slices.IndexFunc(options, func(o templates.Option) bool { return o.Value == asked }))
	(*to)[i].Chosen = true
	return options[i].Value
}

func options(values []string) (list []templates.Option) {
	for _, s := range values {
		list = append(list, templates.Option{Value: s, Title: s})
	}
	return list
}

// audience is the first API that a client may call in its own name.
func (p *Pages) audience(c echo.Context, client string) (audience string, err error) {
	err = p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		audience = ""
		for g, err := range tx.ClientGrants.All("") {
			if err != nil {
				return err
			}
			if g.Client == client {
				audience = g.Audience
				return nil
			}
		}
		return nil
	})
	return audience, err
}
