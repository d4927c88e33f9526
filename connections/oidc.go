package connections

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sallyport/vault"
)

// openIDConnect is any OpenID Provider.
var openIDConnect = Strategy{
	Name: "oidc", Title: "OpenID Connect", Scopes: openIDScopes, Fields: openIDFields,
	NotRenewable: func(vault.Connection, []string) string {
		return "Add the scope offline_access to the connection, allow it at the provider, and where the provider wants that, add upstream_params: {prompt: {value: consent}}."
	},
	Open: func(c vault.Connection, env Env) (Provider, error) { return openOpenID(c, env, anyOpenID(c)) },
}

var openIDScopes = []string{"openid", "profile", "email"}

// anyOpenID is what is known of an OpenID Provider of which nothing is known.
func anyOpenID(c vault.Connection) preset {
	p := preset{scopes: openIDScopes, prompts: standardPrompts, qualified: true}
	if len(c.Scopes) == 0 {
		p.offlineScopes = []string{"offline_access"} // OpenID Connect Core 1.0, section 11
	}
	return p
}

var openIDFields = slices.Concat([]Field{
	{Name: "issuer", Title: "Issuer", Help: "The provider's issuer identifier, character for character, such as https://login.example.com."},
	{Name: "discovery_url", Title: "Discovery URL", Help: "Where its metadata is, if not at the issuer's /.well-known/openid-configuration; or in place of the issuer."},
	{Name: "type", Title: "Flow", Default: "back_channel", Help: "back_channel: the authorization code flow. There is no other."},
	{Name: "foreign_hosts", Title: "Foreign hosts", Help: "Hosts, separated by spaces, at which the provider may have endpoints besides the issuer's own domain. A host stands for those below it, too."},
	{Name: "connection_settings.pkce", Title: "PKCE", Default: "S256", Help: "S256 or auto, which are the same here: PKCE is always used."},
}, clientFields)

// openID is an OpenID Provider.
type openID struct {
	*oauthClient
	issuer    string // "" if the discovery URL alone is known
	discovery string
	foreign   []string // hosts
	metadata  *remembered[*openIDMetadata]
	keys      *pacedKeys
}

func openOpenID(c vault.Connection, env Env, p preset) (Provider, error) {
	client, err := openClient(c, env, p)
	if err != nil {
		return nil, err
	}
	o := &openID{oauthClient: client, issuer: client.options["issuer"], discovery: client.options["discovery_url"], foreign: strings.Fields(client.options["foreign_hosts"])}
	if !slices.Contains(o.scopes, "openid") {
		o.scopes = append([]string{"openid"}, o.scopes...) // without it there is no ID token to sign in with
	}
	if err := o.oneOf("type", "back_channel"); err != nil {
		return nil, &vault.Invalid{Field: "options.type", Problem: "should be back_channel: the authorization code flow, for which the provider must be given a client_secret or a key"}
	}
	if err := o.oneOf("connection_settings.pkce", "auto", "S256"); err != nil {
		return nil, &vault.Invalid{Field: "options.connection_settings.pkce", Problem: "should be auto or S256: PKCE is always used"}
	}
	if o.issuer == "" && o.discovery == "" {
		return nil, &vault.Invalid{Field: "options.issuer", Problem: "is missing: it is the provider's issuer identifier, such as https://login.example.com"}
	}
	for name, value := range map[string]string{"issuer": o.issuer, "discovery_url": o.discovery} {
		if err := checkURL(value); value != "" && err != nil {
			return nil, &vault.Invalid{Field: "options." + name, Problem: err.Error()}
		}
	}
	if o.discovery == "" {
		o.discovery = strings.TrimSuffix(o.issuer, "/") + wellKnown // OpenID Connect Discovery 1.0, section 4.1
	}
	o.metadata = &remembered[*openIDMetadata]{now: env.Now, fetch: o.discover}
	o.keys = &pacedKeys{next: env.HTTP.Transport, now: env.Now}
	if o.flag("revoke_unused", false) {
		return revokingOpenID{o}, nil
	}
	return o, nil
}

// standardPrompts are the prompts of OpenID Connect Core 1.0, section 3.1.2.1.
var standardPrompts = map[string]string{"login": "login", "select_account": "select_account"}

