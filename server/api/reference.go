package api

import (
	"fmt"
	"strings"

	"sallyport/vault"
)

// client finds fault with a client that is neither in the file nor stored.
func (p *planner) client(id, path string) error {
	named := func(name *string) bool { return name != nil && *name == id }
	cure := "name a client of this file or one that is stored, by its client_id"
	for _, c := range p.sections.Clients {
		if c.ClientID == id {
			return nil
		}
		if named(c.Name) {
			cure = "write the client's client_id, " + c.ClientID + ", instead of its name"
		}
	}
	_, found, err := stored(p.tx.Clients, id, vault.Client{})
	if err == nil && !found {
		return p.invalid(path, fmt.Errorf("there is no client %s: %s", shown(id), cure))
	}
	return err
}

// connection finds fault with a connection that is neither in the file nor
// stored.
func (p *planner) connection(name, path string) error {
	for _, c := range p.sections.Connections {
		if c.Name == name {
			return nil
		}
	}
	_, found, err := stored(p.tx.Connections, name, vault.Connection{})
	if err == nil && !found {
		return p.invalid(path, fmt.Errorf("there is no connection %s: name one of this file or one that is stored", shown(name)))
	}
	return err
}

// resourceServer is the API with an identifier, as the file would leave it.
func (p *planner) resourceServer(identifier, path string) (vault.ResourceServer, error) {
	r, found, err := stored(p.tx.ResourceServers, identifier, vault.ResourceServer{})
	if err != nil {
		return r, err
	}
	for _, s := range p.sections.ResourceServers {
		if s.Identifier == identifier {
			return s.Record(r) // which its own section has found good
		}
	}
	if !found {
		return r, p.invalid(path, fmt.Errorf("there is no resource server %s: add it to resourceServers", shown(identifier)))
	}
	return r, nil
}

// management reports whether an audience is a gateway's management API, whose
// scopes the gateway itself knows. This package does not know its issuer, so
// any address of such an API will do.
func management(audience string) bool { return strings.HasSuffix(audience, "/"+Management) }

// scopes finds fault with a grant of scopes that its audience does not have.
func (p *planner) scopes(g vault.ClientGrant, path string) error {
	if management(g.Audience) {
		return nil
	}
	api, err := p.resourceServer(g.Audience, path+".audience")
	if err != nil {
		return err
	}
	for i, scope := range g.Scopes {
		if api.Has(scope) {
			continue
		}
		known := "it has none"
		if len(api.Scopes) > 0 {
			known = "it has " + join(api.Scopes, func(s vault.Scope) string { return shown(s.Value) })
		}
		return p.invalid(at(path+".scope", i), fmt.Errorf("%s is no scope of %s: %s", shown(scope), shown(g.Audience), known))
	}
	return nil
}
