package simulator

import (
	"maps"
	"slices"
	"strings"
)

// This file is what happens to an app's tokens without the app.

// ExpireSessions ends all access tokens at once, whatever they or
// introspection said before. Refresh tokens stay.
func (s *Salesforce) ExpireSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

// RevokeUser takes back all that the user has approved, with every token. The
// user stays signed in to Salesforce.
func (s *Salesforce) RevokeUser(username string) {
	s.revokeAll(func(a approval) bool { return strings.EqualFold(a.user, username) })
}

// RevokeApp takes back all that users have approved to the app.
func (s *Salesforce) RevokeApp(consumerKey string) {
	s.revokeAll(func(a approval) bool { return a.app == consumerKey })
}

// RevokeAll takes back all that anybody has approved.
func (s *Salesforce) RevokeAll() {
	s.revokeAll(func(approval) bool { return true })
}

func (s *Salesforce) revokeAll(which func(approval) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.approvals, func(a approval, _ []string) bool { return which(a) })
	s.endTokens(which)
}

// endTokens ends all tokens of grants, and leaves what is approved.
func (s *Salesforce) endTokens(which func(approval) bool) {
	maps.DeleteFunc(s.sessions, func(_ string, e *session) bool { return which(e.approval) })
	maps.DeleteFunc(s.codes, func(_ string, c *code) bool { return which(c.approval) })
	for _, f := range s.alive(which) {
		s.kill(f)
	}
}

// RevokeNewest revokes what the user's last authorization brought. An access
// token that an older one shares dies with it.
func (s *Salesforce) RevokeNewest(username string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a, all := range s.families {
		if strings.EqualFold(a.user, username) && len(all) > 0 {
			s.kill(all[len(all)-1])
		}
	}
}

// UseElsewhere uses the user's refresh tokens as somebody would who stole them:
// those that apps hold are spent.
func (s *Salesforce) UseElsewhere(username string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.alive(func(a approval) bool { return strings.EqualFold(a.user, username) }) {
		if f.refresh != "" {
			s.rotate(f)
		}
	}
}

// ApproveElsewhere has the user approve again, as often as a user may have
// approved an app at once, each app that they have approved: what was granted
// before is evicted.
func (s *Salesforce) ApproveElsewhere(username string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for _, f := range s.alive(func(a approval) bool { return strings.EqualFold(a.user, username) }) {
		for range maxApprovals {
			s.found(f.approval, f.scopes, now)
		}
	}
}

// alive are the living families of grants, oldest first of each.
func (s *Salesforce) alive(which func(approval) bool) []*family {
	var list []*family
	for a, all := range s.families {
		if which(a) {
			list = append(list, slices.Clone(all)...)
		}
	}
	return list
}
