package server

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/templates"
	"sallyport/vault"
)

// decision is the answer to an authorization request of a user who is signed
// in: a code, a question to the user first, or a refusal. It is made within the
// transaction that signs the user in, and delivered after it.
type decision struct {
	client      vault.Client
	request     vault.AuthorizationRequest
	code        string // to be issued
	interaction string // to be asked in
	now         time.Time

	ask     bool
	refused error
}

// newDecision makes the random values, which a transaction may not.
func (s *Server) newDecision(client vault.Client, req vault.AuthorizationRequest) *decision {
	return &decision{client: client, request: req, code: rand.Text(), interaction: rand.Text(), now: s.Now()}
}

// interactionLifetime is how long a user may think about it.
const interactionLifetime = 10 * time.Minute

// conclude keeps the code, or the question.
func (d *decision) conclude(tx *vault.Tx, session vault.Session, identity string) error {
	d.refused, d.ask = nil, false
	needed, err := consentNeeded(tx, d.client, d.request, session.User)
	switch {
	case err != nil:
		return err
	case needed && slices.Contains(d.request.Prompt, "none"):
		d.refused = &oidc.Error{Code: oidc.ConsentRequired, Description: "Consent required"}
		return nil
	case needed:
		d.ask = true
		return tx.Interactions.Put(vault.Interaction{
			Hash: vault.Hash(d.interaction), Session: session.Hash, Identity: identity, Request: d.request, Expires: d.now.Add(interactionLifetime),
		})
	}
	return d.answer(tx, d.newCode(session, identity))
}

// answer keeps the code for whoever waits for it. What it brings lasts for as
// long as the consent that it rests on.
func (d *decision) answer(tx *vault.Tx, code vault.Code) error {
	given, err := tx.Consents.Get(vault.ConsentKey(code.User, d.client.ID, d.request.Audience))
	if _, err := vault.Exists(err); err != nil {
		return err
	}
	code.Consent = given.ID
	if d.request.Device != "" {
		return allowDevice(tx, code)
	}
	return tx.Codes.Put(code)
}

func (d *decision) newCode(session vault.Session, identity string) vault.Code {
	return vault.Code{
		Hash: vault.Hash(d.code), Request: d.request, User: session.User, SID: session.SID, Identity: identity,
		AuthTime: session.AuthTime, Expires: d.now.Add(codeLifetime),
	}
}

// event tells that the user signed in to the client.
func (d *decision) event(n *note, kind vault.EventType) vault.Event {
	n.forClient(d.client)
	e := n.as(kind)
	e.Scope, e.Audience = vault.Said(oidc.FormatScopes(d.request.Scopes)), vault.Said(d.request.Audience)
	return e
}

// deliver sends the user on.
func (s *Server) deliver(c echo.Context, d *decision) error {
	switch {
	case d.refused != nil:
		return d.refused
	case d.ask:
		return c.Redirect(http.StatusSeeOther, "/consent?interaction="+d.interaction)
	}
	if d.request.Device != "" {
		return s.page(c, http.StatusOK, "devicedone", templates.DeviceDone{Client: d.client.Name})
	}
	return s.respond(c, d.client.Name, oidc.CodeResponse(s.Issuer, d.request, d.code))
}

// respond sends the answer to an authorization request to its client, in the
// mode that it asked for.
func (s *Server) respond(c echo.Context, client string, r oidc.Response) error {
	var fields []templates.Field
	for _, p := range r.Params {
		fields = append(fields, templates.Field{Name: p.Name, Value: p.Value})
	}
	h := c.Response().Header()
	policy := strings.Replace(h.Get("Content-Security-Policy"), "default-src 'none';", "default-src 'none'; script-src 'self';", 1)
	switch r.Mode {
	case oidc.ModeFormPost:
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "strict-origin") // the client sees our origin, and not null
		allowForm(c, r.RedirectURI)
		return s.page(c, http.StatusOK, "formpost", templates.FormPost{Action: r.RedirectURI, Fields: fields, Client: client})
	case oidc.ModeWebMessage:
		h.Set("Content-Security-Policy", strings.Replace(policy, "frame-ancestors 'none'", "frame-ancestors "+r.Origin, 1))
		h.Del("X-Frame-Options")
		return s.page(c, http.StatusOK, "webmessage", templates.WebMessage{TargetOrigin: r.Origin, Response: fields})
	}
	return c.Redirect(http.StatusFound, r.URL)
}
