package vault

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// open opens a record of this transaction. One that is under a key which this
// instance has not heard of yet is under a key of the header, which the
// transaction sees as it sees the record.
func (tx *Tx) open(bucket, key string, sealed []byte) ([]byte, error) {
	if !tx.looked && !slices.Contains(tx.ring.ids, sealedUnder(sealed)) {
		if err := tx.look(); err != nil {
			return nil, err
		}
	}
	return tx.ring.open(bucket, key, sealed)
}

// seal seals a record under the key that the header says. Whoever seals reads it
// in the same transaction: an instance that slept would else keep a record under
// a key that is gone.
func (tx *Tx) seal(bucket, key string, plain []byte) ([]byte, error) {
	if !tx.looked {
		if err := tx.look(); err != nil {
			return nil, err
		}
	}
	return tx.ring.seal(bucket, key, plain)
}

// expectHeader has the header come with the first that the transaction reads.
func (tx *Tx) expectHeader() error {
	return tx.kv.Guard(headerBucket, headerKey, func(sealed []byte, _ time.Time) error {
		tx.header = bytes.Clone(sealed)
		return nil
	})
}

// look takes the keyring of the header that this transaction sees. If that seals
// as the one at hand does, it is good enough: so an instance without the newest
// root key goes on.
func (tx *Tx) look() error {
	raw := tx.header
	if raw == nil {
		header, err := tx.kv.Get(headerBucket, headerKey)
		if err != nil {
			return fmt.Errorf("vault: read the header: %w", err)
		}
		raw = header.Sealed
	}
	ring, err := tx.v.ringOf(raw)
	if err != nil {
		var h Header
		if cbor.Unmarshal(raw, &h) != nil || h.Seals != tx.ring.seals {
			return err
		}
		ring = tx.ring
	}
	tx.ring, tx.looked = ring, true
	return nil
}

// ringOf is the keyring of a header, which becomes this instance's if it is the
// newest.
func (v *Vault) ringOf(header []byte) (*keyring, error) {
	have := v.keys.Load()
	if bytes.Equal(header, have.raw) {
		return have, nil
	}
	ring, err := readKeyring(header, v.roots.get())
	if err != nil {
		return nil, err
	}
	ring.derive = have.derive
	for have.header.Change < ring.header.Change && !v.keys.CompareAndSwap(have, ring) {
		have = v.keys.Load()
	}
	return ring, nil
}

// readRing is the keyring of the header that is in the store now. Where that
// takes a root key which is not known, the root keys are read again.
func (v *Vault) readRing(ctx context.Context) (*keyring, error) {
	var header []byte
	err := v.store.View(ctx, func(kv KV) (err error) {
		header, err = kept(kv, headerKey)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("vault: read the header: %w", err)
	}
	if ring, err := v.ringOf(header); err == nil {
		return ring, nil
	}
	if err := v.readRoots(ctx); err != nil {
		return nil, err
	}
	return v.ringOf(header)
}

// readRoots reads the root keys again.
func (v *Vault) readRoots(ctx context.Context) error {
	if v.RootKeys == nil {
		return nil
	}
	keys, err := v.RootKeys(ctx)
	if err == nil {
		v.roots.set(keys)
	}
	return err
}

// roots are the root keys that this instance was given, the newest last.
type roots struct {
	mu   sync.Mutex
	keys []Key
}

func (r *roots) get() []Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys
}

func (r *roots) set(keys []Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = keys
}
