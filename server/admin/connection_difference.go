package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// setting is a setting of a connection, for people. Of a secret only whether it
// is another one counts.
type setting struct{ title, value, secret string }

// settingsOf are all settings of a connection that are drafted, and its switch.
func settingsOf(c vault.Connection, nameOf map[string]string) []setting {
	s, _ := strategyOf(c.Strategy)
	key, secret := credentialTitles(c.Strategy)
	list := []setting{
		{"Title", c.DisplayName, ""},
		{"Identity provider", kindOf(c), ""},
		{"Switched on", yes(c.Active), ""},
		{key, c.ClientID, ""},
		{secret, secretSet(c), c.ClientSecret.Reveal()},
		{"Scopes", strings.Join(asked(c), " "), ""},
		{"Token Vault", yes(c.TokenVault), ""},
	}
	for _, f := range s.Fields {
		value := c.Options[f.Name]
		switch {
		case f.Secret && value != "":
			list = append(list, setting{f.Title, "set", value})
		case value == "" && f.Default != "":
			list = append(list, setting{f.Title, f.Default + " (the default)", ""})
		default:
			list = append(list, setting{f.Title, value, ""})
		}
	}
	admins := ""
	if c.ForAdmins {
		admins = "yes"
	}
	list = append(list, setting{"Administrators sign in with it", admins, ""})
	own := ""
	if c.Options[ownCallback] == "true" {
		own = "yes"
	}
	list = append(list, setting{"A callback URL of its own", own, ""},
		setting{"Parameters for the identity provider", strings.Join(strings.Split(parametersOf(c), "\n"), ", "), ""})
	var titles []string
	for _, id := range c.Clients {
		titles = append(titles, applicationTitle(id, nameOf))
	}
	return append(list, setting{"Applications", strings.Join(titles, ", "), ""})
}

func yes(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}

// secretSet says that there is a client secret, and since when if that is known.
func secretSet(c vault.Connection) string {
	switch {
	case c.ClientSecret.IsZero():
		return ""
	case c.SecretSet.IsZero():
		return "set"
	}
	return "set, last changed " + clockTime(c.SecretSet)
}

// credentialTitles are what the client's ID and secret are called there.
func credentialTitles(strategy string) (id, secret string) {
	if isSalesforce(strategy) {
		return "Consumer key", "Consumer secret"
	}
	return "Client ID", "Client secret"
}

// asked are the scopes that a connection asks for, also if it does not say.
func asked(c vault.Connection) []string {
	if s, ok := strategyOf(c.Strategy); ok && len(c.Scopes) == 0 {
		return s.Scopes
	}
	return c.Scopes
}

func applicationTitle(id string, nameOf map[string]string) string {
	if name := nameOf[id]; name != "" && name != id {
		return name + " (" + id + ")"
	}
	return id
}

// changes are the settings that differ between two connections, the first of
// which may be none.
func changes(before, after vault.Connection, nameOf map[string]string) (list []templates.Difference) {
	old := map[string]setting{}
	if before.Name != "" {
		for _, s := range settingsOf(before, nameOf) {
			old[s.title] = s
		}
	}
	for _, s := range settingsOf(after, nameOf) {
		was := old[s.title]
		delete(old, s.title)
		if was == s || before.Name == "" && (s.value == "" || strings.HasSuffix(s.value, "(the default)")) {
			continue
		}
		if s.secret != "" && was.secret != "" && s.secret != was.secret {
			s.value = "another one, " + strings.TrimPrefix(s.value, "set, ")
		}
		list = append(list, templates.Difference{Title: s.title, Before: was.value, After: s.value})
	}
	for _, title := range slices.Sorted(maps.Keys(old)) { // of a strategy that it is no longer of
		if was := old[title].value; was != "" && !strings.HasSuffix(was, "(the default)") {
			list = append(list, templates.Difference{Title: title, Before: was})
		}
	}
	return list
}

// effects are what a change of a connection means for those who use it.
func (p *Pages) effects(before, after vault.Connection, nameOf map[string]string) (list []string) {
	if before.Name == "" {
		return nil
	}
	say := func(format string, values ...any) { list = append(list, fmt.Sprintf(format, values...)) }
	if url := connections.CallbackURL(p.Issuer, after); url != connections.CallbackURL(p.Issuer, before) {
		say("The callback URL becomes %s: register it at the identity provider first, or nobody can sign in.", url)
	}
	if before.Strategy != after.Strategy {
		say("The IDs of users who sign in for the first time begin with %s| from then on.", after.Strategy)
	}
	if before.ClientID != after.ClientID {
		say("Refresh tokens belong to the app that they were issued to: all users connect again.")
	}
	if org := after.Options["org_id"]; org != "" && org != before.Options["org_id"] {
		say("Accounts of other orgs than %s are refused, also those that were there before.", org)
	}
	if more := without(asked(after), connections.Granted(before, asked(before))); len(more) > 0 {
		say("Users who connected before have not allowed %s: exchanges that ask for it are refused, with a link by which they connect again.", strings.Join(more, " "))
	}
	if before.TokenVault && !after.TokenVault {
		say("Exchanges are refused with not_stored.")
	}
	if !before.TokenVault && after.TokenVault {
		say("Users who signed in before sign in again before their tokens can be exchanged.")
	}
	switch {
	case after.AdmitsAdmins() && !before.AdmitsAdmins():
		say("Administrators can sign in to the console with it, each with an identity that is theirs already. Whoever controls the identity provider can be any of them.")
	case before.AdmitsAdmins() && !after.AdmitsAdmins():
		say("Administrators can no longer sign in to the console with it. Those who are signed in stay so until their session ends.")
	}
	if before.Active != after.Active {
		say("Users and applications can use it: %s.", yes(after.Active))
	}
	for _, id := range without(before.Clients, after.Clients) {
		say("%s can neither sign users in with it nor exchange their tokens any more.", applicationTitle(id, nameOf))
	}
	return list
}

// audited is a connection as a log of changes may have it: in place of options
// that are secrets stand fingerprints, by which one is told from another.
func audited(c vault.Connection) vault.Connection {
	s, _ := strategyOf(c.Strategy)
	c.Options = maps.Clone(c.Options)
	for _, f := range s.Fields {
		if value := c.Options[f.Name]; f.Secret && value != "" {
			print := sha256.Sum256([]byte(value))
			c.Options[f.Name] = "(set, " + hex.EncodeToString(print[:4]) + ")"
		}
	}
	return c
}

// without is a list less what another has.
func without(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(others, s) })
}
