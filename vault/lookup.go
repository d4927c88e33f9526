package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// Lookup leads to a record from what it says, where its own key does not: to a
// user's sessions, say. Whoever has the store alone learns how many records say
// the same, and not what, nor which they are: keys are made of HMACs.
//
// Lookups are written with the record, in the same transaction, by
// [Records.Put]. Some may lead to a record that says something else by now, or is
// gone: what is found is looked at.
type Lookup struct {
	ID      string
	Target  string // key of the record
	Expires time.Time
}

func (l Lookup) Key() string          { return l.ID }
func (l Lookup) ExpiresAt() time.Time { return l.Expires }

// trait is something that a record says and can be found by.
type trait struct{ kind, value string }

// The kinds of traits.
const (
	named     = "named"      // identities, by who people say they are
	sessionOf = "session of" // sessions, by user
	grantOf   = "grant of"   // grants, by user
)

// findable is a record with lookups.
type findable interface {
	Record
	traits() []trait
}

func (s Session) traits() []trait { return []trait{{sessionOf, s.User}} }
func (g Grant) traits() []trait   { return []trait{{grantOf, g.User}} }

func (i Identity) traits() (list []trait) {
	for _, name := range []string{i.Profile.Email, i.Profile.Username, i.UserID} {
		if t := (trait{named, folded(name)}); t.value != "" && !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}

// folded is a name as it is searched for.
func folded(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// IdentitiesNamed are the first accounts, n at most, of which the e-mail address,
// the username or the ID at the provider is name, in capitals or not.
func (tx *Tx) IdentitiesNamed(name string, n int) ([]Identity, error) {
	return find(tx.Identities, trait{named, folded(name)}, n)
}

// SessionsOf are the first browsers, n at most, in which a user is signed in.
func (tx *Tx) SessionsOf(user string, n int) ([]Session, error) {
	return find(tx.Sessions, trait{sessionOf, user}, n)
}

// GrantsOf are the first grants of a user, n at most.
func (tx *Tx) GrantsOf(user string, n int) ([]Grant, error) {
	return find(tx.Grants, trait{grantOf, user}, n)
}

// find are the first records, n at most, with a trait.
func find[R findable](records Records[R], t trait, n int) (list []R, err error) {
	begin := records.tx.beginOf(t)
	for l, err := range records.tx.Lookups.All(begin) {
		if err != nil {
			return nil, err
		}
		if len(list) == n || !strings.HasPrefix(l.ID, begin) {
			break
		}
		r, err := records.Get(l.Target)
		if found, err := Exists(err); err != nil {
			return nil, err
		} else if found && slices.Contains(r.traits(), t) {
			list = append(list, r)
		}
	}
	return list, nil
}

// beginOf is what the keys of the lookups by a trait begin with.
func (tx *Tx) beginOf(t trait) string { return t.kind + " " + tx.v.blind(t.kind, t.value) + " " }

// blind is what stands for a value in a key: 128 bits.
func (v *Vault) blind(kind, value string) string {
	h := hmac.New(sha256.New, v.lookupKey)
	h.Write([]byte(kind + "\x00" + value))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

func (tx *Tx) lookup(t trait, target string) string {
	return tx.beginOf(t) + tx.v.blind(t.kind+" at", target)
}

// lookupStep is how exactly lookups expire: later than their records by this at
// most, so that most uses of a record leave them alone.
const lookupStep = 7 * 24 * time.Hour

// lookupExpiry is when the lookups of a record expire.
func lookupExpiry(r Record) time.Time {
	if at := r.ExpiresAt(); !at.IsZero() {
		return at.Add(lookupStep).Truncate(lookupStep)
	}
	return time.Time{}
}

// written are the lookups of a record that was read or put in an update.
type written struct {
	traits  []trait
	expires time.Time
}

func lookupsOf(r findable) written { return written{r.traits(), lookupExpiry(r)} }

// index keeps the lookups of a record, where those of before do not do.
func (tx *Tx) index(before written, r findable) error {
	now := lookupsOf(r)
	for _, t := range now.traits {
		if slices.Contains(before.traits, t) && before.expires.Equal(now.expires) {
			continue
		}
		if err := tx.Lookups.Put(Lookup{ID: tx.lookup(t, r.Key()), Target: r.Key(), Expires: now.expires}); err != nil {
			return err
		}
	}
	return tx.unindex(before, r.Key(), now.traits)
}

// unindex forgets the lookups of a record but those by some traits.
func (tx *Tx) unindex(before written, key string, but []trait) error {
	for _, t := range before.traits {
		if slices.Contains(but, t) {
			continue
		}
		if err := tx.Lookups.Delete(tx.lookup(t, key)); err != nil {
			return err
		}
	}
	return nil
}
