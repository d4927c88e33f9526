package admin

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// forAdmins is the field of the form that owners alone have.
const forAdmins = "administrators.active"

const ownCallback = "own_callback" // option of all strategies: see [connections.CallbackURL]

// The environments of Salesforce, as people tell them apart.
const (
	production = "production"
	sandbox    = "sandbox"
	myDomain   = "my-domain"
	site       = "site"
)

// environmentOf is the environment of a connection to Salesforce.
func environmentOf(c vault.Connection) string {
	switch {
	case c.Strategy == "salesforce-community":
		return site
	case c.Options["login_url"] != "":
		return myDomain
	case c.Strategy == "salesforce-sandbox":
		return sandbox
	}
	return production
}

// strategyFor is the strategy of an environment, unless the address tells more.
// An org's own domain may be of a sandbox's, which stays one.
func strategyFor(environment, before string) string {
	switch {
	case environment == site:
		return "salesforce-community"
	case environment == sandbox, environment == myDomain && before == "salesforce-sandbox":
		return "salesforce-sandbox"
	}
	return "salesforce"
}

// entered is what a form of a connection was sent with, or what it begins with.
type entered struct {
	connection  vault.Connection
	before      vault.Connection // whose secrets stay if none is entered
	environment string
	address     string // as it was pasted
	parameters  string // as they were written
	isNew       bool
	trial       vault.Trial    // what was seen of it
	fault       *vault.Invalid // what is wrong with it, if anything
}

// enteredOf is a form that begins with a connection.
func enteredOf(c vault.Connection) entered {
	return entered{connection: c, before: c, environment: environmentOf(c), address: c.Options["login_url"], parameters: parametersOf(c)}
}

// parametersOf are the parameters added to the authorization request, a line
// each.
func parametersOf(c vault.Connection) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(c.Upstream)) {
		if p := c.Upstream[name]; p.Alias != "" {
			lines = append(lines, name+" from "+p.Alias)
		} else {
			lines = append(lines, name+" = "+p.Value)
		}
	}
	return strings.Join(lines, "\n")
}

// leading are the options without which other identity providers are not found.
var leading = []string{"tenant_id", "domain", "issuer", "discovery_url", "authorizationURL", "tokenURL", "userInfoURL", "profile.id"}

// form is the page on which a connection is set up, with what was entered.
func (p *Pages) form(console templates.Console, e entered, apps []vault.Client) templates.ConnectionForm {
	c := e.connection
	s, _ := strategyOf(c.Strategy)
	page := templates.ConnectionForm{
		Console: console, Kind: kindOf(c), Strategy: c.Strategy, Salesforce: isSalesforce(c.Strategy), Callbacks: p.callbacks(c),
		Vault: c.TokenVault, ForAdmins: c.ForAdmins, Checklist: p.checked(c, e.trial),
	}
	if !e.isNew {
		page.Name = c.Name
	}
	page.Scopes, page.OtherScopes = scopeOptions(s, c)
	key, secret := credentialTitles(c.Strategy)
	page.Names = []templates.Input{
		{Name: "name", Label: "Name", Value: c.Name, Required: true, Fixed: !e.isNew, Placeholder: "acme",
			Help: "What applications call it: letters, digits and hyphens. It cannot be changed later."},
		{Name: "display_name", Label: "Title", Value: c.DisplayName, Placeholder: kindOf(c), Help: "What users read on the sign-in page."},
	}
	page.Credentials = []templates.Input{
		{Name: "options.client_id", Label: key, Value: c.ClientID, Help: "The app's OAuth settings at the identity provider have it."},
		{Name: "options.client_secret", Label: secret, Kind: templates.Secret, Kept: kept(secretSet(e.before), c.ClientSecret != e.before.ClientSecret), Help: "It is kept sealed, and never shown again."},
	}
	page.MoreScopes = templates.Input{Name: "scope", Label: "Scopes", Value: strings.Join(unknown(s, c.Scopes), " "), Placeholder: strings.Join(s.Scopes, " "),
		Help: "With spaces between them. Without any, those that are shown are asked for."}
	if page.Salesforce {
		page.Kind = "Salesforce"
		page.Environments = environments(e.environment)
		page.MoreScopes.Label, page.MoreScopes.Name = "Additional scopes", "more_scopes"
		page.MoreScopes.Help = "With spaces between them: those that the app at Salesforce has besides, such as sfap_api or mcp_api."
		page.MoreScopes.Placeholder = ""
		page.Grants = grants(cmp.Or(c.Options["token_grant"], "authorization_code"))
	}
	for _, f := range s.Fields {
		input := inputOf(f, c.Options[f.Name], e.before.Options[f.Name])
		switch {
		case f.Name == "login_url":
			input.Label, input.Value, input.Placeholder = "Address of the org or site", e.address, "https://acme.my.salesforce.com"
			input.Help = "Paste any: My Domain, a page of Setup, a site, or its discovery document. The environment and the login host are found from it. For all of production, or all sandboxes, leave it empty."
			page.Where = append(page.Where, input)
		case f.Name == "org_id", slices.Contains(leading, f.Name) && f.Default == "":
			page.Where = append(page.Where, input)
		case f.Name != "token_grant":
			page.More = append(page.More, input)
			if f.Secret && e.before.Options[f.Name] != "" {
				page.More = append(page.More, templates.Input{Name: "remove.options." + f.Name, Label: "Remove it: " + f.Title, Kind: templates.Switch})
			}
		}
	}
	page.More = append(page.More, templates.Input{Name: "options.upstream_params", Label: "Parameters for the identity provider", Value: e.parameters, Kind: templates.Lines, Placeholder: "display = popup",
		Help: `Added to its authorization request, one a line: "display = popup" is a fixed value, "login_hint from login_hint" what the application's own request says.`})
	for _, app := range apps {
		page.Applications = append(page.Applications, templates.Pick{Value: app.ID, Title: cmp.Or(app.Name, app.ID), On: c.Allows(app.ID)})
	}
	if e.fault != nil {
		blame(&page, *e.fault)
	}
	return page
}

