package vault

import (
	"context"
	"errors"
	"time"
)

// KeyCounts are how many records are under each data key, as somebody had them
// counted last: to count is to look at every record.
type KeyCounts struct {
	forever
	Began  time.Time
	Ended  time.Time // zero while it goes on
	Told   time.Time // when it was last heard of
	Before int       // records, by the count before; 0 if there was none
	Seen   int
	Under  map[string]int // records, by the ID of their data key
}

const keyCounts = "keys"

func (KeyCounts) Key() string { return keyCounts }

// KeyCounts are the last counts, or none if nobody has had them counted.
func (tx *Tx) KeyCounts() (KeyCounts, error) {
	c, err := tx.KeysCounted.Get(keyCounts)
	_, err = Exists(err)
	return c, err
}

const (
	keyCountLease = 30 * time.Second // that others leave it to whoever began it
	keyCountPart  = 2000             // records in one view
	keyCountTell  = 500 * time.Millisecond
)

// Counting reports whether a count goes on at a time: whoever was at it may have
// ended.
func (c KeyCounts) Counting(now time.Time) bool {
	return !c.Began.IsZero() && c.Ended.IsZero() && now.Sub(c.Told) < keyCountLease
}

// BeginKeyCount begins to count, and reports whether it is for this instance to go
// on by [Vault.CountKeys]: not, if somebody is at it.
func (v *Vault) BeginKeyCount(ctx context.Context) (c KeyCounts, mine bool, err error) {
	err = v.Update(ctx, func(tx *Tx) error {
		last, err := tx.KeyCounts()
		if err != nil {
			return err
		}
		if last.Counting(tx.Now()) {
			return errNotMine
		}
		c = KeyCounts{Began: tx.Now(), Before: last.Seen, Under: map[string]int{}}
		return tx.tellCount(c)
	})
	if errors.Is(err, errNotMine) {
		return c, false, nil
	}
	return c, err == nil, err
}

// CountKeys counts the records under each data key, and tells how far it has come.
func (v *Vault) CountKeys(ctx context.Context, c KeyCounts) error {
	var buckets []string
	err := v.store.View(ctx, func(kv KV) (err error) { buckets, err = kv.Buckets(); return err })
	if err != nil {
		return err
	}
	told := time.Now()
	for _, bucket := range buckets {
		for after, more := "", true; more; {
			if after, more, err = v.countSome(ctx, &c, bucket, after); err != nil {
				return err
			}
			if time.Since(told) < keyCountTell {
				continue
			}
			if err := v.Update(ctx, func(tx *Tx) error { return tx.tellCount(c) }); err != nil {
				return err
			}
			told = time.Now()
		}
	}
	c.Ended = v.Now()
	return v.Update(ctx, func(tx *Tx) error { return tx.tellCount(c) })
}

// countSome counts the records of one view, which come after a key in a bucket.
func (v *Vault) countSome(ctx context.Context, c *KeyCounts, bucket, after string) (last string, more bool, err error) {
	var under map[uint32]int
	looked := 0
	err = v.store.View(ctx, func(kv KV) error {
		last, looked, under = after, 0, map[uint32]int{}
		for e, err := range kv.Scan(bucket, after) {
			if err != nil {
				return err
			}
			if bucket != headerBucket || e.Key == deriveKey { // the others there are in the clear
				under[sealedUnder(e.Sealed)]++
			}
			last = e.Key
			if looked++; looked == keyCountPart {
				break
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return last, false, err
	}
	for id, n := range under {
		c.Under[dataKey(id)] += n
		c.Seen += n
	}
	return last, looked == keyCountPart, nil
}

// tellCount keeps how far this instance has come, if it is it that counts.
func (tx *Tx) tellCount(c KeyCounts) error {
	mine, err := tx.lease("count keys", tx.v.id, keyCountLease)
	if err == nil && !mine {
		err = errNotMine
	}
	if err != nil {
		return err
	}
	c.Told = tx.Now()
	return tx.KeysCounted.Put(c)
}
