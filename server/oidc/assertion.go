package oidc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/vault"
)

// AssertionJWT is the client_assertion_type of JWTs (RFC 7523, section 2.2).
const AssertionJWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// AuthPrivateKeyJWT is the method of clients that authenticate with assertions
// (OpenID Connect Core 1.0, section 9).
const AuthPrivateKeyJWT = "private_key_jwt"

// maxAssertion is for how long a client assertion may be good. An assertion is
// made for one request.
const maxAssertion = 5 * time.Minute

// readAssertion reads a client's assertion from the form. Beside it no other
// credential may stand (RFC 7521, section 4.2); client_id may, and may be left
// out, since the assertion says whose it is.
func readAssertion(p *parameters, cr *Credentials, authorization string) {
	assertion, typ := p.get("client_assertion", maxToken), p.get("client_assertion_type", maxValue)
	switch {
	case assertion == "" && typ == "":
	case typ != AssertionJWT:
		p.fail(errorf(InvalidClient, "client_assertion_type should be %s", AssertionJWT))
	case assertion == "":
		p.fail(errorf(InvalidRequest, "client_assertion_type is sent without a client_assertion"))
	case authorization != "" || !cr.ClientSecret.IsZero():
		p.fail(errorf(InvalidRequest, "the client authenticates in two ways: send client_assertion, or its secret, but not both"))
	default:
		cr.ClientAssertion, cr.AuthMethod = vault.NewSecret(assertion), AuthPrivateKeyJWT
		if cr.ClientID == "" {
			cr.ClientID = claimant(assertion)
		}
	}
}

// claimant is whose an assertion says it is, or "". Nothing is known of it
// until [CheckClientAssertion] has passed it.
func claimant(assertion string) string {
	s, err := readJWS(assertion, clientAlgs, false)
	if err != nil {
		return ""
	}
	claims, err := readObject(s.payload)
	if err != nil {
		return ""
	}
	id, err := claims.text("sub")
	if err != nil || textProblem(id, maxName) != nil {
		return ""
	}
	return id
}

// CheckClientAssertion finds fault with the authentication of a client by an
// assertion that it signed (RFC 7523, section 3; OpenID Connect Core 1.0,
// section 9). It returns the assertion's ID, which must not be seen again for
// the client until the time returned with it. The zero Client, for an ID that
// is unknown, always fails.
//
// What is wrong with an assertion is told to whom has the client's key, and
// else to the log alone.
func CheckClientAssertion(c vault.Client, cr Credentials, keys *ClientKeys, issuer string, now time.Time) (jti string, until time.Time, err error) {
	claims, err := openAssertion(c, cr, keys)
	if err != nil {
		return "", time.Time{}, ClientError(err)
	}
	if jti, until, err = checkAssertion(c, claims, issuer, now); err != nil {
		return "", time.Time{}, errorf(InvalidClient, "client_assertion: %s", err)
	}
	return jti, until, nil
}

func openAssertion(c vault.Client, cr Credentials, keys *ClientKeys) (object, error) {
	switch {
	case c.ID == "":
		return nil, errors.New("the client is unknown")
	case c.ID != cr.ClientID:
		return nil, errors.New("the credentials are another client's")
	case c.AuthMethod != AuthPrivateKeyJWT:
		return nil, errors.New("the client is not registered to use assertions")
	case cr.ClientAssertion.IsZero():
		return nil, errors.New("the client should have sent an assertion")
	}
	s, err := readJWS(cr.ClientAssertion.Reveal(), AlgsOf(c), false)
	if err != nil {
		return nil, fmt.Errorf("the assertion %w", err)
	}
	// A request object, a DPoP proof or an access token is no assertion.
	if !s.typed("", "JWT", "client-authentication+jwt") {
		return nil, fmt.Errorf("the assertion is of the type '%s'", shown(s.typ))
	}
	key, err := keys.find(s)
	if err != nil {
		return nil, err
	}
	claims, err := s.verify(key)
	if err != nil {
		return nil, fmt.Errorf("the assertion %w", err)
	}
	return claims, nil
}

func checkAssertion(c vault.Client, claims object, issuer string, now time.Time) (jti string, until time.Time, err error) {
	for _, name := range []string{"iss", "sub"} { // RFC 7523, section 3, numbers 1 and 2
		if id, err := claims.text(name); err != nil || id != c.ID {
			return "", until, fmt.Errorf("'%s' should be the client_id", name)
		}
	}
	if err := checkAssertionAudience(c, claims, issuer); err != nil {
		return "", until, err
	}
	t, err := claims.times(now) // numbers 4 to 6
	switch {
	case err != nil:
		return "", until, err
	case t.expires.IsZero():
		return "", until, errors.New("'exp' is missing")
	case t.expires.After(now.Add(maxAssertion + ahead)):
		return "", until, errors.New("'exp' is more than 5 minutes ahead: make a new assertion for each request")
	case !t.issued.IsZero() && t.issued.Before(now.Add(-maxAssertion-ahead)):
		return "", until, errors.New("'iat' is long ago: make a new assertion for each request")
	}
	jti, err = claims.text("jti") // OpenID Connect Core 1.0, section 9: required
	switch {
	case err != nil:
		return "", until, err
	case jti == "":
		return "", until, errors.New("'jti' is missing")
	case textProblem(jti, maxID) != nil:
		return "", until, fmt.Errorf("'jti' %w", textProblem(jti, maxID))
	}
	return jti, t.expires, nil
}

// checkAssertionAudience wants one audience, which is us. Of several, another
// could show the assertion here that was made for it; and a server that talks a
// client into naming our token endpoint could too, so the issuer is best
// (draft-ietf-oauth-rfc7523bis, section 4; FAPI 2.0 Security Profile, section
// 5.3.2.1). Clients that are not held to FAPI may name the endpoints, as many
// do (RFC 7523, section 3, number 3; RFC 9126, section 2).
func checkAssertionAudience(c vault.Client, claims object, issuer string) error {
	good := []string{issuer}
	if !c.FAPI {
		good = append(good, issuer+"oauth/token", issuer+"oauth/par")
	}
	aud, err := claims.text("aud")
	if err != nil || !slices.Contains(good, aud) {
		return fmt.Errorf("'aud' should be one string, and no list: %s", strings.Join(good, " or "))
	}
	return nil
}
