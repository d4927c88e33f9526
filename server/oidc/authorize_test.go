package oidc_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"sallyport/server/oidc"
	"sallyport/vault"
)

var challenge = oidc.S256(verifier)

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B

func TestS256(t *testing.T) {
	t.Parallel()
	if challenge != "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" { // RFC 7636, appendix B
		t.Error(challenge)
	}
}

var authorization = values("client_id", "app", "redirect_uri", "https://app.example.com/cb", "response_type", "code",
	"scope", "openid profile", "state", "s", "nonce", "n", "code_challenge", challenge, "code_challenge_method", "S256")

var (
	confidential = vault.Client{
		ID: "app", AppType: "regular_web", AuthMethod: "client_secret_post",
		SecretHashes: []string{vault.Hash("new secret"), vault.Hash("old secret")},
		RedirectURIs: []string{"https://app.example.com/cb"},
		GrantTypes: []string{oidc.GrantAuthorizationCode, oidc.GrantRefreshToken, oidc.GrantClientCredentials,
			oidc.GrantTokenExchange},
	}
	public = vault.Client{
		ID: "app", AppType: "spa", AuthMethod: "none",
		RedirectURIs: []string{"https://app.example.com/cb"},
		GrantTypes:   []string{oidc.GrantAuthorizationCode, oidc.GrantRefreshToken},
	}
)

