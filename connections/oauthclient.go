package connections

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

// oauthClient is the gateway as a client of an authorization server (RFC 6749):
// what the strategies oidc and oauth2, and the presets of both, have in common.
type oauthClient struct {
	connection vault.Connection
	env        Env
	preset     preset
	options    map[string]string // the preset's, and over them the connection's
	scopes     []string
	auth       clientAuth
	lifetime   time.Duration // of an access token that does not tell
}

// endpoints are where an authorization server is asked what, as far as it has
// them (RFC 8414, section 2).
type endpoints struct {
	issuer                                                                string
	authorization, token, userinfo, revocation, introspection, endSession string
	authMethods                                                           []string // of clients at the token endpoint
	namesItself                                                           bool     // in its authorization responses (RFC 9207)
}

// What refresh tokens are after they were used.
const (
	singleUse = "single_use" // spent: each answer brings the next one
	reusable  = "reusable"   // as good as before
)

// clientFields are the options of both strategies.
var clientFields = []Field{
	{Name: "token_endpoint_auth_method", Title: "Client authentication",
		Help: "client_secret_basic, client_secret_post, private_key_jwt or none. The default is private_key_jwt with a private key, none without a secret, and else what the provider prefers."},
	{Name: "private_key", Title: "Private key", Secret: true, Help: "Of the client, for private_key_jwt: in PEM."},
	{Name: "kid", Title: "ID of the private key", Help: "The kid under which the provider knows the public key."},
	{Name: "token_endpoint_auth_signing_alg", Title: "Algorithm of the private key", Help: "RS256, PS256, ES256, ES384 or EdDSA. The default is what fits the key."},
	{Name: "access_token_lifetime", Title: "Assumed access token lifetime", Default: "600",
		Help: "Seconds that an access token is taken to live when the provider does not say."},
	{Name: "refresh_tokens", Title: "Refresh tokens",
		Help: "reusable if a refresh token stays good after it was used, single_use if it does not. While that is unknown, one that may have been used is not shown again."},
	{Name: "revoke_unused", Title: "Revoke unused refresh tokens", Default: "false",
		Help: "true to revoke a refresh token that a newer sign-in of the same user replaces. Only for providers at which that leaves the newer one alone: at many, Google among them, it ends all that the user granted."},
	{Name: trustIntrospection, Title: "Trust introspection", Default: "false",
		Help: "true if the provider's introspection endpoint tells truly whether a refresh token is still good (RFC 7662)."},
}

// openClient reads what both strategies have in common from a connection.
func openClient(c vault.Connection, env Env, p preset) (*oauthClient, error) {
	o := &oauthClient{connection: c, env: env, preset: p, options: map[string]string{}}
	for _, from := range []map[string]string{p.options, c.Options} {
		for name, value := range from {
			o.options[name] = value
		}
	}
	if err := p.fill(o.options); err != nil {
		return nil, err
	}
	if c.ClientID == "" {
		return nil, &vault.Invalid{Field: "options.client_id", Problem: "is missing: it is what the provider knows the gateway as"}
	}
	lifetime := 600
	if s := o.options["access_token_lifetime"]; s != "" {
		var err error
		if lifetime, err = strconv.Atoi(s); err != nil || lifetime < 60 || lifetime > 315360000 {
			return nil, &vault.Invalid{Field: "options.access_token_lifetime", Problem: "should be a number of seconds from 60 to 315360000"}
		}
	}
	o.lifetime = time.Duration(lifetime) * time.Second
	for name, values := range map[string][]string{
		"refresh_tokens": {singleUse, reusable}, trustIntrospection: {"true", "false"}, "revoke_unused": {"true", "false"},
	} {
		if err := o.oneOf(name, values...); err != nil {
			return nil, err
		}
	}
	o.scopes = slices.Clone(c.Scopes)
	if len(o.scopes) == 0 {
		o.scopes = slices.Clone(p.scopes)
	}
	if c.TokenVault {
		o.scopes = with(o.scopes, p.offlineScopes...)
	}
	var err error
	o.auth, err = openClientAuth(o)
	return o, err
}

// oneOf finds fault with an option that is none of its values.
func (o *oauthClient) oneOf(option string, values ...string) error {
	if value := o.options[option]; value != "" && !slices.Contains(values, value) {
		return &vault.Invalid{Field: "options." + option, Problem: "should be one of " + strings.Join(values, ", ")}
	}
	return nil
}

// with is a list with more at its end, as far as it lacks them.
func with(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func (o *oauthClient) title() string { return o.connection.Title() }

// flag reports whether an option is on; its default is what it is if not given.
func (o *oauthClient) flag(option string, byDefault bool) bool {
	if s := o.options[option]; s != "" {
		return s == "true"
	}
	return byDefault
}

// asked are the scopes of a login. Of a server without OpenID Connect it is not
// known which of them tell who somebody is, but for those that its preset has.
func (o *oauthClient) asked(l vault.Login) []string {
	switch {
	case !l.Purpose.Console():
	case slices.Contains(o.scopes, "openid"):
		return identifying(o.scopes)
	case len(o.preset.scopes) > 0:
		return o.preset.scopes
	}
	return with(slices.Clone(o.scopes), l.Request.ConnScopes...)
}

// config is the client in the form of x/oauth2. It has no secret, since the
// transport authenticates the client; were the style not set, x/oauth2 would try
// two, and show a code or a refresh token twice.
func (o *oauthClient) config(at endpoints) *oauth2.Config {
	return &oauth2.Config{
		ClientID: o.connection.ClientID, RedirectURL: CallbackURL(o.env.Issuer, o.connection),
		Endpoint: oauth2.Endpoint{AuthURL: at.authorization, TokenURL: at.token, AuthStyle: oauth2.AuthStyleInParams},
	}
}

// authCodeURL is the authorization request of a login, with PKCE (RFC 7636)
// unless the connection leaves it out, and with params.
func (o *oauthClient) authCodeURL(at endpoints, l vault.Login, state string, params map[string]string) string {
	separator := o.options["scope_separator"]
	if separator == "" {
		separator = " "
	}
	name := o.options["scope_param"]
	if name == "" {
		name = "scope"
	}
	all := map[string]string{name: strings.Join(o.asked(l), separator)}
	for _, from := range []map[string]string{o.preset.params, params} {
		for name, value := range from {
			all[name] = value
		}
	}
	if o.connection.TokenVault && !l.Purpose.Console() {
		for name, value := range o.preset.offlineParams {
			all[name] = value
		}
	}
	for name, p := range o.connection.Upstream {
		value := p.Value
		if p.Alias != "" {
			value = l.Request.Params[p.Alias]
		}
		if value != "" {
			all[name] = value
		}
	}
	if prompt := o.preset.prompts[upstreamPrompt(l.Request)]; prompt != "" {
		all["prompt"] = strings.Join(with(strings.Fields(all["prompt"]), prompt), " ")
	}
	var options []oauth2.AuthCodeOption
	if o.flag("pkce_enabled", true) {
		options = append(options, oauth2.S256ChallengeOption(l.Verifier.Reveal()))
	}
	for name, value := range all {
		if value != "" {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	return o.config(at).AuthCodeURL(state, options...)
}

// post asks an endpoint of the authorization server, as the client.
func (o *oauthClient) post(ctx context.Context, at endpoints, endpoint string, form url.Values) (*http.Response, []byte, error) {
	form.Set("client_id", o.connection.ClientID)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := o.http(at).Do(req)
	if err != nil {
		return nil, nil, err
	}
	body, err := read(resp)
	return resp, body, err
}
