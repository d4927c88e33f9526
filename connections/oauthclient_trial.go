package connections

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

// What the strategies oidc and oauth2 have in common when they are tried.

// probe is [Prober], at an authorization server that looks at the client before
// it looks at the code (RFC 6749, section 3.2.1).
func (o *oauthClient) probe(ctx context.Context, at endpoints) error {
	var options []oauth2.AuthCodeOption
	if o.flag("pkce_enabled", true) {
		options = append(options, oauth2.VerifierOption(oauth2.GenerateVerifier()))
	}
	_, err := o.config(at).Exchange(context.WithValue(ctx, oauth2.HTTPClient, o.http(at)), nobodysCode, options...)
	if err == nil {
		return o.untrusted("issued tokens for a code that nobody issued")
	}
	err = o.explain(err, redeeming)
	if e, ok := err.(*Error); ok && e.Kind == Expired {
		return nil
	}
	return err
}

// refused takes whatever is no error of the protocol's for a page: many providers
// show them to browsers alone.
func (o *oauthClient) refused(r reply) error {
	code, description := r.signs()
	switch {
	case r.status == 0:
		return o.unavailable(r.err)
	case r.status < 400:
		return nil
	case !ours(code):
		e := o.Denied(code, description)
		if text := strings.ToLower(description); strings.Contains(text, "code challenge") || strings.Contains(text, "code_challenge") || strings.Contains(text, "pkce") {
			e.Cause, e.Cure = o.title()+" said: "+said(code, description)+". It requires PKCE.", "Set pkce_enabled to true."
		}
		return e
	}
	return &warning{o.title() + " answered with status " + strconv.Itoa(r.status) + " to the request, as it came from no browser.",
		"Sign in and see: if it shows you an error, compare client_id and the callback URL with what is registered there."}
}

func (o *oauthClient) demands(context.Context, *vault.TrialFacts) ([]string, error) { return nil, nil }

func (o *oauthClient) partOf(at endpoints, to *url.URL) string {
	for _, e := range []struct{ url, step string }{{at.token, "token"}, {at.introspection, "introspection"}, {at.userinfo, "userinfo"}, {o.options["emailsURL"], "userinfo"}} {
		if u, err := url.Parse(e.url); err == nil && e.url != "" && u.Host == to.Host && u.Path == to.Path {
			return e.step
		}
	}
	return "id_token"
}

func (o *oauthClient) described(ctx context.Context, at endpoints, ts vault.TokenSet) ([]string, error) {
	if at.introspection == "" {
		return nil, skipped("The provider has no introspection endpoint, or the connection does not name it.")
	}
	in, err := o.introspect(ctx, at, ts.AccessToken, "access_token")
	if err != nil {
		return nil, &warning{descriptionOf(err), "Allow introspection to what is registered there, or do not rely on it."}
	}
	if in["active"] != true {
		return nil, &warning{"The provider does not say that the access token is active, which came a moment ago.", "Do not set " + trustIntrospection + "."}
	}
	return []string{"The access token is active."}, nil
}

func (o *oauthClient) call(context.Context, vault.TokenSet) ([]string, error) {
	return nil, skipped("The gateway knows of no API to call there.")
}

func (o *oauthClient) spentAtOnce() (cause, cure string) { return "", "" }

func (o *oauthClient) ended(ctx context.Context, at endpoints, ts vault.TokenSet) ([]string, error) {
	if at.revocation == "" {
		return nil, &warning{"The provider has no revocation endpoint, or the connection does not name it: the tokens stay good until they expire, though nobody has them.",
			"Take the access back in your account there."}
	}
	if err := o.revoke(ctx, at, ts); err != nil {
		return nil, &warning{"The tokens could not be revoked: " + descriptionOf(err), "Take the access back in your account there."}
	}
	return []string{"The tokens are revoked."}, nil
}

// Probe implements [Prober].
func (o *openID) Probe(ctx context.Context) error {
	m, err := o.discovered(ctx)
	if err != nil {
		return err
	}
	return o.probe(ctx, m.endpoints)
}

func (o *openID) home() string { return o.discovery }

func (o *openID) look(ctx context.Context) ([]string, error) {
	m, err := o.discovered(ctx)
	if err != nil {
		return nil, err
	}
	return []string{"The metadata is that of " + quote(m.issuer) + "."}, nil
}

// known are the endpoints, which were discovered before.
func (o *openID) known(ctx context.Context) endpoints {
	m, err := o.discovered(ctx)
	if err != nil {
		return endpoints{}
	}
	return m.endpoints
}

func (o *openID) stepOf(to *url.URL) string { return o.partOf(o.known(context.Background()), to) }

func (o *openID) describe(ctx context.Context, ts vault.TokenSet) ([]string, error) {
	return o.described(ctx, o.known(ctx), ts)
}

func (o *openID) end(ctx context.Context, ts vault.TokenSet) ([]string, error) {
	return o.ended(ctx, o.known(ctx), ts)
}

// Probe implements [Prober].
func (o *oauth2Server) Probe(ctx context.Context) error { return o.probe(ctx, o.at) }

func (o *oauth2Server) home() string { return o.at.token }

// look finds out whether the token endpoint's host answers: there is nothing to
// be read.
func (o *oauth2Server) look(ctx context.Context) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.at.token, nil)
	if err != nil {
		return nil, err
	}
	resp, err := o.env.HTTP.Do(req)
	if err != nil {
		return nil, o.unavailable(err)
	}
	if _, err := read(resp); err != nil {
		return nil, o.unavailable(err)
	}
	return nil, skipped("OAuth 2.0 has none: the connection names the endpoints.")
}

func (o *oauth2Server) stepOf(to *url.URL) string { return o.partOf(o.at, to) }

func (o *oauth2Server) describe(ctx context.Context, ts vault.TokenSet) ([]string, error) {
	return o.described(ctx, o.at, ts)
}

func (o *oauth2Server) end(ctx context.Context, ts vault.TokenSet) ([]string, error) {
	return o.ended(ctx, o.at, ts)
}

var (
	_ triable = (*salesforceOrg)(nil)
	_ triable = (*openID)(nil)
	_ triable = (*oauth2Server)(nil)
)
