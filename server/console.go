package server

import (
	"context"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/server/admin"
	"sallyport/server/api"
	"sallyport/templates"
	"sallyport/vault"
)

// console is where administrators work.
func (s *Server) console() {
	s.pages = &admin.Pages{
		Vault: s.Vault, Issuer: s.Issuer, Version: s.Version, Connections: s.connections, Now: s.Now,
		Cookie: s.cookie, SetCookie: s.setCookie, Limited: s.guessed, Counted: s.limited, SecondFactor: s.secondFactor,
		Refresh: s.refreshNow, Ahead: soon, ReconnectURI: func(ctx context.Context, ticket vault.Ticket) (string, time.Duration, error) {
			uri, err := s.reconnectURI(ctx, ticket)
			return uri, ticketLifetime, err
		},
		Disconnect: func(ctx context.Context, find func(*vault.Tx) (vault.TokenSet, error)) (string, error) {
			return s.disconnect(ctx, noteOf(ctx).as("sallyport_account_disconnected"), find)
		},
		DeleteUser: func(ctx context.Context, id string) error {
			return s.deleteUser(ctx, noteOf(ctx).as("sdu", vault.Say("user_id", id)), id)
		},
		SignOutEverywhere: s.signOutEverywhere,
		TenantFile:        api.ExportConnection,
		NewClient:         newClient, ChangedClient: changedClient, ClientFile: func(r vault.Client) string { return string(api.ExportClient(r)) },
		Denies: denies, Explain: s.explainTo,
		Event: func(c echo.Context) vault.Event { return noteOf(c.Request().Context()).event },
		Note: func(c echo.Context, known bool, details ...vault.Detail) {
			n := noteOf(c.Request().Context())
			n.event.Details, n.known = details, n.known || known
		},
		RecordRefusal: func(c echo.Context, refused error) error { return s.recordRefusal(c, answerTo(refused)) },
		Log:           s.Log, Probe: s.probe, KeySource: s.KeySource, TLSUntil: s.TLSUntil, SigningKeyDue: defaultDue, RotateKeys: s.rotateKeys,
		Started: s.startedWith(), Rebrand: s.relook, Look: func(r vault.Client) templates.Brand { return s.lookOf(r).Brand },
		BeginLogin: func(c echo.Context, conn vault.Connection, login vault.Login) error {
			return s.beginLogin(c, conn, login, "")
		},
		LoginURL: func(c echo.Context, conn vault.Connection, login vault.Login) (string, error) {
			there, err := s.prepareLogin(c, conn, login, "")
			if err != nil {
				if refused := refusedToAdmin(err); refused != nil {
					return "", refused
				}
			}
			return there, err
		},
	}
	s.pages.Mount(s.echo.Group(admin.Path, s.paced, consolePolicy, sameOrigin))
}

// Ending ends what would last as long as somebody watches: the gateway is about to
// stop.
func (s *Server) Ending() { s.pages.End() }

// consolePolicy lets the console's own scripts run, and call it.
func consolePolicy(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "style-src 'self'", "style-src 'self'; script-src 'self'; connect-src 'self'", 1))
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		return next(c)
	}
}
