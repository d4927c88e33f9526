package admin

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// Grant types, as the token endpoint knows them.
const (
	grantCode        = "authorization_code"
	grantRefresh     = "refresh_token"
	grantCredentials = "client_credentials"
	grantDevice      = "urn:ietf:params:oauth:grant-type:device_code"
	grantFederated   = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
	grantExchange    = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// grantTypes are those that the form offers, in its order.
var grantTypes = []templates.Option{
	{Value: grantCode, Title: "Sign users in", Help: "The authorization code flow, with PKCE. What web, browser and native applications do."},
	{Value: grantRefresh, Title: "Keep users signed in", Help: "Refresh tokens: for applications that work longer than an access token lives."},
	{Value: grantFederated, Title: "Exchange tokens", Help: "Get access tokens of users’ accounts out of the vault, such as those of Salesforce. Takes a secret or a key."},
	{Value: grantCredentials, Title: "Act in its own name", Help: "Client credentials: access tokens of the application’s own, without a user. Takes a secret or a key."},
	{Value: grantDevice, Title: "Sign in on devices", Help: "For televisions, printers and command lines: the user types a code into a browser elsewhere."},
}

// exchanges reports whether a client has a grant type of the exchange.
func exchanges(r vault.Client) bool { return r.May(grantFederated) || r.May(grantExchange) }

// formOf is the form of a client as it is kept.
func formOf(r vault.Client, connections []vault.Connection) templates.ClientForm {
	return templates.ClientForm{
		Name: r.Name, Description: r.Description, FirstParty: r.FirstParty,
		RedirectURIs: lines(r.RedirectURIs), LogoutURIs: lines(r.LogoutURIs), Origins: lines(r.Origins),
		GrantTypes: grantOptions(r, r.GrantTypes), Connections: connectionOptions(connections, enabled(connections, r.ID)),
		Restricted: r.TokenVault != nil, Access: accessLines(r, connections),
		Rotate: r.Rotate, RefreshLifetime: seconds(r.RefreshLifetime), RefreshIdle: seconds(r.RefreshIdle), RefreshLeeway: strconv.Itoa(int(r.RefreshLeeway / time.Second)),
	}
}

// grantOptions are the grant types to offer, and those besides that the client has.
func grantOptions(r vault.Client, chosen []string) []templates.Option {
	options := slices.Clone(grantTypes)
	for _, g := range r.GrantTypes {
		if !slices.ContainsFunc(options, func(o templates.Option) bool { return o.Value == g }) {
			o := templates.Option{Value: g, Title: g}
			if g == grantExchange {
				o.Title, o.Help = "Exchange tokens (RFC 8693)", "The same as the exchange above, by its other name."
			}
			options = append(options, o)
		}
	}
	for i := range options {
		options[i].Chosen = slices.Contains(chosen, options[i].Value)
	}
	return options
}

func connectionOptions(list []vault.Connection, chosen []string) (options []templates.Option) {
	for _, c := range list {
		o := templates.Option{Value: c.Name, Title: c.Title(), Chosen: slices.Contains(chosen, c.Name)}
		switch {
		case !c.Active:
			o.Help = "Switched off."
		case connections.OfClients(c):
			o.Help = "Its tokens belong to applications, not to users."
		case !c.TokenVault:
			o.Help = "For sign-in alone: it keeps no tokens."
		}
		options = append(options, o)
	}
	return options
}

// accessLines are what a client may have of the vault, connection by connection,
// also of those that are gone.
func accessLines(r vault.Client, connections []vault.Connection) (list []templates.AccessLine) {
	for _, c := range connections {
		list = append(list, templates.AccessLine{Connection: c.Name, Title: c.Title()})
	}
	if r.TokenVault == nil {
		return list
	}
	for _, a := range r.TokenVault.Connections {
		i := slices.IndexFunc(list, func(l templates.AccessLine) bool { return l.Connection == a.Connection })
		if i < 0 {
			i = len(list)
			list = append(list, templates.AccessLine{Connection: a.Connection, Title: a.Connection})
		}
		var networks []string
		for _, n := range a.Networks {
			networks = append(networks, n.String())
		}
		list[i].Chosen, list[i].Scopes, list[i].Networks = true, strings.Join(a.Scopes, " "), strings.Join(networks, " ")
	}
	return list
}

// changeClient makes a client as the form says.
func (p *Pages) changeClient(c echo.Context, v visitor) error {
	id := parameter(c, "id")
	form, err := c.FormParams()
	if err != nil {
		return err
	}
	wanted := form["connections"]
	err = p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		old, connections, err := readClient(tx, id)
		if err != nil {
			return err
		}
		change, err := changeOf(form.Get, form["grant_types"], old)
		if err != nil {
			return err
		}
		if change.Restricted = form.Get("token_vault") == "listed"; change.Restricted {
			change.Access = []Access{}
			for _, line := range accessLines(old, connections) {
				if slices.Contains(form["access"], line.Connection) {
					change.Access = append(change.Access, Access{line.Connection, words(form.Get("scopes " + line.Connection)), words(form.Get("networks " + line.Connection))})
				}
			}
		}
		if form.Get("revision") != p.revision(old, connections) {
			return &vault.Invalid{Field: "", Problem: "Somebody else changed this application after you had opened it, so nothing was saved. Open the page again, and make your change there."}
		}
		changed, err := p.ChangedClient(old, change)
		if err != nil {
			return err
		}
		if err := tx.Clients.Put(changed); err != nil {
			return err
		}
		if err := p.changed(tx, v, "application "+id, old, changed); err != nil {
			return err
		}
		return p.enable(tx, v, connections, id, wanted)
	})
	var fault *vault.Invalid
	if errors.As(err, &fault) {
		r, connections, err := p.theClient(c)
		if err != nil {
			return err
		}
		entered := templates.ClientForm{
			Name: form.Get("name"), Description: form.Get("description"), FirstParty: form.Get("is_first_party") != "",
			RedirectURIs: form.Get("callbacks"), LogoutURIs: form.Get("allowed_logout_urls"), Origins: form.Get("web_origins"),
			GrantTypes: grantOptions(r, form["grant_types"]), Connections: connectionOptions(connections, wanted),
			Restricted: form.Get("token_vault") == "listed", Access: accessLines(r, connections),
			Rotate: form.Get("rotation_type") != "", RefreshLifetime: form.Get("token_lifetime"), RefreshIdle: form.Get("idle_token_lifetime"), RefreshLeeway: form.Get("leeway"),
		}
		for i, line := range entered.Access {
			entered.Access[i].Chosen = slices.Contains(form["access"], line.Connection)
			entered.Access[i].Scopes, entered.Access[i].Networks = form.Get("scopes "+line.Connection), form.Get("networks "+line.Connection)
		}
		return p.showClient(c, v, http.StatusBadRequest, r, connections, entered, fault)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, clientName(vault.Client{ID: id}).URL()+"?notice=saved")
}

