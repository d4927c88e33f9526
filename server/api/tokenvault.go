package api

import (
	"net/netip"
	"slices"

	"sallyport/vault"
)

// TokenVault is what a client may have access tokens of, out of the connections
// that are enabled for it. Auth0 has no such thing.
type TokenVault struct {
	Connections  []TokenAccess `yaml:"connections" json:"connections,omitzero"`   // and of no others
	Unrestricted *bool         `yaml:"unrestricted" json:"unrestricted,omitzero"` // true takes the list away
}

// TokenAccess is how far a client may have access tokens of a connection.
type TokenAccess struct {
	Connection string   `yaml:"connection" json:"connection,omitzero"`
	Scopes     []string `yaml:"scopes" json:"scopes,omitzero"`     // that tokens may have; without: all
	Networks   []string `yaml:"networks" json:"networks,omitzero"` // that the client may ask from, such as "10.0.0.0/8"; without: all
}

func (t *TokenVault) record(r *vault.Client) error {
	if t == nil {
		return nil
	}
	unrestricted := t.Unrestricted != nil && *t.Unrestricted
	if unrestricted == (t.Connections != nil) {
		return &vault.Invalid{Field: "token_vault", Problem: "should have either connections, or unrestricted: true"}
	}
	r.TokenVault = nil
	if unrestricted {
		return nil
	}
	kept := &vault.TokenVault{}
	for i, a := range t.Connections {
		path := at("token_vault.connections", i)
		access := vault.TokenAccess{Connection: a.Connection, Scopes: slices.Clone(a.Scopes)}
		_, twice := kept.Access(a.Connection)
		switch {
		case a.Connection == "":
			return &vault.Invalid{Field: path + ".connection", Problem: "is missing"}
		case twice:
			return &vault.Invalid{Field: path + ".connection", Problem: "is listed before: remove one of the two"}
		case a.Scopes != nil && len(a.Scopes) == 0:
			return &vault.Invalid{Field: path + ".scopes", Problem: "is empty: list scopes, or leave it out to allow all"}
		case a.Networks != nil && len(a.Networks) == 0:
			return &vault.Invalid{Field: path + ".networks", Problem: "is empty: list networks, or leave it out to allow all"}
		}
		for j, s := range a.Networks {
			network, err := netip.ParsePrefix(s)
			if err != nil || network != network.Masked() {
				return &vault.Invalid{Field: at(path+".networks", j), Problem: "should be a network such as 10.0.0.0/8, or 192.0.2.7/32 for one address"}
			}
			access.Networks = append(access.Networks, network)
		}
		kept.Connections = append(kept.Connections, access)
	}
	r.TokenVault = kept
	return nil
}

// tokenVaultOf is what to show of it, nothing if it is unrestricted.
func tokenVaultOf(r vault.Client) *TokenVault {
	if r.TokenVault == nil {
		return nil
	}
	shown := &TokenVault{Connections: []TokenAccess{}}
	for _, a := range r.TokenVault.Connections {
		access := TokenAccess{Connection: a.Connection, Scopes: givenList(a.Scopes)}
		for _, network := range a.Networks {
			access.Networks = append(access.Networks, network.String())
		}
		shown.Connections = append(shown.Connections, access)
	}
	return shown
}
