package server

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/server/admin"
	"sallyport/server/oidc"
	"sallyport/vault"
)

// Whatever the gateway gives out, does or refuses leaves an event, which is on
// disk before the answer: see [vault.Event]. Handlers note whom and what a request
// is about as they find it out, and record that it was done, within the
// transaction that does it if there is one. Refusals are recorded where errors are
// answered. If an event cannot be written, that is the answer.

// note is what the event of a request is going to say.
type note struct {
	event   vault.Event
	known   bool            // somebody has shown who they are
	refused vault.EventType // the type of a refusal; "" means the route's
}

// noteOf is the note of the request that a context is of; of another, one that
// nobody reads but whoever asked for it.
func noteOf(ctx context.Context) *note {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		return n
	}
	return &note{event: vault.Event{Correlation: vault.Said(rand.Text()[:16])}}
}

type noteKey struct{}

// ofClient notes who says to ask.
func (n *note) ofClient(id string) { n.event.Client = vault.Said(id) }

// forClient notes the application that it is about.
func (n *note) forClient(c vault.Client) {
	n.event.Client, n.event.ClientName = vault.Said(c.ID), vault.Said(c.Name)
}

// byClient notes the application that asks, and has shown that it is the one if
// it has anything to show.
func (n *note) byClient(c vault.Client) {
	n.forClient(c)
	n.known = n.known || !c.Public()
}

// byUser notes which user it is.
func (n *note) byUser(id string) {
	if id != "" {
		n.event.User, n.known = vault.Said(id), true
	}
}

// at notes the connection.
func (n *note) at(c vault.Connection) {
	n.event.Connection, n.event.ConnectionID, n.event.Strategy = vault.Said(c.Name), vault.Said(c.ID), vault.Said(c.Strategy)
}

// as is the event, of a type, with further details.
func (n *note) as(t vault.EventType, details ...vault.Detail) vault.Event {
	e := n.event
	e.Type, e.Details = t, slices.Concat(n.event.Details, details)
	return e
}

// withRequest are the details that say what was asked for, as Auth0 has them.
func withRequest(c echo.Context) []vault.Detail {
	return []vault.Detail{vault.Say("request.method", c.Request().Method), vault.Say("request.path", c.Request().URL.Path)}
}

// record writes an event, and returns when it is on disk.
func (s *Server) record(ctx context.Context, e vault.Event) error {
	return s.Vault.Record(context.WithoutCancel(ctx), e)
}

// refusalTypes are the types of events of refused requests, by route: Auth0's, where
// it has one. Of routes that are not here, refusals are in the program's log
// alone: they are open to anybody, and give nothing away.
var refusalTypes = map[string]vault.EventType{
	"/authorize":                  "f",
	"/login/callback":             "f",
	"/login/callback/:connection": "f",
	"/login/reconnect":            "connected_accounts_connection_failed",
	"/consent":                    "f",
	"/activate":                   "fdeac",
	"/activate/decide":            "fdeac",
	"/oauth/token":                "sallyport_request_refused",
	"/oauth/revoke":               "sallyport_request_refused",
	"/oauth/introspect":           "sallyport_request_refused",
	"/oauth/par":                  "fpar",
	"/oauth/device/code":          "fdeaz",
	"/userinfo":                   "sallyport_request_refused",
	"/oidc/logout":                "flo",
	"/oidc/logout/confirm":        "flo",
	"/v2/logout":                  "flo",
	"/admin/sign-in":              "sallyport_console_sign_in_failed",
	"/admin/sign-in/passkey":      "sallyport_console_sign_in_failed",
	"/admin/sign-in/connection":   "sallyport_console_sign_in_failed",
	"/admin/prove":                "sallyport_console_sign_in_failed",
	"/admin/prove/connection":     "sallyport_console_sign_in_failed",
}