// changeOf reads the form. Grant types that are neither offered nor the client's
// already are passed over.
func changeOf(get func(string) string, grants []string, old vault.Client) (change ClientChange, err error) {
	change = ClientChange{
		Name: strings.TrimSpace(get("name")), Description: strings.TrimSpace(get("description")), FirstParty: get("is_first_party") != "",
		RedirectURIs: words(get("callbacks")), LogoutURIs: words(get("allowed_logout_urls")), Origins: words(get("web_origins")),
		GrantTypes: []string{}, Rotate: get("rotation_type") != "",
	}
	for _, o := range grantOptions(old, grants) {
		if o.Chosen {
			change.GrantTypes = append(change.GrantTypes, o.Value)
		}
	}
	for _, number := range []struct {
		field string
		to    *int64
	}{{"token_lifetime", &change.RefreshLifetime}, {"idle_token_lifetime", &change.RefreshIdle}, {"leeway", &change.RefreshLeeway}} {
		entered := strings.TrimSpace(get(number.field))
		if entered == "" {
			continue
		}
		if *number.to, err = strconv.ParseInt(entered, 10, 64); err != nil || *number.to < 0 || *number.to == 0 && number.field != "leeway" {
			return change, &vault.Invalid{Field: number.field, Problem: "should be a whole number of seconds"}
		}
	}
	return change, nil
}

// enable has a client be enabled for the wanted of the connections, and for no
// others.
func (p *Pages) enable(tx *vault.Tx, v visitor, connections []vault.Connection, client string, wanted []string) error {
	for _, connection := range connections {
		want := slices.Contains(wanted, connection.Name)
		if want == connection.Allows(client) {
			continue
		}
		changed, err := tx.Connections.Get(connection.Name)
		if err != nil {
			return err
		}
		if want {
			changed.Clients = append(slices.Clone(changed.Clients), client)
		} else {
			changed.Clients = slices.DeleteFunc(slices.Clone(changed.Clients), func(id string) bool { return id == client })
		}
		if err := tx.Connections.Put(changed); err != nil {
			return err
		}
		if err := p.changed(tx, v, "connection "+connection.Name, connection, changed); err != nil {
			return err
		}
	}
	return nil
}

// fieldOf is the field of the form that a fault of a client is about, or "".
func fieldOf(field string) string {
	field, _, _ = strings.Cut(field, "[")
	if strings.HasPrefix(field, "token_vault") {
		return "token_vault"
	}
	switch field = strings.TrimPrefix(field, "refresh_token."); field {
	case "name", "description", "callbacks", "allowed_logout_urls", "web_origins", "grant_types", "token_lifetime", "idle_token_lifetime", "leeway":
		return field
	}
	return ""
}

// secretsOf are the secrets that a client has, the newest first.
func secretsOf(r vault.Client) (secrets []templates.ClientSecret) {
	for _, hash := range r.SecretHashes {
		secrets = append(secrets, templates.ClientSecret{Fingerprint: fingerprint(hash), Since: r.SecretsSince[hash]})
	}
	return secrets
}

// fingerprint tells secrets apart by their hash: the first 8 digits of SHA-256 in
// hexadecimal.
func fingerprint(hash string) string {
	b, err := base64.RawURLEncoding.DecodeString(hash)
	if err != nil || len(b) < 4 {
		return "unknown"
	}
	return hex.EncodeToString(b[:4])
}

// seconds is a time as the form has it: "" is for ever.
func seconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatInt(int64(d/time.Second), 10)
}

func lines(list []string) string { return strings.Join(list, "\n") }

// words are what stands in lines, or between spaces or commas.
func words(s string) []string {
	list := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' || r == ' ' || r == '\t' || r == ',' })
	if list == nil {
		return []string{} // none, and not nothing said
	}
	return list
}
