package simulator

import (
	"net/http"
	"time"
)

// refresh is the refresh grant (RFC 6749, section 6), as cruel as Salesforce
// has it. While one request uses a token, a second is refused and nothing
// happens to the token. With rotation the token is spent by its use, whether
// or not the answer arrives; showing it again kills the family, for nobody can
// tell who of the two stole it (RFC 9700, section 4.14.2).
func (s *Salesforce) refresh(w http.ResponseWriter, r *http.Request) (pairs, error) {
	app, err := s.client(r, func(a App) bool { return a.SecretOptionalRefresh })
	if err != nil {
		return nil, err
	}
	if app, err = s.prove(w, r, app); err != nil {
		return nil, err
	}
	s.makeKeys() // may take its time, so not under the lock
	f, err := s.beginRefresh(hostOf(r), app, r.Form.Get("refresh_token"))
	if err != nil {
		return nil, err
	}
	pause(r)

	s.mu.Lock()
	defer s.mu.Unlock()
	f.busy = false
	if f.dead {
		return nil, errRefreshToken
	}
	user, _ := s.member(f.user)
	if err := s.admit(app, user); err != nil {
		return nil, err
	}
	refresh := ""
	f.used, f.scopes = s.now(), app.grants(f.scopes)
	if !app.NoRotation {
		s.rotate(f)
		refresh = f.refresh
	}
	return s.tokens(hostOf(r), app, user, f, refresh, "")
}

// expired tells whether a family's refresh token is too old by the app's policy.
func (a App) expired(f *family, now time.Time) bool {
	return a.RefreshAtOnce || a.RefreshUnused > 0 && now.Sub(f.used) >= a.RefreshUnused ||
		a.RefreshLifetime > 0 && now.Sub(f.issued) >= a.RefreshLifetime
}

// beginRefresh finds the token's family and marks it busy.
func (s *Salesforce) beginRefresh(h host, app App, token string) (*family, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.refreshes[token]
	switch {
	case !ok || f.app != app.ConsumerKey || !s.isServed(h, f.approval):
		return nil, errRefreshToken
	case f.refresh != token:
		s.replays++
		s.kill(f)
		return nil, errRefreshToken
	case f.dead, app.expired(f, s.now()):
		return nil, errRefreshToken
	case f.busy:
		s.concurrent++
		if m, _ := s.member(f.user); m.org.LegacyBusy {
			return nil, errSpentCode
		}
		return nil, errBeingProcessed
	}
	f.busy = true
	return f, nil
}
