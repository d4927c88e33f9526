package simulator

import (
	"net/http"
	"strconv"
)

// password is the username-password grant (RFC 6749, section 4.3), which
// external client apps have not and orgs block unless they are told otherwise.
// Its answer names no scopes.
func (s *Salesforce) password(w http.ResponseWriter, r *http.Request) (pairs, error) {
	app, err := s.client(r, never)
	if err != nil {
		return nil, err
	}
	if !app.Connected {
		return nil, errGrantType
	}
	if app, err = s.prove(w, r, app); err != nil {
		return nil, err
	}
	s.makeKeys() // may take its time, so not under the lock
	s.mu.Lock()
	defer s.mu.Unlock()
	h := hostOf(r)
	user, ok := h.signIn(r.Form.Get("username"), r.Form.Get("password"))
	if !ok || !user.org.AllowPasswords {
		return nil, errAuthentication
	}
	if err := s.admit(app, user); err != nil {
		return nil, err
	}
	now := s.now()
	e, err := s.session(h, app, user, app.scopes(), now)
	if err != nil {
		return nil, err
	}
	id := h.identityURL(user)
	issuedAt := strconv.FormatInt(now.UnixMilli(), 10)

	var p pairs
	p.add("access_token", e.token)
	p.add("instance_url", h.instance(user.org))
	p.add("id", id)
	p.add("token_type", app.tokenType())
	p.add("issued_at", issuedAt)
	p.add("signature", sign(app.ConsumerSecret, id+issuedAt))
	return p, nil
}
