package vault

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"time"
)

// Place is a place in a chain: after so many events.
type Place struct {
	Seq   uint64
	Hash  [sha256.Size]byte
	Bytes uint64
	Time  time.Time
}

// Chain is what is known of a chain beside its events.
type Chain struct {
	forever
	ID         string
	Began      time.Time
	Follows    []string // the chains that were begun last before it
	Anchor     Place    // before the first event that is kept
	Head       Place    // at the last checkpoint
	Pruned     string   // the signed anchor, if events before it were pruned
	Checkpoint string   // the signed checkpoint
}

func (c Chain) Key() string { return c.ID }

// chainStart is the hash before a chain's first event.
func chainStart(id string) [sha256.Size]byte { return sha256.Sum256([]byte("sallyport chain " + id)) }

// mostFollowed is how many chains a chain remembers as those before it: whoever
// takes a whole one away leaves a gap.
const mostFollowed = 8

// beginChain begins this instance's chain. With the first of all it makes the key
// that signs.
func (v *Vault) beginChain(ctx context.Context) error {
	c := Chain{ID: rand.Text()[:chainLength], Began: v.Now()}
	c.Anchor.Hash = chainStart(c.ID)
	c.Head = c.Anchor
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	key := newLogKey(seed, v.Now())
	err := v.Update(ctx, func(tx *Tx) error {
		chains, err := tx.chains()
		if err != nil {
			return err
		}
		c.Follows = nil
		for _, before := range chains[max(0, len(chains)-mostFollowed):] {
			c.Follows = append(c.Follows, before.ID)
		}
		if _, err := tx.logKey(); errors.Is(err, ErrNotFound) {
			err = tx.LogKeys.Put(key)
			if err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		return tx.Chains.Put(c)
	})
	if err != nil {
		return err
	}
	v.journal.mu.Lock()
	defer v.journal.mu.Unlock()
	v.journal.chain, v.journal.place, v.journal.marked = c.ID, c.Anchor, c.Anchor
	return nil
}

// chains are all chains, in the order in which they were begun.
func (tx *Tx) chains() (list []Chain, err error) {
	for c, err := range tx.Chains.All("") {
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Chain) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) })
	return list, nil
}
