package simulator

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// keyIDs of the keys that sign ID tokens, in the order they are published. New
// releases bring higher ones, and nobody sorts them.
var keyIDs = []string{"264", "266", "262"}

// signingKey is the place of the one in use among keyIDs: not the first, so
// that a client must read the kid.
const signingKey = 1

// keyring holds private keys: those of keyIDs, and after them the one that
// signs access tokens.
type keyring []*rsa.PrivateKey

// keyrings are shared by all orgs of the process, as those behind one login
// host share theirs; making keys is by far the dearest thing here.
var keyrings = struct {
	sync.Mutex
	bySize map[int]func() keyring
}{bySize: map[int]func() keyring{}}

// keyring returns the keys, which are made once, all at the same time.
func (s *Salesforce) keyring() keyring {
	bits := s.KeyBits
	if bits == 0 {
		bits = 2048
	}
	keyrings.Lock()
	ring, ok := keyrings.bySize[bits]
	if !ok {
		ring = sync.OnceValue(func() keyring { return makeKeys(bits) })
		keyrings.bySize[bits] = ring
	}
	keyrings.Unlock()
	return ring()
}

func makeKeys(bits int) keyring {
	ring := make(keyring, len(keyIDs)+1)
	var wg sync.WaitGroup
	for i := range ring {
		wg.Go(func() {
			key, err := rsa.GenerateKey(rand.Reader, bits)
			if err != nil {
				panic("simulator: KeyBits: " + err.Error())
			}
			ring[i] = key
		})
	}
	wg.Wait()
	return ring
}

// accessTokenKeyID names the org and when its key was made, in milliseconds.
func accessTokenKeyID(o Org) string {
	return "CORE_ATJWT." + o.ID[:15] + ".1767225600000"
}

// keys publishes the public keys (RFC 7517, section 5): that of access tokens
// where their org is the issuer.
func (s *Salesforce) keys(w http.ResponseWriter, r *http.Request) error {
	var set jose.JSONWebKeySet
	publish := func(key *rsa.PrivateKey, kid string) {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: kid, Algorithm: string(jose.RS256), Use: "sig"})
	}
	ring := s.keyring()
	for i, kid := range keyIDs {
		publish(ring[i], kid)
	}
	if h := hostOf(r); h.role != loginHost {
		publish(ring[len(keyIDs)], accessTokenKeyID(h.orgs[0]))
	}
	writeJSON(w, http.StatusOK, set)
	return nil
}
