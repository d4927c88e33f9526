package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// A vault that is opened from a backup knows refresh tokens that may have been
// used since, of which it cannot tell. So a backup carries a mark, made with it,
// and a record that was last written under another mark, or under none, reads as
// if a refresh of it had no answer: see [Vault.Fresh]. Whatever is written bears
// the mark, so each account is asked about once, and nothing has to be rewritten
// when a backup is restored.
//
// The mark lies in the clear, so that no root key is needed to make one. It
// tells nothing, and a forged one has providers asked in vain.
const restoredKey = "restored"

// newMark is a mark like no other.
func newMark() Value { return Value{Sealed: []byte(rand.Text())} }

// otherMark reports that the store's mark is not the one that a transaction read
// and wrote under.
type otherMark struct{ mark string }

func (*otherMark) Error() string { return "vault: the store was marked as restored meanwhile" }

// guardMark has the transaction fail, to be run again, if the vault was marked as
// restored since this instance learned its mark.
func (tx *Tx) guardMark() error {
	return tx.kv.Guard(headerBucket, restoredKey, func(mark []byte, _ time.Time) error {
		if string(mark) != tx.mark {
			return &otherMark{string(mark)}
		}
		return nil
	})
}

// MarkRestored marks the vault in a store as restored from a backup, as a backup
// that the gateway writes is already, and a copy of a file by other means is not.
// Instances that have it open find out before they show a refresh token again.
func MarkRestored(ctx context.Context, store Store) error {
	mark := newMark()
	return store.Update(ctx, func(kv KV) error {
		if _, err := kv.Get(headerBucket, headerKey); err != nil {
			return fmt.Errorf("there is no vault in it to mark: %w", err)
		}
		return kv.Put(headerBucket, restoredKey, mark)
	})
}

// readMark is the store's mark, or "".
func readMark(ctx context.Context, store Store) (mark string, err error) {
	err = store.View(ctx, func(kv KV) error {
		v, err := kv.Get(headerBucket, restoredKey)
		mark = string(v.Sealed)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return mark, err
}

// restorable is a record that restoring a backup can make untrue.
type restorable[R Record] interface {
	readUnder(mark string) R
	writtenUnder(mark string) R
}

// readUnder is the token set with its question open, if its refresh token may
// have been used since the backup that it is from.
func (t TokenSet) readUnder(mark string) TokenSet {
	if t.Mark != mark {
		t.Attempt = &Attempt{ID: mark, Ended: true, Restored: true}
	}
	return t
}

func (t TokenSet) writtenUnder(mark string) TokenSet {
	t.Mark = mark
	return t
}

func (r Revocation) readUnder(mark string) Revocation {
	r.Tokens = r.Tokens.readUnder(mark)
	return r
}

func (r Revocation) writtenUnder(mark string) Revocation {
	r.Tokens = r.Tokens.writtenUnder(mark)
	return r
}
