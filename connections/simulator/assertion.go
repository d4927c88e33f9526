package simulator

import (
	"slices"
	"strings"
	"time"
)

// skew is how far an assertion's clock may be from ours.
const skew = 3 * time.Minute

// granted are the scopes that a user gives an app without being asked: what
// they approved before, or all the app has if an administrator approved it.
func (s *Salesforce) granted(app App, user User) ([]string, error) {
	if err := admit(app, user); err != nil {
		return nil, err
	}
	if app.Preauthorized {
		return app.scopes(), nil
	}
	scopes := s.approvals[approval{user.ID, app.ConsumerKey}]
	if len(scopes) == 0 {
		return nil, errUnapproved
	}
	return scopes, nil
}

// admit finds fault with a user who may not use an app, whoever asks.
func admit(app App, user User) error {
	switch {
	case user.Inactive, user.ID == "": // those who are no more are not told apart
		return errInactiveUser
	case app.Preauthorized && !app.permits(user):
		return errNotPermitted
	}
	return nil
}

// assertionTokens is the answer to an assertion (RFC 7521, section 4.1). It has
// neither a refresh token nor a time, and no signature.
func (s *Salesforce) assertionTokens(base string, app App, username string) (pairs, error) {
	user, ok := s.userNamed(username)
	if !ok {
		return nil, errUnapproved
	}
	scopes, err := s.granted(app, user)
	if err != nil {
		return nil, err
	}
	e, err := s.session(base, app, user, scopes, s.now())
	if err != nil {
		return nil, err
	}
	var p pairs
	p.add("access_token", e.token)
	p.add("scope", join(scopes))
	p.add("instance_url", base)
	p.add("id", s.identityURL(base, user))
	p.add("token_type", "Bearer")
	return p, nil
}

// isAudience tells whether an assertion that names this audience is for us: by
// the book the login host, with its real name or the one it has here. Clients
// write the My Domain, the token endpoint or a host without its scheme too,
// which are taken unless the org is strict.
func (s *Salesforce) isAudience(base, audience string) bool {
	names := []string{s.Org.loginURL(), base}
	if s.Org.StrictAudience {
		return slices.Contains(names, audience)
	}
	audience = strings.TrimSuffix(withoutScheme(audience), tokenPath)
	return slices.ContainsFunc(names, func(name string) bool { return withoutScheme(name) == audience })
}

const tokenPath = "/services/oauth2/token"

func withoutScheme(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	return rest
}
