package vault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Resealing is how far a change of the data key has come.
type Resealing struct {
	forever
	Change int       // of the header that it belongs to
	Since  time.Time // when that was first seen, by the store's clock
	Total  int       // records, when they were counted
	Done   int       // of them that were looked at
	Bucket string    // of the last of them
	After  string    // its key
	Again  bool      // some was under another key, in this round
	Faults int       // records that do not open, and are left as they are
}

// Key implements [Record]: there is one.
func (Resealing) Key() string { return resealing }

const resealing = "data key"

// Resealing is how far a change of the data key has come, and whether one is under
// way.
func (tx *Tx) Resealing() (r Resealing, found bool, err error) {
	r, err = tx.Resealings.Get(resealing)
	found, err = Exists(err)
	return r, found, err
}

const (
	resealLease = 10 * time.Second // that others leave it to the instance that did a batch last
	resealLook  = 1000             // records that are looked at together
	resealBatch = 100              // records that are sealed again in one transaction
)

// errNotMine ends what another instance is at.
var errNotMine = errors.New("another instance is at it")

// Reseal learns of keys that other instances have made, and goes on with a change
// of the data key, if one is under way and no other instance is at it. It takes
// no more than half of its time for it, and returns when nothing is left to do, or
// nothing yet.
func (v *Vault) Reseal(ctx context.Context) error {
	for {
		ring, err := v.readRing(ctx)
		if err != nil || len(ring.ids) == 1 {
			return err
		}
		// Whoever could not end it leaves it to others.
		if err := v.hasNext(ctx, ring.header); err != nil {
			return err
		}
		r, wait, err := v.resealing(ctx, ring)
		if errors.Is(err, errNotMine) || err == nil && wait {
			return nil
		}
		switch {
		case err != nil:
		case ring.header.Next != 0:
			err = v.promote(ctx)
		default:
			err = v.resealAll(ctx, r)
		}
		if errors.Is(err, errNotMine) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("change the data key: %w", err)
		}
	}
}

// hasNext finds fault with an instance that was not given the root key which is
// to follow.
func (v *Vault) hasNext(ctx context.Context, h Header) error {
	if h.NextRoot == "" {
		return nil
	}
	if _, err := rootOf(h.NextRoot, v.roots.get()); err == nil {
		return nil
	}
	if err := v.readRoots(ctx); err != nil {
		return err
	}
	if _, err := rootOf(h.NextRoot, v.roots.get()); err != nil {
		return fmt.Errorf("change the data key: %w: the vault is to open with root key %s from then on, which this instance was not given: add it to the key file", ErrWrongKey, h.NextRoot)
	}
	return nil
}

// resealing is how far it has come, under this instance's lease, and whether the
// others are still to be waited for. The time begins with whoever sees a header
// first, and so after it is kept.
func (v *Vault) resealing(ctx context.Context, ring *keyring) (r Resealing, wait bool, err error) {
	err = v.Update(ctx, func(tx *Tx) error {
		if err := tx.leaseReseal(); err != nil {
			return err
		}
		now, err := tx.kv.Now()
		if err != nil {
			return err
		}
		r, err = tx.Resealings.Get(resealing)
		if _, err := Exists(err); err != nil {
			return err
		}
		if r.Change != ring.header.Change || now.Before(r.Since) {
			r = Resealing{Change: ring.header.Change, Since: now}
		}
		patience := writesOver
		if ring.header.Next != 0 {
			patience = announced
		}
		_, shared := v.store.(Shared)
		wait = shared && now.Before(r.Since.Add(patience))
		return tx.Resealings.Put(r)
	})
	return r, wait, err
}

func (tx *Tx) leaseReseal() error {
	mine, err := tx.lease("reseal", tx.v.id, resealLease)
	if err == nil && !mine {
		err = errNotMine
	}
	return err
}

// resealAll goes through all records, until there is none under another key, and
// drops the other keys.
func (v *Vault) resealAll(ctx context.Context, r Resealing) error {
	if r.Total == 0 {
		total, err := v.count(ctx)
		if err != nil {
			return err
		}
		r.Total = max(total, 1)
	}
	for {
		var buckets []string
		err := v.store.View(ctx, func(kv KV) (err error) { buckets, err = kv.Buckets(); return err })
		if err != nil {
			return err
		}
		for _, bucket := range buckets {
			for more := bucket >= r.Bucket; more; {
				began := time.Now()
				if r, more, err = v.resealSome(ctx, r, bucket); err != nil {
					return err
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Since(began)):
				}
			}
		}
		if !r.Again {
			break
		}
		r.Bucket, r.After, r.Again, r.Faults = "", "", false, 0
		if err := v.keepPlace(ctx, r); err != nil {
			return err
		}
	}
	if err := v.drop(ctx); err != nil {
		return err
	}
	return v.Update(ctx, func(tx *Tx) error { return tx.Resealings.Delete(resealing) })
}

// count counts the records.
func (v *Vault) count(ctx context.Context) (n int, err error) {
	err = v.store.Snapshot(ctx, func(kv KV) error {
		buckets, err := kv.Buckets()
		if err != nil {
			return err
		}
		for _, bucket := range buckets {
			for _, err := range kv.Scan(bucket, "") {
				if err = errors.Join(err, ctx.Err()); err != nil {
					return err
				}
				n++
			}
		}
		return nil
	})
	return n, err
}

// resealSome goes on in a bucket, by so much as one transaction should have, and
// reports whether there is more. What it seals again it reads again first, in the
// transaction: it may be another record by then, or none.
func (v *Vault) resealSome(ctx context.Context, r Resealing, bucket string) (next Resealing, more bool, err error) {
	next = r
	if next.Bucket != bucket {
		next.Bucket, next.After = bucket, ""
	}
	var keys []string
	seals := v.keys.Load().seals
	looked := 0
	err = v.store.View(ctx, func(kv KV) error {
		keys, looked = nil, 0
		for e, err := range kv.Scan(bucket, next.After) {
			if err != nil {
				return err
			}
			if inTheClear := bucket == headerBucket && e.Key != deriveKey; !inTheClear && sealedUnder(e.Sealed) != seals {
				keys = append(keys, e.Key)
			}
			next.After = e.Key
			if looked++; looked == resealLook || len(keys) == resealBatch {
				break
			}
		}
		return nil
	})
	if err != nil || looked == 0 {
		return next, false, err
	}
	next.Done = min(next.Done+looked, next.Total)
	err = v.Update(ctx, func(tx *Tx) error {
		next.Again, next.Faults = r.Again, r.Faults
		if err := tx.leaseReseal(); err != nil {
			return err
		}
		for _, key := range keys {
			value, err := tx.kv.Get(bucket, key)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if sealedUnder(value.Sealed) == seals {
				continue
			}
			if err := tx.look(); err != nil {
				return err
			}
			plain, err := tx.ring.open(bucket, key, value.Sealed)
			if err != nil {
				next.Faults++
				continue
			}
			if value.Sealed, err = tx.seal(bucket, key, plain); err != nil {
				return err
			}
			if err := tx.kv.Put(bucket, key, value); err != nil {
				return err
			}
			next.Again = true
		}
		return tx.Resealings.Put(next)
	})
	return next, true, err
}

func (v *Vault) keepPlace(ctx context.Context, r Resealing) error {
	return v.Update(ctx, func(tx *Tx) error {
		if err := tx.leaseReseal(); err != nil {
			return err
		}
		return tx.Resealings.Put(r)
	})
}
