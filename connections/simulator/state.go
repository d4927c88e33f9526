package simulator

import (
	"crypto/rand"
	"maps"
	"slices"
	"time"
)

// state is what an org remembers. Salesforce.mu guards it.
type state struct {
	requests   map[string]int
	faults     []fault
	browsers   map[string]*browser       // by cookie
	pending    map[string]*authorization // by transaction
	approvals  map[approval][]string     // scopes approved
	families   map[approval][]*family    // alive, oldest first
	refreshes  map[string]*family        // by refresh token, live or spent
	codes      map[string]*code
	sessions   map[string]*session   // by access token
	logins     map[string]*logins    // by user's name in small letters
	unsettled  map[string]*unsettled // by consumer key
	assertions map[[32]byte]bool     // hashes of those that brought a token
	proofNonce string
	journal    []*Entry
	recorded   int
	apiUsage   int
	replays    int
	concurrent int
}

// approval is the relation of a user and an app: the name of one, the consumer
// key of the other.
type approval struct{ user, app string }

// family is everything one authorization brought: a line of refresh tokens,
// of which the last is live, and the access tokens they were exchanged for.
type family struct {
	approval
	scopes  []string
	issued  time.Time
	used    time.Time // when it was refreshed last
	refresh string    // the live refresh token; "": none was granted
	access  []string  // access tokens, dead ones too
	dead    bool
	busy    bool // a refresh is under way
}

// session is what an access token stands for.
type session struct {
	approval
	token   string
	scopes  []string
	issued  time.Time
	expires time.Time
	key     string        // thumbprint of the key it is bound to; "": none
	timeout time.Duration // by which each use moves expires; 0: fixed, as a JWT's is
}

// maxApprovals of one app by one user are kept; the next evicts the oldest.
const maxApprovals = 5

// Replays counts the times that a spent refresh token was shown again.
func (s *Salesforce) Replays() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replays
}

// ConcurrentRefreshes counts the refreshes refused because the same token was
// being refreshed already.
func (s *Salesforce) ConcurrentRefreshes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.concurrent
}

// prepare makes the zero value ready. The lock must be held, as in all below.
func (s *Salesforce) prepare() {
	if s.requests != nil {
		return
	}
	s.requests = map[string]int{}
	s.browsers = map[string]*browser{}
	s.pending = map[string]*authorization{}
	s.approvals = map[approval][]string{}
	s.families = map[approval][]*family{}
	s.refreshes = map[string]*family{}
	s.codes = map[string]*code{}
	s.sessions = map[string]*session{}
	s.assertions = map[[32]byte]bool{}
	s.logins = map[string]*logins{}
	s.unsettled = map[string]*unsettled{}
}

// sweep forgets what has expired. Spent codes are remembered for an hour, to
// know them when they come again.
func (s *Salesforce) sweep(now time.Time) {
	maps.DeleteFunc(s.pending, func(_ string, a *authorization) bool { return now.After(a.expires) })
	maps.DeleteFunc(s.codes, func(_ string, c *code) bool { return now.After(c.expires.Add(time.Hour)) })
	maps.DeleteFunc(s.sessions, func(_ string, e *session) bool { return now.After(e.expires) })
	maps.DeleteFunc(s.browsers, func(_ string, b *browser) bool { return now.After(b.expires) })
}

// found begins a family, and evicts the oldest if there are too many.
func (s *Salesforce) found(a approval, scopes []string, now time.Time) *family {
	f := &family{approval: a, scopes: scopes, issued: now, used: now}
	s.families[a] = append(s.families[a], f)
	if all := s.families[a]; len(all) > maxApprovals {
		s.evict(all[0])
	}
	if coversAny(scopes, synonyms[1]...) {
		s.rotate(f)
	}
	return f
}

// rotate gives a family a new refresh token. The one before is remembered as
// spent.
func (s *Salesforce) rotate(f *family) {
	f.refresh = "5Aep861" + randomText(80)
	s.refreshes[f.refresh] = f
}

// kill ends a family's tokens, also access tokens that another family shares.
func (s *Salesforce) kill(f *family) {
	for _, token := range f.access {
		delete(s.sessions, token)
	}
	s.bury(f)
}

// evict ends a family but for access tokens that a living one shares: else the
// sixth authorization would bring a token that is dead on arrival.
func (s *Salesforce) evict(f *family) {
	s.bury(f)
	for _, token := range f.access {
		if !slices.ContainsFunc(s.families[f.approval], func(g *family) bool { return slices.Contains(g.access, token) }) {
			delete(s.sessions, token)
		}
	}
}

func (s *Salesforce) bury(f *family) {
	f.dead = true
	s.families[f.approval] = slices.DeleteFunc(s.families[f.approval], func(g *family) bool { return g == f })
}

// live finds the session of an access token, and whose it is, at a host that
// knows it.
func (s *Salesforce) live(h host, token string, now time.Time) (*session, member, bool) {
	e, ok := s.sessions[token]
	if !ok || !now.Before(e.expires) {
		return nil, member{}, false
	}
	m, ok := s.member(e.user)
	if !ok || m.Inactive || m.org.Suspended || !h.serves(m.org) {
		return nil, member{}, false
	}
	return e, m, true
}

// isServed tells whether the grant is of a user who is known at the host.
func (s *Salesforce) isServed(h host, a approval) bool {
	m, ok := s.member(a.user)
	return !ok || h.serves(m.org)
}

// slide moves the expiry of a session that is being used.
func (e *session) slide(now time.Time) {
	if e.timeout > 0 {
		e.expires = now.Add(e.timeout)
	}
}

// randomText is n characters of the alphabet of Salesforce's tokens.
func randomText(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = alphabet[b[i]&63]
	}
	return string(b)
}
