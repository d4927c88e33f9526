package connections

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

// What a failed request was for.
const (
	redeeming  = "redeem a code"
	refreshing = "refresh"
)

// cause is what an answer of Salesforce means, and what to do about it.
type cause struct {
	code, says string // of the answer; says is a part of the description, in lower case, "" for any
	kind       Kind
	why        string
}

const (
	oauthSettings = "Setup, External Client App Manager, the app, Settings, OAuth Settings"
	appPolicies   = "Setup, External Client App Manager, the app, Policies"
)

// causes are read in order; the first that fits is it.
var causes = []cause{
	{"access_denied", "", Denied, "The user did not allow it."},
	{"invalid_client_id", "", Misconfigured, "Salesforce does not know the consumer key. Compare it with the app's (" + oauthSettings + "), check that login_url is the app's org or login host, and that the app is installed there. A new app takes up to ten minutes to be known."},
	{"invalid_client", "", Misconfigured, "Salesforce does not accept the consumer secret. Copy it anew (" + oauthSettings + ", Consumer Key and Secret)."},
	{"redirect_uri_mismatch", "", Misconfigured, "The callback URL is not registered. Add the gateway's to the app, character for character (" + oauthSettings + ", Callback URL)."},
	{"invalid_scope", "", Misconfigured, "The app lacks a scope that the connection asks for. Add it (" + oauthSettings + ", OAuth Scopes), or take it off the connection."},
	{"unauthorized_client", "", Misconfigured, "The app may not do this. Enable the flow (" + oauthSettings + ")."},
	{"unsupported_grant_type", "", Misconfigured, "The app may not do this. Enable the flow (" + oauthSettings + ")."},
	{"unsupported_response_type", "", Misconfigured, "The app may not do this. Enable the authorization code flow (" + oauthSettings + ")."},
	{"oauth_app_blocked", "", Misconfigured, "An administrator of the org has blocked the app. Unblock it (Setup, Connected Apps OAuth Usage)."},
	{"oauth_app_access_denied", "", Misconfigured, "The app is for users that an administrator has approved, and this one is not. Give the user a profile or permission set of the app (" + appPolicies + ")."},
	{"oauth_approval_error_generic", "", Misconfigured, "Salesforce could not approve the app: it lacks a scope that was asked for, is not installed in the org, or the user may not use apps that are not installed (" + oauthSettings + ")."},
	{"oauth_ec_app_not_found", "", Misconfigured, "The app is not in the org that the user signed in to. Install it there."},
	{"app_not_found", "", Misconfigured, "The app is not installed in the org. Install it, or correct login_url."},
	{"client_blocked", "", Misconfigured, "An administrator of the org has blocked the app. Unblock it (Setup, Connected Apps OAuth Usage)."},
	{"inactive_user", "", Denied, "The user is not active in Salesforce. Activate the user (Setup, Users)."},
	{"inactive_org", "", Misconfigured, "The org is locked, closed or suspended. Ask Salesforce."},
	{"rate_limit_exceeded", "", RateLimited, "The user has signed in too often within an hour."},
	{"temporarily_unavailable", "", Unavailable, "Salesforce asks to try again later."},
	{"server_error", "", Unavailable, "Salesforce had an error of its own."},
	{"immediate_unsuccessful", "", Denied, "The user is not signed in at Salesforce, or has not allowed the app yet."},
	{"invalid_grant", "already being processed", Unavailable, "Another refresh of the same token is under way."},
	{"invalid_grant", "ip restricted", Misconfigured, "The user's profile or the app does not allow the gateway's address, or this hour. Relax the IP restriction (" + appPolicies + "), or add the gateway's address (Setup, Network Access)."},
	{"invalid_grant", "login hours", Misconfigured, "The user's profile does not allow this hour (Setup, Profiles, Login Hours)."},
	{"invalid_grant", "login rate", RateLimited, "The user has signed in too often within an hour."},
	{"invalid_grant", "not supported on this domain", Misconfigured, "This host does not answer it. Set login_url to the org's My Domain."},
	{"invalid_grant", "admin approved", Misconfigured, "The app is for users that an administrator has approved, and this one is not (" + appPolicies + ")."},
}

// find is the first cause that fits an answer.
func find(code, description string) (cause, bool) {
	code, description = strings.ToLower(code), strings.ToLower(description)
	for _, c := range causes {
		if c.code == code && strings.Contains(description, c.says) {
			return c, true
		}
	}
	return cause{}, false
}

