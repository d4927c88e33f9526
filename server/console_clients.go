package server

import (
	"sallyport/server/admin"
	"sallyport/server/api"
	"sallyport/vault"
)

// newClient is a client that the console adds: one that a tenant file would make
// of the same words.
func newClient(n admin.NewClient) (vault.Client, error) {
	c := api.Client{ClientID: n.ID, Name: &n.Name, AppType: &n.AppType, Callbacks: n.RedirectURIs}
	if n.Secret != "" {
		c.ClientSecret = api.NewSecret(n.Secret)
	}
	return c.Record(vault.Client{})
}

// changedClient is a client with what a form of the console says of it, which is
// checked as a tenant file is.
func changedClient(old vault.Client, change admin.ClientChange) (vault.Client, error) {
	rotation := "non-rotating"
	if change.Rotate {
		rotation = "rotating"
	}
	return api.Client{
		Name: &change.Name, Description: &change.Description, IsFirstParty: &change.FirstParty,
		Callbacks: change.RedirectURIs, AllowedLogoutURLs: change.LogoutURIs, WebOrigins: change.Origins, GrantTypes: change.GrantTypes,
		TokenVault: tokenVault(change),
		RefreshToken: &api.RefreshToken{
			RotationType: &rotation, Leeway: &change.RefreshLeeway,
			TokenLifetime: finite(change.RefreshLifetime), InfiniteTokenLifetime: new(change.RefreshLifetime == 0),
			IdleTokenLifetime: finite(change.RefreshIdle), InfiniteIdleTokenLifetime: new(change.RefreshIdle == 0),
		},
	}.Record(old)
}

func tokenVault(change admin.ClientChange) *api.TokenVault {
	if !change.Restricted {
		return &api.TokenVault{Unrestricted: new(true)}
	}
	listed := &api.TokenVault{Connections: []api.TokenAccess{}}
	for _, a := range change.Access {
		access := api.TokenAccess{Connection: a.Connection}
		if len(a.Scopes) > 0 {
			access.Scopes = a.Scopes
		}
		if len(a.Networks) > 0 {
			access.Networks = a.Networks
		}
		listed.Connections = append(listed.Connections, access)
	}
	return listed
}

// finite is a number of seconds, or nil if it is for ever.
func finite(seconds int64) *int64 {
	if seconds == 0 {
		return nil
	}
	return &seconds
}
