package oidc

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sallyport/vault"
)

// Grant types.
const (
	GrantAuthorizationCode = "authorization_code"                              // RFC 6749, section 4.1.3
	GrantRefreshToken      = "refresh_token"                                   // RFC 6749, section 6
	GrantClientCredentials = "client_credentials"                              // RFC 6749, section 4.4
	GrantTokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693, section 2.1
	// GrantFederated is Auth0's token exchange for the access token of a
	// connected account.
	GrantFederated = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
)

// grantTypes are the grant types there are.
var grantTypes = []string{GrantAuthorizationCode, GrantRefreshToken, GrantClientCredentials, GrantDeviceCode, GrantTokenExchange, GrantFederated}

// TokenRequest is a request to the token endpoint, of any grant type. What a
// grant type does not use is not looked at.
type TokenRequest struct {
	GrantType string
	Credentials

	Code         vault.Secret
	RedirectURI  string
	CodeVerifier vault.Secret

	DeviceCode   vault.Secret
	RefreshToken vault.Secret
	Scopes       []string
	Audience     string

	// Of a token exchange; see [ParseExchange].
	SubjectToken       vault.Secret
	SubjectTokenType   string
	ActorToken         vault.Secret
	ActorTokenType     string
	RequestedTokenType string
	Resource           string
	Connection         string
	LoginHint          string
	MinTTL             string // as sent
	RejectedToken      vault.Secret
	Address            netip.Addr // that the request came from, which no parameter says
}

// ParseTokenRequest reads a form, and the Authorization header beside it (RFC
// 6749, section 3.2). JSON bodies become forms by [FormFromJSON].
func ParseTokenRequest(form url.Values, authorization string) (TokenRequest, error) {
	p := &parameters{values: form}
	r := TokenRequest{
		GrantType:          p.need("grant_type", maxValue),
		Credentials:        readCredentials(p, authorization),
		Code:               p.secret("code"),
		RedirectURI:        p.get("redirect_uri", maxValue),
		CodeVerifier:       p.secret("code_verifier"),
		DeviceCode:         p.secret("device_code"),
		RefreshToken:       p.secret("refresh_token"),
		Scopes:             ParseScopes(p.get("scope", maxState)),
		Audience:           p.get("audience", maxValue),
		SubjectToken:       p.secret("subject_token"),
		SubjectTokenType:   p.get("subject_token_type", maxValue),
		ActorToken:         p.secret("actor_token"),
		ActorTokenType:     p.get("actor_token_type", maxValue),
		RequestedTokenType: p.get("requested_token_type", maxValue),
		Resource:           p.resource(),
		Connection:         p.get("connection", maxName),
		LoginHint:          p.get("login_hint", maxValue),
		MinTTL:             p.get("min_ttl", maxValue),
		RejectedToken:      p.secret("rejected_token"),
	}
	if r.GrantType != GrantTokenExchange && r.GrantType != GrantFederated {
		r.Audience = p.audience(r.Resource) // RFC 8707, section 2.2
	}
	switch r.GrantType {
	case GrantAuthorizationCode:
		p.need("code", maxToken)
	case GrantRefreshToken:
		p.need("refresh_token", maxToken)
	case GrantDeviceCode:
		p.need("device_code", maxToken)
	}
	return r, p.err()
}

// CheckGrantType finds fault with a grant type that does not exist, or that the
// client may not use (RFC 6749, section 5.2). The two token exchanges are one
// permission: a client that may use either may use both. They, and client
// credentials (RFC 6749, section 4.4), take a client that can keep a secret.
func CheckGrantType(c vault.Client, r TokenRequest) error {
	if !slices.Contains(grantTypes, r.GrantType) {
		return errorf(UnsupportedGrantType, "Grant type not supported: '%s'. Supported are %s.",
			shown(r.GrantType), strings.Join(grantTypes, ", "))
	}
	may, confidential := c.May(r.GrantType), r.GrantType == GrantClientCredentials
	exchange := r.GrantType == GrantTokenExchange || r.GrantType == GrantFederated
	if exchange {
		may, confidential = c.May(GrantTokenExchange) || c.May(GrantFederated), true
	}
	var e *Error
	switch {
	case !may:
		e = notAllowed(r.GrantType)
	case confidential && c.Public():
		e = errorf(UnauthorizedClient, "Grant type '%s' not allowed for the client. It takes a client that can keep a secret: "+
			"its token_endpoint_auth_method should not be none.", shown(r.GrantType))
	default:
		return nil
	}
	if exchange {
		connection := r.Connection
		if r.GrantType == GrantTokenExchange {
			connection = r.Audience
		}
		e.Refusal = refusalOf(Refusal{Reason: ClientNotAllowed, Connection: connection})
	}
	return e
}

