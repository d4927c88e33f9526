package server

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/server/admin"
	"sallyport/server/api"
	"sallyport/server/oidc"
	"sallyport/vault"
)

// toClient is an error that the client of an authorization request is told, by
// way of the user's browser. Its redirect URI has passed its check.
type toClient struct {
	request vault.AuthorizationRequest
	err     error
}

func (e *toClient) Error() string { return e.err.Error() }
func (e *toClient) Unwrap() error { return e.err }

// answerTo is what those outside may know of an error. It is the one place
// where errors become codes and statuses; what it does not know is our fault,
// and told to nobody but the log.
func answerTo(err error) *oidc.Error {
	if errors.Is(err, vault.ErrNotRecorded) && !errors.Is(err, vault.ErrUnavailable) {
		return notRecorded(err)
	}
	var protocol *oidc.Error
	if errors.As(err, &protocol) {
		return protocol
	}
	var upstream *connections.Error
	if errors.As(err, &upstream) {
		a := &oidc.Error{Code: oidc.ServerError, Description: upstream.Description, HTTPStatus: http.StatusBadGateway, Err: err}
		switch upstream.Kind {
		case connections.Denied, connections.Expired:
			a.Code, a.HTTPStatus = oidc.AccessDenied, http.StatusForbidden
		case connections.Unavailable, connections.RateLimited:
			a.Code, a.HTTPStatus = oidc.TemporarilyUnavailable, http.StatusServiceUnavailable
			a.Refusal = &oidc.Refusal{RetryAfter: upstream.RetryAfter}
		}
		return a
	}
	var own *api.Problem
	if errors.As(err, &own) {
		return &oidc.Error{Code: oidc.Code(own.Code), HTTPStatus: own.Status, Description: own.Message, Err: own.Err}
	}
	var console *admin.Refused
	if errors.As(err, &console) {
		return &oidc.Error{Code: consoleCode, HTTPStatus: console.Status, Description: console.Message, Err: console.Err}
	}
	var routing *echo.HTTPError
	if errors.As(err, &routing) {
		return unrouted(routing)
	}
	if errors.Is(err, vault.ErrUnavailable) {
		return unavailable(err)
	}
	a := told("problem.failed", oidc.ServerError, http.StatusInternalServerError)
	a.Err = err
	return a
}

// storeRetry is when to try again what the store does not take for a while.
const storeRetry = 5 * time.Second

// unavailable is the answer where the store takes nothing, and says why, and until
// when.
func unavailable(err error) *oidc.Error {
	words := "problem.store"
	var moving *vault.Moving
	if errors.As(err, &moving) {
		words = "problem.moving"
		if moving.State == vault.Moved {
			words = "problem.moved"
		}
	}
	a := told(words, oidc.TemporarilyUnavailable, http.StatusServiceUnavailable)
	a.Err, a.Refusal = err, &oidc.Refusal{RetryAfter: storeRetry}
	return a
}

// consoleCode stands for what the console refuses, of which the protocol knows
// nothing.
const consoleCode = "console"

// unrouted is the answer to a request that is for none of the endpoints.
func unrouted(err *echo.HTTPError) *oidc.Error {
	a := &oidc.Error{Code: oidc.InvalidRequest, HTTPStatus: err.Code, Description: http.StatusText(err.Code) + "."}
	switch err.Code {
	case http.StatusNotFound:
		a = told("problem.not-found", a.Code, a.HTTPStatus)
	case http.StatusMethodNotAllowed:
		a = told("problem.wrong-method", a.Code, a.HTTPStatus)
	}
	a.Err = err
	return a
}

// errGone is the answer to somebody who does not wait for it any more: a failure of
// nobody's, for the logs. The status is the one that proxies log for it.
func errGone(err error) *oidc.Error {
	const clientClosedRequest = 499
	return &oidc.Error{Code: oidc.TemporarilyUnavailable, HTTPStatus: clientClosedRequest, Err: err,
		Description: "Whoever asked closed the connection before the answer was ready."}
}

// errorBody is the JSON of an error (RFC 6749, section 5.2), with members by
// which a program can act on a refused exchange.
type errorBody struct {
	Error       oidc.Code `json:"error"`
	Description string    `json:"error_description"`
	*oidc.Refusal
	CorrelationID string `json:"correlation_id"`
}