// blame says what is wrong beside the field that it is of, and above the form.
func blame(page *templates.ConnectionForm, fault vault.Invalid) {
	at := fault.Field
	switch {
	case at == "options.scope":
		at = page.MoreScopes.Name
	case strings.HasPrefix(at, "options.upstream_params"):
		at = "options.upstream_params"
	}
	said := templates.Input{Name: at, Label: fault.Field, Fault: fault.Problem}
	for i, list := range [][]templates.Input{page.Names, page.Where, page.Credentials, {page.MoreScopes}, page.More} {
		for j := range list {
			if list[j].Name != at {
				continue
			}
			list[j].Fault, said.Label = fault.Problem, list[j].Label
			switch i {
			case 3:
				page.MoreScopes.Fault = fault.Problem
			case 4:
				page.MoreOpen = true
			}
		}
	}
	if at == forAdmins {
		said.Label = "Administrators sign in with it"
	}
	if at == "options.token_grant" {
		page.MoreOpen, said.Label = true, "How access tokens are got"
	}
	page.Faults = append(page.Faults, said)
}

func (p *Pages) callbacks(c vault.Connection) templates.Callbacks {
	other := c
	other.Options = maps.Clone(c.Options)
	if other.Options == nil {
		other.Options = map[string]string{}
	}
	own := c.Options[ownCallback] == "true"
	other.Options[ownCallback] = "true"
	if own {
		delete(other.Options, ownCallback)
	}
	callbacks := templates.Callbacks{URL: connections.CallbackURL(p.Issuer, c), Own: own}
	if c.Name != "" && !own {
		callbacks.Other = connections.CallbackURL(p.Issuer, other)
	}
	return callbacks
}

// inputOf is the field of a form for an option of a strategy. A secret is not
// shown, and what was entered is not sent back.
func inputOf(f connections.Field, value, before string) templates.Input {
	input := templates.Input{Name: "options." + f.Name, Label: f.Title, Value: value, Placeholder: f.Default, Help: f.Help}
	if f.Secret {
		input.Kind = templates.Secret
		if f.Name == "private_key" {
			input.Kind = templates.Key
		}
		set := ""
		if before != "" {
			set = "set"
		}
		input.Value, input.Kept = "", kept(set, value != before)
	}
	return input
}

// kept says of a secret whether there is one, and that one which was entered has
// to be entered again.
func kept(set string, entered bool) string {
	switch {
	case entered:
		return "Enter it again: what you entered is not sent back to you."
	case set == "":
		return ""
	}
	return strings.ToUpper(set[:1]) + set[1:] + ". If you enter nothing, it stays."
}

func environments(chosen string) []templates.Pick {
	list := []templates.Pick{
		{Value: production, Title: "Production", Help: "login.salesforce.com: users of any org, Developer Edition too."},
		{Value: sandbox, Title: "Sandbox", Help: "test.salesforce.com: users of any sandbox."},
		{Value: myDomain, Title: "One org, by its My Domain", Help: "The best choice if all users are of one org, or of one sandbox. Its address is below."},
		{Value: site, Title: "Experience Cloud site", Help: "Customers and partners, at the site's address below."},
	}
	for i := range list {
		list[i].On = list[i].Value == chosen
	}
	return list
}

func grants(chosen string) []templates.Pick {
	list := []templates.Pick{
		{Value: "authorization_code", Title: "Users sign in, and refresh tokens are kept", Help: "The web server flow. Right for most."},
		{Value: "jwt_bearer", Title: "By assertions that the gateway signs (JWT bearer)", Help: "No refresh token is kept. The certificate is made here, after publishing or before, and uploaded at Salesforce."},
		{Value: "saml2_bearer", Title: "By assertions in SAML 2.0", Help: "The same, for connected apps alone."},
		{Value: "client_credentials", Title: "Client credentials", Help: "For applications without a user. It takes the org's My Domain."},
	}
	for i := range list {
		list[i].On = list[i].Value == chosen
	}
	return list
}

// scopeOptions are the scopes of a strategy to choose from: those that most need
// and those that are chosen, and the others. openid is always chosen.
func scopeOptions(s connections.Strategy, c vault.Connection) (most, others []templates.ScopeOption) {
	const needed = 6
	for i, k := range s.Known {
		always := k.Name == "openid"
		o := templates.ScopeOption{Opens: k.Opens, Risk: string(k.Risk),
			Pick: templates.Pick{Value: k.Name, Help: k.Words, On: always || slices.Contains(asked(c), k.Name), Fixed: always}}
		if i < needed || o.On {
			most = append(most, o)
		} else {
			others = append(others, o)
		}
	}
	return most, others
}

// unknown are the scopes that cannot be chosen by a tick.
func unknown(s connections.Strategy, scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool {
		return slices.ContainsFunc(s.Known, func(k connections.Scope) bool { return k.Name == scope })
	})
}
