package admin

import (
	"strings"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// salesforceChecklist is what is to be set at Salesforce for a connection, as
// docs/salesforce.md says it. Of other identity providers there is none.
func (p *Pages) salesforceChecklist(c vault.Connection) templates.Checklist {
	if !isSalesforce(c.Strategy) {
		return templates.Checklist{}
	}
	list := []templates.CheckLine{
		{Name: "app", Title: "External client app", How: "Setup, External Client App Manager, New External Client App, with OAuth enabled. It takes up to ten minutes to be known."},
		{Name: "callback", Title: "Callback URL", How: connections.CallbackURL(p.Issuer, c)},
		{Name: "scopes", Title: "OAuth scopes", How: strings.Join(with(asked(c), "openid"), ", ")},
		{Name: "secret", Title: "Require secret for the web server flow and the refresh token flow", How: "On: a stolen code or refresh token is of no use without it."},
		{Name: "pkce", Title: "Require PKCE", How: "On: the gateway sends it always."},
		{Name: "rotation", Title: "Refresh token rotation", How: "On, if it is offered."},
		{Name: "jwt", Title: "JWT-based access tokens", How: "As your applications need: they tell when they expire, but only REST APIs take them."},
		{Name: "refresh_policy", Title: "Refresh token policy: valid until revoked", How: "The app, Policies, OAuth Policies. Any other makes users connect again by and by."},
		{Name: "ip", Title: "IP relaxation", How: "The app, Policies: relaxed, or the gateway's address allowed in Setup, Network Access."},
		{Name: "users", Title: "Permitted users", How: "The app, Policies: all may authorize themselves, or those with a profile or permission set of the app."},
	}
	switch c.Options["token_grant"] {
	case "jwt_bearer":
		list = append(list, templates.CheckLine{Name: "certificate", Title: "JWT bearer flow", How: "Enabled, with the certificate of this connection uploaded."})
	case "saml2_bearer":
		list = append(list, templates.CheckLine{Name: "certificate", Title: "SAML bearer flow", How: "A connected app, with the certificate of this connection uploaded as its digital signature."})
	case "client_credentials":
		list = append(list, templates.CheckLine{Name: "run_as", Title: "Client credentials flow", How: "Enabled, also under Policies, with a user to run as."})
	}
	return templates.Checklist{Lines: list}
}

// with is a list with one more before it, if it lacks that.
func with(list []string, scope string) []string {
	if len(without([]string{scope}, list)) == 0 {
		return list
	}
	return append([]string{scope}, list...)
}
