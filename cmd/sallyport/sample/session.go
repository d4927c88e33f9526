package sample

import (
	"crypto/rand"
	"maps"
	"net/http"
	"strings"
	"time"
)

// user who is signed in in this browser, or nil.
func (a *App) user(r *http.Request) *user {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.session(r); s != nil {
		return s.user
	}
	return nil
}

// session of the browser, or nil. The caller holds a.mu.
func (a *App) session(r *http.Request) *session {
	c, err := r.Cookie(cookie)
	if err != nil {
		return nil
	}
	s := a.sessions[c.Value]
	if s == nil || time.Since(s.started) > lifetime {
		return nil
	}
	return s
}

// begin keeps a login until the browser comes back with its state.
func (a *App) begin(w http.ResponseWriter, r *http.Request, state string, l login) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.session(r)
	if s == nil {
		s = a.start(w)
	}
	if len(s.logins) >= 20 {
		clear(s.logins) // begun, and never come back from
	}
	s.logins[state] = l
}

// finish gives the login of a state, once, and only to the browser that began it.
func (a *App) finish(r *http.Request, state string) (login, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.session(r)
	if s == nil {
		return login{}, false
	}
	l, ok := s.logins[state]
	delete(s.logins, state)
	return l, ok
}

// signIn gives the user a session with a new ID, so that one planted before the sign-in is worth
// nothing after it.
func (a *App) signIn(w http.ResponseWriter, r *http.Request, u *user) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.end(r)
	a.start(w).user = u
	a.newest = u.refreshToken
}

// forget ends the session.
func (a *App) forget(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.end(r)
	a.setCookie(w, "", -1)
}

// start a session. The caller holds a.mu, as in end.
func (a *App) start(w http.ResponseWriter) *session {
	if a.sessions == nil {
		a.sessions = make(map[string]*session)
	}
	maps.DeleteFunc(a.sessions, func(_ string, s *session) bool { return time.Since(s.started) > lifetime })
	id, s := rand.Text(), &session{started: time.Now(), logins: make(map[string]login)}
	a.sessions[id] = s
	a.setCookie(w, id, int(lifetime/time.Second))
	return s
}

func (a *App) end(r *http.Request) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return
	}
	if s := a.sessions[c.Value]; s != nil && s.user != nil && s.user.refreshToken == a.newest {
		a.newest = ""
	}
	delete(a.sessions, c.Value)
}

func (a *App) setCookie(w http.ResponseWriter, id string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: id, Path: "/", MaxAge: seconds, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // not Strict: the gateway's redirect to /callback must bring it
		Secure:   strings.HasPrefix(a.URL, "https:"),
	})
}