func TestAuthorizationRequests(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("x", n) }
	noPKCE := []string{"code_challenge", "-", "code_challenge_method", "-"}
	for _, tt := range []struct {
		section string
		changes []string
		client  vault.Client
		code    oidc.Code
		words   string
	}{
		{"all is well", nil, public, "", ""},
		{"all is well", nil, confidential, "", ""},
		{"RFC 6749 4.1.1: state is recommended, and no more", []string{"state", "-", "nonce", "-"}, public, "", ""},
		{"RFC 6749 3.1: unknown parameters are ignored", []string{"auth0Client", "eyJ9", "ext-x", "1", "screen_hint", "signup", "access_type", "offline", "approval_prompt", "force"}, public, "", ""},
		{"RFC 6749 3.1: even twice", []string{"ext-x", "1", "+ext-x", "2"}, public, "", ""},
		{"RFC 6749 3.1: without a value is omitted", []string{"max_age", "", "prompt", "", "request", "", "response_mode", ""}, public, "", ""},

		{"RFC 6749 3.1: once", []string{"+client_id", "app"}, public, oidc.InvalidRequest, "client_id is sent 2 times"},
		{"RFC 6749 3.1: once", []string{"+redirect_uri", "https://app.example.com/cb"}, public, oidc.InvalidRequest, "redirect_uri is sent 2 times"},
		{"RFC 6749 3.1: once", []string{"+state", "s"}, public, oidc.InvalidRequest, "state is sent 2 times"},
		{"RFC 6749 3.1: once, with or without a value", []string{"+nonce", ""}, public, oidc.InvalidRequest, "nonce is sent 2 times"},
		{"RFC 6749 3.1: once", []string{"+scope", "email"}, public, oidc.InvalidRequest, "scope is sent 2 times"},
		{"RFC 6749 3.1: once", []string{"+response_type", "code"}, public, oidc.InvalidRequest, "response_type is sent 2 times"},
		{"RFC 6749 3.1: once", []string{"+code_challenge", challenge}, public, oidc.InvalidRequest, "code_challenge is sent 2 times"},
		{"RFC 6749 4.1.1: required", []string{"client_id", "-"}, public, oidc.InvalidRequest, "parameter: client_id"},
		{"Core 3.1.2.1: required", []string{"redirect_uri", "-"}, public, oidc.InvalidRequest, "parameter: redirect_uri"},
		{"RFC 6749 3.1: empty is omitted", []string{"client_id", ""}, public, oidc.InvalidRequest, "parameter: client_id"},

		{"RFC 6749 3.1.1: required", []string{"response_type", "-"}, public, oidc.InvalidRequest, "parameter: response_type"},
		{"RFC 6749 3.1.1", []string{"response_type", "token"}, public, oidc.UnsupportedResponseType, "'token'"},
		{"Core 3.2", []string{"response_type", "id_token"}, public, oidc.UnsupportedResponseType, "use 'code'"},
		{"Core 3.2", []string{"response_type", "id_token token"}, public, oidc.UnsupportedResponseType, ""},
		{"Core 3.3", []string{"response_type", "code id_token"}, public, oidc.UnsupportedResponseType, ""},
		{"RFC 6749 3.1.1: case-sensitive", []string{"response_type", "Code"}, public, oidc.UnsupportedResponseType, ""},
		{"RFC 6749 3.1.1", []string{"response_type", "code code"}, public, oidc.UnsupportedResponseType, ""},
		{"Multiple Response Types 2.1", []string{"response_mode", "query"}, public, "", ""},
		{"Multiple Response Types 2.1", []string{"response_mode", "fragment"}, public, "", ""},
		{"Form Post 2", []string{"response_mode", "form_post"}, public, "", ""},
		{"Auth0", []string{"response_mode", "web_message"}, public, "", ""},
		{"Auth0: the origin of a window", []string{"response_mode", "web_message", "redirect_uri", "com.example.app:/cb"}, public, oidc.InvalidRequest, "needs a redirect_uri"},
		{"Multiple Response Types 2.1", []string{"response_mode", "jwt"}, public, oidc.InvalidRequest, "'jwt' is not supported"},
		{"Multiple Response Types 2.1: case-sensitive", []string{"response_mode", "Query"}, public, oidc.InvalidRequest, "'Query'"},
		{"RFC 6749 3.1: once", []string{"response_mode", "query", "+response_mode", "fragment"}, public, oidc.InvalidRequest, "response_mode is sent 2 times"},

		{"Core 6.1", []string{"request", "e30.e30."}, public, oidc.RequestNotSupported, "send the parameters themselves"},
		{"Core 6.2", []string{"request_uri", "https://app.example.com/r"}, public, oidc.RequestURINotSupported, ""},
		{"Core 7.2.1", []string{"registration", "{}"}, public, oidc.RegistrationNotSupported, ""},
		{"Core 6.1 goes first", []string{"request", "e30.e30.", "response_type", "token"}, public, oidc.RequestNotSupported, ""},

		{"RFC 6749 4.1.2.1", nil, vault.Client{AuthMethod: "none"}, oidc.UnauthorizedClient, "Grant type 'authorization_code' not allowed for the client."},

		{"RFC 7636 4.4.1, RFC 9700 2.1.1", noPKCE, public, oidc.InvalidRequest, "must use PKCE"},
		{"RFC 9700 2.1.1: recommended", noPKCE, confidential, "", ""},
		{"RFC 7636 4.3: plain by default", []string{"code_challenge_method", "-"}, public, oidc.InvalidRequest, "transform algorithm not supported"},
		{"RFC 7636 4.4.1: plain", []string{"code_challenge_method", "plain"}, public, oidc.InvalidRequest, "transform algorithm not supported"},
		{"RFC 7636 4.4.1: plain", []string{"code_challenge_method", "plain"}, confidential, oidc.InvalidRequest, "transform algorithm not supported"},
		{"RFC 7636 4.3: case-sensitive", []string{"code_challenge_method", "s256"}, public, oidc.InvalidRequest, "transform algorithm"},
		{"RFC 7636 4.3: method alone", []string{"code_challenge", "-"}, public, oidc.InvalidRequest, "without a code_challenge"},
		{"RFC 7636 4.3: method alone", []string{"code_challenge", "-"}, confidential, oidc.InvalidRequest, "without a code_challenge"},
		{"RFC 7636 4.2: 43", []string{"code_challenge", long(43)}, public, "", ""},
		{"RFC 7636 4.2: 128", []string{"code_challenge", long(128)}, public, "", ""},
		{"RFC 7636 4.2: 42", []string{"code_challenge", long(42)}, public, oidc.InvalidRequest, "code_challenge is malformed"},
		{"RFC 7636 4.2: 129", []string{"code_challenge", long(129)}, public, oidc.InvalidRequest, "code_challenge is malformed"},
		{"RFC 7636 A: unpadded", []string{"code_challenge", challenge + "="}, public, oidc.InvalidRequest, "code_challenge is malformed"},
		{"RFC 7636 A: base64url", []string{"code_challenge", long(42) + "+"}, public, oidc.InvalidRequest, "code_challenge is malformed"},

		{"Core 3.1.2.1: OAuth alone", []string{"scope", "profile"}, public, "", ""},
		{"RFC 6749 3.3: no scope", []string{"scope", "-"}, public, "", ""},
		{"RFC 6749 3.3", []string{"scope", "openid \"x\""}, public, oidc.InvalidScope, "the scope ''x''"},
		{"RFC 6749 3.3", []string{"scope", "openid a\\b"}, public, oidc.InvalidScope, ""},
		{"RFC 6749 3.3", []string{"scope", "openid é"}, public, oidc.InvalidScope, ""},
		{"RFC 6749 3.3: no tabs", []string{"scope", "openid\tprofile"}, public, oidc.InvalidRequest, "scope has control characters"},
		{"Core 11: not for this client, and no fault", []string{"scope", "openid offline_access"},
			vault.Client{AuthMethod: "none", GrantTypes: []string{"authorization_code"}}, "", ""},
		{"Auth0", []string{"scope", "openid online_access offline_access"}, public, oidc.InvalidRequest, "Cannot request both"},

		{"Core 3.1.2.1", []string{"prompt", "none"}, public, "", ""},
		{"Core 3.1.2.1", []string{"prompt", "login consent select_account"}, public, "", ""},
		{"Core 3.1.2.1: none alone", []string{"prompt", "none login"}, public, oidc.InvalidRequest, "cannot be combined"},
		{"Core 3.1.2.1: none alone", []string{"prompt", "consent none"}, public, oidc.InvalidRequest, "cannot be combined"},
		{"Core 3.1.2.1: none and none is none", []string{"prompt", "none none"}, public, "", ""},
		{"Initiating User Registration 4.1", []string{"prompt", "create"}, public, oidc.InvalidRequest, "'create' is not supported"},
		{"Core 3.1.2.1: case-sensitive", []string{"prompt", "Login"}, public, oidc.InvalidRequest, "'Login'"},

		{"Core 3.1.2.1", []string{"max_age", "0"}, public, "", ""},
		{"Core 3.1.2.1", []string{"max_age", "3600"}, public, "", ""},
		{"Core 3.1.2.1", []string{"max_age", "-1"}, public, oidc.InvalidRequest, "max_age is negative"},
		{"Core 3.1.2.1", []string{"max_age", "1.5"}, public, oidc.InvalidRequest, "max_age is not a whole number"},
		{"Core 3.1.2.1", []string{"max_age", "soon"}, public, oidc.InvalidRequest, "max_age is not a whole number"},
		{"Core 3.1.2.1", []string{"max_age", "99999999999999999999"}, public, oidc.InvalidRequest, "max_age is not a whole number"},

		{"RFC 8707 2", []string{"resource", "https://api"}, public, "", ""},
		{"RFC 8707 2: any scheme", []string{"resource", "urn:api"}, public, "", ""},
		{"RFC 8707 2: the same twice", []string{"resource", "https://api", "+resource", "https://api"}, public, "", ""},
		{"RFC 8707 2: the same as audience", []string{"resource", "https://api", "audience", "https://api"}, public, "", ""},
		{"RFC 8707 2: several", []string{"resource", "https://api", "+resource", "https://other"}, public, oidc.InvalidTarget, "names 2 APIs: ask for a token for each"},
		{"RFC 8707 2: not the audience", []string{"resource", "https://api", "audience", "https://other"}, public, oidc.InvalidTarget, "send one of them"},
		{"RFC 8707 2: absolute", []string{"resource", "/api"}, public, oidc.InvalidTarget, "not an absolute URI"},
		{"RFC 8707 2: no fragment", []string{"resource", "https://api#x"}, public, oidc.InvalidTarget, "without a fragment"},
		{"RFC 8707 2: bounds", []string{"resource", "https://api/" + long(2048)}, public, oidc.InvalidTarget, "too long"},

		{"RFC 9449 10", []string{"dpop_jkt", long(43)}, public, "", ""},
		{"RFC 9449 10: 42", []string{"dpop_jkt", long(42)}, public, oidc.InvalidRequest, "dpop_jkt is malformed"},
		{"RFC 9449 10: 44", []string{"dpop_jkt", long(44)}, public, oidc.InvalidRequest, "dpop_jkt is malformed"},
		{"RFC 9449 10: base64url", []string{"dpop_jkt", long(42) + "="}, public, oidc.InvalidRequest, "dpop_jkt is malformed"},
		{"RFC 6749 3.1: once", []string{"dpop_jkt", long(43), "+dpop_jkt", long(43)}, public, oidc.InvalidRequest, "dpop_jkt is sent 2 times"},

		{"Core 5.5", []string{"claims", `{"id_token":{"email":null}}`}, public, "", ""},
		{"Core 5.5", []string{"claims", `[]`}, public, oidc.InvalidRequest, "claims is not a JSON object"},
		{"Core 5.5.1.1: voluntary", []string{"claims", `{"id_token":{"acr":{"values":["a"]}}}`, "acr_values", "a b"}, public, "", ""},
		{"Core 5.5.1.1: essential", []string{"claims", `{"id_token":{"acr":{"essential":true}}}`}, public, "", ""},
		{"Core 5.5.1.1: essential values", []string{"claims", `{"id_token":{"acr":{"essential":true,"values":["a"]}}}`}, public, oidc.UnmetRequirements, "acr"},
		{"Core 5.5.1.1: essential value", []string{"claims", `{"id_token":{"acr":{"essential":true,"value":"a"}}}`}, public, oidc.UnmetRequirements, "acr"},

		{"bounds", []string{"state", long(4096), "nonce", long(2048)}, public, "", ""},
		{"bounds", []string{"state", long(4097)}, public, oidc.InvalidRequest, "state is too long"},
		{"bounds", []string{"nonce", long(2049)}, public, oidc.InvalidRequest, "nonce is too long"},
		{"bounds", []string{"client_id", long(129)}, public, oidc.InvalidRequest, "client_id is too long"},
		{"bounds", []string{"connection", long(129)}, public, oidc.InvalidRequest, "connection is too long"},
		{"bounds", []string{"redirect_uri", "https://app.example.com/" + long(2048)}, public, oidc.InvalidRequest, "redirect_uri is too long"},
		{"bounds", []string{"id_token_hint", long(16385)}, public, oidc.InvalidRequest, "id_token_hint is too long"},
		{"RFC 6749 A.5", []string{"state", "a\r\nb"}, public, oidc.InvalidRequest, "state has control characters"},
		{"RFC 6749 A", []string{"login_hint", "a\x00b"}, public, oidc.InvalidRequest, "login_hint has control characters"},
		{"RFC 6749 B", []string{"nonce", "\xff"}, public, oidc.InvalidRequest, "nonce is not UTF-8"},
		{"RFC 6749 B", []string{"login_hint", "zoë@example.com"}, public, "", ""},
	} {
		r, err := oidc.ParseAuthorizationRequest(with(authorization, tt.changes...))
		if err == nil {
			err = oidc.CheckAuthorizationRequest(tt.client, r)
		}
		t.Run(tt.section+" "+string(tt.code), func(t *testing.T) { want(t, err, tt.code, tt.words) })
	}
}

