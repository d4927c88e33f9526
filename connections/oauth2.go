package connections

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sallyport/vault"
)

// anyOAuth2 is any authorization server with an API that tells who the user is.
var anyOAuth2 = Strategy{
	Name: "oauth2", Title: "OAuth 2.0", Fields: oauth2Fields,
	NotRenewable: func(vault.Connection, []string) string {
		return "Let the connection ask for one in the way that the provider documents, by a scope or by upstream_params."
	},
	Open: func(c vault.Connection, env Env) (Provider, error) {
		return openOAuth2(c, env, preset{qualified: true})
	},
}

// profileFields are the parts of an identity that user info may have.
var profileFields = []string{"id", "org", "username", "email", "email_verified", "name", "given_name", "family_name", "nickname", "picture", "locale", "zoneinfo"}

const (
	byIntrospection = "introspection" // in place of an HTTP method
	profileOption   = "profile."
	emailsOption    = "emails."
)

var oauth2Fields = slices.Concat([]Field{
	{Name: "authorizationURL", Title: "Authorization URL", Help: "Where users sign in."},
	{Name: "tokenURL", Title: "Token URL", Help: "Where codes and refresh tokens are redeemed."},
	{Name: "userInfoURL", Title: "User info URL", Help: "Where an access token tells whose it is."},
	{Name: "userInfoMethod", Title: "User info method", Default: "GET", Help: "GET or POST; or introspection, if userInfoURL is an introspection endpoint (RFC 7662)."},
	{Name: "emailsURL", Title: "E-mail URL", Help: "Where to ask for the user's e-mail addresses, a list, if the user info does not have them."},
	{Name: "revocationURL", Title: "Revocation URL", Help: "Where tokens are revoked (RFC 7009)."},
	{Name: "introspectionURL", Title: "Introspection URL", Help: "Where a refresh token is asked after (RFC 7662)."},
	{Name: "issuer", Title: "Issuer", Help: "The audience of client assertions, for private_key_jwt."},
	{Name: "pkce_enabled", Title: "PKCE", Default: "true", Help: "false for the few providers that refuse it."},
	{Name: "scope_param", Title: "Scope parameter", Default: "scope", Help: "The parameter of the authorization request that has the scopes."},
	{Name: "scope_separator", Title: "Scope separator", Default: " ", Help: "What stands between scopes there."},
	{Name: "token_at", Title: "Place of the token", Help: "A JSON Pointer to the part of the token response that has the user's tokens, such as /authed_user."},
	{Name: "token_type", Title: "Token type", Help: "A token_type other than Bearer that the provider calls its bearer tokens."},
}, placeFields(), clientFields)

// placeFields are the options that say where user info has what.
func placeFields() (fields []Field) {
	for _, name := range profileFields {
		fields = append(fields, Field{Name: profileOption + name, Title: "Place of " + name, Help: "A JSON Pointer (RFC 6901) into the user info, such as /user/" + name + "."})
	}
	for _, name := range []string{"email", "primary", "verified"} {
		fields = append(fields, Field{Name: emailsOption + name, Title: "Place of " + name, Default: "/" + name, Help: "A JSON Pointer into each element of the answer of emailsURL."})
	}
	return fields
}

// oauth2Server is an authorization server without OpenID Connect.
type oauth2Server struct {
	*oauthClient
	at     endpoints
	server string            // scheme and host of the token URL: the server that accounts are of
	places map[string]string // of a profile's parts in the user info
}

func openOAuth2(c vault.Connection, env Env, p preset) (Provider, error) {
	client, err := openClient(c, env, p)
	if err != nil {
		return nil, err
	}
	o := &oauth2Server{oauthClient: client, places: map[string]string{}}
	for name, needed := range map[string]bool{"authorizationURL": true, "tokenURL": true, "userInfoURL": true, "emailsURL": false, "revocationURL": false, "introspectionURL": false} {
		value := o.options[name]
		if value == "" && !needed {
			continue
		}
		if err := checkURL(value); err != nil {
			return nil, &vault.Invalid{Field: "options." + name, Problem: err.Error()}
		}
	}
	for option, value := range o.options {
		name, ok := strings.CutPrefix(option, profileOption)
		if ok || strings.HasPrefix(option, emailsOption) || option == "token_at" {
			if !strings.HasPrefix(value, "/") {
				return nil, &vault.Invalid{Field: "options." + option, Problem: "should be a JSON Pointer, which begins with a slash, such as /user/id"}
			}
		}
		if ok {
			o.places[name] = value
		}
	}
	if o.places["id"] == "" {
		return nil, &vault.Invalid{Field: "options.profile.id", Problem: "is missing: it says where the user info has the account's lasting and unique ID, such as /id. Never use an e-mail address, which can pass to somebody else"}
	}
	if err := o.oneOf("userInfoMethod", http.MethodGet, http.MethodPost, byIntrospection); err != nil {
		return nil, err
	}
	if err := o.oneOf("pkce_enabled", "true", "false"); err != nil {
		return nil, err
	}
	if slices.Contains(reserved, o.options["scope_param"]) {
		return nil, &vault.Invalid{Field: "options.scope_param", Problem: "is what the gateway itself decides"}
	}
	if o.auth.method == "" {
		o.auth.method = secretPost // there is no metadata to ask
	}
	if o.auth.method == privateKeyJWT && o.options["issuer"] == "" {
		return nil, &vault.Invalid{Field: "options.issuer", Problem: "is missing: it is the audience of what private_key_jwt signs"}
	}
	token, err := url.Parse(o.options["tokenURL"])
	if err != nil {
		return nil, err
	}
	o.server = token.Scheme + "://" + token.Host
	o.at = endpoints{
		issuer: o.options["issuer"], authorization: o.options["authorizationURL"], token: o.options["tokenURL"],
		userinfo: o.options["userInfoURL"], revocation: o.options["revocationURL"], introspection: o.options["introspectionURL"],
	}
	if o.flag("revoke_unused", false) {
		return revokingOAuth2{o}, nil
	}
	return o, nil
}

