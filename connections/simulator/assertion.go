package simulator

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"
)

// skew is how far an assertion's clock may be from ours.
const skew = 3 * time.Minute

// granted are the scopes that a user gives an app without being asked: what
// they approved before, or all the app has if an administrator approved it.
func (s *Salesforce) granted(app App, user member) ([]string, error) {
	if err := s.admit(app, user); err != nil {
		return nil, err
	}
	if app.Preauthorized {
		return app.grants(app.scopes()), nil
	}
	scopes := s.approvals[approval{user.Username, app.ConsumerKey}]
	if len(scopes) == 0 {
		return nil, errUnapproved
	}
	return app.grants(scopes), nil
}

// assertionTokens is the answer to an assertion (RFC 7521, section 4.1). It has
// neither a refresh token nor a time, and no signature.
func (s *Salesforce) assertionTokens(h host, app App, username, assertion string) (pairs, error) {
	user, ok := h.member(username)
	if !ok {
		return nil, errUnapproved
	}
	scopes, err := s.granted(app, user)
	if err != nil {
		return nil, err
	}
	if user.org.OnceAssertions {
		hash := sha256.Sum256([]byte(assertion))
		if s.assertions[hash] {
			return nil, errAssertion
		}
		s.assertions[hash] = true
	}
	e, err := s.session(h, app, user, scopes, s.now())
	if err != nil {
		return nil, err
	}
	var p pairs
	p.add("access_token", e.token)
	p.add("scope", join(scopes))
	p.add("instance_url", h.instance(user.org))
	p.add("id", h.identityURL(user))
	p.add("token_type", app.tokenType())
	if h.role == siteHost {
		p.add("sfdc_site_url", h.base())
		p.add("sfdc_site_id", h.site.ID)
	}
	return p, nil
}

// isAudience tells whether an assertion that names this audience is for us: by
// the book the login host, with its real name or the one it has here, or the
// site. Clients write a My Domain, the token endpoint or a host without its
// scheme too, which are taken unless an org here is strict.
func (h host) isAudience(audience string) bool {
	strict := h.role == siteHost && audience == h.base()
	for _, o := range h.orgs {
		strict = strict || audience == o.loginURL() || audience == h.login(o)
	}
	if strict || slices.ContainsFunc(h.orgs, func(o Org) bool { return o.StrictAudience }) {
		return strict
	}
	audience = strings.TrimSuffix(withoutScheme(audience), tokenPath)
	return slices.ContainsFunc(h.names(), func(name string) bool { return withoutScheme(name) == audience })
}

// isRecipient tells whether a SAML assertion was made to be sent here.
func (h host) isRecipient(recipient string) bool {
	return slices.ContainsFunc(h.names(), func(name string) bool { return name+tokenPath == recipient })
}

// names are the URLs that this host and its orgs' go by.
func (h host) names() []string {
	names := []string{h.base()}
	for _, o := range h.orgs {
		names = append(names, o.loginURL(), h.login(o), h.instance(o))
	}
	return names
}

const tokenPath = "/services/oauth2/token"

func withoutScheme(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	return rest
}