func TestAuthorizationRequestIsRead(t *testing.T) {
	t.Parallel()
	r, err := oidc.ParseAuthorizationRequest(with(authorization,
		"audience", "https://api", "prompt", "login consent", "max_age", "60", "login_hint", "ada@example.com",
		"connection", "salesforce", "connection_scope", "api, refresh_token,,api", "ui_locales", "de fr", "acr_values", "a b", "ext-x", "1",
		"id_token_hint", "h", "dpop_jkt", "k", "claims", "{}", "response_mode", "form_post"))
	if err != nil {
		t.Fatal(err)
	}
	if r.ClientID != "app" || r.RedirectURI != "https://app.example.com/cb" || r.State != "s" || r.Nonce != "n" ||
		r.CodeChallenge != challenge || r.Audience != "https://api" || r.LoginHint != "ada@example.com" ||
		r.Connection != "salesforce" || r.MaxAge == nil || *r.MaxAge != 60 ||
		!slices.Equal(r.Scopes, []string{"openid", "profile"}) ||
		!slices.Equal(r.Prompt, []string{"login", "consent"}) ||
		!slices.Equal(r.ConnScopes, []string{"api", "refresh_token"}) ||
		!slices.Equal(r.UILocales, []string{"de", "fr"}) || !slices.Equal(r.ACRValues, []string{"a", "b"}) ||
		r.IDTokenHint.Reveal() != "h" || r.DPoPKey != "k" || r.Claims != "{}" || r.AuthorizationRequest.ResponseMode != "form_post" {
		t.Errorf("got %+v", r)
	}
	got := url.Values{}
	for name, value := range r.Params {
		got.Set(name, value)
	}
	if got.Encode() != "acr_values=a+b&audience=https%3A%2F%2Fapi&client_id=app&id_token_hint=h&login_hint=ada%40example.com&max_age=60&prompt=login+consent&response_mode=form_post&response_type=code&ui_locales=de+fr" {
		t.Errorf("parameters for upstream: %s", got.Encode())
	}
}