// refusalType is the type of the event of a refused request, or "" if it leaves
// none: a device that asks whether its user is done, and somebody who may read
// and reads what is not there, are not refused anything.
func (n *note) refusalType(c echo.Context, a *oidc.Error) vault.EventType {
	status, path := a.Status(), c.Path()
	switch {
	case a.Code == oidc.AuthorizationPending || a.Code == oidc.SlowDown:
		return ""
	case status == http.StatusTooManyRequests:
		return "api_limit"
	case n.refused != "":
		return n.refused
	case !isOwnAPI(path) && refusalTypes[path] != "":
		return refusalTypes[path]
	case strings.HasPrefix(path, admin.Path) && (status == http.StatusUnauthorized || status == http.StatusForbidden):
		return "sallyport_console_refused"
	case !isOwnAPI(path):
		return ""
	case strings.HasPrefix(path, managementPath+"/moves") && status != http.StatusUnauthorized && status != http.StatusForbidden:
		return "" // by then nothing may be written
	case c.Request().Method == http.MethodGet && (status == http.StatusNotFound || status == http.StatusBadRequest),
		status == http.StatusMethodNotAllowed, strings.HasSuffix(path, "/*"):
		return ""
	case strings.HasPrefix(path, mePath+"/"):
		return "sallyport_request_refused"
	}
	return "fapi"
}

// recordRefusal writes the event of a request that is answered with an error.
func (s *Server) recordRefusal(c echo.Context, a *oidc.Error) error {
	n := noteOf(c.Request().Context())
	kind := n.refusalType(c, a)
	if kind == "" {
		return nil
	}
	e := n.as(kind)
	e.Description = vault.Said(a.Error())
	e.Reason, e.ReasonClass = reasonOf(a)
	switch {
	case kind == "feta":
		e.Details = append(e.Details, vault.Say("failure_reason", e.Reason.String()))
	case isOwnAPI(c.Path()):
		e.Details = append(withRequest(c), e.Details...)
	}
	withoutStrangersTokens(&e)
	return s.recordOnce(c.Request().Context(), e, n.known && kind != "api_limit")
}

// withoutStrangersTokens takes out of the event of a refused request what may be a
// token that was sent in a wrong place: all that is as the request had it, and was
// not found to be the name of anything.
func withoutStrangersTokens(e *vault.Event) {
	masked := func(t vault.Text) vault.Text { return vault.Said(withoutTokens(t.String())) }
	e.Description = masked(e.Description)
	if e.ClientName == (vault.Text{}) {
		e.Client = masked(e.Client)
	}
	if e.ConnectionID == (vault.Text{}) {
		e.Connection = masked(e.Connection)
	}
	for i, d := range e.Details {
		e.Details[i].Value = masked(d.Value)
	}
}

// recordOnce writes the event of a refusal. Those of strangers, who could go on
// for ever, are counted if they repeat.
func (s *Server) recordOnce(ctx context.Context, e vault.Event, known bool) error {
	if !known && !s.repeats.first(&e, s.Now()) {
		return nil
	}
	return s.record(ctx, e)
}

// reasonOf is why a request is refused, and who can do something about it.
func reasonOf(a *oidc.Error) (reason, class vault.Text) {
	switch status := a.Status(); {
	case a.Refusal != nil && a.Refusal.Reason != "":
		return vault.Said(string(a.Refusal.Reason)), vault.Said(string(a.Refusal.Class))
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		class = vault.Said(string(oidc.ForRetry))
	case status >= http.StatusInternalServerError:
		class = vault.Said(string(oidc.ForOperator))
	}
	return vault.Said(string(a.Code)), class
}

// notRecorded is the answer where an event could not be written.
func notRecorded(err error) *oidc.Error {
	return &oidc.Error{Code: oidc.TemporarilyUnavailable, HTTPStatus: http.StatusServiceUnavailable, Err: err, Refusal: &oidc.Refusal{RetryAfter: retryLater},
		Description: "The gateway cannot write its log of events, and does nothing that is not in it. Try again later; the operator finds the cause in the program's log."}
}
