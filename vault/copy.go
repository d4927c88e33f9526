package vault

import (
	"context"
	"errors"
	"fmt"
)

// ErrNotEmpty reports that a store which should be empty has a vault in it.
var ErrNotEmpty = errors.New("there is a vault in it already")

// Copy copies a vault from one store to another, sealed as it is, and returns
// the number of records. No instance may be at work on either meanwhile. The
// header comes last: without it the copy is no vault, and the next one begins
// anew.
func Copy(ctx context.Context, from, to Store) (records int, err error) {
	if made, err := Made(ctx, from); err != nil || !made {
		return 0, errors.Join(err, fmt.Errorf("copy: %w: there is no vault to copy", ErrNotFound))
	}
	if made, err := Made(ctx, to); err != nil {
		return 0, err
	} else if made {
		return 0, fmt.Errorf("copy: %w, and it is never overwritten", ErrNotEmpty)
	}
	if err := empty(ctx, to); err != nil {
		return 0, err
	}
	buckets, err := bucketsOf(ctx, from)
	if err != nil {
		return 0, err
	}
	for _, bucket := range buckets {
		for after, more := "", true; more; {
			entries, err := page(ctx, from, bucket, after)
			if err != nil {
				return 0, err
			}
			if more = len(entries) > 0; more {
				after = entries[len(entries)-1].Key
			}
			err = to.Update(ctx, func(kv KV) error {
				for _, e := range entries {
					if bucket == headerBucket && e.Key == headerKey {
						continue
					}
					if err := kv.Put(bucket, e.Key, e.Value); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return 0, err
			}
			records += len(entries)
		}
	}
	return records, copyHeader(ctx, from, to)
}

func copyHeader(ctx context.Context, from, to Store) error {
	var header Value
	if err := from.View(ctx, func(kv KV) (err error) { header, err = kv.Get(headerBucket, headerKey); return err }); err != nil {
		return err
	}
	return to.Update(ctx, func(kv KV) error {
		if _, err := kv.Get(headerBucket, headerKey); !errors.Is(err, ErrNotFound) {
			return errors.Join(err, fmt.Errorf("copy: %w since it was begun: is a gateway running on it?", ErrNotEmpty))
		}
		return kv.Put(headerBucket, headerKey, header)
	})
}

// empty deletes what a copy that was broken off has left.
func empty(ctx context.Context, s Store) error {
	buckets, err := bucketsOf(ctx, s)
	if err != nil {
		return err
	}
	for _, bucket := range buckets {
		for {
			entries, err := page(ctx, s, bucket, "")
			if err != nil {
				return err
			}
			if len(entries) == 0 {
				break
			}
			err = s.Update(ctx, func(kv KV) error {
				for _, e := range entries {
					if err := kv.Delete(bucket, e.Key); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func bucketsOf(ctx context.Context, s Store) (buckets []string, err error) {
	err = s.View(ctx, func(kv KV) (err error) { buckets, err = kv.Buckets(); return err })
	return buckets, err
}

// page is some entries of a bucket, so many as one transaction may have.
func page(ctx context.Context, s Store, bucket, after string) (entries []Entry, err error) {
	const most = 1000
	err = s.View(ctx, func(kv KV) error {
		entries = nil
		for e, err := range kv.Scan(bucket, after) {
			if err != nil {
				return err
			}
			if entries = append(entries, e); len(entries) == most {
				break
			}
		}
		return nil
	})
	return entries, err
}