// An API may be named by either name (RFC 8707, section 2; Auth0).
func TestResourceIsTheAudience(t *testing.T) {
	t.Parallel()
	r, err := oidc.ParseAuthorizationRequest(with(authorization, "resource", "https://api", "+resource", "", "+resource", "https://api"))
	if err != nil || r.Audience != "https://api" || r.Params["resource"] != "https://api" {
		t.Errorf("got %q, %v", r.Audience, err)
	}
	for _, grant := range []string{oidc.GrantClientCredentials, oidc.GrantAuthorizationCode, oidc.GrantRefreshToken} {
		form := values("grant_type", grant, "code", "c", "refresh_token", "v1.a.b", "client_id", "app", "resource", "https://api")
		r, err := oidc.ParseTokenRequest(form, "")
		if err != nil || r.Audience != "https://api" { // RFC 8707, section 2.2
			t.Errorf("%s: got %q, %v", grant, r.Audience, err)
		}
		_, err = oidc.ParseTokenRequest(with(form, "audience", "https://other"), "")
		want(t, err, oidc.InvalidTarget, "different APIs")
		_, err = oidc.ParseTokenRequest(with(form, "+resource", "https://other"), "")
		want(t, err, oidc.InvalidTarget, "names 2 APIs")
	}
}

func TestFAPIRequests(t *testing.T) {
	t.Parallel()
	fapi := asserting
	fapi.FAPI, fapi.IDTokenAlg = true, "PS256"
	but := func(change func(*vault.Client)) vault.Client { c := fapi; change(&c); return c }
	for _, tt := range []struct {
		section string
		changes []string
		client  vault.Client
		code    oidc.Code
		words   string
	}{
		{"FAPI 2.0 5.3.2.2", nil, fapi, "", ""},
		{"FAPI 2.0 5.3.2.2", []string{"response_mode", "form_post"}, fapi, "", ""},
		{"FAPI 2.0 5.3.2.2: response_type code", []string{"response_type", "code id_token"}, fapi, oidc.UnsupportedResponseType, ""},
		{"FAPI 2.0 5.3.2.2: PKCE", []string{"code_challenge", "-", "code_challenge_method", "-"}, fapi, oidc.InvalidRequest, "must use PKCE"},
		{"FAPI 2.0 5.3.2.2: S256", []string{"code_challenge_method", "plain"}, fapi, oidc.InvalidRequest, "S256"},
		{"FAPI 2.0 5.3.2.2: https", []string{"redirect_uri", "http://app.example.com/cb"}, fapi, oidc.InvalidRequest, "not https"},
		{"FAPI 2.0 5.3.2.2: https", []string{"redirect_uri", "com.example.app:/cb"}, fapi, oidc.InvalidRequest, "not https"},
		{"FAPI 2.0 5.3.2.2: loopback", []string{"redirect_uri", "http://127.0.0.1:1/cb"}, fapi, oidc.InvalidRequest, "not https"},
		{"FAPI 2.0 5.3.2.2: loopback of a native application", []string{"redirect_uri", "http://127.0.0.1:1/cb"}, but(func(c *vault.Client) { c.AppType = "native" }), "", ""},
		{"FAPI 2.0 5.3.2.1: confidential", nil, but(func(c *vault.Client) { c.AuthMethod = "none" }), oidc.UnauthorizedClient, "private_key_jwt"},
		{"FAPI 2.0 5.3.2.1: private_key_jwt", nil, but(func(c *vault.Client) { c.AuthMethod = "client_secret_basic" }), oidc.UnauthorizedClient, "private_key_jwt"},
		{"FAPI 2.0 5.4.1: ID tokens", nil, but(func(c *vault.Client) { c.IDTokenAlg = "" }), oidc.UnauthorizedClient, "PS256, ES256, EdDSA"},
		{"FAPI 2.0 5.4.1: ID tokens", nil, but(func(c *vault.Client) { c.IDTokenAlg = "RS256" }), oidc.UnauthorizedClient, "PS256, ES256, EdDSA"},
		{"no specification's", []string{"response_mode", "web_message"}, fapi, oidc.InvalidRequest, "'web_message'"},
		{"others may", []string{"code_challenge", "-", "code_challenge_method", "-"}, asserting, "", ""},
	} {
		r, err := oidc.ParseAuthorizationRequest(with(authorization, tt.changes...))
		if err == nil {
			err = oidc.CheckAuthorizationRequest(tt.client, r)
		}
		t.Run(tt.section, func(t *testing.T) { want(t, err, tt.code, tt.words) })
	}
	// Section 5.3.2.2: iss in every answer that has a code.
	for _, mode := range []string{"", "query", "fragment", "form_post"} {
		a := oidc.CodeResponse(issuer, vault.AuthorizationRequest{RedirectURI: "https://app.example.com/cb", ResponseMode: mode}, "c")
		if !slices.Contains(a.Params, oidc.Param{Name: "iss", Value: issuer}) {
			t.Errorf("%s: got %+v", mode, a)
		}
	}
}

