package server

import (
	"context"
	"slices"

	"github.com/labstack/echo/v4"

	"sallyport/server/api"
	"sallyport/server/oidc"
	"sallyport/vault"
)

// userAPI is the API that is an audience, for a token of a user's, or nil if
// there is no audience. The management API is not for users: whoever can sign in
// could have its scopes for the asking.
func userAPI(tx *vault.Tx, issuer, audience string) (*vault.ResourceServer, error) {
	switch audience {
	case "":
		return nil, nil
	case issuer + api.Management:
		return nil, &oidc.Error{Code: oidc.AccessDenied, Description: "The management API is for clients that ask for themselves, by client_credentials, and not for users."}
	}
	return apiOf(tx, issuer, audience)
}

// apiOf is the API that is an audience. The gateway's own are in no record.
func apiOf(tx *vault.Tx, issuer, audience string) (*vault.ResourceServer, error) {
	for _, own := range api.Own(issuer) {
		if own.Identifier == audience {
			return &own, nil
		}
	}
	rs, err := tx.ResourceServers.Get(audience)
	if found, err := vault.Exists(err); !found && err == nil {
		return nil, oidc.AudienceError(audience)
	}
	return &rs, err
}

// ownAPIs are the gateway's APIs: management for those who run it, and My
// Account for users' applications.
func (s *Server) ownAPIs() {
	own := &api.API{
		Vault: s.Vault, Guard: s.guard, Disconnect: s.disconnect, DisconnectAll: s.disconnectAll, DeleteUser: s.deleteUser,
		Event: func(c echo.Context, kind vault.EventType, details ...vault.Detail) vault.Event {
			return noteOf(c.Request().Context()).as(kind, append(withRequest(c), details...)...)
		},
		RotateKeys: s.rotateKeys,
		Explain: func(ctx context.Context, q api.ExplainRequest) (api.Explanation, error) {
			return Explain(ctx, s.Vault, q)
		},
	}
	me := s.echo.Group(mePath, s.clientOrigin)
	me.OPTIONS("/*", preflight)
	own.Mount(s.echo.Group(managementPath), me)
}

const (
	managementPath = "/api/v2"
	mePath         = "/me/v1"
)

// guard lets requests pass to an API of the gateway's own that show an access
// token for it, with the scope (RFC 6750; RFC 9449, section 7).
func (s *Server) guard(audience, scope string, next api.Handler) echo.HandlerFunc {
	audience = s.Issuer + audience
	return func(c echo.Context) error {
		scheme, token, err := accessToken(c)
		if err != nil {
			return err
		}
		proof, err := s.proof(c, oidc.ProofNeeds{AccessToken: vault.NewSecret(token)})
		if err != nil {
			return oidc.OnResource(err)
		}
		var b bearer
		err = s.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
			if b, err = s.bearer(tx, token, true); err != nil {
				return err
			}
			n := noteOf(c.Request().Context())
			n.ofClient(b.client)
			n.known = true
			if b.grant != "" {
				n.byUser(b.user)
			}
			return s.checkBearer(tx, b, audience, scope)
		})
		if err == nil {
			err = oidc.OnResource(oidc.CheckPossession(scheme, b.key, proof))
		}
		if err == nil {
			err = s.paceAndTell(c, "bearer "+b.client+" "+b.user, s.Pace.User)
		}
		if err != nil {
			return err
		}
		caller := api.Caller{Client: b.client, Scopes: b.scopes}
		if b.grant != "" {
			caller.User = b.user
		}
		return next(c, caller)
	}
}

// checkBearer finds fault with a token that is for another API, of somebody who
// may not use it any more, or without the scope.
func (s *Server) checkBearer(tx *vault.Tx, b bearer, audience, scope string) error {
	if b.jwt == nil || !b.isFor(audience) {
		return &oidc.Error{Code: oidc.InvalidToken, Description: "The access token is not for this API. Ask for one with audience=" + audience + "."}
	}
	if _, err := tx.Clients.Get(b.client); err != nil {
		if _, err := vault.Exists(err); err != nil {
			return err
		}
		return errToken // the client is gone
	}
	switch {
	case b.grant != "" && audience == s.Issuer+api.Management, b.grant == "" && audience == s.Issuer+api.MyAccount:
		return &oidc.Error{Code: oidc.InvalidToken, Description: "The access token is of a user, and this API is for clients; or the other way about."}
	case b.grant != "":
		user, err := tx.Users.Get(b.user)
		if found, err := vault.Exists(err); err != nil {
			return err
		} else if !found || user.Blocked {
			return errToken
		}
	}
	if !slices.Contains(b.scopes, scope) {
		return &oidc.Error{Code: oidc.InsufficientScope, Description: "Insufficient scope, expected any of: " + scope}
	}
	return nil
}
