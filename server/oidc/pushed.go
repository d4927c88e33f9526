package oidc

import (
	"net/url"
	"strings"

	"sallyport/vault"
)

// PushedRequest is an authorization request that a client sends beforehand, by
// itself (RFC 9126, section 2.1).
type PushedRequest struct {
	Credentials
	Object string     // a request object that holds the parameters; see [ParseRequestObject]
	Params url.Values // or else the parameters, without the client's credentials
}

// ParsePushedRequest reads a form, and the Authorization header beside it (RFC
// 9126, section 2.1). What it asks for is for [ParseAuthorizationRequest] to
// read from the parameters, and for the checks to judge as if a browser had
// brought it.
func ParsePushedRequest(form url.Values, authorization string) (PushedRequest, error) {
	p := &parameters{values: form}
	r := PushedRequest{
		Credentials: readCredentials(p, authorization),
		Object:      p.get("request", maxToken),
		Params:      url.Values{},
	}
	if len(form["request_uri"]) > 0 { // section 2.1, number 2
		p.fail(errorf(InvalidRequest, "request_uri must not be pushed: send the parameters themselves"))
	}
	for name, values := range form {
		switch name {
		case "client_secret", "client_assertion", "client_assertion_type", "request":
		default:
			r.Params[name] = values
		}
	}
	if r.ClientID != "" {
		r.Params.Set("client_id", r.ClientID)
	}
	return r, p.err()
}

// CheckPushedRequest finds fault with what a client may not push.
func CheckPushedRequest(c vault.Client, r PushedRequest) error {
	if c.RequireSignedRequest && r.Object == "" {
		return errorf(InvalidRequest, "this client must sign its authorization requests: send them as a request object in request (RFC 9101)")
	}
	return nil
}

// CheckPushedKey is the thumbprint of the key that the code of a pushed request
// is to be bound to, or "". The client may name it, or prove that it has it; if
// it does both it must be one key (RFC 9449, section 10.1).
func CheckPushedKey(r AuthorizationRequest, p *Proof) (string, error) {
	switch {
	case p == nil:
		return r.DPoPKey, nil
	case r.DPoPKey != "" && r.DPoPKey != p.Thumbprint:
		return "", errorf(InvalidDPoPProof, "dpop_jkt is not the thumbprint of the DPoP proof's key")
	}
	return p.Thumbprint, nil
}

// PushedResponse is the answer to a pushed request (RFC 9126, section 2.2).
type PushedResponse struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int    `json:"expires_in"` // seconds
}

// requestURI is what the request URIs of pushed requests begin with (RFC 9126,
// section 2.2).
const requestURI = "urn:ietf:params:oauth:request_uri:"

// RequestURI is the request URI of a pushed request, of a random text.
func RequestURI(random string) string { return requestURI + random }

// Reference says where the parameters of an authorization request are: in the
// request itself, if both of its last members are empty.
type Reference struct {
	ClientID   string
	RequestURI string // of a pushed request
	Object     string // a request object; see [ParseRequestObject]
}

// ParseReference reads where the parameters of an authorization request are. If
// they are elsewhere, all beside client_id is ignored (RFC 9101, section 6.3;
// RFC 9126, section 4).
func ParseReference(params url.Values) (Reference, error) {
	p := &parameters{values: params}
	r := Reference{
		ClientID:   p.need("client_id", maxName),
		RequestURI: p.get("request_uri", maxValue),
		Object:     p.get("request", maxToken),
	}
	random, pushed := strings.CutPrefix(r.RequestURI, requestURI)
	switch {
	case r.RequestURI == "":
	case r.Object != "": // RFC 9101, section 5
		p.fail(errorf(InvalidRequest, "request and request_uri are both sent: send one of them"))
	case !pushed: // OpenID Connect Core 1.0, section 6.2
		p.fail(errorf(RequestURINotSupported, "request_uri is of a request that was not pushed here: push it first (RFC 9126)"))
	case random == "" || len(random) > maxName || !madeOf(random, base64url):
		p.fail(RequestURIError(nil))
	}
	return r, p.err()
}

// CheckReference finds fault with parameters that are not where the client has
// to keep them (RFC 9126, section 6; RFC 9101, section 10.5; FAPI 2.0 Security
// Profile, section 5.3.2.2).
func CheckReference(c vault.Client, r Reference) error {
	switch {
	case (c.RequirePAR || c.FAPI) && r.RequestURI == "":
		return errorf(InvalidRequest, "this client must push its authorization requests: send the parameters to the pushed authorization request endpoint first (RFC 9126)")
	case c.RequireSignedRequest && r.RequestURI == "" && r.Object == "":
		return errorf(InvalidRequest, "this client must sign its authorization requests: send them as a request object in request (RFC 9101)")
	}
	return nil
}

// RequestURIError is the error of a request URI that is unknown, expired, used
// already or another client's (RFC 9126, sections 2.2 and 7.3). Only the log
// learns why.
func RequestURIError(why error) *Error {
	return &Error{
		Code:        InvalidRequestURI,
		Description: "The request_uri is wrong, has expired, was used already, or was pushed by another client. Start a new sign-in.",
		Err:         why,
	}
}
