package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Keys are changed while all instances go on:
//
//	announce   a new data key is in the keyset, and seals nothing: all instances read it
//	reseal     it seals; every record under another key is sealed again, a batch a transaction
//	drop       no record is under another key: the others leave the keyset, which is
//	           encrypted under the root key that is to follow
//
// Each step is one write of the header, or of a batch, and the key ID in front of
// a record tells whether it is done; so whoever takes over, after a crash or from
// a backup, goes on. A newer root key never encrypts an older data key, unless it
// was changed by itself: with the last copy of the old root key goes whatever was
// deleted before the change, wherever bytes of it may still lie.

// announced is how long a data key is known before it seals, where there are
// other instances: they look for it every second, and so does whoever meets it.
const announced = 5 * time.Second

// writesOver is how long the records are left that are under the old key, where
// there are other instances: no update lasts as long that began before.
const writesOver = 30 * time.Second

// ErrSameKey reports that the newest root key is the one that the vault opens
// with already.
var ErrSameKey = errors.New("there is no newer root key")

// Rekey begins to change the data key, and in the end the root key too if there
// is a newer one; [Vault.Reseal] does the rest. If a change is under way, it is
// that one which goes on, to the newest root key.
func (v *Vault) Rekey(ctx context.Context) error {
	return v.change(ctx, func(ring *keyring, newest Key) (*keyring, error) {
		h, root, err := ring.again(v)
		if err != nil {
			return nil, err
		}
		if newest.ID() != h.RootKey { // else it is not for this instance to say that none follows
			h.NextRoot = newest.ID()
		}
		if len(ring.ids) > 1 && h.NextRoot == ring.header.NextRoot {
			return nil, errUnchanged
		}
		if len(ring.ids) > 1 {
			return keyringOf(h, ring.keys, root)
		}
		h.NextMade = v.Now().Unix()
		m := keyset.NewManagerFromHandle(ring.keys)
		if h.Next, err = m.Add(aead.XAES256GCM192BitNonceKeyTemplate()); err != nil {
			return nil, err
		}
		keys, err := m.Handle()
		if err != nil {
			return nil, err
		}
		return keyringOf(h, keys, root)
	})
}

// RekeyRoot has the keyset encrypted under the newest root key, and leaves the
// data key as it is. It fails with [ErrSameKey].
func (v *Vault) RekeyRoot(ctx context.Context) error {
	return v.change(ctx, func(ring *keyring, newest Key) (*keyring, error) {
		if ring.header.RootKey == newest.ID() {
			return nil, fmt.Errorf("%w than %s, with which the vault opens", ErrSameKey, newest.ID())
		}
		h, _, err := ring.again(v)
		if err != nil {
			return nil, err
		}
		h.NextRoot, h.RootSince = "", v.Now().Unix()
		return keyringOf(h, ring.keys, newest)
	})
}

// promote has the key seal that was announced.
func (v *Vault) promote(ctx context.Context) error {
	return v.change(ctx, func(ring *keyring, _ Key) (*keyring, error) {
		if ring.header.Next == 0 {
			return nil, errUnchanged
		}
		h, root, err := ring.again(v)
		if err != nil {
			return nil, err
		}
		m := keyset.NewManagerFromHandle(ring.keys)
		if err := m.SetPrimary(h.Next); err != nil {
			return nil, err
		}
		keys, err := m.Handle()
		if err != nil {
			return nil, err
		}
		h.Seals, h.Next, h.Made, h.NextMade = h.Next, 0, h.NextMade, 0
		return keyringOf(h, keys, root)
	})
}

// drop forgets the keys that seal no longer.
func (v *Vault) drop(ctx context.Context) error {
	return v.change(ctx, func(ring *keyring, _ Key) (*keyring, error) {
		if ring.header.Next != 0 || len(ring.ids) == 1 {
			return nil, errUnchanged
		}
		h, root, err := ring.again(v)
		if err != nil {
			return nil, err
		}
		if h.NextRoot != "" {
			if root, err = rootOf(h.NextRoot, v.roots.get()); err != nil {
				return nil, err
			}
			h.RootSince = v.Now().Unix()
		}
		h.NextRoot = ""
		m := keyset.NewManagerFromHandle(ring.keys)
		for _, id := range ring.ids {
			if id != ring.seals {
				if err := m.Delete(id); err != nil {
					return nil, err
				}
			}
		}
		keys, err := m.Handle()
		if err != nil {
			return nil, err
		}
		return keyringOf(h, keys, root)
	})
}

