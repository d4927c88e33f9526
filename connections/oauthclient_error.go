package connections

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

// failure is the answer to a request that did not bring what was asked for.
type failure struct {
	request string // what it was for
	status  int
	header  http.Header
	body    []byte
}

// said is the error code and description of an answer (RFC 6749, section 5.2),
// which some providers send as a form.
func (f failure) said() (code, description string) {
	if all, ok := object(f.body); ok {
		code, _ = all["error"].(string)
		description, _ = all["error_description"].(string)
		return code, description
	}
	return "", ""
}

// standard are the codes of providers that have their own, with the standard's
// for the same.
var standard = map[string]string{
	// GitHub, docs.github.com: troubleshooting OAuth app access token requests
	"bad_refresh_token": "invalid_grant", "bad_verification_code": "invalid_grant", "incorrect_client_credentials": "invalid_client",
	// Slack, docs.slack.dev: oauth.v2.access
	"invalid_refresh_token": "invalid_grant", "invalid_code": "invalid_grant", "code_already_used": "invalid_grant",
	"invalid_client_id": "invalid_client", "bad_client_secret": "invalid_client", "bad_redirect_uri": "redirect_uri_mismatch", "ratelimited": "slow_down",
}

// meanings are what the standard's codes mean, and what to do about them (RFC
// 6749, sections 4.1.2.1 and 5.2; OpenID Connect Core 1.0, section 3.1.2.6).
var meanings = map[string]struct {
	kind Kind
	why  string
}{
	"access_denied":              {Denied, "The user did not allow it."},
	"login_required":             {Denied, "The user is not signed in there."},
	"interaction_required":       {Denied, "The user must be asked, and could not be."},
	"consent_required":           {Denied, "The user has not allowed it yet."},
	"account_selection_required": {Denied, "The user must choose an account."},
	"invalid_client":             {Misconfigured, "Compare the connection's client_id, client_secret or private_key, and token_endpoint_auth_method, with what is registered there."},
	"unauthorized_client":        {Misconfigured, "What is registered there may not do this: allow it the authorization code flow, and refresh tokens."},
	"invalid_scope":              {Misconfigured, "A scope of the connection is unknown there, or not allowed to what is registered. Correct the connection's scope."},
	"redirect_uri_mismatch":      {Misconfigured, "Register the gateway's callback URL there, character for character."},
	"unsupported_grant_type":     {Misconfigured, "What is registered there may not do this: allow it the authorization code flow, and refresh tokens."},
	"unsupported_response_type":  {Misconfigured, "What is registered there may not use the authorization code flow. Allow it."},
	"invalid_request":            {Misconfigured, "The request lacks something that the provider wants, or has something that it does not know."},
	"slow_down":                  {RateLimited, "There were too many requests."},
	"temporarily_unavailable":    {Unavailable, "The provider asks to try again later."},
	"server_error":               {Unavailable, "The provider had an error of its own."},
}

// explain says what a failure means: a [*vault.Refusal] of the refresh token if
// the answer says so in the words of the standard, else an [*Error]. What is
// unknown may pass, and ends no grant. An answer below status 500 with an error
// code says that the request failed and nothing was issued, so that a refresh
// token is as good as before.
func explain(c vault.Connection, f failure) error {
	code, description := f.said()
	e := unavailable(c, errors.New("status "+strconv.Itoa(f.status)+", "+quote(f.header.Get("Content-Type"))+", error "+quote(code)+": "+quote(description)))
	e.Code, e.Answered = quote(code), f.status < 500
	if s, ok := standard[code]; ok {
		code = s
	}
	meaning, known := meanings[code]
	switch {
	case f.status == http.StatusTooManyRequests, known && meaning.kind == RateLimited:
		e.Kind, e.RetryAfter, e.Unspent = RateLimited, retryAfter(f.header), true // RFC 6585, section 4: not processed
		e.Description = c.Title() + " had too many requests. Nothing is lost; try again later."
	case f.status >= 500 || code == "":
	case code == "invalid_grant" && f.request == refreshing:
		return &vault.Refusal{Why: c.Title() + " no longer accepts this user's refresh token: " + said(e.Code, description) +
			". It has expired, was revoked, or gave way to a newer one. The user must connect again."}
	case code == "invalid_grant" && f.request == redeeming:
		e.Kind, e.Description = Expired, c.Title()+" did not accept the sign-in: "+said(e.Code, description)+". Start again."
	case known:
		e.Kind, e.Unspent = meaning.kind, true
		e.Cause, e.Cure = c.Title()+" refused to "+f.request+": "+said(e.Code, description)+".", meaning.why
		e.Description = e.Cause + " " + e.Cure
	default:
		e.Unspent = true
		e.Description = c.Title() + " refused to " + f.request + ": " + said(e.Code, description) + ". Nothing is lost; try again."
	}
	return e
}

// unavailable is the error of a request without a useful answer.
func unavailable(c vault.Connection, err error) *Error {
	e := &Error{Connection: c.Name, Kind: Unavailable, RetryAfter: 5 * time.Second, Err: err,
		Description: c.Title() + " did not answer usefully. " + maybeLost}
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errPrivate):
		e.Kind, e.Unspent = Misconfigured, true
		e.Description = c.Title() + " is at a private address, which the gateway does not connect to unless it is started with --allow-private-upstreams naming it."
	case errors.As(err, &certificate):
		e.Kind, e.Unspent = Misconfigured, true
		e.Description = c.Title() + " has a certificate that the gateway does not trust: it has expired, is for another host, or is of an authority unknown to this machine."
	case errors.Is(err, context.DeadlineExceeded):
		e.Description = c.Title() + " did not answer in time. " + maybeLost
	}
	return e
}

// retryAfter is how long an answer asks to wait (RFC 9110, section 10.2.3), at
// most an hour.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds <= 0 {
		return time.Minute
	}
	return min(time.Duration(seconds)*time.Second, time.Hour)
}

// explain says what the error of a token request means.
func (o *oauthClient) explain(err error, request string) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		return o.unavailable(err)
	}
	f := failure{request: request, status: answer.Response.StatusCode, header: answer.Response.Header, body: answer.Body}
	if code, _ := f.said(); code == "" && answer.ErrorCode != "" {
		return o.unavailable(errors.New("an error that is no JSON: " + quote(answer.ErrorCode)))
	}
	return explain(o.connection, f)
}

func (o *oauthClient) unavailable(err error) *Error { return unavailable(o.connection, err) }

// untrusted is the error of an answer that fails its checks.
func (o *oauthClient) untrusted(what string) *Error {
	return &Error{Connection: o.connection.Name, Kind: Untrusted, Answered: true, Err: errors.New(what),
		Description: o.title() + " " + what + ". The answer was not used."}
}

// Denied implements [Provider].
func (o *oauthClient) Denied(code, description string) *Error {
	e := &Error{Connection: o.connection.Name, Kind: Denied, Code: quote(code), Description: o.title() + " did not sign the user in: " + said(code, description) + "."}
	if code == "access_denied" {
		e.Description = "The user did not allow it at " + o.title() + "."
		return e
	}
	if s, ok := standard[code]; ok {
		code = s
	}
	if m, ok := meanings[strings.ToLower(code)]; ok {
		e.Kind, e.Cause, e.Cure = m.kind, e.Description, m.why
		e.Description = e.Cause + " " + e.Cure
	}
	return e
}
