package oidc

import (
	"net/url"
	"slices"
	"strings"

	"sallyport/vault"
)

// Response modes: how an answer gets to the client by way of the browser.
const (
	ModeQuery      = "query"       // OAuth 2.0 Multiple Response Type Encoding Practices, section 2.1
	ModeFragment   = "fragment"    // the same
	ModeFormPost   = "form_post"   // OAuth 2.0 Form Post Response Mode, section 2
	ModeWebMessage = "web_message" // Auth0's: a message to the window that waits for it
)

var responseModes = []string{ModeQuery, ModeFragment, ModeFormPost, ModeWebMessage}

// Response is an answer to an authorization request. By the modes query and
// fragment it is a redirect to URL. By form_post it is a page whose form posts
// Params to RedirectURI, by web_message one that sends them, as the response of
// an "authorization_response", to the window it is in or was opened from, if
// that is of the Origin.
type Response struct {
	Mode        string
	RedirectURI string
	Params      []Param // in order; none is empty
	URL         string  // of query and fragment
	Origin      string  // of web_message
}

// Param is a parameter of a response.
type Param struct{ Name, Value string }

// CodeResponse answers a request with a code (RFC 6749, section 4.1.2; iss: RFC
// 9207, section 2).
func CodeResponse(issuer string, r vault.AuthorizationRequest, code string) Response {
	return respond(r, Param{"code", code}, Param{"state", r.State}, Param{"iss", issuer})
}

// FaultResponse answers a request with an error (RFC 6749, section 4.1.2.1;
// OpenID Connect Core 1.0, section 3.1.2.6; iss: RFC 9207, section 2).
func FaultResponse(issuer string, r vault.AuthorizationRequest, err *Error) Response {
	return respond(r, Param{"error", string(err.Code)}, Param{"error_description", descriptive(err.Description)},
		Param{"state", r.State}, Param{"iss", issuer})
}

// respond sends parameters in the mode that the request asked for. One whose
// mode is at fault is answered by query.
func respond(r vault.AuthorizationRequest, params ...Param) Response {
	a := Response{Mode: r.ResponseMode, RedirectURI: r.RedirectURI}
	if !slices.Contains(responseModes, a.Mode) {
		a.Mode = ModeQuery
	}
	a.Params = slices.DeleteFunc(params, func(p Param) bool { return p.Value == "" })
	switch a.Mode {
	case ModeQuery:
		a.URL = withParams(r.RedirectURI, a.Params...)
	case ModeFragment:
		a.URL = r.RedirectURI + "#" + encodeParams(a.Params)
	case ModeWebMessage:
		if a.Origin = originOf(r.RedirectURI); a.Origin == "" { // there is no such window
			a.Mode, a.URL = ModeQuery, withParams(r.RedirectURI, a.Params...)
		}
	}
	return a
}

// originOf is the origin of a URL of the web (RFC 6454, section 4), or "".
func originOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// AuthorizationResponse is where [CodeResponse] sends the user.
func AuthorizationResponse(issuer string, r vault.AuthorizationRequest, code string) string {
	return CodeResponse(issuer, byRedirect(r), code).URL
}

// ErrorResponse is where [FaultResponse] sends the user.
func ErrorResponse(issuer string, r vault.AuthorizationRequest, err *Error) string {
	return FaultResponse(issuer, byRedirect(r), err).URL
}

func byRedirect(r vault.AuthorizationRequest) vault.AuthorizationRequest {
	if r.ResponseMode != ModeFragment {
		r.ResponseMode = ModeQuery
	}
	return r
}

// withParams appends parameters to the query of a URI and leaves what is there
// as it is (RFC 6749, section 3.1.2).
func withParams(uri string, params ...Param) string {
	more := encodeParams(params)
	switch {
	case more == "":
		return uri
	case !strings.Contains(uri, "?"):
		return uri + "?" + more
	case strings.HasSuffix(uri, "?") || strings.HasSuffix(uri, "&"):
		return uri + more
	}
	return uri + "&" + more
}

// encodeParams writes parameters as a form, in their order and without the
// empty ones.
func encodeParams(params []Param) string {
	var b strings.Builder
	for _, p := range params {
		if p.Value == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.Name + "=" + url.QueryEscape(p.Value))
	}
	return b.String()
}