// notAllowed begins with Auth0's wording.
func notAllowed(grantType string) *Error {
	return errorf(UnauthorizedClient, "Grant type '%s' not allowed for the client. Add it to the client's grant_types.", shown(grantType))
}

// TokenResponse is a successful answer of the token endpoint (RFC 6749, section
// 5.1; OpenID Connect Core 1.0, section 3.1.3.3; RFC 8693, section 2.2.1).
type TokenResponse struct {
	AccessToken     string `json:"access_token"`
	TokenType       string `json:"token_type"`
	ExpiresIn       int    `json:"expires_in"` // seconds
	Scope           string `json:"scope"`
	IssuedTokenType string `json:"issued_token_type,omitempty"`
	RefreshToken    string `json:"refresh_token,omitempty"`
	IDToken         string `json:"id_token,omitempty"`

	// Of a token exchange: what calling the provider's API takes besides.
	InstanceURL    string `json:"instance_url,omitempty"`
	APIInstanceURL string `json:"api_instance_url,omitempty"`
	ID             string `json:"id,omitempty"` // URL of the account's identity
	Connection     string `json:"connection,omitempty"`
	Account        string `json:"account,omitempty"` // the user, at the identity provider
}

// JSON is the answer as it is sent. It is the most frequent answer of all, and so
// written out here, without a reflection's cost.
func (r TokenResponse) JSON() []byte {
	b := make([]byte, 0, 1024)
	b = appendMember(append(b, '{'), "access_token", r.AccessToken)
	b = appendMember(append(b, ','), "token_type", r.TokenType)
	b = strconv.AppendInt(append(b, `,"expires_in":`...), int64(r.ExpiresIn), 10)
	b = appendMember(append(b, ','), "scope", r.Scope)
	for _, m := range [...]struct{ name, value string }{
		{"issued_token_type", r.IssuedTokenType}, {"refresh_token", r.RefreshToken}, {"id_token", r.IDToken}, {"instance_url", r.InstanceURL},
		{"api_instance_url", r.APIInstanceURL}, {"id", r.ID}, {"connection", r.Connection}, {"account", r.Account},
	} {
		if m.value != "" {
			b = appendMember(append(b, ','), m.name, m.value)
		}
	}
	return append(b, '}')
}

// appendMember appends a member of a JSON object. The name is plain.
func appendMember(b []byte, name, value string) []byte {
	b = append(append(append(b, '"'), name...), `":`...)
	if needsEscape(value) {
		quoted, _ := json.Marshal(value) // fails for no string
		return append(b, quoted...)
	}
	return append(append(append(b, '"'), value...), '"')
}

// needsEscape reports whether a text has a character that may not stand in a JSON
// string as it is, or that [json.Marshal] escapes.
func needsEscape(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return true
		}
	}
	return false
}

// PresentedToken is a request that shows one token, to have it revoked or to
// ask what it is good for (RFC 7009 and RFC 7662, both in section 2.1). A hint of
// the token's type is only a hint, and is not read.
type PresentedToken struct {
	Credentials
	Token vault.Secret
}

// ParsePresentedToken reads a form, and the Authorization header beside it.
func ParsePresentedToken(form url.Values, authorization string) (PresentedToken, error) {
	p := &parameters{values: form}
	r := PresentedToken{
		Credentials: readCredentials(p, authorization),
		Token:       vault.NewSecret(p.need("token", maxToken)),
	}
	return r, p.err()
}
