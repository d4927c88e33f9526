package api

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"sallyport/vault"
)

// planner gathers what a file changes, kind by kind.
type planner struct {
	*Tenant
	tx    *vault.Tx
	check Check
	plan  Plan
	puts  []func() error
}

// plan finds what the file changes, and how.
func (t *Tenant) plan(tx *vault.Tx, check Check) (Plan, []func() error, error) {
	p := &planner{Tenant: t, tx: tx, check: check, plan: Plan{Changes: []Change{}}}
	for _, section := range []func() error{p.resourceServers, p.clients, p.connections, p.clientGrants, p.webhooks, p.branding} {
		if err := section(); err != nil {
			return Plan{}, nil, err
		}
	}
	return p.plan, p.puts, nil
}

// stored is the record with a key, or fresh if there is none.
func stored[R vault.Record](rs vault.Records[R], key string, fresh R) (r R, found bool, err error) {
	r, err = rs.Get(key)
	if errors.Is(err, vault.ErrNotFound) {
		return fresh, false, nil
	}
	return r, err == nil, err
}

// put adds a record to the plan, unless its fields stay as they are, and
// reports whether it did. The change comes with its kind and name, and with
// fields that shape does not show.
func put[R vault.Record, S any](p *planner, rs vault.Records[R], shape func(R) S, old, r R, found bool, c Change) bool {
	var before []leaf
	c.Name, c.Action = shown(c.Name), create
	if found {
		before, c.Action = leaves(shape(old)), update
	}
	c.Fields = append(diff(before, leaves(shape(r))), c.Fields...)
	if found && len(c.Fields) == 0 {
		return false
	}
	p.plan.Changes = append(p.plan.Changes, c)
	p.puts = append(p.puts, func() error { return rs.Put(r) })
	return true
}

// secretChange is the change of a field whose values are not for showing.
func secretChange(field string, had, has bool) []FieldChange {
	c := FieldChange{Field: field, New: secretChanged}
	if !had {
		c.New = secretSet
	} else if !has {
		c.Old, c.New = secretSet, ""
	}
	return []FieldChange{c}
}

// secretChanges are the changes of a client's secrets, of which the second is
// the previous one.
func secretChanges(old, now []string) (changes []FieldChange) {
	nth := func(list []string, i int) string {
		if i < len(list) {
			return list[i]
		}
		return ""
	}
	for i, field := range []string{"client_secret", "client_secret_previous"} {
		if had, has := nth(old, i), nth(now, i); had != has {
			changes = append(changes, secretChange(field, had != "", has != "")...)
		}
	}
	return changes
}

func (p *planner) resourceServers() error {
	for i, s := range p.sections.ResourceServers {
		path := at("resourceServers", i)
		if management(s.Identifier) {
			return p.invalid(path+".identifier", errors.New("is the management API, which every gateway has: remove it, and name it in clientGrants alone"))
		}
		old, found, err := stored(p.tx.ResourceServers, s.Identifier, vault.ResourceServer{ID: p.ids[path]})
		if err != nil {
			return fmt.Errorf("read resource server %s: %w", shown(s.Identifier), err)
		}
		r, err := s.Record(old)
		if err != nil {
			return p.invalid(path, err)
		}
		put(p, p.tx.ResourceServers, ResourceServerOf, old, r, found, Change{Kind: "resource_server", Name: s.Identifier})
	}
	return nil
}

func (p *planner) clients() error {
	for i, c := range p.sections.Clients {
		path := at("clients", i)
		old, found, err := stored(p.tx.Clients, c.ClientID, vault.Client{})
		if err != nil {
			return fmt.Errorf("read client %s: %w", shown(c.ClientID), err)
		}
		r, err := c.Record(old)
		if err != nil {
			return p.invalid(path, err)
		}
		change := Change{Kind: "client", Name: c.ClientID}
		if !slices.Equal(old.SecretHashes, r.SecretHashes) {
			change.Fields = secretChanges(old.SecretHashes, r.SecretHashes)
		}
		if !put(p, p.tx.Clients, plannedClient, old, r, found, change) {
			continue
		}
		if c.TokenVault != nil {
			for j, access := range c.TokenVault.Connections {
				if err := p.connection(access.Connection, at(path+".token_vault.connections", j)+".connection"); err != nil {
					return err
				}
			}
		}
		if r.API == "" || r.API == old.API {
			continue
		}
		if _, err := p.resourceServer(r.API, path+".resource_server_identifier"); err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) connections() error {
	for i, c := range p.sections.Connections {
		path := at("connections", i)
		old, found, err := stored(p.tx.Connections, c.Name, vault.Connection{ID: "con_" + p.ids[path]})
		if err != nil {
			return fmt.Errorf("read connection %s: %w", shown(c.Name), err)
		}
		r, err := c.Record(old)
		if err != nil {
			return p.invalid(path, err)
		}
		change := Change{Kind: "connection", Name: c.Name}
		if r.ClientSecret.Reveal() != old.ClientSecret.Reveal() {
			change.Fields = secretChange("options.client_secret", !old.ClientSecret.IsZero(), !r.ClientSecret.IsZero())
		}
		if !put(p, p.tx.Connections, ConnectionOf, old, r, found, change) {
			continue
		}
		if p.check != nil {
			if err := p.check(r); err != nil {
				return p.invalid(path, err)
			}
		}
		for j, id := range c.EnabledClients {
			if slices.Contains(old.Clients, id) {
				continue // what is stored may outlive its client
			}
			if err := p.client(id, at(path+".enabled_clients", j)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *planner) clientGrants() error {
	for i, g := range p.sections.ClientGrants {
		path := at("clientGrants", i)
		old, found, err := stored(p.tx.ClientGrants, vault.ClientGrantKey(g.ClientID, g.Audience), vault.ClientGrant{ID: "cgr_" + p.ids[path]})
		if err != nil {
			return fmt.Errorf("read client grant of %s: %w", shown(g.ClientID), err)
		}
		r, err := g.Record(old)
		if err != nil {
			return p.invalid(path, err)
		}
		if !put(p, p.tx.ClientGrants, ClientGrantOf, old, r, found, Change{Kind: "client_grant", Name: g.ClientID + " for " + g.Audience}) {
			continue
		}
		if err := p.client(g.ClientID, path+".client_id"); err != nil {
			return err
		}
		if err := p.scopes(r, path); err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) webhooks() error {
	for i, w := range p.sections.Webhooks {
		path := at("webhooks", i)
		old, found, err := stored(p.tx.Webhooks, w.Name, vault.Webhook{})
		if err != nil {
			return fmt.Errorf("read webhook %s: %w", shown(w.Name), err)
		}
		r, err := w.Record(old, p.tx.Now())
		if err != nil {
			return p.invalid(path, err)
		}
		change := Change{Kind: "webhook", Name: w.Name}
		if r.Secret != old.Secret {
			change.Fields = secretChange("secret", !old.Secret.IsZero(), true)
		}
		put(p, p.tx.Webhooks, WebhookOf, old, r, found, change)
	}
	return nil
}

// leaves are the fields of a shape, in order. A list is one field.
func leaves(shape any) []leaf { return encode(reflect.ValueOf(shape)).leaves("", nil) }
