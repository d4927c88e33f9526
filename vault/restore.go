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
// restored since this instance learned its mark, or has to be.
func (tx *Tx) guardMark() error {
	if tx.marked {
		return nil
	}
	tx.marked = true
	var known string
	return errors.Join(
		tx.kv.Guard(headerBucket, restoredKey, func(mark []byte, _ time.Time) error {
			if string(mark) != tx.mark {
				return &otherMark{string(mark)}
			}
			return nil
		}),
		tx.kv.Guard(headerBucket, originKey, func(origin []byte, _ time.Time) error {
			known = string(origin)
			return nil
		}),
		tx.kv.Origin(func(origin string) error {
			if origin != known && origin != "" {
				return &otherOrigin{}
			}
			return nil
		}))
}

// originKey has the [KV.Origin] that the vault was last written at. A copy that
// takes the store's place may lack what was kept last, as a standby does that is
// not replicated to synchronously: it is a restored backup.
const originKey = "origin"

// otherOrigin reports that the store is not where the vault was last written.
type otherOrigin struct{}

func (*otherOrigin) Error() string { return "vault: another copy of the store has taken its place" }

// settleIn writes down where the store is, and marks the vault as restored if it
// was elsewhere before, unless another instance has.
func (v *Vault) settleIn(ctx context.Context) error {
	mark, here, moved := newMark(), "", false
	if err := v.store.View(ctx, func(kv KV) error { return kv.Origin(func(origin string) error { here = origin; return nil }) }); err != nil {
		return err
	}
	err := v.store.Update(ctx, func(kv KV) error {
		moved = false
		last, err := kv.Get(headerBucket, originKey)
		known, err := Exists(err)
		if err != nil {
			return err
		}
		if moved = known && string(last.Sealed) != here; moved {
			err = kv.Put(headerBucket, restoredKey, mark)
		}
		return errors.Join(err, kv.Put(headerBucket, originKey, Value{Sealed: []byte(here)}),
			kv.Origin(func(origin string) error {
				if origin != here {
					return fmt.Errorf("%w: it changes its place", ErrUnavailable)
				}
				return nil
			}))
	})
	if err == nil && moved && v.Notice != nil {
		v.Notice("another copy of the database has taken its place, such as a standby or a restored dump, and may lack what was written last: " +
			"refresh tokens that may have been used are not shown before their providers say that they are still good")
	}
	return err
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

// Restored reports whether the vault is marked as restored from a backup.
func (v *Vault) Restored() bool { return v.mark.Load() != "" }

// restorable is a record that restoring a backup can make untrue.
type restorable[R Record] interface {
	readUnder(mark string) R
	writtenUnder(mark string) R
}

// readUnder is the token set with its question open, if its refresh token may
// have been used since the backup that it is from.
func (t TokenSet) readUnder(mark string) TokenSet {
	if t.Mark == mark {
		return t
	}
	open := Attempt{ID: mark, Ended: true}
	if t.Attempt != nil {
		open = *t.Attempt // its answer may come yet, where a standby took over
	}
	open.Restored = true
	t.Attempt = &open
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