// again is the header that follows on the keyring's, and the root key of both.
func (k *keyring) again(v *Vault) (h Header, root Key, err error) {
	h = k.header
	h.Change++
	h.Seals = k.seals
	root, err = rootOf(h.RootKey, v.roots.get())
	return h, root, err
}

// errUnchanged ends a change that another instance has made.
var errUnchanged = errors.New("unchanged")

// change writes the header that to makes of the one in the store, unless that is
// another by then: to makes keys, and must not run in a transaction.
func (v *Vault) change(ctx context.Context, to func(ring *keyring, newest Key) (*keyring, error)) error {
	if err := v.readRoots(ctx); err != nil {
		return err
	}
	dataID, rootID := NewMessageID(), NewMessageID()
	for {
		ring, err := v.readRing(ctx)
		if err != nil {
			return err
		}
		known := v.roots.get()
		next, err := to(ring, known[len(known)-1])
		if errors.Is(err, errUnchanged) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("change the keys: %w", err)
		}
		written := false
		err = v.Update(ctx, func(tx *Tx) error {
			written = false
			if err := tx.writes(false); err != nil {
				return err
			}
			header, err := tx.kv.Get(headerBucket, headerKey)
			if err != nil || !bytes.Equal(header.Sealed, ring.raw) {
				return err
			}
			written = true
			var errs []error
			if next.header.RootKey != ring.header.RootKey {
				errs = append(errs, tx.Notify(Message{rootID, KeyRotated, KeyMessage{Kind: "root", ID: next.header.RootKey}}))
			}
			if len(next.ids) < len(ring.ids) { // all records are under the one that is left
				errs = append(errs, tx.Notify(Message{dataID, KeyRotated, KeyMessage{Kind: "data", ID: dataKey(next.seals)}}))
			}
			return errors.Join(append(errs, tx.kv.Put(headerBucket, headerKey, Value{Sealed: next.raw}))...)
		})
		if err != nil || written {
			return errors.Join(err, v.keepUp(ctx))
		}
	}
}

// keepUp reads the header again.
func (v *Vault) keepUp(ctx context.Context) error {
	_, err := v.readRing(ctx)
	return err
}

// KeyState is which keys a vault has, by their IDs, and how far a change of them
// has come.
type KeyState struct {
	Root     string // the one that opens it
	NextRoot string // the one that is to, in the end of the change; or ""
	Data     string // the one that seals
	NextData string // the one that is to; or ""
	OldData  []string
	// When the root key came to open it, and when the data keys were made; zero for
	// those that the vault was made with.
	RootSince, DataMade, NextMade time.Time
	// Of records: how many have been looked at, and of how many.
	Done, Total int
	Faults      int // that do not open, and are left as they are
}

// Changing reports whether a change of the data key is under way.
func (s KeyState) Changing() bool { return s.NextData != "" || len(s.OldData) > 0 }

// KeyState reads which keys the vault has.
func (v *Vault) KeyState(ctx context.Context) (s KeyState, err error) {
	ring, err := v.readRing(ctx)
	if err != nil {
		return s, err
	}
	h := ring.header
	s = KeyState{Root: h.RootKey, NextRoot: h.NextRoot, Data: dataKey(ring.seals), RootSince: seconds(h.RootSince), DataMade: seconds(h.Made), NextMade: seconds(h.NextMade)}
	for _, id := range ring.ids {
		switch id {
		case ring.seals:
		case ring.header.Next:
			s.NextData = dataKey(id)
		default:
			s.OldData = append(s.OldData, dataKey(id))
		}
	}
	slices.Sort(s.OldData)
	if !s.Changing() {
		return s, nil
	}
	err = v.View(ctx, func(tx *Tx) error {
		r, err := tx.Resealings.Get(resealing)
		if ok, err := Exists(err); !ok {
			return err
		}
		s.Done, s.Total, s.Faults = r.Done, r.Total, r.Faults
		return nil
	})
	return s, err
}

// seconds is a time of a header.
func seconds(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// dataKey is the name of a data key.
func dataKey(id uint32) string { return fmt.Sprintf("%08x", id) }
