package server

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/templates"
	"sallyport/vault"
)

// ownPath is the page on which users see what the gateway knows of them and take
// back what they have allowed. Like all pages of the door it needs no script.
const ownPath = "/account"

func (s *Server) ownPage() {
	g := s.echo.Group(ownPath, s.paced)
	g.GET("", s.own)
	g.GET("/sign-in", s.ownSignIn)
	g.POST("/disconnect", s.owned(s.ownDisconnect), sameOrigin)
	g.POST("/take-back", s.owned(s.ownTakeBack), sameOrigin)
	g.POST("/sign-out", s.owned(s.ownSignOut), sameOrigin)
}

// owned passes the session on to a handler that changes something of its user's.
func (s *Server) owned(next func(echo.Context, vault.Session) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		session, ok, err := s.session(c)
		if err != nil {
			return err
		}
		if !ok {
			return c.Redirect(http.StatusSeeOther, ownPath) // to sign in
		}
		return next(c, session)
	}
}

// own shows the user's own page, or the ways to sign in.
func (s *Server) own(c echo.Context) error {
	session, ok, err := s.session(c)
	if err != nil {
		return err
	}
	var page templates.Own
	if ok {
		err = s.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
			page, err = s.ownOf(tx, languageOf(c), session)
			return err
		})
		if ok, err = vault.Exists(err); err != nil {
			return err
		}
	}
	if !ok {
		return s.ownDoor(c)
	}
	page.Notice = c.QueryParam("notice")
	return s.page(c, http.StatusOK, "own", page)
}

// ownDoor lets the user choose how to sign in.
func (s *Server) ownDoor(c echo.Context) error {
	page := templates.Choose{Own: true}
	err := s.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		page.Connections = nil
		for conn, err := range tx.Connections.All("") {
			if err != nil {
				return err
			}
			if forUsers(conn) {
				page.Connections = append(page.Connections, templates.Choice{Title: conn.Title(), Strategy: conn.Strategy, URL: ownPath + "/sign-in?" + url.Values{"connection": {conn.Name}}.Encode()})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, "choose", page)
}

// forUsers reports whether users sign in with a connection.
func forUsers(conn vault.Connection) bool { return conn.Active && !connections.OfClients(conn) }

func (s *Server) ownSignIn(c echo.Context) error {
	var conn vault.Connection
	found, err := vault.Exists(s.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		conn, err = tx.Connections.Get(c.QueryParam("connection"))
		return err
	}))
	if err != nil {
		return err
	}
	if !found || !forUsers(conn) {
		return c.Redirect(http.StatusSeeOther, ownPath)
	}
	return s.beginLogin(c, conn, vault.Login{Purpose: vault.ToOwnPage, Request: vault.AuthorizationRequest{Connection: conn.Name}}, "")
}

var (
	errStranger = told("problem.stranger", oidc.AccessDenied, http.StatusForbidden)
	errBlocked  = told("problem.blocked", oidc.AccessDenied, http.StatusForbidden)
)

// ownSignedIn signs a user in to the page, whom the gateway knows already: to see
// what is known of them makes nobody known. The tokens that came are kept for an
// account that is connected; one that was disconnected stays so.
func (s *Server) ownSignedIn(c echo.Context, conn vault.Connection, identity vault.Identity, tokens vault.TokenSet) error {
	id, session := s.newSession(identity)
	account, before := newAccountID(), s.cookie(c, sessionCookie)
	n := noteOf(c.Request().Context())
	n.at(conn)
	stranger, blocked := false, false
	err := s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		stranger, blocked = false, false
		_, err := tx.Identities.Get(identity.Key())
		known, err := vault.Exists(err)
		if err != nil {
			return err
		}
		if stranger = !known; stranger {
			return discard(tx, identity.Key(), account, tokens)
		}
		user, err := tx.SignIn(identity)
		if err != nil {
			return err
		}
		if blocked = user.Blocked; blocked {
			return discard(tx, identity.Key(), account, tokens)
		}
		old, err := tx.TokenSets.Get(identity.Key())
		connected, err := vault.Exists(err)
		switch {
		case err != nil:
		case connected && old.Connected(conn) && conn.TokenVault:
			_, err = connect(tx, conn, identity.Key(), account, tokens)
		default:
			err = discard(tx, identity.Key(), account, tokens)
		}
		if err != nil {
			return err
		}
		session := session
		session.User = user.ID
		n.byUser(user.ID)
		return errors.Join(begin(tx, before, &session, ""), tx.Record(n.as("s")))
	})
	switch {
	case err != nil:
		return err
	case stranger:
		return errStranger
	case blocked:
		return errBlocked
	}
	if err := s.setCookie(c, sessionCookie, id); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, ownPath)
}

