package oidc

import (
	"net/http"
	"time"
)

// Reason is why a token exchange was refused, for programs.
type Reason string

const (
	NotConnected            Reason = "not_connected"            // the user has no account at the connection
	NotStored               Reason = "not_stored"               // no token is kept that could still be used
	ReauthorizationRequired Reason = "reauthorization_required" // the provider refused the refresh token for good
	MissingScope            Reason = "insufficient_scope"       // the user did not grant a scope asked for
	AmbiguousAccount        Reason = "ambiguous_account"        // several accounts, and no login_hint
	ClientNotAllowed        Reason = "client_not_allowed"
	ConnectionDisabled      Reason = "connection_disabled"
	UserBlocked             Reason = "user_blocked"
	UpstreamUnavailable     Reason = "upstream_unavailable"  // no useful answer; the grant is kept
	UpstreamRateLimited     Reason = "upstream_rate_limited" // the same, for a known time
	ConnectionMisconfigured Reason = "connection_misconfigured"
)

// Class is who can do something about a refusal.
type Class string

const (
	ForUser     Class = "user"     // by connecting again, or by choosing an account
	ForOperator Class = "operator" // by changing a setting
	ForRetry    Class = "retry"    // anyone, by waiting
)

// Refusal is what a program can act on when a token exchange is refused, as
// members of the error response.
type Refusal struct {
	Reason        Reason        `json:"reason"`
	Class         Class         `json:"reason_class"`
	Connection    string        `json:"connection"`
	MissingScopes []string      `json:"missing_scopes"` // never nil in an Error
	ReconnectURI  string        `json:"reconnect_uri,omitempty"`
	RetryAfter    time.Duration `json:"-"` // a header's
}

// answer is the code and status of a refusal in one shape.
type answer struct {
	code   Code
	status int
	begin  string // Auth0's wording, that the description begins with
}

// refusals says of each reason whose it is, and how it is answered in either
// shape. invalid_grant sends the user to connect again, so it stands for the
// user's reasons alone. A target for which no token can be had is
// invalid_target (RFC 8693, section 2.2.2), and a connection that is set up
// wrongly is not temporarily_unavailable, since waiting does not help. Auth0
// has one error for whatever keeps it from having a token of the user's.
var refusals = map[Reason]struct {
	class      Class
	rfc, auth0 answer
}{
	NotConnected:            {ForUser, byUser, federatedNotFound},
	NotStored:               {ForOperator, answer{code: InvalidTarget, status: http.StatusBadRequest}, federatedNotFound},
	ReauthorizationRequired: {ForUser, byUser, federatedNotFound},
	MissingScope:            {ForUser, byUser, federatedNotFound},
	AmbiguousAccount:        {ForUser, byUser, federatedNotFound},
	ClientNotAllowed:        {ForOperator, byPolicy, byPolicy},
	ConnectionDisabled:      {ForOperator, byPolicy, byPolicy},
	UserBlocked:             {ForOperator, byPolicy, byPolicy},
	UpstreamUnavailable:     {ForRetry, forNow, forNow},
	UpstreamRateLimited:     {ForRetry, forNow, forNow},
	ConnectionMisconfigured: {ForOperator, bySetting, bySetting},
}

var (
	byUser            = answer{code: InvalidGrant, status: http.StatusBadRequest}
	byPolicy          = answer{code: UnauthorizedClient, status: http.StatusForbidden}
	forNow            = answer{code: TemporarilyUnavailable, status: http.StatusServiceUnavailable}
	bySetting         = answer{code: ServerError, status: http.StatusBadGateway}
	federatedNotFound = answer{FederatedTokenNotFound, http.StatusUnauthorized, "Federated connection Refresh Token not found. "}
	userNotFound      = answer{UserNotFound, http.StatusUnauthorized, "Identity User not found. "}
)

// Class is whose a reason is.
func (r Reason) Class() Class { return refusals[r].class }

// ErrorFor is the error of an exchange that is refused, in the code and status
// of its shape. The description says what happened and what to do; of the
// Refusal at least Reason must be set, and Class need not be.
func ErrorFor(s Shape, r Refusal, description string) *Error {
	known := refusals[r.Reason]
	if s == ShapeAuth0 {
		return known.auth0.error(r, description)
	}
	return known.rfc.error(r, description)
}

func (a answer) error(r Refusal, description string) *Error {
	return &Error{Code: a.code, HTTPStatus: a.status, Description: a.begin + description, Refusal: refusalOf(r)}
}

// refusalOf fills in what follows from the rest.
func refusalOf(r Refusal) *Refusal {
	r.Class = r.Reason.Class()
	if r.MissingScopes == nil {
		r.MissingScopes = []string{}
	}
	return &r
}

// Refuse is [ErrorFor] this request.
func (x ExchangeRequest) Refuse(r Refusal, description string) *Error {
	r.Connection = x.Connection
	return ErrorFor(x.Shape, r, description)
}

// RefuseSubject is the error of a subject token that is wrong, expired or
// another client's. Only the log learns why.
func (x ExchangeRequest) RefuseSubject(why error) *Error {
	e := &Error{
		Code:        InvalidGrant,
		Description: "The subject token is not valid, has expired, or was not issued to this client.",
		Err:         why,
		HTTPStatus:  http.StatusBadRequest,
	}
	if x.Shape == ShapeAuth0 {
		e.HTTPStatus = http.StatusUnauthorized
	}
	return e
}

// RefuseConnection is the error of a connection that does not exist (RFC 8693,
// section 2.2.2). It is the client's mistake, so nobody is asked to connect.
func (x ExchangeRequest) RefuseConnection() *Error {
	if x.Shape == ShapeAuth0 {
		return errorf(InvalidRequest, "There is no connection '%s': send the name of one as connection.", shown(x.Connection))
	}
	return errorf(InvalidTarget, "There is no connection '%s': send the name of one as audience.", shown(x.Connection))
}

// RefuseLoginHint is the error of a login_hint that fits none of the user's
// accounts at the connection.
func (x ExchangeRequest) RefuseLoginHint() *Error {
	a := byUser
	if x.Shape == ShapeAuth0 {
		a = userNotFound
	}
	return a.error(Refusal{Reason: NotConnected, Connection: x.Connection},
		"The user has no account at the connection that the login_hint fits: "+
			"send the account's id, username or e-mail at the identity provider, or let the user connect it.")
}
