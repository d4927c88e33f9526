package oidc

import (
	"fmt"
	"net/http"
	"strings"
)

// Code is the "error" of an error response.
type Code string

const (
	InvalidRequest          Code = "invalid_request"           // RFC 6749, sections 4.1.2.1 and 5.2
	InvalidClient           Code = "invalid_client"            // RFC 6749, section 5.2
	InvalidGrant            Code = "invalid_grant"             // RFC 6749, section 5.2
	UnauthorizedClient      Code = "unauthorized_client"       // RFC 6749, sections 4.1.2.1 and 5.2
	UnsupportedGrantType    Code = "unsupported_grant_type"    // RFC 6749, section 5.2
	InvalidScope            Code = "invalid_scope"             // RFC 6749, sections 4.1.2.1 and 5.2
	UnsupportedResponseType Code = "unsupported_response_type" // RFC 6749, section 4.1.2.1
	AccessDenied            Code = "access_denied"             // RFC 6749, section 4.1.2.1
	ServerError             Code = "server_error"              // RFC 6749, section 4.1.2.1
	TemporarilyUnavailable  Code = "temporarily_unavailable"   // RFC 6749, section 4.1.2.1

	InvalidToken      Code = "invalid_token"      // RFC 6750, section 3.1
	InsufficientScope Code = "insufficient_scope" // RFC 6750, section 3.1

	UnsupportedTokenType Code = "unsupported_token_type" // RFC 7009, section 2.2.1
	InvalidTarget        Code = "invalid_target"         // RFC 8693, section 2.2.2

	InteractionRequired      Code = "interaction_required"              // OpenID Connect Core 1.0, section 3.1.2.6
	LoginRequired            Code = "login_required"                    // OpenID Connect Core 1.0, section 3.1.2.6
	AccountSelectionRequired Code = "account_selection_required"        // OpenID Connect Core 1.0, section 3.1.2.6
	ConsentRequired          Code = "consent_required"                  // OpenID Connect Core 1.0, section 3.1.2.6
	RequestNotSupported      Code = "request_not_supported"             // OpenID Connect Core 1.0, section 3.1.2.6
	RequestURINotSupported   Code = "request_uri_not_supported"         // OpenID Connect Core 1.0, section 3.1.2.6
	RegistrationNotSupported Code = "registration_not_supported"        // OpenID Connect Core 1.0, section 3.1.2.6
	InvalidRequestObject     Code = "invalid_request_object"            // RFC 9101, section 7
	InvalidRequestURI        Code = "invalid_request_uri"               // RFC 9101, section 7
	UnmetRequirements        Code = "unmet_authentication_requirements" // of OpenID Connect's extension by that name

	InvalidDPoPProof Code = "invalid_dpop_proof" // RFC 9449, section 5
	UseDPoPNonce     Code = "use_dpop_nonce"     // RFC 9449, sections 8 and 9

	AuthorizationPending Code = "authorization_pending" // RFC 8628, section 3.5
	SlowDown             Code = "slow_down"             // RFC 8628, section 3.5
	ExpiredToken         Code = "expired_token"         // RFC 8628, section 3.5

	TooManyRequests Code = "too_many_requests" // Auth0's

	// Auth0's, of its token exchange.
	FederatedTokenNotFound Code = "federated_connection_refresh_token_not_found"
	UserNotFound           Code = "user_not_found"
)

// statuses are the HTTP statuses of codes, where they are not 400 (RFC 6749,
// section 5.2). A client that may not do what it asks gets 403, and so does a
// device that has to wait, as from Auth0.
var statuses = map[Code]int{
	InvalidClient:          http.StatusUnauthorized,
	InvalidToken:           http.StatusUnauthorized,
	FederatedTokenNotFound: http.StatusUnauthorized,
	UserNotFound:           http.StatusUnauthorized,
	UnauthorizedClient:     http.StatusForbidden,
	AccessDenied:           http.StatusForbidden,
	AuthorizationPending:   http.StatusForbidden,
	ExpiredToken:           http.StatusForbidden,
	SlowDown:               http.StatusTooManyRequests,
	TooManyRequests:        http.StatusTooManyRequests,
	InsufficientScope:      http.StatusForbidden,
	ServerError:            http.StatusInternalServerError,
	TemporarilyUnavailable: http.StatusServiceUnavailable,
}

// Error is an answer of the protocol in place of what was asked for.
// Description goes to the client and holds no secret; Err goes to the log.
type Error struct {
	Code        Code
	Description string
	Err         error
	HTTPStatus  int      // zero means the code's own
	Refusal     *Refusal // of a token exchange: what programs can act on
	Words       string   // what begins the keys of what pages say of it, in users' languages; may be empty
}

func (e *Error) Error() string {
	s := string(e.Code)
	if e.Description != "" {
		s += ": " + e.Description
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Status is the HTTP status of the error where it is answered as such, and not
// by a redirect.
func (e *Error) Status() int {
	if e.HTTPStatus != 0 {
		return e.HTTPStatus
	}
	if status, ok := statuses[e.Code]; ok {
		return status
	}
	return http.StatusBadRequest
}

func errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Description: fmt.Sprintf(format, args...)}
}

// shown is what a client sent, fit to be quoted in a description: short, and of
// the characters that descriptions may have (RFC 6749, appendix A.8).
func shown(s string) string {
	const most = 100
	if len(s) > most {
		return descriptive(s[:most]) + "..."
	}
	return descriptive(s)
}

// descriptive replaces the characters that an error_description may not have
// (RFC 6749, section 4.1.2.1).
func descriptive(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r == '\\' || r < ' ' || r > '~':
			return '?'
		}
		return r
	}, s)
}
