package simulator

import (
	"net/http"
	"slices"
	"strconv"
)

// clientCredentials is the client credentials grant (RFC 6749, section 4.4). The
// app acts as a user of its own, with the scopes it has itself. It has to be
// asked for at the My Domain of that user's org.
func (s *Salesforce) clientCredentials(w http.ResponseWriter, r *http.Request) (pairs, error) {
	app, err := s.client(r, never)
	if err != nil {
		return nil, err
	}
	if app, err = s.prove(w, r, app); err != nil {
		return nil, err
	}
	h := hostOf(r)
	if h.role != everything && h.role != myDomain {
		return nil, errDomain
	}
	s.makeKeys() // may take its time, so not under the lock
	s.mu.Lock()
	defer s.mu.Unlock()
	user, ok := h.member(app.RunAs)
	if !ok {
		return nil, errNoRunAs
	}
	if err := s.admit(app, user); err != nil {
		return nil, err
	}
	scopes := slices.DeleteFunc(slices.Clone(app.scopes()), func(scope string) bool { return slices.Contains(notForClients, scope) })
	if len(scopes) == 0 {
		return nil, errNoScopes
	}
	now := s.now()
	e, err := s.session(h, app, user, scopes, now)
	if err != nil {
		return nil, err
	}
	id := h.identityURL(user)
	issuedAt := strconv.FormatInt(now.UnixMilli(), 10)

	var p pairs
	p.add("access_token", e.token)
	p.add("signature", sign(app.ConsumerSecret, id+issuedAt))
	p.add("scope", join(scopes))
	p.add("instance_url", h.instance(user.org))
	p.add("id", id)
	p.add("token_type", app.tokenType())
	p.add("issued_at", issuedAt)
	p.add("api_instance_url", h.instance(user.org))
	return p, nil
}

// notForClients are scopes that only a person can grant.
var notForClients = []string{"full", "web", "refresh_token", "offline_access"}
