package oidc

import (
	"crypto/sha256"
	"sync"
)

// mostSeen bounds how many tokens are remembered, of half a kilobyte each: so many
// of late, and as many of before.
const mostSeen = 4096

// seen remembers tokens whose signature was right, by their hash: to verify one
// again is most of what its next request costs. It knows nothing of what else a
// token has to pass, its expiry and its grant among them, and goes with the keys
// that it verified with.
type seen struct {
	mu           sync.Mutex
	late, before map[[sha256.Size]byte]verified
}

// verified is what a token says, not to be changed.
type verified struct {
	typ    string
	claims TokenClaims
}

func (s *seen) get(token string) (verified, bool) {
	hash := sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.late[hash]
	if !ok {
		if v, ok = s.before[hash]; ok {
			s.keep(hash, v)
		}
	}
	return v, ok
}

func (s *seen) put(token string, v verified) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(sha256.Sum256([]byte(token)), v)
}

func (s *seen) keep(hash [sha256.Size]byte, v verified) {
	if s.late == nil || len(s.late) == mostSeen {
		s.late, s.before = map[[sha256.Size]byte]verified{}, s.late
	}
	s.late[hash] = v
}
