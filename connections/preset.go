package connections

import (
	"regexp"
	"strings"

	"sallyport/vault"
)

// preset is what is known of an identity provider, so that its connections need
// not say it: the options, and the parameters of the authorization request, that
// a connection of the strategy oidc or oauth2 would have.
type preset struct {
	name, title, docs string
	base              string // the strategy that it is of: "oidc" or "oauth2"
	scopes            []string
	options           map[string]string // "{name}" stands for the value of the option of that name
	params            map[string]string
	// Of connections that keep tokens: what brings a refresh token.
	offlineScopes []string
	offlineParams map[string]string
	// prompts are the provider's words for the prompts of OpenID Connect; one
	// that is not there is not sent.
	prompts   map[string]string
	fields    []Field // its own
	qualified bool    // its users' IDs name the connection, too (vault.Identity)
}

// presetStrategies are the presets as strategies.
func presetStrategies() []Strategy {
	var out []Strategy
	for _, p := range presets {
		s := Strategy{Name: p.name, Title: p.title, Scopes: p.scopes, Docs: p.docs}
		s.NotRenewable = func(vault.Connection, []string) string {
			return "The connection asks for one by itself; whether the provider gives it depends on what is registered there: see " + p.docs + "."
		}
		open, fields := openOpenID, openIDFields
		if p.base == "oauth2" {
			open, fields = openOAuth2, oauth2Fields
		}
		s.Fields = append(s.Fields, p.fields...)
		for _, f := range fields {
			if value, ok := p.options[f.Name]; ok {
				f.Default = value
			}
			s.Fields = append(s.Fields, f)
		}
		s.Open = func(c vault.Connection, env Env) (Provider, error) { return open(c, env, p) }
		out = append(out, s)
	}
	return out
}

var hostname = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]+)?$`)

// fill puts the values of the preset's own options where they belong.
func (p preset) fill(options map[string]string) error {
	for _, f := range p.fields {
		value := options[f.Name]
		if value == "" && options["issuer"] != p.options["issuer"] {
			continue // the connection says by itself what it would be for
		}
		if !hostname.MatchString(value) {
			return &vault.Invalid{Field: "options." + f.Name, Problem: "is missing or has a wrong form: " + f.Help}
		}
		for name := range p.options {
			options[name] = strings.ReplaceAll(options[name], "{"+f.Name+"}", value)
		}
	}
	return nil
}
