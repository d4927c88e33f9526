package simulator

import (
	"net/http"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const clientAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// asserted authenticates the app by a JWT that it signed (RFC 7523, section
// 2.2): private_key_jwt.
func (s *Salesforce) asserted(r *http.Request) (App, error) {
	token, err := jwt.ParseSigned(r.Form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return App{}, errClient
	}
	var claims bearerClaims
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return App{}, errClient
	}
	app, err := s.app(claims.Issuer)
	if err != nil {
		return App{}, err
	}
	switch {
	case app.Certificate == nil, token.Claims(app.Certificate.PublicKey, &claims) != nil, claims.check(s.now()) != nil,
		claims.Subject != app.ConsumerKey, len(claims.Audience) != 1 || !hostOf(r).isAudience(claims.Audience[0]),
		r.Form.Has("client_id") && r.Form.Get("client_id") != app.ConsumerKey:
		return App{}, errClient
	}
	return app, nil
}
