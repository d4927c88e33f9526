package connections

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

func salesforceFields(kind salesforceKind) []Field {
	where := "Where users sign in: " + kind.shared + ", or a My Domain such as https://acme.my.salesforce.com. Any address of the org will do."
	if kind.site {
		where = "Where users sign in: the site's address, such as https://acme.my.site.com/partners. Any address of the site will do."
	}
	return []Field{
		{Name: "login_url", Title: "Login URL", Default: kind.shared, Help: where},
		{Name: "org_id", Title: "Org ID",
			Help: "The one org whose users may sign in: 15 or 18 characters, beginning with 00D (Setup, Company Information). Without it, users of any org that knows the app."},
		{Name: "client_secret_next", Title: "Next consumer secret", Secret: true,
			Help: "The consumer secret that is staged at Salesforce, tried where the present one is refused: for the time of a change."},
		{Name: keepAliveDays, Title: "Days until an unused refresh token is renewed",
			Help: "For apps whose refresh tokens lapse when unused, as after 30 days: 1 to 365. Without it, none is renewed unless it is used."},
		{Name: trustIntrospection, Title: "Trust introspection", Default: "true",
			Help: "false if Salesforce's word that a refresh token is still good is not to be relied on: after a refresh without an answer, the user connects again."},
		{Name: "access_token_lifetime", Title: "Assumed access token lifetime", Default: "600",
			Help: "Seconds that an access token is taken to live when Salesforce does not say."},
		{Name: "instance_url_claim", Title: "ID token claim for the instance URL",
			Help: "Name of a claim that tells applications the org's API address, such as https://example.com/instance_url."},
		{Name: tokenGrant, Title: "Token grant", Default: authorizationCode,
			Help: "How access tokens are got: " + strings.Join(tokenGrants, ", ") + "."},
		{Name: tokenUser, Title: "Token user",
			Help: "Username of the one user whose access tokens clients get for themselves, by a bearer grant."},
		{Name: assertionAudience, Title: "Assertion audience",
			Help: "Audience of assertions, in place of " + productionLogin + ", " + sandboxLogin + " or the site."},
	}
}

// salesforceImplied: "full" opens all but the refresh token; the others are as
// Salesforce describes its scopes.
var salesforceImplied = map[string][]string{
	"full": {"api", "web", "id", "openid", "profile", "email", "address", "phone", "chatter_api", "visualforce",
		"content", "custom_permissions", "lightning", "wave_api", "eclair_api"},
	"api":            {"chatter_api"},
	"web":            {"visualforce"},
	"refresh_token":  {"offline_access"},
	"offline_access": {"refresh_token"},
	"id":             {"profile", "email", "address", "phone"},
}

var salesforceScopes = []string{"openid", "id", "api", "refresh_token"}

var (
	salesforce          = salesforceStrategy("salesforce", "Salesforce", production)
	salesforceSandbox   = salesforceStrategy("salesforce-sandbox", "Salesforce sandbox", sandbox)
	salesforceCommunity = salesforceStrategy("salesforce-community", "Salesforce Experience Cloud", site)
)

func salesforceStrategy(name, title string, kind salesforceKind) Strategy {
	return Strategy{
		Name: name, Title: title, Scopes: salesforceScopes, Fields: salesforceFields(kind), Implied: salesforceImplied, Approvals: 5, NotRenewable: salesforceNotRenewable,
		Known: salesforceKnown, cautions: salesforceCautions,
		Open: func(c vault.Connection, env Env) (Provider, error) { return openSalesforce(c, env, kind) },
	}
}

// salesforceNotRenewable tells the three reasons apart for which Salesforce gives
// no refresh token.
func salesforceNotRenewable(c vault.Connection, granted []string) string {
	switch {
	case len(c.Scopes) > 0 && !slices.ContainsFunc(c.Scopes, renews):
		return "The connection does not ask for one: add refresh_token to its option scope, which \"full\" does not include."
	case !slices.ContainsFunc(granted, renews):
		return "The app did not grant the scope: add \"Perform requests at any time (refresh_token, offline_access)\" to it (" + appSettings + ", OAuth Scopes)."
	}
	return "The scope was granted, so the app's policy withholds it: set it to valid until revoked (" + appPolicies + ", Refresh Token Policy)."
}

// salesforceOrg is Salesforce behind one login host. Its endpoints have the
// same paths on every host, so they need no discovery.
type salesforceOrg struct {
	connection vault.Connection
	env        Env
	base       string // login host, with a site's path, without a slash at its end
	shared     string // the login host that all orgs of this kind share
	site       bool   // users sign in at an Experience Cloud site
	oauth      oauth2.Config
	org        string        // ID of the only org whose users are let in; "" for any
	next       string        // consumer secret, while it is being changed; "" if it is not
	lifetime   time.Duration // of an access token that does not tell
	keys       sync.Map      // *oidc.RemoteKeySet by issuer
	signing    []signingKey  // keys of assertions, in the order in which to try them
}

