package oidc

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sallyport/vault"
)

// AuthorizationRequest is an authorization request as it was sent: what the
// vault keeps of one, and what only has to be looked at.
type AuthorizationRequest struct {
	vault.AuthorizationRequest
	ResponseType        string
	CodeChallengeMethod string
	IDTokenHint         vault.Secret // see [KeySet.HintedUser]
	Request             string       // a request object (OpenID Connect Core 1.0, section 6.1)
	RequestURI          string       // section 6.2
	Registration        string       // section 7.2.1
}

// upstreamAliases are the parameters that a connection's upstream parameters
// may take over.
var upstreamAliases = []string{
	"acr_values", "audience", "client_id", "display", "id_token_hint", "login_hint",
	"max_age", "prompt", "resource", "response_mode", "response_type", "ui_locales",
}

// ParseAuthorizationRequest reads the parameters of an authorization request
// (OpenID Connect Core 1.0, section 3.1.2.1). It returns the request beside any
// error, as far as it can be read, so that the error can be sent where it
// belongs: to the redirect URI, once [CheckRedirectURI] has passed it. Where
// ClientID or RedirectURI is empty, the error says why, and is for a page.
func ParseAuthorizationRequest(params url.Values) (AuthorizationRequest, error) {
	p := &parameters{values: params}
	var r AuthorizationRequest
	r.ClientID = p.need("client_id", maxName)
	r.RedirectURI = p.need("redirect_uri", maxValue)
	r.State = p.get("state", maxState)
	r.ResponseType = p.get("response_type", maxValue)
	r.ResponseMode = p.get("response_mode", maxValue)
	r.Request = p.get("request", maxToken)
	r.RequestURI = p.get("request_uri", maxValue)
	r.Registration = p.get("registration", maxToken)
	r.Scopes = ParseScopes(p.get("scope", maxState))
	r.Nonce = p.get("nonce", maxValue)
	r.CodeChallenge = p.get("code_challenge", maxValue)
	r.CodeChallengeMethod = p.get("code_challenge_method", maxValue)
	resource := p.resource()
	r.Audience = p.audience(resource)
	r.DPoPKey = p.get("dpop_jkt", maxValue)
	r.Claims = p.get("claims", maxState)
	r.ACRValues = ParseScopes(p.get("acr_values", maxValue))
	r.UILocales = ParseScopes(p.get("ui_locales", maxValue))
	r.IDTokenHint = p.secret("id_token_hint")
	r.Prompt = ParseScopes(p.get("prompt", maxValue))
	r.LoginHint = p.get("login_hint", maxValue)
	r.Connection = p.get("connection", maxName)
	r.ConnScopes = distinct(strings.FieldsFunc(p.get("connection_scope", maxState),
		func(c rune) bool { return c == ',' || c == ' ' }))
	if s := p.get("max_age", maxValue); s != "" {
		age, err := strconv.Atoi(s)
		if err != nil {
			p.fail(errorf(InvalidRequest, "max_age is not a whole number of seconds"))
		} else {
			r.MaxAge = &age
		}
	}
	for _, name := range upstreamAliases {
		value := resource
		if name != "resource" {
			value = p.get(name, maxToken)
		}
		if value != "" {
			if r.Params == nil {
				r.Params = map[string]string{}
			}
			r.Params[name] = value
		}
	}
	return r, p.err()
}

// checks are what a client may not ask, in the order in which the
// specifications bring them up: a request object first, since it could hold all
// the rest.
var checks = []func(vault.Client, AuthorizationRequest) error{
	checkRequestObject,
	checkRegistration,
	checkResponseType,
	checkResponseMode,
	checkCodeGrant,
	checkScopes,
	checkPKCE,
	checkPrompt,
	checkMaxAge,
	checkClaims,
	checkDPoPKey,
}

// CheckAuthorizationRequest finds fault with what a client may not ask. Whether
// it may ask it of the connection and for the audience that it names is for the
// caller to see, who has their records.
func CheckAuthorizationRequest(c vault.Client, r AuthorizationRequest) error {
	list := checks
	if c.FAPI {
		list = slices.Concat(checks, fapiChecks)
	}
	for _, check := range list {
		if err := check(c, r); err != nil {
			return err
		}
	}
	return nil
}

// OpenID Connect Core 1.0, section 6: a provider that does not know request
// objects must say so rather than read past them.
func checkRequestObject(_ vault.Client, r AuthorizationRequest) error {
	switch {
	case r.Request != "":
		return errorf(RequestNotSupported, "request objects are not supported: send the parameters themselves")
	case r.RequestURI != "":
		return errorf(RequestURINotSupported, "request_uri is not supported: send the parameters themselves")
	}
	return nil
}