// ownDisconnect disconnects an account of the user's.
func (s *Server) ownDisconnect(c echo.Context, session vault.Session) error {
	id, n := c.FormValue("account"), noteOf(c.Request().Context())
	n.byUser(session.User)
	result, err := s.disconnect(c.Request().Context(), n.as("sallyport_account_disconnected", vault.Say("account", id)), func(tx *vault.Tx) (found vault.TokenSet, err error) {
		user, err := tx.Users.Get(session.User)
		if err != nil {
			return found, err
		}
		for _, key := range user.Identities {
			ts, err := tx.TokenSets.Get(key)
			if ok, err := vault.Exists(err); err != nil {
				return found, err
			} else if ok && ts.ID == id {
				return ts, nil
			}
		}
		return found, vault.ErrNotFound
	})
	if errors.Is(err, vault.ErrNotFound) {
		result, err = "gone", nil
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, ownPath+"?notice="+result)
}

// ownTakeBack ends what the user allowed an application.
func (s *Server) ownTakeBack(c echo.Context, session vault.Session) error {
	client, n := c.FormValue("application"), noteOf(c.Request().Context())
	n.byUser(session.User)
	n.ofClient(client)
	err := s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		return errors.Join(tx.TakeBack(session.User, client), tx.Record(n.as("sallyport_consent_withdrawn")))
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, ownPath+"?notice=taken-back")
}

// ownSignOut signs the user out: of this browser, or everywhere.
func (s *Server) ownSignOut(c echo.Context, session vault.Session) error {
	if c.FormValue("everywhere") == "true" {
		if err := s.signOutEverywhere(c.Request().Context(), session.User); err != nil {
			return err
		}
	}
	return s.signOut(c, vault.Client{}, oidc.Logout{})
}

// ownOf is what the gateway knows of a session's user.
func (s *Server) ownOf(tx *vault.Tx, words *templates.Language, session vault.Session) (page templates.Own, err error) {
	user, err := tx.Users.Get(session.User)
	if err == nil && user.Blocked {
		err = vault.ErrNotFound // it is no session any more
	}
	if err != nil {
		return page, err
	}
	page = templates.Own{User: displayName(user), ID: user.ID, Name: user.Profile.Name}
	clients, err := s.clientsOf(tx, user, session)
	if err != nil {
		return page, err
	}
	for _, key := range user.Identities {
		account, err := s.ownAccount(tx, key, clients)
		if found, err := vault.Exists(err); err != nil {
			return page, err
		} else if found {
			page.Accounts = append(page.Accounts, account)
		}
	}
	given, err := tx.ConsentsOf(user.ID)
	if err != nil {
		return page, err
	}
	for _, client := range clients {
		shown := templates.OwnApplication{ID: client.ID, Name: client.Name}
		for _, consent := range given {
			if consent.Client != client.ID {
				continue
			}
			api, err := userAPI(tx, s.Issuer, consent.Audience)
			var gone *oidc.Error
			if err != nil && !errors.As(err, &gone) {
				return page, err
			}
			shown.Allowed = append(shown.Allowed, plainWords(words, api, consent.Scopes)...)
		}
		page.Applications = append(page.Applications, shown)
	}
	return page, nil
}

// clientsOf are the applications that can do something for a user: by a consent
// or a grant, or since the user is signed in to them here.
func (s *Server) clientsOf(tx *vault.Tx, user vault.User, session vault.Session) (list []vault.Client, err error) {
	const most = 200 // grants that are looked at
	ids := slices.Clone(session.Clients)
	given, err1 := tx.ConsentsOf(user.ID)
	grants, err2 := tx.GrantsOf(user.ID, most)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	for _, consent := range given {
		ids = append(ids, consent.Client)
	}
	for _, grant := range grants {
		ids = append(ids, grant.Client)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		client, err := tx.Clients.Get(id)
		if found, err := vault.Exists(err); err != nil {
			return nil, err
		} else if !found {
			continue
		}
		if client.Name == "" {
			client.Name = client.ID
		}
		list = append(list, client)
	}
	return list, nil
}

// ownAccount is an account of the user's, and which of some clients may have its
// tokens.
func (s *Server) ownAccount(tx *vault.Tx, key string, clients []vault.Client) (a templates.OwnAccount, err error) {
	identity, err := tx.Identities.Get(key)
	if err != nil {
		return a, err
	}
	conn, err := tx.Connections.Get(identity.Connection)
	if _, err := vault.Exists(err); err != nil {
		return a, err
	}
	a = templates.OwnAccount{Title: conn.Title(), Strategy: conn.Strategy, Name: identity.Profile.Username}
	if a.Title == "" {
		a.Title = identity.Connection
	}
	if a.Name == "" {
		a.Name = identity.UserID
	}
	ts, err := tx.TokenSets.Get(key)
	connected, err := vault.Exists(err)
	if !connected || !ts.Connected(conn) {
		return a, err
	}
	a.ID, a.State = ts.ID, templates.Healths[string(ts.Health(conn, connections.Asserts(conn), s.Now()))]
	for _, client := range clients {
		if mayHave(client, conn) {
			a.Applications = append(a.Applications, client.Name)
		}
	}
	return a, nil
}

// mayHave reports whether a client of users may have tokens of a connection at
// all: see rules.
func mayHave(client vault.Client, conn vault.Connection) bool {
	w := &wish{client: client, connection: conn}
	for _, check := range []func(*wish) (string, *denial){checkExchanges, checkEnabled, checkListed} {
		if _, d := check(w); d != nil {
			return false
		}
	}
	return true
}
