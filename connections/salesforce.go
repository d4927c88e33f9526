package connections

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

func salesforceFields(login string) []Field {
	return []Field{
		{Name: "login_url", Title: "Login URL", Default: login,
			Help: "Where users sign in: " + login + ", a My Domain such as https://acme.my.salesforce.com, or an Experience Cloud site."},
		{Name: "access_token_lifetime", Title: "Assumed access token lifetime", Default: "600",
			Help: "Seconds that an access token is taken to live when Salesforce does not say."},
		{Name: "instance_url_claim", Title: "ID token claim for the instance URL",
			Help: "Name of a claim that tells applications the org's API address, such as https://example.com/instance_url."},
	}
}

// The login hosts that all orgs of a kind share.
const (
	productionLogin = "https://login.salesforce.com"
	sandboxLogin    = "https://test.salesforce.com"
)

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

var salesforce = Strategy{
	Name: "salesforce", Title: "Salesforce", Scopes: salesforceScopes, Fields: salesforceFields(productionLogin), Implied: salesforceImplied,
	Open: func(c vault.Connection, env Env) (Provider, error) {
		return openSalesforce(c, env, productionLogin)
	},
}

var salesforceSandbox = Strategy{
	Name: "salesforce-sandbox", Title: "Salesforce sandbox", Scopes: salesforceScopes, Fields: salesforceFields(sandboxLogin), Implied: salesforceImplied,
	Open: func(c vault.Connection, env Env) (Provider, error) {
		return openSalesforce(c, env, sandboxLogin)
	},
}

// salesforceOrg is Salesforce behind one login host. Its endpoints have the
// same paths on every host, so they need no discovery.
type salesforceOrg struct {
	connection vault.Connection
	env        Env
	base       string // login host, with a site's path, without a slash at its end
	shared     string // the login host that all orgs of this kind share
	oauth      oauth2.Config
	lifetime   time.Duration // of an access token that does not tell
}

func openSalesforce(c vault.Connection, env Env, shared string) (Provider, error) {
	base, err := salesforceBase(c.Options["login_url"], shared)
	if err != nil {
		return nil, err
	}
	if c.ClientID == "" {
		return nil, &vault.Invalid{Field: "options.client_id", Problem: "is missing: it is the consumer key of the external client app"}
	}
	lifetime := 600
	if s := c.Options["access_token_lifetime"]; s != "" {
		if lifetime, err = strconv.Atoi(s); err != nil || lifetime < 60 || lifetime > 86400 {
			return nil, &vault.Invalid{Field: "options.access_token_lifetime", Problem: "should be a number of seconds from 60 to 86400"}
		}
	}
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = salesforceScopes
	}
	if !slices.Contains(scopes, "openid") {
		scopes = append([]string{"openid"}, scopes...) // without it there is no ID token to sign in with
	}
	return &salesforceOrg{
		connection: c, env: env, base: base, shared: shared, lifetime: time.Duration(lifetime) * time.Second,
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

// salesforceBase is the login host in its plain form, or says what is wrong
// with it. People paste what they see in their browser, which is often a host
// that knows no OAuth.
func salesforceBase(login, shared string) (string, error) {
	if login == "" {
		return shared, nil
	}
	u, err := url.Parse(strings.TrimSuffix(login, "/"))
	invalid := func(problem string) error { return &vault.Invalid{Field: "options.login_url", Problem: problem} }
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", invalid("should be a URL such as https://acme.my.salesforce.com")
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		return "", invalid("should begin with https://")
	}
	host := strings.ToLower(u.Hostname())
	for _, suffix := range []string{".lightning.force.com", ".salesforce-setup.com", ".visualforce.com", ".vf.force.com"} {
		if name, ok := strings.CutSuffix(host, suffix); ok {
			return "", invalid("is a page of the org, where nobody can sign in: use its My Domain, https://" + name + ".my.salesforce.com")
		}
	}
	u.Host = strings.ToLower(u.Host)
	return u.String(), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// AuthCodeURL implements [Provider], with PKCE (RFC 7636) and a nonce beside the
// state.
func (s *salesforceOrg) AuthCodeURL(l vault.Login, state string) string {
	scopes := slices.Clone(s.oauth.Scopes)
	for _, scope := range l.Request.ConnScopes {
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	options := []oauth2.AuthCodeOption{
		oauth2.S256ChallengeOption(l.Verifier.Reveal()),
		oauth2.SetAuthURLParam("nonce", l.Nonce),
		oauth2.SetAuthURLParam("scope", strings.Join(scopes, " ")),
	}
	if prompt := upstreamPrompt(l.Request); prompt != "" {
		options = append(options, oauth2.SetAuthURLParam("prompt", prompt))
	}
	for name, p := range s.connection.Upstream {
		value := p.Value
		if p.Alias != "" {
			value = l.Request.Params[p.Alias]
		}
		if value != "" {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	return s.oauth.AuthCodeURL(state, options...)
}

// SignOutURL implements [SignOuter]. The org's own host has the endpoint, and the
// shared login hosts have not.
func (s *salesforceOrg) SignOutURL(ts vault.TokenSet, returnTo string) string {
	base := s.base
	if instance := ts.Params["instance_url"]; instance != "" && s.trusts(instance) {
		base = instance
	}
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
