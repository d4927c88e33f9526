package simulator

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// refusal is an error with the status, code and words it is answered with.
// The form of the answer is the endpoint's.
type refusal struct {
	status      int
	code        string
	description string
}

func (e *refusal) Error() string { return strings.TrimSpace(e.code + ": " + e.description) }

// What is refused at several endpoints or in the words of Salesforce.
var (
	errClientID     = &refusal{400, "invalid_client_id", "client identifier invalid"}
	errClient       = &refusal{400, "invalid_client", "invalid client credentials"}
	errIntrospector = &refusal{401, "invalid_client", "invalid client credentials"}
	errMalformed    = &refusal{400, "invalid_request", "malformed request"}
	errPOST         = &refusal{400, "invalid_request", "must use HTTP POST"}

	errNoRedirectURI  = &refusal{400, "redirect_uri_missing", "redirect_uri not provided"}
	errRedirectURI    = &refusal{400, "redirect_uri_mismatch", "redirect_uri must match configuration"}
	errNoChallenge    = &refusal{400, "invalid_request", "missing required code challenge"}
	errChallenge      = &refusal{400, "invalid_request", "code challenge method not supported"}
	errNoVerifier     = &refusal{400, "invalid_grant", "missing required code verifier"}
	errVerifier       = &refusal{400, "invalid_request", "invalid code verifier"}
	errGrantType      = &refusal{400, "unsupported_grant_type", "grant type not supported"}
	errCode           = &refusal{400, "invalid_grant", "invalid authorization code"}
	errSpentCode      = &refusal{400, "invalid_grant", "expired authorization code"}
	errRefreshToken   = &refusal{400, "invalid_grant", "expired access/refresh token"}
	errBeingProcessed = &refusal{400, "invalid_grant", "token request is already being processed"}
	errInactiveUser   = &refusal{400, "inactive_user", "user is inactive"}
	errNotPermitted   = &refusal{400, "invalid_grant", "user is not admin approved to access this app"}
	errUnapproved     = &refusal{400, "invalid_grant", "user hasn't approved this consumer"}
	errAssertion      = &refusal{400, "invalid_grant", "invalid assertion"}
	errAudience       = &refusal{400, "invalid_grant", "Audience validation failed"}
	errAuthentication = &refusal{400, "invalid_grant", "authentication failure"}
	errRecipient      = &refusal{400, "invalid_grant", "Recipient validation failed"}
	errNotInstalled   = &refusal{400, "app_not_found", "External client app is not installed in this org"}
	errDomain         = &refusal{400, "invalid_grant", "request not supported on this domain"}
	errNoRunAs        = &refusal{400, "invalid_grant", "no client credentials user enabled"}
	errNoScopes       = &refusal{400, "invalid_grant", "no valid scopes defined"}
	errInactiveOrg    = &refusal{400, "inactive_org", "org is inactive"}
	errRestricted     = &refusal{400, "invalid_grant", "ip restricted or invalid login hours"}
	errBlocked        = &refusal{400, "client_blocked", "this app is blocked by admin"}
	errNonce          = &refusal{400, "use_dpop_nonce", "authorization server requires nonce in DPoP proof"}
	errProof          = &refusal{400, "invalid_dpop_proof", "invalid DPoP proof"}
	errLoginRate      = &refusal{400, "rate_limit_exceeded", "login rate exceeded"}
	errToken          = &refusal{400, "invalid_token", "invalid token"}

	errBadToken     = &refusal{403, "Bad_OAuth_Token", ""}
	errMissingToken = &refusal{403, "Missing_OAuth_Token", ""}
	errWrongOrg     = &refusal{403, "Wrong_Org", ""}
	errBadID        = &refusal{404, "Bad_Id", ""}

	errSession    = &refusal{401, "INVALID_SESSION_ID", "Session expired or invalid"}
	errNotForREST = &refusal{401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"}
	errNotFound   = &refusal{404, "NOT_FOUND", "The requested resource does not exist"}

	errPageExpired = &refusal{400, "PAGE_EXPIRED", "This page has expired or was opened in another browser. Go back to the application and start again."}
	errNoApp       = &page{&refusal{400, "OAUTH_EC_APP_NOT_FOUND", "External client app is not installed in this org"}}
	errApproval    = &page{&refusal{400, "OAUTH_APPROVAL_ERROR_GENERIC", "An unexpected error has occurred during authentication. Please try again."}}
)

// page is a refusal that people see, whatever the form of the endpoint.
type page struct{ *refusal }

// explained is an error of the token endpoint with an address where a person
// can read more of it (RFC 6749, section 5.2).
type explained struct {
	*refusal
	uri string
}

// redirected is an error told to the app's callback (RFC 6749, section
// 4.1.2.1).
type redirected struct {
	request     *authorization
	code        string
	description string
}

func (e *redirected) Error() string { return strings.TrimSpace(e.code + ": " + e.description) }

// form writes a refusal as an endpoint's callers know it.
type form func(w http.ResponseWriter, r *http.Request, e *refusal)

// answerError is where errors become answers.
func answerError(w http.ResponseWriter, r *http.Request, refuse form, err error) {
	switch e := err.(type) {
	case *refusal:
		refuse(w, r, e)
	case *explained:
		respond(w, r, e.status, pairs{{"error_uri", e.uri}, {"error", e.code}, {"error_description", e.description}})
	case *page:
		refuseAsPage(w, r, e.refusal)
	case *redirected:
		q := url.Values{"error": {e.code}}
		if e.description != "" {
			q.Set("error_description", e.description)
		}
		sendBack(w, r, e.request, q)
	default:
		unavailable(w, http.StatusInternalServerError)
	}
}

// codeOf is what the log may know of an error.
func codeOf(err error) string {
	var e *refusal
	var x *explained
	var p *page
	var d *redirected
	switch {
	case errors.As(err, &e):
		return e.code
	case errors.As(err, &x):
		return x.code
	case errors.As(err, &p):
		return p.code
	case errors.As(err, &d):
		return d.code
	case err != nil:
		return err.Error()
	}
	return ""
}

// refuseOAuth writes JSON, XML or form-encoded text (RFC 6749, section 5.2).
func refuseOAuth(w http.ResponseWriter, r *http.Request, e *refusal) {
	respond(w, r, e.status, pairs{{"error", e.code}, {"error_description", e.description}})
}

// refuseBare writes form-encoded text and no Content-Type at all: browsers
// offer it as a download.
func refuseBare(w http.ResponseWriter, _ *http.Request, e *refusal) {
	w.Header()["Content-Type"] = nil
	w.WriteHeader(e.status)
	_, _ = w.Write([]byte("error=" + url.PathEscape(e.code) + "&error_description=" + url.PathEscape(e.description)))
}

// refuseAsText writes the code alone.
func refuseAsText(w http.ResponseWriter, _ *http.Request, e *refusal) {
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	w.WriteHeader(e.status)
	_, _ = w.Write([]byte(e.code))
}

// refuseREST writes an array of one.
func refuseREST(w http.ResponseWriter, _ *http.Request, e *refusal) {
	writeJSON(w, e.status, []struct {
		Message   string `json:"message"`
		ErrorCode string `json:"errorCode"`
	}{{e.description, e.code}})
}

// refuseAsPage writes an HTML page.
func refuseAsPage(w http.ResponseWriter, _ *http.Request, e *refusal) {
	render(w, e.status, "error", view{Title: "We can’t sign you in", Message: cmp.Or(e.description, http.StatusText(e.status)), Code: e.code})
}

// unavailable writes the HTML page that stands in for Salesforce when it is
// not there; clients that expect JSON get it too.
func unavailable(w http.ResponseWriter, status int) {
	render(w, status, "error", view{Title: "Down for maintenance", Message: "We are working on it. Please come back later."})
}
