package simulator

import (
	"strings"
	"time"
)

// admit finds fault with a user who asks, through an app, for a token.
// Each admission is a login, of which there may be so many an hour.
func (s *Salesforce) admit(app App, user member) error {
	switch {
	case user.Username == "", user.Inactive: // those who are no more are not told apart
		return errInactiveUser
	case user.org.Suspended:
		return errInactiveOrg
	case user.Restricted:
		return errRestricted
	case !app.installed(user.org) && app.Connected:
		return errClientID
	case !app.installed(user.org):
		return errNotInstalled
	case app.Blocked:
		return errBlocked
	case app.Preauthorized && !app.permits(user):
		return errNotPermitted
	}
	n := s.loginsOf(user.Username)
	if n.used >= user.org.loginRate() {
		return errLoginRate
	}
	n.used++
	return nil
}

// turnAway is admit for somebody who has just signed in with a browser, where
// each case has an answer of its own.
func (s *Salesforce) turnAway(a *authorization, user member) error {
	back := func(code, description string) error { return &redirected{a, code, description} }
	switch {
	case user.Inactive:
		return back(errInactiveUser.code, errInactiveUser.description)
	case user.org.Suspended:
		return back(errInactiveOrg.code, errInactiveOrg.description)
	case user.Restricted:
		return back("invalid_grant", "IP restricted or invalid login hours")
	case !a.app.installed(user.org) && a.app.Connected:
		return errApproval
	case !a.app.installed(user.org):
		return errNoApp
	case a.app.Blocked:
		return back("OAUTH_APP_BLOCKED", errBlocked.description)
	case a.app.Preauthorized && !a.app.permits(user):
		return back("OAUTH_APP_ACCESS_DENIED", errNotPermitted.description)
	case !coversAll(a.app.scopes(), a.scopes):
		return errApproval
	case s.loginsOf(user.Username).used >= user.org.loginRate():
		return back("rate_limit_exceeded", "number of logins exceeded")
	}
	return nil
}

// logins counts the logins of a user within an hour.
type logins struct {
	since time.Time
	used  int
}

func (s *Salesforce) loginsOf(username string) *logins {
	name, now := strings.ToLower(username), s.now()
	n, ok := s.logins[name]
	if !ok || !now.Before(n.since.Add(time.Hour)) {
		n = &logins{since: now}
		s.logins[name] = n
	}
	return n
}

// ExhaustLogins lets a user log in no more for an hour, as after as many logins
// as an hour may have.
func (s *Salesforce) ExhaustLogins(username string) {
	m, _ := s.member(username)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepare()
	s.loginsOf(username).used = m.org.loginRate()
}
