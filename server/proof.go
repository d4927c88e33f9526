package server

import (
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// once is an ID that may be used once, until a time.
type once struct {
	id    string
	until time.Time
	again error // to whoever uses it a second time
}

// spend marks IDs as used, on all instances.
func (s *Server) spend(c echo.Context, ids ...once) error {
	for _, o := range ids {
		if o.id == "" {
			continue
		}
		if err := s.Vault.UseOnce(c.Request().Context(), o.id, o.until, o.again); err != nil {
			return err
		}
	}
	return nil
}

// readProof is the DPoP proof of a request (RFC 9449), or nil if it has none. It
// has passed its checks but one: that it was not used before.
func (s *Server) readProof(c echo.Context, need oidc.ProofNeeds) (*oidc.Proof, once, error) {
	r := c.Request()
	p, err := oidc.ParseProof(r.Header.Values("DPoP"), r.Method, s.Issuer+r.URL.EscapedPath()[1:])
	if err != nil || p == nil {
		return nil, once{}, err
	}
	now := s.Now()
	need.Nonces = oidc.Nonces(s.nonceKey, now)
	c.Response().Header().Set("DPoP-Nonce", need.Nonces[0])
	until, err := oidc.CheckProof(p, need, now)
	return p, once{"dpop " + p.Thumbprint + " " + p.ID, until, &oidc.Error{
		Code: oidc.InvalidDPoPProof, Description: "the DPoP proof was used before: make a new one for each request"}}, err
}

// proof is the DPoP proof of a request at a resource, good for this one alone.
func (s *Server) proof(c echo.Context, need oidc.ProofNeeds) (*oidc.Proof, error) {
	p, id, err := s.readProof(c, need)
	if err != nil {
		return nil, err
	}
	return p, s.spend(c, id)
}

// authenticate is the client that shows credentials, and its DPoP proof, if it
// has one. A client that is unknown and a wrong secret are the same to whoever
// asks, and may not be tried for long.
//
// An assertion and a proof are good once each, and spent together: a client that
// has to make another proof, for want of a nonce, may show its assertion again.
// Clients whose tokens only a key protects must use our nonces.
func (s *Server) authenticate(c echo.Context, shown oidc.Credentials) (client vault.Client, proof *oidc.Proof, err error) {
	n := noteOf(c.Request().Context())
	n.ofClient(shown.ClientID)
	var assertion once
	err = s.limited(c, shown.ClientID, func() (err error) {
		client, assertion, err = s.checkCredentials(c, shown)
		return err
	})
	if client.ID != "" {
		n.forClient(client)
	}
	if err == nil {
		n.byClient(client)
		err = s.paceClient(c, client)
	}
	if err != nil {
		return client, nil, err
	}
	proof, id, err := s.readProof(c, oidc.ProofNeeds{Algs: oidc.AlgsOf(client), RequireNonce: client.Public() || client.FAPI})
	if err != nil {
		return client, nil, err
	}
	return client, proof, s.spend(c, assertion, id)
}

// checkCredentials finds the client, and the ID of its assertion, if that is how
// it authenticates.
func (s *Server) checkCredentials(c echo.Context, shown oidc.Credentials) (client vault.Client, id once, err error) {
	ctx := c.Request().Context()
	err = s.Vault.View(ctx, func(tx *vault.Tx) (err error) {
		client, err = tx.Clients.Get(shown.ClientID)
		return err
	})
	if _, err := vault.Exists(err); err != nil {
		return client, id, err
	}
	if shown.AuthMethod != oidc.AuthPrivateKeyJWT {
		return client, id, oidc.CheckClient(client, shown)
	}
	err = s.withClientKeys(ctx, client, func(keys *oidc.ClientKeys) error {
		jti, until, err := oidc.CheckClientAssertion(client, shown, keys, s.Issuer, s.Now())
		id = once{"assertion " + client.ID + " " + jti, until, &oidc.Error{
			Code: oidc.InvalidClient, Description: "client_assertion: it was used before: make a new one for each request"}}
		return err
	})
	return client, id, err
}
