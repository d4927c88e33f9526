package api

import (
	"maps"
	"slices"
	"strings"
	"time"

	"sallyport/vault"
)

// Connection is how the gateway reaches an identity provider. Of a nil field it
// says nothing.
type Connection struct {
	Name              string   `yaml:"name" json:"name,omitzero"`
	Strategy          *string  `yaml:"strategy" json:"strategy,omitzero"`
	DisplayName       *string  `yaml:"display_name" json:"display_name,omitzero"`
	Options           *Options `yaml:"options" json:"options,omitzero"`
	Authentication    *Switch  `yaml:"authentication" json:"authentication,omitzero"`         // users may sign in with it
	ConnectedAccounts *Switch  `yaml:"connected_accounts" json:"connected_accounts,omitzero"` // keep its token sets in the vault
	Administrators    *Switch  `yaml:"administrators" json:"administrators,omitzero"`         // they may sign in to the console with it
	EnabledClients    []string `yaml:"enabled_clients" json:"enabled_clients,omitzero"`       // IDs
}

// Switch turns something on or off.
type Switch struct {
	Active *bool `yaml:"active" json:"active,omitzero"`
}

// UpstreamParam is a parameter added to the authorization request upstream: a
// fixed value, or the value that the client's own request has for a parameter.
type UpstreamParam struct {
	Value *string `yaml:"value" json:"value,omitzero"`
	Alias *string `yaml:"alias" json:"alias,omitzero"`
}

// Check finds fault with a connection that its strategy could not use.
type Check func(vault.Connection) error

// Record is the stored connection as it would become: what c does not mention
// stays as in old, or gets its default if old has no name. A new connection
// keeps old's ID, which the caller chooses.
//
// Options of the strategy are kept one by one, and an empty one is removed;
// UpstreamParams are replaced as a whole. Another strategy begins without any.
func (c Connection) Record(old vault.Connection) (vault.Connection, error) {
	r := old
	if old.Name == "" {
		r = vault.Connection{Name: c.Name, ID: old.ID, Active: true}
	}
	set(&r.Strategy, c.Strategy)
	set(&r.DisplayName, c.DisplayName)
	setList(&r.Clients, c.EnabledClients)
	if c.Authentication != nil {
		set(&r.Active, c.Authentication.Active)
	}
	if c.ConnectedAccounts != nil {
		set(&r.TokenVault, c.ConnectedAccounts.Active)
	}
	if c.Administrators != nil {
		set(&r.ForAdmins, c.Administrators.Active)
	}
	if r.Strategy != old.Strategy {
		r.Options = nil
	}
	if c.Options != nil {
		if err := c.Options.record(&r); err != nil {
			return r, err
		}
	}
	return r, r.Validate()
}

func (o *Options) record(r *vault.Connection) error {
	set(&r.ClientID, o.ClientID)
	if o.ClientSecret != nil {
		if o.ClientSecret.IsZero() {
			return &vault.Invalid{Field: "options.client_secret", Problem: "is empty: give the secret, or remove the line"}
		}
		if r.ClientSecret != o.ClientSecret.Secret {
			r.ClientSecret, r.SecretSet = o.ClientSecret.Secret, time.Time{}
		}
	}
	if o.Scope != nil {
		r.Scopes = slices.Clone(o.Scope)
	}
	if o.UpstreamParams != nil {
		r.Upstream = make(map[string]vault.UpstreamParam, len(o.UpstreamParams))
		for _, name := range slices.Sorted(maps.Keys(o.UpstreamParams)) {
			p := o.UpstreamParams[name]
			if (p.Value == nil) == (p.Alias == nil) {
				return &vault.Invalid{Field: "options.upstream_params." + name, Problem: "should have either a value or an alias"}
			}
			if p.Alias != nil && *p.Alias == "" {
				return &vault.Invalid{Field: "options.upstream_params." + name + ".alias", Problem: "is empty: name a parameter of the client's request"}
			}
			var kept vault.UpstreamParam
			set(&kept.Value, p.Value)
			set(&kept.Alias, p.Alias)
			r.Upstream[name] = kept
		}
	}
	r.Options = maps.Clone(r.Options)
	for name, value := range o.Strategy {
		if param, ok := strings.CutPrefix(name, authParams); ok {
			if r.Upstream = maps.Clone(r.Upstream); r.Upstream == nil {
				r.Upstream = make(map[string]vault.UpstreamParam)
			}
			r.Upstream[param] = vault.UpstreamParam{Value: value}
			continue
		}
		if value == "" {
			delete(r.Options, name)
			continue
		}
		if r.Options == nil {
			r.Options = make(map[string]string)
		}
		r.Options[name] = value
	}
	return nil
}

// ConnectionOf is the shape of a stored connection. It holds no secret of the
// connection as a client; an option of its strategy may be one by its name.
func ConnectionOf(r vault.Connection) Connection {
	options := &Options{ClientID: given(r.ClientID), Scope: append(Scopes{}, r.Scopes...), Strategy: r.Options}
	for name, p := range r.Upstream {
		if options.UpstreamParams == nil {
			options.UpstreamParams = make(map[string]UpstreamParam)
		}
		shown := UpstreamParam{Value: &p.Value}
		if p.Alias != "" {
			shown = UpstreamParam{Alias: &p.Alias}
		}
		options.UpstreamParams[name] = shown
	}
	return Connection{
		Name: r.Name, Strategy: &r.Strategy, DisplayName: given(r.DisplayName), Options: options,
		Authentication: &Switch{&r.Active}, ConnectedAccounts: &Switch{&r.TokenVault}, Administrators: &Switch{&r.ForAdmins},
		EnabledClients: append([]string{}, r.Clients...),
	}
}