// However broken a request is, the client and the redirect URI that an error
// could go to can be read, or the error is about them.
func TestMalformedRequestTellsWhereItsErrorBelongs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		changes                   []string
		client, uri, state, words string
	}{
		{[]string{"max_age", "soon", "+scope", "x", "+nonce", "x"}, "app", "https://app.example.com/cb", "s", "scope"},
		{[]string{"+state", "t"}, "app", "https://app.example.com/cb", "", "state"},
		{[]string{"+response_type", "token", "+state", "t"}, "app", "https://app.example.com/cb", "", "state"},
		{[]string{"+redirect_uri", "https://evil.example", "max_age", "soon"}, "app", "", "s", "redirect_uri"},
		{[]string{"+client_id", "other", "+redirect_uri", "https://evil.example", "+state", "t"}, "", "", "", "client_id"},
		{[]string{"redirect_uri", "https://app.example.com/cb\r\nSet-Cookie: a=b", "+state", ""}, "app", "", "", "redirect_uri"},
	} {
		r, err := oidc.ParseAuthorizationRequest(with(authorization, tt.changes...))
		want(t, err, oidc.InvalidRequest, tt.words)
		if r.ClientID != tt.client || r.RedirectURI != tt.uri || r.State != tt.state {
			t.Errorf("%q: got client %q, URI %q, state %q", tt.changes, r.ClientID, r.RedirectURI, r.State)
		}
		if r.RedirectURI == "" && oidc.CheckRedirectURI(public, r.RedirectURI) == nil {
			t.Error("a redirect URI that could not be read has passed")
		}
	}
}
