package connections

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"sallyport/vault"
)

// The grant types of Salesforce's token endpoint that take an assertion.
const (
	grantTypeJWT  = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	grantTypeSAML = "urn:ietf:params:oauth:grant-type:saml2-bearer"
)

// checkTokenGrant finds fault with how a connection is to get access tokens, at
// the org's own domain or at another host.
func checkTokenGrant(c vault.Connection, ownDomain bool) error {
	grant := c.Options[tokenGrant]
	bearer := grant == jwtBearer || grant == samlBearer
	switch {
	case grant != "" && !slices.Contains(tokenGrants, grant):
		return &vault.Invalid{Field: "options." + tokenGrant, Problem: "should be one of " + strings.Join(tokenGrants, ", ")}
	case c.Options[tokenUser] != "" && !bearer:
		return &vault.Invalid{Field: "options." + tokenUser, Problem: "needs a " + tokenGrant + " that asks for a user: " + jwtBearer + " or " + samlBearer}
	case c.Options[assertionAudience] != "" && !bearer:
		return &vault.Invalid{Field: "options." + assertionAudience, Problem: "needs a " + tokenGrant + " with assertions: " + jwtBearer + " or " + samlBearer}
	case grant == clientCredentials && !ownDomain:
		return &vault.Invalid{Field: "options.login_url", Problem: "should be the org's My Domain, such as https://acme.my.salesforce.com: Salesforce answers " + clientCredentials + " on no other host"}
	case grant == clientCredentials && c.ClientSecret.IsZero():
		return &vault.Invalid{Field: "options.client_secret", Problem: "is missing: " + clientCredentials + " are the consumer key and this"}
	}
	return nil
}

// audience is who is to believe an assertion: the login host of the org's
// environment, also where the assertion is sent to the My Domain, or the site.
func (s *salesforceOrg) audience() string {
	switch {
	case s.connection.Options[assertionAudience] != "":
		return s.connection.Options[assertionAudience]
	case s.site:
		return s.base
	}
	return s.shared
}

// approved is the token set of a user who has just signed in, and so approved
// the app, if its access tokens are asserted from now on: without the refresh
// token, and with the username to assert.
func (s *salesforceOrg) approved(ctx context.Context, a answer, i vault.Identity, ts vault.TokenSet) vault.TokenSet {
	ts.RefreshToken = vault.Secret{}
	ts.Params["username"] = i.Profile.Username
	if username, err := s.username(ctx, a); err == nil {
		ts.Params["username"] = username
	} // a wrong one brings nobody else's tokens: see assert
	return ts
}

// username asks for the name that the user signs in with, which the ID token's
// preferred_username need not be.
func (s *salesforceOrg) username(ctx context.Context, a answer) (string, error) {
	u, err := url.Parse(a.id)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.orgHost(a.instanceURL)+u.EscapedPath(), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+a.accessToken)
	req.Header.Set("Accept", "application/json")
	resp, err := s.env.HTTP.Do(req)
	if err != nil {
		return "", err
	}
	body, err := read(resp)
	if err != nil {
		return "", err
	}
	var said struct{ Username string }
	if resp.StatusCode != http.StatusOK || json.Unmarshal(body, &said) != nil || said.Username == "" {
		return "", errors.New("identity URL: status " + resp.Status)
	}
	return said.Username, nil
}

// assert asks for an access token without a refresh token: for the user of the
// token set, or for the connection's own. It is the Refresh of connections that
// [Asserts] is true of.
func (s *salesforceOrg) assert(ctx context.Context, old vault.TokenSet) (vault.TokenSet, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, s.env.HTTP)
	own := OfClients(s.connection)
	t, err := s.tokenFor(ctx, old, own)
	if err != nil {
		return vault.TokenSet{}, err
	}
	if n, ok := t.Extra("expires_in").(float64); ok {
		t.ExpiresIn = int64(n) // clientcredentials keeps only what it made of it by its own clock
	}
	a, err := s.parse(t)
	if err != nil {
		return vault.TokenSet{}, err
	}
	if err := s.belongs(a, old, own); err != nil {
		return vault.TokenSet{}, err
	}
	a.refreshToken = "" // there should be none
	ts := s.tokenSet(ctx, a)
	if own {
		ts.Params["basis"] = Basis(s.connection)
	}
	return ts, nil
}

