package simulator

import "net/http"

// refresh is the refresh grant (RFC 6749, section 6), as cruel as Salesforce
// has it. While one request uses a token, a second is refused and nothing
// happens to the token. With rotation the token is spent by its use, whether
// or not the answer arrives; showing it again kills the family, for nobody can
// tell who of the two stole it (RFC 9700, section 4.14.2).
func (s *Salesforce) refresh(r *http.Request) (pairs, error) {
	app, err := s.client(r, func(a App) bool { return a.SecretOptionalRefresh })
	if err != nil {
		return nil, err
	}
	s.keyring() // may take its time, so not under the lock
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
	if err := admit(app, user); err != nil {
		return nil, err
	}
	refresh := ""
	if !app.NoRotation {
		s.rotate(f)
		refresh = f.refresh
	}
	return s.tokens(hostOf(r), app, user, f, refresh, "")
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
	case f.dead:
		return nil, errRefreshToken
	case f.busy:
		s.concurrent++
		return nil, errBeingProcessed
	}
	f.busy = true
	return f, nil
}
