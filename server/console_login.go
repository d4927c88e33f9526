package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/server/admin"
	"sallyport/templates"
	"sallyport/vault"
)

// consoleState is what the state of an administrator's login begins with, so that
// what comes back too late, too, is answered with the console's pages. A state that
// somebody else made up with it is no login's.
const consoleState = "console-"

// backAtConsole is where identity providers send administrators back to whom the
// console sent there. No user is made of them, and nothing of what was issued is
// kept but a refresh token until it is revoked, where one came unasked.
func (s *Server) backAtConsole(c echo.Context) error {
	n := noteOf(c.Request().Context())
	n.refused = "sallyport_console_sign_in_failed"
	login, _, conn, err := s.takeLogin(c)
	if err != nil {
		login = vault.Login{} // which may be another browser's
	} else {
		n.at(conn)
	}
	answer := admin.Elsewhere{Login: login, Connection: conn}
	if err == nil {
		answer.Identity, answer.AuthTime, err = s.identify(c, login, conn)
	}
	if err != nil {
		if answer.Refused = refusedToAdmin(err); answer.Refused == nil {
			return err
		}
	}
	return consolePolicy(func(c echo.Context) error { return s.pages.CameBack(c, answer) })(c)
}

// identify finds out whose account it is that an administrator signed in with.
func (s *Server) identify(c echo.Context, login vault.Login, conn vault.Connection) (identity vault.Identity, at time.Time, err error) {
	identity, tokens, err := s.redeem(c, login, conn, func() error { return s.pages.Expects(c, login) })
	if err != nil {
		return identity, at, err
	}
	n := noteOf(c.Request().Context())
	n.event.Account, n.event.UserName = vault.Said(identity.UserID), vault.Said(identity.Profile.Username)
	if at = connections.AuthTime(tokens); tokens.RefreshToken.IsZero() {
		return identity, at, nil
	}
	tokens.Identity, tokens.ID = identity.Key(), newAccountID()
	return identity, at, s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error { return tx.Discard("not kept "+tokens.ID, tokens, true) })
}

// refusedToAdmin is what an administrator is told of an error, in the console; nil
// if it is the gateway's own, which its log is to tell.
func refusedToAdmin(err error) *admin.Refused {
	var known *admin.Refused
	if errors.As(err, &known) {
		return known
	}
	a := answerTo(err)
	if a == errExpiredLogin {
		return &admin.Refused{Status: http.StatusBadRequest, Title: "Please begin again",
			Message: "This sign-in has expired, was completed already, or was begun in another browser; or administrators may not use the connection any more. Nothing was done. Begin again."}
	}
	if a.Status() == http.StatusInternalServerError {
		return nil
	}
	return &admin.Refused{Status: a.Status(), Title: templates.English.Say(problemOf(a).Words + ".title"), Message: a.Description, Err: err}
}
