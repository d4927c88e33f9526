package server

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/templates"
	"sallyport/vault"
)

// logout is the end-session endpoint (OpenID Connect RP-Initiated Logout 1.0).
func (s *Server) logout(c echo.Context) error {
	req, client, todo, err := s.logoutRequest(c)
	if err != nil {
		return err
	}
	if !todo.Confirm {
		return s.signOut(c, client, todo)
	}
	page := templates.SignOut{Client: client.Name, Action: "/oidc/logout/confirm", Stay: todo.RedirectTo}
	for _, f := range []templates.Field{{Name: "client_id", Value: client.ID}, {Name: "post_logout_redirect_uri", Value: req.RedirectURI}, {Name: "state", Value: req.State}, {Name: "ui_locales", Value: strings.Join(req.UILocales, " ")}} {
		if f.Value != "" {
			page.Fields = append(page.Fields, f)
		}
	}
	allowForm(c, todo.RedirectTo)
	return s.page(c, http.StatusOK, "signout", page)
}

// confirmLogout signs the user out who was asked first.
func (s *Server) confirmLogout(c echo.Context) error {
	_, client, todo, err := s.logoutRequest(c)
	if err != nil {
		return err
	}
	return s.signOut(c, client, todo)
}

// logoutRequest reads a logout request, and what to do about it. A hint that is
// not good counts as none.
func (s *Server) logoutRequest(c echo.Context) (req oidc.LogoutRequest, client vault.Client, todo oidc.Logout, err error) {
	params, err := parameters(c)
	if err != nil {
		return req, client, todo, err
	}
	if req, err = oidc.ParseLogoutRequest(params); err != nil {
		return req, client, todo, err
	}
	var hint *oidc.Hint
	if h, err := s.ring.Load().keys.VerifyHint(req.IDTokenHint.Reveal(), s.Issuer); err == nil {
		hint = &h
	}
	id, err := oidc.LogoutClient(req, hint)
	if err != nil {
		return req, client, todo, err
	}
	var known *vault.Client
	err = s.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		client, err = tx.Clients.Get(id)
		return err
	})
	switch {
	case err == nil:
		known = &client
	case !errors.Is(err, vault.ErrNotFound):
		return req, client, todo, err
	}
	var current *vault.Session
	session, ok, err := s.session(c)
	if err != nil {
		return req, client, todo, err
	}
	if ok {
		current = &session
	}
	if todo, err = oidc.CheckLogoutRequest(known, req, hint, current); err == nil {
		showAs(c, client, req.UILocales)
	}
	return req, client, todo, err
}

// logoutV2 is Auth0's older endpoint, which asks nobody: it ends the session of
// whoever follows a link to it, and sends the user where the client may.
func (s *Server) logoutV2(c echo.Context) error {
	req, err := oidc.ParseV2LogoutRequest(c.QueryParams())
	if err != nil {
		return err
	}
	var client vault.Client
	var known *vault.Client
	err = s.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		client, err = tx.Clients.Get(req.ClientID)
		return err
	})
	switch {
	case err == nil:
		known = &client
	case !errors.Is(err, vault.ErrNotFound):
		return err
	}
	todo, err := oidc.CheckV2LogoutRequest(known, req)
	if err != nil {
		return err
	}
	showAs(c, client, nil)
	if req.Federated {
		if todo.RedirectTo, err = s.federated(c, todo.RedirectTo); err != nil {
			return err
		}
	}
	return s.signOut(c, client, todo)
}

// federated is where to sign the user out at the identity provider, too, if that
// is known; it sends the user on from there.
func (s *Server) federated(c echo.Context, returnTo string) (string, error) {
	session, ok, err := s.session(c)
	if err != nil || !ok {
		return returnTo, err
	}
	var conn vault.Connection
	var tokens vault.TokenSet
	err = s.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if conn, err = tx.Connections.Get(session.Connection); err != nil {
			return err
		}
		user, err := tx.Users.Get(session.User)
		if err != nil {
			return err
		}
		ids, err := identitiesAt(tx, user, conn)
		if err != nil || len(ids) == 0 {
			return err
		}
		key := session.Identity
		if key == "" { // the session is older than this field
			key = ids[0].Key()
		}
		tokens, err = tx.TokenSets.Get(key)
		return err
	})
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return "", err
	}
	provider, err := s.connections.Provider(conn)
	if err != nil {
		return returnTo, nil // the session here ends all the same
	}
	if there, ok := provider.(connections.SignOuter); ok {
		if url := there.SignOutURL(c.Request().Context(), tokens, returnTo); url != "" {
			return url, nil
		}
	}
	return returnTo, nil
}

// signOut ends the browser's session. What applications may do for the user
// while away, their grants, is not ended by it.
func (s *Server) signOut(c echo.Context, client vault.Client, todo oidc.Logout) error {
	notice := rand.Text()
	if id := s.cookie(c, sessionCookie); id != "" {
		n := noteOf(c.Request().Context())
		n.forClient(client)
		err := s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
			ended, err := endSession(tx, vault.Hash(id), notice)
			if err != nil || ended.User == "" {
				return err
			}
			n.byUser(ended.User)
			n.event.Connection = vault.Said(ended.Connection)
			return tx.Record(n.as("slo"))
		})
		if err != nil {
			return err
		}
		select {
		case s.notices <- struct{}{}: // to be told at once
		default:
		}
	}
	if err := s.setCookie(c, sessionCookie, ""); err != nil {
		return err
	}
	if todo.RedirectTo != "" {
		return c.Redirect(http.StatusSeeOther, todo.RedirectTo)
	}
	return s.page(c, http.StatusOK, "signedout", templates.SignedOut{Client: client.Name})
}
