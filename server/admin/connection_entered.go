package admin

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"sallyport/connections"
	"sallyport/vault"
)

// enter reads a form over a connection, sent by somebody of a role, and says in its fault what is wrong with
// what was entered.
func enter(form url.Values, before vault.Connection, isNew bool, role vault.Role, apps []vault.Client, now time.Time) entered {
	value := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	c := before
	e := entered{before: before, isNew: isNew, environment: value("environment"), address: value("options.login_url"), parameters: value("options.upstream_params")}
	if isNew {
		c.Name, c.Strategy = value("name"), value("strategy")
	}
	c.DisplayName = value("display_name")
	c.ClientID = value("options.client_id")
	if secret := value("options.client_secret"); secret != "" && secret != c.ClientSecret.Reveal() {
		c.ClientSecret, c.SecretSet = vault.NewSecret(secret), now
	}
	c.TokenVault = form.Has("connected_accounts.active")
	if c.ForAdmins = form.Has(forAdmins); !role.May(vault.Owner) {
		if c.ForAdmins && !before.ForAdmins {
			e.blame(&vault.Invalid{Field: forAdmins, Problem: "takes the role owner: whoever controls the identity provider could become any administrator"})
		}
		c.ForAdmins = before.ForAdmins // of which no form tells that they have
	}
	loginURL := ""
	if isSalesforce(c.Strategy) {
		var err error
		chosen := strategyFor(e.environment, before.Strategy)
		if c.Strategy, loginURL, err = connections.SalesforceAt(e.address, chosen); err != nil {
			c.Strategy, loginURL = chosen, e.address
			e.blame(err)
		}
		if e.environment == myDomain && e.address == "" {
			e.blame(&vault.Invalid{Field: "options.login_url", Problem: "is missing: paste the org's My Domain, such as https://acme.my.salesforce.com (Setup, My Domain)"})
		}
	}
	s, _ := strategyOf(c.Strategy)
	c.Options = strategyOptions(form, s, before.Options)
	set(c.Options, "login_url", loginURL)
	c.Scopes = scopes(form, s)
	var err error
	if c.Upstream, err = parameters(e.parameters); err != nil {
		e.blame(err)
	}
	c.Clients = slices.DeleteFunc(slices.Clone(form["client"]), func(id string) bool {
		return !slices.ContainsFunc(apps, func(app vault.Client) bool { return app.ID == id })
	})
	e.connection = c
	e.blame(check(c, isNew))
	if e.fault == nil { // the address decided, and may have been another's page
		e.environment, e.address = environmentOf(c), c.Options["login_url"]
	}
	return e
}

// blame keeps the first fault.
func (e *entered) blame(err error) {
	if err == nil || e.fault != nil {
		return
	}
	if !errors.As(err, &e.fault) {
		e.fault = &vault.Invalid{Field: "connection", Problem: err.Error()}
	}
}

// check finds fault with a connection that could not be published.
func check(c vault.Connection, isNew bool) error {
	switch {
	case isNew && c.Name == "new":
		return &vault.Invalid{Field: "name", Problem: "is taken by the page on which connections are made: choose another"}
	case len(c.DisplayName) > 200:
		return &vault.Invalid{Field: "display_name", Problem: "should be at most 200 characters"}
	}
	return connections.Check(c)
}

// strategyOptions are the strategy's own, as entered; a secret that was not entered stays
// as it was.
func strategyOptions(form url.Values, s connections.Strategy, before map[string]string) map[string]string {
	list := map[string]string{}
	for _, f := range s.Fields {
		value := strings.TrimSpace(form.Get("options." + f.Name))
		if f.Secret && value == "" && !form.Has("remove.options."+f.Name) {
			value = before[f.Name]
		}
		set(list, f.Name, value)
	}
	if list["token_grant"] == "authorization_code" { // the default
		delete(list, "token_grant")
	}
	set(list, ownCallback, form.Get("options."+ownCallback))
	return list
}

// set sets an option, or removes it if it has no value.
func set(options map[string]string, name, value string) {
	if value == "" {
		delete(options, name)
		return
	}
	options[name] = value
}

// scopes are those that were ticked, in the order in which they stand, and those
// that were written. None is the strategy's own choice.
func scopes(form url.Values, s connections.Strategy) (list []string) {
	for _, k := range s.Known {
		if slices.Contains(form["scope"], k.Name) || k.Name == "openid" {
			list = append(list, k.Name)
		}
	}
	written := form.Get("more_scopes")
	if len(s.Known) == 0 {
		written = form.Get("scope")
	}
	for _, scope := range strings.Fields(strings.ReplaceAll(written, ",", " ")) {
		if !slices.Contains(list, scope) {
			list = append(list, scope)
		}
	}
	if sorted(list) == sorted(s.Scopes) {
		return nil
	}
	return list
}

func sorted(list []string) string { return strings.Join(slices.Sorted(slices.Values(list)), " ") }

var (
	aliased = regexp.MustCompile(`^(\S+)\s+from\s+(\S+)$`)
	fixed   = regexp.MustCompile(`^([^\s=]+)\s*=\s*(.*)$`)
)

// parameters reads what [parametersOf] writes.
func parameters(text string) (map[string]vault.UpstreamParam, error) {
	list := map[string]vault.UpstreamParam{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if m := aliased.FindStringSubmatch(line); m != nil {
			list[m[1]] = vault.UpstreamParam{Alias: m[2]}
		} else if m := fixed.FindStringSubmatch(line); m != nil {
			list[m[1]] = vault.UpstreamParam{Value: m[2]}
		} else {
			return list, &vault.Invalid{Field: "options.upstream_params", Problem: `should have lines such as "display = popup" or "login_hint from login_hint"`}
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	return list, nil
}
