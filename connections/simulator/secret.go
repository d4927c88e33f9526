package simulator

import (
	"crypto/rand"
	"crypto/subtle"
	"time"
)

// unsettled is an app's secret that was just applied: for some minutes some of
// Salesforce's machines know only the old one, and others only the new.
type unsettled struct {
	old   string
	until time.Time
	asked int
}

const settling = 10 * time.Minute

// ApplySecret gives an app another secret, which ends all its tokens; what
// users approved stays. For ten minutes every other request that shows a
// secret meets a machine that knows only the old one. With secret "" the app
// has the secret that it had, and these machines one that nobody knows.
func (s *Salesforce) ApplySecret(consumerKey, secret string) {
	old := rand.Text()
	if secret != "" {
		s.changeApps(consumerKey, func(a *App) { old, a.ConsumerSecret = a.ConsumerSecret, secret })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepare()
	s.unsettled[consumerKey] = &unsettled{old: old, until: s.now().Add(settling)}
	s.endTokens(func(a approval) bool { return a.app == consumerKey })
}

// isSecret tells whether a secret is the app's, as the machine that is asked
// knows it. The lock must not be held.
func (s *Salesforce) isSecret(app App, secret string) bool {
	known := app.ConsumerSecret
	s.mu.Lock()
	if u, ok := s.unsettled[app.ConsumerKey]; ok && s.now().Before(u.until) {
		if u.asked++; u.asked%2 == 1 {
			known = u.old
		}
	}
	s.mu.Unlock()
	return known != "" && subtle.ConstantTimeCompare([]byte(known), []byte(secret)) == 1
}
