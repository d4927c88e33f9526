package connections

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

// nobodysCode is a code that nobody issued, and says so to whoever reads logs.
const nobodysCode = "sallyport-probe-is-no-code"

// Probe implements [Prober]. Salesforce looks at the client before it looks at the
// code.
func (s *salesforceOrg) Probe(ctx context.Context) error {
	_, err := s.request(func(app oauth2.Config) (*oauth2.Token, error) { return s.redeemNobodys(ctx, app) })
	return s.refusedForCode(err)
}

func (s *salesforceOrg) redeemNobodys(ctx context.Context, app oauth2.Config) (*oauth2.Token, error) {
	return app.Exchange(context.WithValue(ctx, oauth2.HTTPClient, s.env.HTTP), nobodysCode, oauth2.VerifierOption(rand.Text()+rand.Text()))
}

// refusedForCode is nil if it was the code that was refused.
func (s *salesforceOrg) refusedForCode(err error) error {
	if err == nil {
		return s.untrusted("issued tokens for a code that nobody issued")
	}
	err = s.explain(err, redeeming)
	var e *Error
	if errors.As(err, &e) && e.Kind == Expired {
		return nil
	}
	return err
}

func (s *salesforceOrg) home() string { return s.base }

// look asks for the versions of the API, which each org and login host tells
// anybody; sites may not, but have metadata.
func (s *salesforceOrg) look(ctx context.Context) ([]string, error) {
	r := s.get(ctx, s.base+"/services/data", "")
	if newest := newestVersion(r); newest != "" {
		return []string{"It is Salesforce. The newest version of its API is " + newest + "."}, nil
	}
	if r.status == 0 {
		return nil, s.meaning(r)
	}
	metadata := s.get(ctx, s.base+wellKnown, "")
	var d document
	if metadata.status == http.StatusOK && json.Unmarshal(metadata.body, &d) == nil && d.Token != "" {
		return []string{"It is an OpenID Provider: " + quote(d.Issuer) + "."}, nil
	}
	if code, _ := r.signs(); ours(code) {
		return nil, s.meaning(r)
	}
	return nil, s.meaning(metadata)
}

// newestVersion is the newest of a list of the API's versions, such as "67.0", or
// "" if it is no such list.
func newestVersion(r reply) string {
	var versions []struct{ Version string }
	if r.status != http.StatusOK || json.Unmarshal(r.body, &versions) != nil || len(versions) == 0 {
		return ""
	}
	newest := versions[len(versions)-1].Version
	if !versionNumber.MatchString(newest) {
		return ""
	}
	return newest
}

var versionNumber = regexp.MustCompile(`^[1-9][0-9]{1,3}\.0$`)

// get asks Salesforce, with an access token or without.
func (s *salesforceOrg) get(ctx context.Context, address, token string) reply {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return reply{asked: calling, err: err}
	}
	req.Header.Set("Accept", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := s.env.HTTP.Do(req)
	if err != nil {
		return reply{asked: calling, err: err}
	}
	body, err := read(resp)
	if err != nil {
		return reply{asked: calling, err: err}
	}
	return reply{calling, resp.StatusCode, resp.Header.Get("Content-Type"), body, nil}
}

// refused: what Salesforce does not take it answers with a text, and sends nobody
// back with it.
func (s *salesforceOrg) refused(r reply) error {
	if 200 <= r.status && r.status < 400 {
		return nil
	}
	code, description := r.signs()
	if !ours(code) {
		return s.Denied(code, description)
	}
	return s.meaning(r)
}

// demands finds out whether the app insists on its secret and on PKCE, by leaving
// them out.
func (s *salesforceOrg) demands(ctx context.Context, facts *vault.TrialFacts) ([]string, error) {
	var found, off []string
	if s.oauth.ClientSecret != "" {
		app := s.oauth
		app.ClientSecret = ""
		_, err := s.redeemNobodys(ctx, app)
		required := s.refusedForCode(err) != nil
		facts.SecretRequired = &required
		if required {
			found = append(found, "The app requires its secret.")
		} else {
			off = append(off, "Require Secret for Web Server Flow")
		}
	}
	there, err := s.AuthCodeURL(ctx, vault.Login{Purpose: vault.ToTry, Nonce: rand.Text(), Verifier: vault.NewSecret(rand.Text())}, rand.Text())
	if err != nil {
		return found, err
	}
	u, err := url.Parse(there)
	if err != nil {
		return found, err
	}
	params := u.Query()
	params.Del("code_challenge")
	params.Del("code_challenge_method")
	u.RawQuery = params.Encode()
	required := s.refused(ask(ctx, s.env.HTTP, u.String())) != nil
	facts.PKCERequired = &required
	if required {
		found = append(found, "The app requires PKCE.")
	} else {
		off = append(off, "Require Proof Key for Code Exchange (PKCE)")
	}
	if len(off) > 0 {
		return found, &warning{"The app takes requests without what protects them, though the gateway sends it: " + strings.Join(off, "; ") + " is off.",
			"Switch it on (" + appSettings + ", Security)."}
	}
	return found, nil
}