// belongs finds fault with an answer about another user than asked for; or, of
// the connection's own tokens, about another org than the connection is for.
func (s *salesforceOrg) belongs(a answer, old vault.TokenSet, own bool) error {
	if !own {
		return s.sameUser(a, old.Identity)
	}
	if org, _, err := orgUser(a.id); err != nil || s.org != "" && org != s.org {
		return &Error{Connection: s.connection.Name, Kind: Misconfigured, Err: errors.New("a token of the org " + org),
			Description: s.title() + " issued a token of the org " + org + ", and the connection is for " + s.org + " alone (its option org_id). It was not kept. Correct login_url or org_id."}
	}
	return nil
}

// tokenFor makes the request of the connection's grant.
func (s *salesforceOrg) tokenFor(ctx context.Context, old vault.TokenSet, own bool) (*oauth2.Token, error) {
	if s.connection.Options[tokenGrant] == clientCredentials {
		t, err := s.request(func(app oauth2.Config) (*oauth2.Token, error) {
			return s.ask(ctx, clientcredentials.Config{ClientID: app.ClientID, ClientSecret: app.ClientSecret})
		})
		if err != nil {
			return nil, s.explainAssertion(err)
		}
		return t, nil
	}
	username := old.Params["username"]
	if own {
		username = TokenUser(s.connection)
	}
	switch {
	case username == "":
		return nil, &vault.Refusal{Why: "The user's name at " + s.title() + " is not known, since the user connected before access tokens were asked for by it. The user must connect again."}
	case len(s.signing) == 0:
		return nil, &Error{Connection: s.connection.Name, Kind: Misconfigured,
			Description: "The connection has no certificate to sign with. Make one with 'sallyport connections certificate " + s.connection.Name + "', and upload it to the app (" + certificateSetting + ")."}
	}
	var err error
	for _, key := range s.signing {
		var params url.Values
		if params, err = s.assertion(username, key); err != nil {
			return nil, err
		}
		var t *oauth2.Token
		if t, err = s.ask(ctx, clientcredentials.Config{EndpointParams: params}); err == nil {
			if !key.used && s.env.Accepted != nil {
				s.env.Accepted(ctx, s.connection.Name, key.id)
			}
			return t, nil
		}
		if !badAssertion(err) { // which it is if Salesforce has the other certificate
			break
		}
	}
	return nil, s.explainAssertion(err)
}

// assertion is the parameters of a bearer grant: a fresh assertion each time.
func (s *salesforceOrg) assertion(username string, key signingKey) (url.Values, error) {
	a := assertion{
		id: rand.Text(), issuer: s.oauth.ClientID, subject: username, audience: s.audience(), recipient: s.oauth.Endpoint.TokenURL, issued: s.env.Now(),
	}
	grantType, sign := grantTypeJWT, a.jwt
	if s.connection.Options[tokenGrant] == samlBearer {
		grantType, sign = grantTypeSAML, a.saml
	}
	signed, err := sign(key)
	return url.Values{"grant_type": {grantType}, "assertion": {signed}}, err
}

// badAssertion reports whether an assertion was refused for itself.
func badAssertion(err error) bool {
	var answer *oauth2.RetrieveError
	return errors.As(err, &answer) && answer.ErrorCode == "invalid_grant" && strings.Contains(strings.ToLower(answer.ErrorDescription), "invalid assertion")
}

// explainAssertion is explain for a request without a refresh token. Where the
// token is the connection's own, there is no user who could connect again.
func (s *salesforceOrg) explainAssertion(err error) error {
	err = s.explain(err, asserting)
	var refusal *vault.Refusal
	if OfClients(s.connection) && errors.As(err, &refusal) {
		return &Error{Connection: s.connection.Name, Kind: Misconfigured, Description: refusal.Why, Err: errors.New(refusal.Why)}
	}
	return err
}

// ask asks the token endpoint. x/oauth2 lets a client credentials request carry
// another grant type, which has no package of its own there.
func (s *salesforceOrg) ask(ctx context.Context, c clientcredentials.Config) (*oauth2.Token, error) {
	c.TokenURL, c.AuthStyle = s.oauth.Endpoint.TokenURL, s.oauth.Endpoint.AuthStyle
	return c.Token(ctx)
}
