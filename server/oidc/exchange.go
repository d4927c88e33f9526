package oidc

import (
	"net/netip"
	"strconv"
	"time"

	"sallyport/vault"
)

// Token types of an exchange. They are compared letter by letter.
const (
	URNAccessToken  = "urn:ietf:params:oauth:token-type:access_token"  // RFC 8693, section 3
	URNRefreshToken = "urn:ietf:params:oauth:token-type:refresh_token" // RFC 8693, section 3
	URNIDToken      = "urn:ietf:params:oauth:token-type:id_token"      // RFC 8693, section 3; refused
	URNJWT          = "urn:ietf:params:oauth:token-type:jwt"           // RFC 8693, section 3; refused
	// URIFederatedAccessToken is Auth0's, and http is no mistake.
	URIFederatedAccessToken = "http://auth0.com/oauth/token-type/federated-connection-access-token"
)

// Shape is one of the two forms of a token exchange. They mean the same, and
// differ in names, statuses and codes.
type Shape string

const (
	ShapeRFC8693 Shape = "RFC 8693"
	ShapeAuth0   Shape = "Auth0"
)

// ExchangeRequest asks for the access token of the user's account at a
// connection, in exchange for a token of the gateway's (RFC 8693, section 2.1).
type ExchangeRequest struct {
	Shape              Shape
	SubjectToken       vault.Secret
	SubjectTokenType   string // URNAccessToken or URNRefreshToken
	RequestedTokenType string // to be answered as issued_token_type
	Connection         string // name
	LoginHint          string // which account there, if the user has several
	Scopes             []string
	MinTTL             time.Duration // the access token must be good for so long
	Rejected           vault.Secret  // an access token that the provider's API refused
	Address            netip.Addr    // that the request came from; the zero Addr if that is not known
}

// maxTTL keeps a caller from asking for what no access token is good for, and
// so from having one refreshed at each call.
const maxTTL = 24 * time.Hour

// ParseExchange reads the token exchange in a token request, in either shape.
// Whether the client may make it is for [CheckGrantType] to say.
func ParseExchange(r TokenRequest) (ExchangeRequest, error) {
	x := ExchangeRequest{
		SubjectToken:       r.SubjectToken,
		SubjectTokenType:   r.SubjectTokenType,
		RequestedTokenType: r.RequestedTokenType,
		LoginHint:          r.LoginHint,
		Scopes:             r.Scopes,
		Rejected:           r.RejectedToken,
		Address:            r.Address,
	}
	var named, requested string // the parameter that names the connection; the one token type to ask for
	switch r.GrantType {
	case GrantTokenExchange:
		x.Shape, x.Connection, named, requested = ShapeRFC8693, r.Audience, "audience", URNAccessToken
		if x.RequestedTokenType == "" { // RFC 8693, section 2.1: our choice
			x.RequestedTokenType = requested
		}
	case GrantFederated:
		x.Shape, x.Connection, named, requested = ShapeAuth0, r.Connection, "connection", URIFederatedAccessToken
	default:
		return x, errorf(UnsupportedGrantType, "Grant type not supported: '%s' is no token exchange.", shown(r.GrantType))
	}
	if err := checkTokenTypes(r, x, requested); err != nil {
		return x, err
	}
	switch {
	case x.Connection == "":
		return x, errorf(InvalidRequest, "Missing required parameter: %s, the name of the connection", named)
	case len(x.Connection) > maxName:
		return x, errorf(InvalidRequest, "%s is too long to be the name of a connection", named)
	case x.Shape == ShapeRFC8693 && r.Connection != "" && r.Connection != r.Audience:
		return x, errorf(InvalidRequest, "audience and connection name different connections: send audience alone")
	case x.Shape == ShapeRFC8693 && r.Resource != "": // RFC 8693, section 2.2.2
		return x, errorf(InvalidTarget, "resource is not supported: name the connection in audience")
	}
	if r.MinTTL != "" {
		seconds, err := strconv.ParseUint(r.MinTTL, 10, 32)
		x.MinTTL = time.Duration(seconds) * time.Second
		if err != nil || x.MinTTL > maxTTL {
			return x, errorf(InvalidRequest, "min_ttl should be a whole number of seconds, from 0 to %d", int(maxTTL.Seconds()))
		}
	}
	return x, checkScopeSyntax(x.Scopes)
}

// checkTokenTypes finds fault with the tokens shown and asked for (RFC 8693,
// section 2.1).
func checkTokenTypes(r TokenRequest, x ExchangeRequest, requested string) error {
	const subjects = URNRefreshToken + ", " + URNAccessToken
	switch {
	case x.SubjectToken.IsZero():
		return errorf(InvalidRequest, "Missing required parameter: subject_token")
	case x.SubjectTokenType == "":
		return errorf(InvalidRequest, "Missing required parameter: subject_token_type. Supported are %s.", subjects)
	case x.SubjectTokenType == URNIDToken:
		return errorf(InvalidRequest, "an ID token only tells the client who signed in, and gives access to nothing. "+
			"Supported subject_token_type: %s.", subjects)
	case x.SubjectTokenType != URNRefreshToken && x.SubjectTokenType != URNAccessToken:
		return errorf(InvalidRequest, "subject_token_type '%s' is not supported. Supported are %s.", shown(x.SubjectTokenType), subjects)
	case !r.ActorToken.IsZero() || r.ActorTokenType != "":
		return errorf(InvalidRequest, "actor_token is not supported: nobody can act for the user here but the client itself")
	case x.RequestedTokenType == "":
		return errorf(InvalidRequest, "Missing required parameter: requested_token_type. Supported is %s.", requested)
	case x.RequestedTokenType != requested:
		return errorf(InvalidRequest, "requested_token_type '%s' is not supported. Supported is %s.", shown(x.RequestedTokenType), requested)
	}
	return nil
}
