package simulator

import "slices"

// Grant gives a user's grant to an app without a browser, for tests of many, and
// returns its refresh token. It counts as an approval like others.
func (s *Salesforce) Grant(username, consumerKey string, scopes ...string) (refreshToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepare()
	return s.found(approval{username, consumerKey}, append(slices.Clone(scopes), "refresh_token"), s.now()).refresh
}

// Grants counts the grants of an app that have a refresh token which is good.
func (s *Salesforce) Grants(consumerKey string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a, families := range s.families {
		for _, f := range families {
			if a.app == consumerKey && f.refresh != "" && !f.dead {
				n++
			}
		}
	}
	return n
}