// dead reports whether the description of an invalid_grant says that a refresh
// token is beyond use. Others are not taken for that: Salesforce has said
// "expired authorization code" of tokens that were merely in use.
func dead(description string) bool {
	description = strings.ToLower(description)
	for _, words := range []string{"expired access/refresh token", "hasn't approved this consumer", "token is revoked", "invalid refresh token"} {
		if strings.Contains(description, words) {
			return true
		}
	}
	return false
}

// said is what the provider wrote, to stand in a sentence.
func said(code, description string) string {
	if d := quote(description); d != "" {
		return d
	}
	return quote(code)
}

// Denied implements [Provider].
func (s *salesforceOrg) Denied(code, description string) *Error {
	e := &Error{Connection: s.connection.Name, Kind: Denied, Code: quote(code), Description: s.title() + " did not sign the user in: " + said(code, description) + "."}
	if code == "access_denied" {
		e.Description = "The user did not allow it at " + s.title() + "."
		return e
	}
	if c, ok := find(code, description); ok {
		e.Kind, e.Description = c.kind, e.Description+" "+c.why
	}
	return e
}

// explain says what a failed request to the token endpoint means. Only an
// answer that says in so many words that the refresh token is dead makes it a
// [*vault.Refusal]; whatever is unknown may pass.
func (s *salesforceOrg) explain(err error, doing string) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		return s.unavailable(err)
	}
	status := answer.Response.StatusCode
	code, description := answer.ErrorCode, answer.ErrorDescription
	cause, known := find(code, description)
	e := &Error{Connection: s.connection.Name, Code: quote(code), Kind: cause.kind,
		Description: s.title() + " refused to " + doing + ": " + said(code, description) + ". " + cause.why,
		Err:         errors.New("status " + http.StatusText(status) + ", error " + quote(code) + ": " + quote(description))}
	switch {
	case code == "" || status >= 500 || status == http.StatusTooManyRequests:
		e := s.unavailable(errors.New("token endpoint: status " + answer.Response.Status))
		if status == http.StatusTooManyRequests {
			e.Kind, e.RetryAfter = RateLimited, time.Minute
		}
		return e
	case known && cause.kind == RateLimited:
		e.RetryAfter, e.Unspent = time.Hour, true
		return e
	case known && cause.kind == Unavailable:
		e.RetryAfter = 2 * time.Second
		return e
	case known:
		e.Unspent = true // refused before the token was looked at
		if doing == refreshing && code == "inactive_user" {
			e.Description = s.title() + " does not refresh tokens of a user who is not active there. Activate the user (Setup, Users)."
		}
		return e
	case code == "invalid_grant" && doing == refreshing && !dead(description):
		// Whether the refresh token is still good, introspection will tell.
		return &Error{Connection: e.Connection, Kind: Unavailable, Code: e.Code, RetryAfter: 2 * time.Second, Err: e.Err,
			Description: s.title() + " did not refresh the token: " + said(code, description) + ". Nothing is lost; try again."}
	case code == "invalid_grant" && doing == refreshing:
		return &vault.Refusal{Why: s.title() + " no longer accepts this user's refresh token: " + said(code, description) +
			". It has expired, was revoked, or gave way to a newer sign-in of the same user. The user must connect again."}
	case code == "invalid_grant":
		e.Kind, e.Description = Expired, s.title()+" did not accept the sign-in: "+said(code, description)+". Start again."
		return e
	case code == "invalid_request" && doing == redeeming:
		e.Kind = Misconfigured
		return e
	}
	e.Kind, e.RetryAfter = Unavailable, 5*time.Second
	return e
}

// unavailable is the error of a request without a useful answer.
func (s *salesforceOrg) unavailable(err error) *Error {
	e := &Error{Connection: s.connection.Name, Kind: Unavailable, RetryAfter: 5 * time.Second, Err: err,
		Description: s.title() + " did not answer usefully. Nothing is lost; try again."}
	switch {
	case errors.Is(err, errPrivate):
		e.Kind, e.Unspent = Misconfigured, true
		e.Description = s.title() + " is at a private address, which the gateway does not connect to unless it is started with --allow-private-upstreams naming it."
	case errors.Is(err, context.DeadlineExceeded):
		e.Description = s.title() + " did not answer in time. Nothing is lost; try again."
	}
	return e
}
