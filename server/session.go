package server

import (
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// A browser stays signed in at the gateway for as long as it is used now and
// then, and not for longer than a week: Auth0's lifetimes, but for the idle one,
// which is shorter.
const (
	sessionIdle     = 24 * time.Hour
	sessionLifetime = 7 * 24 * time.Hour
)

// The two cookies: who is signed in, and which browser began a sign-in. Each
// carries an opaque ID and nothing else; what it stands for lies in the vault.
const (
	sessionCookie = "sallyport-session"
	browserCookie = "sallyport-browser"
)

// newCookies signs cookies with a key of the vault, so that all instances read
// them.
func (s *Server) newCookies() sessions.Store {
	store := sessions.NewCookieStore(s.Vault.Derive("cookies"))
	store.Options = &sessions.Options{Path: "/", HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode}
	store.MaxAge(int(sessionLifetime.Seconds()))
	return store
}

// cookieName keeps other hosts of the domain from setting the cookie.
func (s *Server) cookieName(name string) string {
	if s.secure {
		return "__Host-" + name
	}
	return name
}

// cookie is the ID that a cookie of the request carries, or "". One that was
// tampered with counts as none.
func (s *Server) cookie(c echo.Context, name string) string {
	// Not Get, whose registry would hand out again what this request set.
	carried, err := s.cookies.New(c.Request(), s.cookieName(name))
	if err != nil {
		return ""
	}
	id, _ := carried.Values["id"].(string)
	return id
}

// setCookie sets a cookie that carries an ID; an empty one deletes it.
func (s *Server) setCookie(c echo.Context, name, id string) error {
	fresh := sessions.NewSession(s.cookies, s.cookieName(name))
	options := *s.cookies.(*sessions.CookieStore).Options
	fresh.Options = &options
	fresh.Values["id"] = id
	if id == "" {
		fresh.Options.MaxAge = -1
	}
	return s.cookies.Save(c.Request(), c.Response(), fresh)
}

// browser is the ID of the browser, which it is given with its first sign-in. Its
// cookie is set anew at each, so that it lasts until the user is back.
func (s *Server) browser(c echo.Context) (string, error) {
	id := s.cookie(c, browserCookie)
	if id == "" {
		id = rand.Text()
	}
	return id, s.setCookie(c, browserCookie, id)
}

// session is the session of the request's browser, if it has one.
func (s *Server) session(c echo.Context) (session vault.Session, ok bool, err error) {
	id := s.cookie(c, sessionCookie)
	if id == "" {
		return session, false, nil
	}
	err = s.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		session, err = tx.Sessions.Get(vault.Hash(id))
		return err
	})
	ok, err = vault.Exists(err)
	return session, ok, err
}

// newSession is the session of a user who has just signed in, with a new ID, so
// that nobody can know it beforehand.
func (s *Server) newSession(identity vault.Identity) (id string, session vault.Session) {
	id = rand.Text()
	now := s.Now()
	return id, vault.Session{
		Hash: vault.Hash(id), SID: rand.Text(), Connection: identity.Connection, Identity: identity.Key(), AuthTime: now,
		Idle: now.Add(sessionIdle), Expires: now.Add(sessionLifetime),
	}
}

// begin keeps a new session in place of the one before, of the same browser.
// A user who signs in again stays signed in to the same clients.
func begin(tx *vault.Tx, before string, session *vault.Session, client string) error {
	old, err := tx.Sessions.Take(vault.Hash(before))
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return err
	}
	if err == nil && old.User == session.User {
		session.SID, session.Clients = old.SID, old.Clients
	}
	*session = session.With(client)
	return tx.Sessions.Put(*session)
}

// remember adds a client to those that a user signed in to in a session, which
// is used by it. A session that has ended meanwhile stays so.
func remember(tx *vault.Tx, session vault.Session, client string) error {
	current, err := tx.Sessions.Get(session.Hash)
	if errors.Is(err, vault.ErrNotFound) {
		return &oidc.Error{Code: oidc.LoginRequired, Description: "Login required"}
	}
	if err != nil {
		return err
	}
	current = current.With(client)
	current.Idle = tx.Now().Add(sessionIdle)
	return tx.Sessions.Put(current)
}