// discovered is the provider's metadata.
func (o *openID) discovered(ctx context.Context) (*openIDMetadata, *Error) {
	m, err := o.metadata.get(ctx)
	if err == nil {
		return m, nil
	}
	var known *Error
	if !errors.As(err, &known) {
		known = o.unavailable(err)
	}
	e := *known // which others are told, too
	return nil, &e
}

// AuthCodeURL implements [Provider].
func (o *openID) AuthCodeURL(ctx context.Context, l vault.Login, state string) (string, error) {
	m, err := o.discovered(ctx)
	if err != nil {
		return "", err
	}
	params := map[string]string{"nonce": l.Nonce}
	if l.Purpose.Console() && l.Request.MaxAge != nil {
		params["max_age"] = strconv.Itoa(*l.Request.MaxAge) // which has the ID token tell auth_time
	}
	return o.authCodeURL(m.endpoints, l, state, params), nil
}

// CheckAnswer implements [AnswerChecker].
func (o *openID) CheckAnswer(ctx context.Context, iss string) error {
	m, err := o.discovered(ctx)
	switch {
	case err != nil:
		return err
	case iss == "" && m.namesItself:
		return o.untrusted("did not say in its answer that it is the one who answers (RFC 9207)")
	case iss != "" && iss != m.issuer:
		return o.untrusted("was asked, and another answered: " + quote(iss))
	}
	return nil
}

// Exchange implements [Provider].
func (o *openID) Exchange(ctx context.Context, l vault.Login, code string) (vault.Identity, vault.TokenSet, error) {
	m, problem := o.discovered(ctx)
	if problem != nil {
		return vault.Identity{}, vault.TokenSet{}, problem
	}
	i, err := o.redeem(ctx, m.endpoints, l, code)
	if err != nil {
		return vault.Identity{}, vault.TokenSet{}, err
	}
	identity, err := o.identify(ctx, m, i, l.Nonce)
	if err != nil {
		return vault.Identity{}, vault.TokenSet{}, err
	}
	return identity, o.tokenSet(i), nil
}

// Refresh implements [vault.Refresher].
func (o *openID) Refresh(ctx context.Context, old vault.TokenSet) (vault.TokenSet, error) {
	m, problem := o.discovered(ctx)
	if problem != nil {
		problem.Unspent = true // it was shown to nobody
		return vault.TokenSet{}, problem
	}
	i, err := o.refresh(ctx, m.endpoints, old)
	if err != nil {
		return vault.TokenSet{}, err
	}
	if err := o.checkRefreshed(m, &i, old); err != nil {
		return vault.TokenSet{}, err
	}
	return o.tokenSet(i), nil
}

// Introspect implements [vault.Introspector].
func (o *openID) Introspect(ctx context.Context, ts vault.TokenSet) (bool, error) {
	m, err := o.discovered(ctx)
	if err != nil {
		return false, err
	}
	return o.stillGood(ctx, m.endpoints, ts)
}

// revokingOpenID is an openID at which unused refresh tokens are revoked.
type revokingOpenID struct{ *openID }

// Revoke implements [Revoker].
func (o revokingOpenID) Revoke(ctx context.Context, ts vault.TokenSet) error { return o.End(ctx, ts) }

// End implements [Ender].
func (o *openID) End(ctx context.Context, ts vault.TokenSet) error {
	m, err := o.discovered(ctx)
	if err != nil {
		return err
	}
	return o.revoke(ctx, m.endpoints, ts)
}

// SignOutURL implements [SignOuter] (OpenID Connect RP-Initiated Logout 1.0,
// section 2).
func (o *openID) SignOutURL(ctx context.Context, ts vault.TokenSet, returnTo string) string {
	m, problem := o.discovered(ctx)
	if problem != nil || m.endSession == "" {
		return ""
	}
	u, err := url.Parse(m.endSession)
	if err != nil {
		return ""
	}
	params := u.Query()
	for name, value := range map[string]string{
		"id_token_hint": ts.IDToken.Reveal(), "client_id": o.connection.ClientID, "post_logout_redirect_uri": returnTo,
	} {
		if value != "" {
			params.Set(name, value)
		}
	}
	u.RawQuery = params.Encode()
	return u.String()
}