// OpenID Connect Core 1.0, section 7.2.1.
func checkRegistration(_ vault.Client, r AuthorizationRequest) error {
	if r.Registration != "" {
		return errorf(RegistrationNotSupported, "the registration parameter is not supported: register the client beforehand")
	}
	return nil
}

// RFC 6749, section 3.1.1.
func checkResponseType(_ vault.Client, r AuthorizationRequest) error {
	switch r.ResponseType {
	case "":
		return errorf(InvalidRequest, "Missing required parameter: response_type")
	case "code":
		return nil
	}
	return errorf(UnsupportedResponseType, "response_type '%s' is not supported: use 'code'", shown(r.ResponseType))
}

// OAuth 2.0 Multiple Response Type Encoding Practices, section 2.1. A message
// needs the origin of a window.
func checkResponseMode(_ vault.Client, r AuthorizationRequest) error {
	switch {
	case r.ResponseMode != "" && !slices.Contains(responseModes, r.ResponseMode):
		return errorf(InvalidRequest, "response_mode '%s' is not supported: use %s, or leave it out", shown(r.ResponseMode), strings.Join(responseModes, ", "))
	case r.ResponseMode == ModeWebMessage && originOf(r.RedirectURI) == "":
		return errorf(InvalidRequest, "response_mode 'web_message' needs a redirect_uri that is a web page's, for its origin")
	}
	return nil
}

// RFC 6749, section 4.1.2.1: unauthorized_client.
func checkCodeGrant(c vault.Client, _ AuthorizationRequest) error {
	if !c.May(GrantAuthorizationCode) {
		return notAllowed(GrantAuthorizationCode)
	}
	return nil
}

// RFC 6749, section 3.3. Without openid a request is OAuth alone, and gets no
// ID token (OpenID Connect Core 1.0, section 3.1.2.1). offline_access is no
// fault of a client that cannot use it; see [GrantedScopes].
func checkScopes(_ vault.Client, r AuthorizationRequest) error {
	if slices.Contains(r.Scopes, "online_access") && slices.Contains(r.Scopes, ScopeOffline) {
		return errorf(InvalidRequest, "Cannot request both online_access and offline_access scopes")
	}
	return checkScopeSyntax(r.Scopes)
}

// RFC 7636, sections 4.3 and 4.4.1; RFC 9700, section 2.1.1: public clients
// must use it, and no method but S256 hides the verifier.
func checkPKCE(c vault.Client, r AuthorizationRequest) error {
	switch {
	case r.CodeChallenge == "" && r.CodeChallengeMethod != "":
		return errorf(InvalidRequest, "code_challenge_method is sent without a code_challenge")
	case r.CodeChallenge == "" && c.Public():
		return errorf(InvalidRequest, "code_challenge is missing: a client without a secret must use PKCE with S256 (RFC 7636)")
	case r.CodeChallenge == "":
		return nil
	case r.CodeChallengeMethod != "S256": // its default is plain
		return errorf(InvalidRequest, "transform algorithm not supported: send code_challenge_method=S256")
	case !isChallenge(r.CodeChallenge):
		return errorf(InvalidRequest, "code_challenge is malformed: it should be the unpadded base64url of the verifier's SHA-256")
	}
	return nil
}

var prompts = []string{"none", "login", "consent", "select_account"}

// OpenID Connect Core 1.0, section 3.1.2.1: none stands alone. Values unknown
// here are refused, as Initiating User Registration via OpenID Connect 1.0,
// section 4.1, has it.
func checkPrompt(_ vault.Client, r AuthorizationRequest) error {
	if more := beyond(prompts, r.Prompt); len(more) > 0 {
		return errorf(InvalidRequest, "prompt '%s' is not supported: use %s", shown(more[0]), strings.Join(prompts, ", "))
	}
	if len(r.Prompt) > 1 && slices.Contains(r.Prompt, "none") {
		return errorf(InvalidRequest, "prompt 'none' cannot be combined with others")
	}
	return nil
}

// OpenID Connect Core 1.0, section 3.1.2.1.
func checkMaxAge(_ vault.Client, r AuthorizationRequest) error {
	if r.MaxAge != nil && *r.MaxAge < 0 {
		return errorf(InvalidRequest, "max_age is negative: send the greatest age of the sign-in, in seconds")
	}
	return nil
}

// RFC 9449, section 10.
func checkDPoPKey(_ vault.Client, r AuthorizationRequest) error {
	if r.DPoPKey != "" && (len(r.DPoPKey) != 43 || !madeOf(r.DPoPKey, base64url)) {
		return errorf(InvalidRequest, "dpop_jkt is malformed: it should be the unpadded base64url of the key's SHA-256 thumbprint (RFC 7638)")
	}
	return nil
}