func (s *salesforceOrg) stepOf(to *url.URL) string {
	for end, step := range map[string]string{
		"/services/oauth2/token": "token", "/services/oauth2/introspect": "introspection", "/services/oauth2/userinfo": "userinfo", "/id/keys": "id_token",
	} {
		if strings.HasSuffix(to.Path, end) {
			return step
		}
	}
	return "userinfo" // the identity URL
}

func (s *salesforceOrg) describe(ctx context.Context, ts vault.TokenSet) (found []string, err error) {
	for _, t := range []struct {
		title, hint string
		token       vault.Secret
	}{{"access token", "access_token", ts.AccessToken}, {"refresh token", "refresh_token", ts.RefreshToken}} {
		if t.token.IsZero() {
			continue
		}
		in, err := s.introspect(ctx, ts.Params["instance_url"], t.token.Reveal(), t.hint)
		if err != nil {
			return found, err
		}
		switch {
		case !in.Active:
			return found, &warning{s.title() + " says that the " + t.title + " is dead, which came a moment ago.",
				"See the org's session settings and the app's policies (" + appPolicies + ")."}
		case in.Exp > 0:
			found = append(found, "The "+t.title+" is good for "+Lasting(time.Unix(in.Exp, 0).Sub(s.env.Now()))+".")
		default:
			found = append(found, "The "+t.title+" is good.")
		}
	}
	return found, nil
}

func (s *salesforceOrg) call(ctx context.Context, ts vault.TokenSet) ([]string, error) {
	instance := ts.Params["instance_url"]
	if instance == "" {
		return nil, skipped("The token response names no instance URL.")
	}
	newest := newestVersion(s.get(ctx, instance+"/services/data", ""))
	if newest == "" {
		return nil, skipped("The instance does not tell the versions of its API.")
	}
	r := s.get(ctx, instance+"/services/data/v"+newest+"/", ts.AccessToken.Reveal())
	if r.status != http.StatusOK {
		return nil, s.meaning(r)
	}
	return []string{"The API at " + instance + " takes the access token."}, nil
}

func (s *salesforceOrg) spentAtOnce() (cause, cure string) {
	return "It came a moment ago, so the app's policy is to expire refresh tokens immediately, or after no time at all.",
		"Set the policy to valid until revoked (" + appPolicies + ", Refresh Token Policy)."
}

// end revokes the refresh token, and with it its access tokens; and asks whether
// it is over.
func (s *salesforceOrg) end(ctx context.Context, ts vault.TokenSet) ([]string, error) {
	token, hint := ts.RefreshToken, "refresh_token"
	if token.IsZero() {
		token, hint = ts.AccessToken, "access_token"
	}
	if err := s.Revoke(ctx, vault.TokenSet{RefreshToken: token, Params: ts.Params}); err != nil {
		return nil, &warning{"The tokens could not be revoked: " + descriptionOf(err), "Take the access back at Salesforce (" + appUsage + ")."}
	}
	in, err := s.introspect(ctx, ts.Params["instance_url"], token.Reveal(), hint)
	switch {
	case err != nil:
		return []string{"The tokens are revoked."}, nil
	case in.Active:
		return nil, &warning{s.title() + " still takes the tokens, though it said that they are revoked.", "Take the access back at Salesforce (" + appUsage + ")."}
	}
	return []string{"The tokens are revoked, and " + s.title() + " says that they are dead."}, nil
}

func descriptionOf(err error) string {
	cause, cure := CauseOf(err)
	return strings.TrimSpace(cause + " " + cure)
}

// Page is an error that Salesforce shows on a page of its own, after which nobody
// comes back to the callback URL.
type Page struct{ Sign, Cause, Cure string }

// Pages are what users of a connection may see in place of a way back.
func Pages(c vault.Connection) []Page {
	if !strings.HasPrefix(c.Strategy, "salesforce") {
		return nil
	}
	var pages []Page
	for _, f := range SalesforceFailures {
		if strings.HasPrefix(f.Code, "oauth_") {
			pages = append(pages, Page{strings.ToUpper(f.Code), f.Cause, f.Cure})
		}
	}
	wrong, _ := find(authorizing, "invalid_grant", "authentication failure")
	return append(pages, Page{"Check your username and password", wrong.Cause, wrong.Cure})
}
