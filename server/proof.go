package server

import (
	"context"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// proof is the DPoP proof of a request (RFC 9449), or nil if it has none. It is
// good for this request and no other, on all instances.
func (s *Server) proof(c echo.Context, need oidc.ProofNeeds) (*oidc.Proof, error) {
	r := c.Request()
	p, err := oidc.ParseProof(r.Header.Values("DPoP"), r.Method, s.Issuer+c.Path()[1:])
	if err != nil || p == nil {
		return nil, err
	}
	now := s.Now()
	need.Nonces = oidc.Nonces(s.nonceKey, now)
	c.Response().Header().Set("DPoP-Nonce", need.Nonces[0])
	until, err := oidc.CheckProof(p, need, now)
	if err != nil {
		return nil, err
	}
	err = s.Vault.UseOnce(r.Context(), "dpop "+p.Thumbprint+" "+p.ID, until, &oidc.Error{
		Code: oidc.InvalidDPoPProof, Description: "the DPoP proof was used before: make a new one for each request"})
	return p, err
}

// clientProof is the proof of a client at an endpoint where clients
// authenticate. Those whose tokens only a key protects must use our nonces.
func (s *Server) clientProof(c echo.Context, client vault.Client) (*oidc.Proof, error) {
	return s.proof(c, oidc.ProofNeeds{Algs: oidc.AlgsOf(client), RequireNonce: client.Public() || client.FAPI})
}

// checkAssertion authenticates a client by an assertion, which is good once.
func (s *Server) checkAssertion(ctx context.Context, client vault.Client, shown oidc.Credentials) error {
	var jti string
	now := s.Now()
	err := s.withClientKeys(ctx, client, func(keys *oidc.ClientKeys) error {
		id, until, err := oidc.CheckClientAssertion(client, shown, keys, s.Issuer, now)
		if err != nil {
			return err
		}
		jti = id
		return s.Vault.UseOnce(ctx, "assertion "+client.ID+" "+jti, until, &oidc.Error{
			Code: oidc.InvalidClient, Description: "client_assertion: it was used before: make a new one for each request"})
	})
	return err
}
