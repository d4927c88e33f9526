package simulator

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// signingKeys are the keys that sign ID tokens, of which several are published.
type signingKeys struct {
	published  []signingKey // in the order they are published: nobody sorts them
	inUse      signingKey   // not the first, so that a client must read the kid
	newest     int          // the highest kid; new releases bring higher ones
	accessKeys int          // place of the key that signs access tokens
}

// signingKey is a key under its ID, a decimal number as text.
type signingKey struct {
	kid   string
	place int // in the keyring
}

// firstKeys are published until keys are rotated.
func firstKeys() signingKeys {
	keys := []signingKey{{"264", 0}, {"266", 1}, {"262", 2}}
	return signingKeys{published: keys, inUse: keys[1], newest: 266, accessKeys: 3}
}

// keyring holds private keys, each made when it is first needed: three that are
// published, one for access tokens, and one to rotate to.
type keyring [5]func() *rsa.PrivateKey

// keyrings are shared by all orgs of the process, as those behind one login
// host share theirs; making keys is by far the dearest thing here.
var keyrings = struct {
	sync.Mutex
	bySize map[int]keyring
}{bySize: map[int]keyring{}}

func (s *Salesforce) keyring() keyring {
	bits := s.KeyBits
	if bits == 0 {
		bits = 2048
	}
	keyrings.Lock()
	defer keyrings.Unlock()
	ring, ok := keyrings.bySize[bits]
	if !ok {
		for i := range ring {
			ring[i] = sync.OnceValue(func() *rsa.PrivateKey {
				key, err := rsa.GenerateKey(rand.Reader, bits)
				if err != nil {
					panic("simulator: KeyBits: " + err.Error())
				}
				return key
			})
		}
		keyrings.bySize[bits] = ring
	}
	return ring
}

// makeKeys waits until the keys in use are made, all at the same time.
func (s *Salesforce) makeKeys() {
	var wg sync.WaitGroup
	keys := s.signing()
	for _, k := range append(keys.published, keys.inUse, signingKey{place: keys.accessKeys}) {
		wg.Go(func() { s.keyring()[k.place]() })
	}
	wg.Wait()
}

// signing tells which keys are published and in use.
func (s *Salesforce) signing() signingKeys {
	s.settings.RLock()
	defer s.settings.RUnlock()
	keys := s.keySet
	if keys.published == nil {
		keys = firstKeys()
	}
	keys.published = slices.Clone(keys.published)
	return keys
}

// RotateKeys signs ID tokens with a new key, whose kid nobody has seen; the one
// before stays published beside it. With published false the new key is
// missing from the published ones, until the next rotation.
func (s *Salesforce) RotateKeys(published bool) {
	keys := s.signing()
	taken := func(place int) bool {
		return place == keys.accessKeys || place == keys.inUse.place ||
			slices.ContainsFunc(keys.published, func(k signingKey) bool { return k.place == place })
	}
	if len(keys.published) == 3 { // the oldest makes room
		oldest := slices.MinFunc(keys.published, func(a, b signingKey) int { return number(a.kid) - number(b.kid) })
		keys.published = slices.DeleteFunc(keys.published, func(k signingKey) bool { return k == oldest })
	}
	place := 0
	for taken(place) {
		place++
	}
	keys.newest += 2
	keys.inUse = signingKey{strconv.Itoa(keys.newest), place}
	if published {
		keys.published = append([]signingKey{keys.inUse}, keys.published...)
	}
	s.keyring()[place]() // may take its time, so not under the lock
	s.Set(func() { s.keySet = keys })
}

func number(kid string) int {
	n, _ := strconv.Atoi(kid) // they are ours
	return n
}

// accessTokenKeyID names the org and when its key was made, in milliseconds.
func accessTokenKeyID(o Org) string {
	return "CORE_ATJWT." + o.ID[:15] + ".1767225600000"
}

// keys publishes the public keys (RFC 7517, section 5): that of access tokens
// where their org is the issuer.
func (s *Salesforce) keys(w http.ResponseWriter, r *http.Request) error {
	var set jose.JSONWebKeySet
	keys, ring := s.signing(), s.keyring()
	publish := func(kid string, place int) {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: ring[place]().Public(), KeyID: kid, Algorithm: string(jose.RS256), Use: "sig"})
	}
	for _, k := range keys.published {
		publish(k.kid, k.place)
	}
	if h := hostOf(r); h.role != loginHost {
		publish(accessTokenKeyID(h.orgs[0]), keys.accessKeys)
	}
	writeJSON(w, http.StatusOK, set)
	return nil
}
