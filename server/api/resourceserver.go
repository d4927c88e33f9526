package api

import (
	"slices"
	"strings"
	"time"

	"sallyport/vault"
)

// ResourceServer is an API that access tokens can be for. Of a nil field it
// says nothing.
type ResourceServer struct {
	Identifier         string  `yaml:"identifier" json:"identifier,omitzero"` // the audience of its tokens
	Name               *string `yaml:"name" json:"name,omitzero"`
	Scopes             []Scope `yaml:"scopes" json:"scopes,omitzero"`
	SigningAlg         *string `yaml:"signing_alg" json:"signing_alg,omitzero"`
	TokenLifetime      *int64  `yaml:"token_lifetime" json:"token_lifetime,omitzero"` // seconds
	AllowOfflineAccess *bool   `yaml:"allow_offline_access" json:"allow_offline_access,omitzero"`
}

// Scope is one permission of a resource server.
type Scope struct {
	Value       string  `yaml:"value" json:"value"`
	Description *string `yaml:"description" json:"description,omitzero"`
}

// Record is the stored resource server as it would become: what s does not
// mention stays as in old, or gets its default if old has no identifier. A new
// one keeps old's ID, which the caller chooses.
func (s ResourceServer) Record(old vault.ResourceServer) (vault.ResourceServer, error) {
	r := old
	if old.Identifier == "" {
		r = vault.ResourceServer{Identifier: s.Identifier, ID: old.ID}
	}
	set(&r.Name, s.Name)
	set(&r.AllowOfflineAccess, s.AllowOfflineAccess)
	if err := algorithm("signing_alg", &r.Alg, s.SigningAlg); err != nil {
		return r, err
	}
	if err := lifetime("token_lifetime", &r.TokenLifetime, s.TokenLifetime); err != nil {
		return r, err
	}
	if s.Scopes != nil {
		r.Scopes = nil
	}
	for i, scope := range s.Scopes {
		switch {
		case scope.Value == "":
			return r, &vault.Invalid{Field: at("scopes", i) + ".value", Problem: "is missing"}
		case strings.ContainsAny(scope.Value, " \t\n\"\\"):
			return r, &vault.Invalid{Field: at("scopes", i) + ".value", Problem: "has a space, quote or backslash in it, which no scope may have"}
		case r.Has(scope.Value):
			return r, &vault.Invalid{Field: at("scopes", i) + ".value", Problem: "is there already: remove one of the two"}
		}
		kept := vault.Scope{Value: scope.Value}
		set(&kept.Description, scope.Description)
		r.Scopes = append(r.Scopes, kept)
	}
	return r, r.Validate()
}

// ResourceServerOf is the shape of a stored resource server.
func ResourceServerOf(r vault.ResourceServer) ResourceServer {
	list := []Scope{}
	for _, s := range r.Scopes {
		list = append(list, Scope{s.Value, given(s.Description)})
	}
	token := r.TokenLifetime
	if token == 0 {
		token = 24 * time.Hour
	}
	return ResourceServer{
		Identifier: r.Identifier, Name: given(r.Name), Scopes: list,
		SigningAlg: algorithmOf(r.Alg), TokenLifetime: seconds(token), AllowOfflineAccess: &r.AllowOfflineAccess,
	}
}

// ClientGrant is what a client may ask of a resource server for itself. Of a
// nil Scope it says nothing.
type ClientGrant struct {
	ClientID string `yaml:"client_id" json:"client_id,omitzero"`
	Audience string `yaml:"audience" json:"audience,omitzero"`
	Scope    Scopes `yaml:"scope" json:"scope,omitzero"`
}

// Record is the stored grant as it would become: a Scope that g does not
// mention stays as in old, which has no Client if the grant is new; a new one
// keeps old's ID, which the caller chooses. It does not know whether client,
// audience and scopes exist.
func (g ClientGrant) Record(old vault.ClientGrant) (vault.ClientGrant, error) {
	r := old
	if old.Client == "" {
		r = vault.ClientGrant{ID: old.ID, Client: g.ClientID, Audience: g.Audience}
	}
	if g.Scope != nil {
		r.Scopes = slices.Clone(g.Scope)
	}
	switch {
	case r.Client == "":
		return r, &vault.Invalid{Field: "client_id", Problem: "is missing"}
	case r.Audience == "":
		return r, &vault.Invalid{Field: "audience", Problem: "is missing"}
	}
	return r, nil
}

// ClientGrantOf is the shape of a stored client grant.
func ClientGrantOf(r vault.ClientGrant) ClientGrant {
	return ClientGrant{ClientID: r.Client, Audience: r.Audience, Scope: append(Scopes{}, r.Scopes...)}
}
