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
	writeJSON(w, http.StatusOK, s.introspection(s.base(r), app, r.Form.Get("token")))
	return nil
}

func (s *Salesforce) introspection(base string, app App, token string) introspection {
	if e, ok := s.live(token, s.now()); ok && e.app == app.ConsumerKey {
		in := s.describe(base, e.approval, e.scopes)
		in.TokenType = "access_token"
		in.Expires = e.expires.Unix()
		in.IssuedAt = e.issued.Unix()
		in.NotBefore = in.IssuedAt
		if e.timeout == 0 {
			in.NotBefore = e.issued.Add(-backdated).Unix()
		}
		return in
	}
	if f, ok := s.refreshes[token]; ok && f.app == app.ConsumerKey && f.refresh == token && !f.dead {
		if u, ok := s.user(f.user); ok && !u.Inactive {
			in := s.describe(base, f.approval, f.scopes)
			in.TokenType = "refresh_token"
			in.IssuedAt = f.issued.Unix()
			in.NotBefore = in.IssuedAt
			return in
		}
	}
	return introspection{}
}

func (s *Salesforce) describe(base string, a approval, scopes []string) introspection {
	u, _ := s.user(a.user)
	return introspection{
		Active:   true,
		Scope:    join(scopes),
		ClientID: a.app,
		Username: u.Username,
		Subject:  s.identityURL(base, u),
	}
}