func openSalesforce(c vault.Connection, env Env, kind salesforceKind) (Provider, error) {
	base, shared, err := loginHost(c.Options["login_url"], kind)
	if err != nil {
		return nil, err
	}
	if c.ClientID == "" {
		return nil, &vault.Invalid{Field: "options.client_id", Problem: "is missing: it is the consumer key of the external client app"}
	}
	org, err := pinnedOrg(c)
	if err != nil {
		return nil, err
	}
	if s := c.Options[keepAliveDays]; s != "" {
		if days, err := strconv.Atoi(s); err != nil || days < 1 || days > 365 {
			return nil, &vault.Invalid{Field: "options." + keepAliveDays, Problem: "should be a number of days from 1 to 365"}
		}
	}
	if s := c.Options[trustIntrospection]; s != "" && s != "true" && s != "false" {
		return nil, &vault.Invalid{Field: "options." + trustIntrospection, Problem: "should be true or false"}
	}
	lifetime := 600
	if s := c.Options["access_token_lifetime"]; s != "" {
		if lifetime, err = strconv.Atoi(s); err != nil || lifetime < 60 || lifetime > 86400 {
			return nil, &vault.Invalid{Field: "options.access_token_lifetime", Problem: "should be a number of seconds from 60 to 86400"}
		}
	}
	if err := checkTokenGrant(c, base != shared && !kind.site); err != nil {
		return nil, err
	}
	signing, err := signingKeys(c)
	if err != nil {
		return nil, err
	}
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = salesforceScopes
	}
	if !slices.Contains(scopes, "openid") {
		scopes = append([]string{"openid"}, scopes...) // without it there is no ID token to sign in with
	}
	return &salesforceOrg{
		connection: c, env: env, base: base, shared: shared, site: kind.site, org: org, next: c.Options["client_secret_next"],
		lifetime: time.Duration(lifetime) * time.Second, signing: signing,
		oauth: oauth2.Config{
			ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), Scopes: scopes, RedirectURL: CallbackURL(env.Issuer, c),
			Endpoint: oauth2.Endpoint{
				AuthURL:  base + "/services/oauth2/authorize",
				TokenURL: base + "/services/oauth2/token",
				// Set, since x/oauth2 would else try both, and show a code
				// or a refresh token twice.
				AuthStyle: oauth2.AuthStyleInParams,
			},
		},
	}, nil
}

// AuthCodeURL implements [Provider], with PKCE (RFC 7636) and a nonce beside the
// state.
func (s *salesforceOrg) AuthCodeURL(_ context.Context, l vault.Login, state string) (string, error) {
	scopes := slices.Clone(s.oauth.Scopes)
	for _, scope := range l.Request.ConnScopes {
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if l.Purpose.Console() {
		scopes = identifying(scopes)
	}
	options := []oauth2.AuthCodeOption{
		oauth2.S256ChallengeOption(l.Verifier.Reveal()),
		oauth2.SetAuthURLParam("nonce", l.Nonce),
		oauth2.SetAuthURLParam("scope", strings.Join(scopes, " ")),
	}
	prompt := upstreamPrompt(l.Request)
	if prompt != "" {
		options = append(options, oauth2.SetAuthURLParam("prompt", prompt))
	}
	if l.Purpose != vault.ToSignIn && l.Request.LoginHint != "" { // for a sign-in, upstream_params decide
		options = append(options, oauth2.SetAuthURLParam("login_hint", l.Request.LoginHint))
	}
	for name, p := range s.connection.Upstream {
		value := p.Value
		if p.Alias != "" {
			value = l.Request.Params[p.Alias]
		}
		if name == "prompt" && prompt != "" && l.Purpose.Console() {
			continue // an administrator who is to log in does so, whatever users are asked
		}
		if value != "" {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	return s.oauth.AuthCodeURL(state, options...), nil
}

// SignOutURL implements [SignOuter]. The org's own host has the endpoint, and the
// shared login hosts have not.
func (s *salesforceOrg) SignOutURL(_ context.Context, ts vault.TokenSet, returnTo string) string {
	base := s.orgHost(ts.Params["instance_url"])
	if base == s.shared {
		return ""
	}
	params := url.Values{}
	for name, value := range map[string]string{"id_token_hint": ts.IDToken.Reveal(), "post_logout_redirect_uri": returnTo} {
		if value != "" {
			params.Set(name, value)
		}
	}
	return base + "/services/auth/idp/oidc/logout?" + params.Encode()
}

// upstreamPrompt is how the identity provider is to ask, where it is the
// provider that must: the password is typed there.
func upstreamPrompt(r vault.AuthorizationRequest) string {
	switch {
	case slices.Contains(r.Prompt, "select_account"):
		return "select_account"
	case slices.Contains(r.Prompt, "login"), r.MaxAge != nil:
		return "login"
	}
	return ""
}

// title is who people know the far end as.
func (s *salesforceOrg) title() string { return s.connection.Title() }