// AuthCodeURL implements [Provider].
func (o *oauth2Server) AuthCodeURL(_ context.Context, l vault.Login, state string) (string, error) {
	return o.authCodeURL(o.at, l, state, nil), nil
}

// Exchange implements [Provider].
func (o *oauth2Server) Exchange(ctx context.Context, l vault.Login, code string) (vault.Identity, vault.TokenSet, error) {
	i, err := o.redeem(ctx, o.at, l, code)
	if err != nil {
		return vault.Identity{}, vault.TokenSet{}, err
	}
	info, err := o.whoSignedIn(ctx, i)
	if err != nil {
		return vault.Identity{}, vault.TokenSet{}, o.unavailable(err)
	}
	p := profileOf(info, o.places)
	if o.options["emailsURL"] != "" {
		if emails, err := o.get(ctx, http.MethodGet, o.options["emailsURL"], i.accessToken); err == nil {
			o.email(emails, &p)
		} // an account may have none, or the token may not tell
	}
	identity, err := o.identity(o.server, scalar(pointer(info, o.places["org"])), scalar(pointer(info, o.places["id"])), p)
	if err != nil {
		return vault.Identity{}, vault.TokenSet{}, err
	}
	return identity, o.tokenSet(i), nil
}

// whoSignedIn is the user info of a sign-in.
func (o *oauth2Server) whoSignedIn(ctx context.Context, i issued) (map[string]any, error) {
	if o.options["userInfoMethod"] == byIntrospection {
		at := o.at
		at.introspection = at.userinfo
		info, err := o.introspect(ctx, at, vault.NewSecret(i.accessToken), "access_token")
		if err == nil && info["active"] == false {
			err = errors.New("the access token just issued is not active")
		}
		return info, err
	}
	info, err := o.get(ctx, cmp.Or(o.options["userInfoMethod"], http.MethodGet), o.at.userinfo, i.accessToken)
	if err != nil {
		return nil, err
	}
	m, ok := info.(map[string]any)
	if !ok || m["ok"] == false { // as Slack refuses, with status 200
		return nil, errors.New("user info: no JSON object, or one that says that it is none")
	}
	return m, nil
}

// email takes the e-mail address of a list that is marked as the primary one.
func (o *oauth2Server) email(list any, p *vault.Profile) {
	emails, _ := list.([]any)
	for _, e := range emails {
		if pointer(e, cmp.Or(o.options["emails.primary"], "/primary")) == true {
			p.Email = plainEmail(scalar(pointer(e, cmp.Or(o.options["emails.email"], "/email"))))
			p.EmailVerified = p.Email != "" && pointer(e, cmp.Or(o.options["emails.verified"], "/verified")) == true
		}
	}
}

// Refresh implements [vault.Refresher].
func (o *oauth2Server) Refresh(ctx context.Context, old vault.TokenSet) (vault.TokenSet, error) {
	i, err := o.refresh(ctx, o.at, old)
	if err != nil {
		return vault.TokenSet{}, err
	}
	return o.tokenSet(i), nil
}

// Introspect implements [vault.Introspector].
func (o *oauth2Server) Introspect(ctx context.Context, ts vault.TokenSet) (bool, error) {
	return o.stillGood(ctx, o.at, ts)
}

// revokingOAuth2 is an oauth2Server at which unused refresh tokens are revoked.
type revokingOAuth2 struct{ *oauth2Server }

// Revoke implements [Revoker].
func (o revokingOAuth2) Revoke(ctx context.Context, ts vault.TokenSet) error { return o.End(ctx, ts) }

// End implements [Ender].
func (o *oauth2Server) End(ctx context.Context, ts vault.TokenSet) error {
	return o.revoke(ctx, o.at, ts)
}