// answerError answers a request with its handler's error: by a redirect if a
// client waits for one, in JSON to programs, and as a page to people.
func (s *Server) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	a := answerTo(err)
	if errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		a = errGone(err)
	}
	if failed := s.recordRefusal(c, a); failed != nil {
		s.Log.ErrorContext(c.Request().Context(), "could not record an event", "correlation_id", correlationID(c.Request().Context()), "error", failed)
		a = answerTo(failed)
	}
	id := correlationID(c.Request().Context())
	h := c.Response().Header()
	if a.Refusal != nil && a.Refusal.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(a.Refusal.RetryAfter.Seconds()))))
	}
	var over *exhausted
	if errors.As(err, &over) {
		over.tell(h, s.Now())
	}
	var redirect *toClient
	var failed error
	switch {
	case errors.As(err, &redirect):
		if a.Status() >= 500 {
			a = &oidc.Error{Code: a.Code, Description: a.Description + " (correlation ID " + id + ")"}
		}
		failed = s.respond(c, "", oidc.FaultResponse(s.Issuer, redirect.request, a))
	case isOwnAPI(c.Request().URL.Path):
		s.challenge(c, a)
		failed = c.JSON(a.Status(), ownProblem(c.Request().URL.Path, a, id))
	case forPrograms(c.Path()):
		s.challenge(c, a)
		body := errorBody{Error: a.Code, Description: a.Description, CorrelationID: id}
		if a.Refusal != nil && a.Refusal.Reason != "" {
			body.Refusal = a.Refusal
		}
		failed = answerJSON(c, a.Status(), body)
	default:
		page := problemOf(a)
		var console *admin.Refused
		if errors.As(err, &console) {
			page.Words, page.Title, page.Detail = "", console.Title, a.Description
		}
		page.CorrelationID = id
		failed = s.page(c, a.Status(), "problem", page)
	}
	if failed != nil {
		s.Log.ErrorContext(c.Request().Context(), "could not answer", "correlation_id", id, "error", withoutTokens(failed.Error()))
	}
}

// ownProblem is the JSON of an error of the gateway's own APIs, as Auth0's have
// it: of the My Account API it is a problem (RFC 9457).
func ownProblem(path string, a *oidc.Error, correlationID string) any {
	title := http.StatusText(a.Status())
	if strings.HasPrefix(path, mePath+"/") {
		return struct {
			Type          string `json:"type"`
			Status        int    `json:"status"`
			Title         string `json:"title"`
			Detail        string `json:"detail"`
			CorrelationID string `json:"correlation_id"`
		}{"urn:sallyport:error:" + string(a.Code), a.Status(), title, a.Description, correlationID}
	}
	return struct {
		StatusCode    int       `json:"statusCode"`
		Error         string    `json:"error"`
		Message       string    `json:"message"`
		Code          oidc.Code `json:"errorCode"`
		CorrelationID string    `json:"correlation_id"`
	}{a.Status(), title, a.Description, a.Code, correlationID}
}

func isOwnAPI(path string) bool {
	return strings.HasPrefix(path, managementPath+"/") || strings.HasPrefix(path, mePath+"/")
}

func forPrograms(route string) bool {
	return strings.HasPrefix(route, "/oauth/") || strings.HasPrefix(route, "/.well-known/") || route == "/userinfo"
}

// challenge sets WWW-Authenticate where it is due: to a client that used the
// Authorization header (RFC 6749, section 5.2) and on protected resources (RFC
// 6750, section 3). Elsewhere SDKs would read it in place of the body.
func (s *Server) challenge(c echo.Context, a *oidc.Error) {
	h := c.Response().Header()
	switch {
	case a == errNoToken: // and no error, where no token was sent (RFC 6750, section 3.1)
		h.Set("WWW-Authenticate", oidc.Challenge(oidc.Bearer, nil))
		h.Add("WWW-Authenticate", oidc.Challenge(oidc.DPoP, nil))
	case (c.Path() == "/userinfo" || isOwnAPI(c.Path())) && (a.Status() == http.StatusUnauthorized || a.Status() == http.StatusForbidden):
		scheme, _, _ := strings.Cut(c.Request().Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, oidc.DPoP) && a.Code != oidc.InvalidDPoPProof && a.Code != oidc.UseDPoPNonce {
			h.Set("WWW-Authenticate", oidc.Challenge(oidc.Bearer, a))
		} else {
			h.Set("WWW-Authenticate", oidc.Challenge(oidc.DPoP, a))
		}
	case a.Status() == http.StatusUnauthorized && a.Code == oidc.InvalidClient && c.Request().Header.Get("Authorization") != "":
		h.Set("WWW-Authenticate", `Basic realm="`+s.Issuer+`", charset="UTF-8"`)
	}
}
