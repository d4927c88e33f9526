package simulator

import "net/http"

// introspection is what is told of a live token (RFC 7662, section 2.2). For
// an opaque access token it is the only source of an expiry, which holds until
// the token is used again.
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Username  string `json:"username,omitempty"`
	Subject   string `json:"sub,omitempty"`
	TokenType string `json:"token_type,omitempty"` // access_token or refresh_token
	Expires   int64  `json:"exp,omitempty"`        // seconds, as all times here; a refresh token has none
	IssuedAt  int64  `json:"iat,omitempty"`
	NotBefore int64  `json:"nbf,omitempty"`
}

// introspect tells an app of its own tokens and is silent on those of others.
// To introspect a token is not to use it.
func (s *Salesforce) introspect(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return errPOST
	}
	app, err := s.client(r, never)
	if err != nil {
		return errIntrospector
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	writeJSON(w, http.StatusOK, s.introspection(hostOf(r), app, r.Form.Get("token")))
	return nil
}

func (s *Salesforce) introspection(h host, app App, token string) introspection {
	if e, m, ok := s.live(h, token, s.now()); ok && e.app == app.ConsumerKey {
		in := describe(h, m, e.approval, e.scopes)
		in.TokenType = "access_token"
		in.Expires = e.expires.Unix()
		in.IssuedAt = e.issued.Unix()
		in.NotBefore = in.IssuedAt
		if e.timeout == 0 {
			in.NotBefore = e.issued.Add(-backdated).Unix()
		}
		return in
	}
	if f, ok := s.refreshes[token]; ok && f.app == app.ConsumerKey && f.refresh == token && !f.dead && !app.expired(f, s.now()) {
		if m, ok := s.member(f.user); ok && !m.Inactive && h.serves(m.org) {
			in := describe(h, m, f.approval, f.scopes)
			in.TokenType = "refresh_token"
			in.IssuedAt = f.issued.Unix()
			in.NotBefore = in.IssuedAt
			return in
		}
	}
	return introspection{}
}

func describe(h host, m member, a approval, scopes []string) introspection {
	return introspection{
		Active:   true,
		Scope:    join(scopes),
		ClientID: a.app,
		Username: m.Username,
		Subject:  h.identityURL(m),
	}
}
