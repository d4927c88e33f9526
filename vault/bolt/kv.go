package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
	"time"

	"go.etcd.io/bbolt"

	"sallyport/vault"
)

// expiries orders what expires by when: 8 bytes of Unix seconds, bucket, 0, key.
const expiries = "\x00expiries"

// kv is a transaction, or the part of one that one function makes.
type kv struct {
	tx    *bbolt.Tx
	undo  []change // what was there before, for a function that fails
	fault error    // the first that a guard found
}

// change is the former content of a key; a nil value was not there.
type change struct {
	bucket     string
	key, value []byte
}

func (kv *kv) get(bucket string, key []byte) []byte {
	if b := kv.tx.Bucket([]byte(bucket)); b != nil {
		return b.Get(key)
	}
	return nil
}

// set is the one place that writes: a nil value deletes.
func (kv *kv) set(bucket string, key, value []byte) error {
	b, err := kv.tx.CreateBucketIfNotExists([]byte(bucket))
	if err != nil {
		return err
	}
	kv.undo = append(kv.undo, change{bucket, key, bytes.Clone(b.Get(key))})
	return put(b, key, value)
}

func put(b *bbolt.Bucket, key, value []byte) error {
	if value == nil {
		return b.Delete(key)
	}
	return b.Put(key, value)
}

// rollback takes back what was written, latest first.
func (kv *kv) rollback() error {
	for i := len(kv.undo) - 1; i >= 0; i-- {
		c := kv.undo[i]
		if err := put(kv.tx.Bucket([]byte(c.bucket)), c.key, c.value); err != nil {
			return err
		}
	}
	kv.undo = nil
	return nil
}

func (kv *kv) Get(bucket, key string) (vault.Value, error) {
	b := kv.get(bucket, []byte(key))
	if b == nil {
		return vault.Value{}, vault.ErrNotFound
	}
	return kv.decode(b)
}

func (kv *kv) Put(bucket, key string, v vault.Value) error {
	old := kv.get(bucket, []byte(key))
	if err := kv.expire(bucket, key, expiry(old), unixOf(v.Expires)); err != nil {
		return err
	}
	return kv.set(bucket, []byte(key), encode(v))
}

func (kv *kv) Delete(bucket, key string) error {
	old := kv.get(bucket, []byte(key))
	if old == nil {
		return nil
	}
	if err := kv.expire(bucket, key, expiry(old), 0); err != nil {
		return err
	}
	return kv.set(bucket, []byte(key), nil)
}

// expire moves a key among the expiries, where that of most that are put again
// has not changed: a page less to write.
func (kv *kv) expire(bucket, key string, old, next uint64) error {
	if old == next {
		return nil
	}
	if old != 0 {
		if err := kv.set(expiries, expiryKey(old, bucket, key), nil); err != nil {
			return err
		}
	}
	if next != 0 {
		return kv.set(expiries, expiryKey(next, bucket, key), []byte{})
	}
	return nil
}

// Scan reads ahead where something may be written, since a cursor loses its place
// when its bucket is: more and more, for who scans may want a few.
func (kv *kv) Scan(bucket, after string) iter.Seq2[vault.Entry, error] {
	if !kv.tx.Writable() {
		return kv.scan(bucket, after)
	}
	return func(yield func(vault.Entry, error) bool) {
		for ahead := 10; ; ahead = min(2*ahead, 100) {
			var entries []vault.Entry
			for e, err := range kv.scan(bucket, after) {
				if err != nil {
					yield(e, err)
					return
				}
				if entries = append(entries, e); len(entries) == ahead {
					break
				}
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			if len(entries) < ahead {
				return
			}
			after = entries[len(entries)-1].Key
		}
	}
}

// scan is Scan while nothing is written.
func (kv *kv) scan(bucket, after string) iter.Seq2[vault.Entry, error] {
	return func(yield func(vault.Entry, error) bool) {
		b := kv.tx.Bucket([]byte(bucket))
		if b == nil {
			return
		}
		c := b.Cursor()
		k, v := c.Seek([]byte(after))
		if string(k) == after {
			k, v = c.Next()
		}
		for ; k != nil; k, v = c.Next() {
			value, err := kv.decode(v)
			if !yield(vault.Entry{Key: string(k), Value: value}, err) || err != nil {
				return
			}
		}
	}
}

// ScanBack needs not read ahead: nothing is written meanwhile.
func (kv *kv) ScanBack(bucket, before string) iter.Seq2[vault.Entry, error] {
	return func(yield func(vault.Entry, error) bool) {
		b := kv.tx.Bucket([]byte(bucket))
		if b == nil {
			return
		}
		c := b.Cursor()
		k, v := c.Last()
		if before != "" {
			if next, _ := c.Seek([]byte(before)); next != nil {
				k, v = c.Prev()
			} else {
				k, v = c.Last()
			}
		}
		for ; k != nil; k, v = c.Prev() {
			value, err := kv.decode(v)
			if !yield(vault.Entry{Key: string(k), Value: value}, err) || err != nil {
				return
			}
		}
	}
}

func (kv *kv) Buckets() (names []string, err error) {
	err = kv.tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
		if first, _ := b.Cursor().First(); first != nil && string(name) != expiries {
			names = append(names, string(name))
		}
		return nil
	})
	return names, err
}

func (kv *kv) Sweep(t time.Time, n int) (int, error) {
	b := kv.tx.Bucket([]byte(expiries))
	if b == nil {
		return 0, nil
	}
	var due [][]byte
	c := b.Cursor()
	for k, _ := c.First(); k != nil && len(due) < n && unix(k).Before(t); k, _ = c.Next() {
		due = append(due, bytes.Clone(k))
	}
	for _, k := range due {
		bucket, key, _ := bytes.Cut(k[8:], []byte{0})
		if err := kv.Delete(string(bucket), string(key)); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

// began is when the process did. Its clock may be set meanwhile.
var began = time.Now()

// Now is told by the process's monotonic clock: there is no other instance.
func (kv *kv) Now() (time.Time, error) { return began.Add(time.Since(began)).Round(0), nil }

// Guard looks at once: no other transaction writes meanwhile.
func (kv *kv) Guard(bucket, key string, check func(sealed []byte, now time.Time) error) error {
	v, err := kv.Get(bucket, key)
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return err
	}
	now, err := kv.Now()
	if err == nil {
		err = check(v.Sealed, now)
	}
	if kv.fault == nil {
		kv.fault = err
	}
	return err
}

// Origin cannot be told: a file that was put back is like the one before.
func (kv *kv) Origin(check func(origin string) error) error {
	err := check("")
	if kv.fault == nil {
		kv.fault = err
	}
	return err
}

// Tell has nobody to tell: see [Store.Hear].
func (kv *kv) Tell(string) error { return nil }

func expiryKey(t uint64, bucket, key string) []byte {
	k := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(bucket)+1+len(key)), t)
	return append(append(append(k, bucket...), 0), key...)
}

// expiry is that of a value as it is kept: Unix seconds, or zero.
func expiry(kept []byte) uint64 {
	if len(kept) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(kept)
}

func unixOf(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.Unix())
}

func unix(b []byte) time.Time { return time.Unix(int64(binary.BigEndian.Uint64(b)), 0) }

// encode puts the expiry, 8 bytes of Unix seconds or zero, before the sealed bytes.
func encode(v vault.Value) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(v.Sealed)), unixOf(v.Expires)), v.Sealed...)
}

// decode's bytes are the file's own, as it is mapped, while nothing is written.
func (kv *kv) decode(b []byte) (vault.Value, error) {
	if len(b) < 8 {
		return vault.Value{}, errors.New("bolt: a value is cut short")
	}
	v := vault.Value{Sealed: b[8:len(b):len(b)]}
	if kv.tx.Writable() {
		v.Sealed = bytes.Clone(v.Sealed)
	}
	if binary.BigEndian.Uint64(b) != 0 {
		v.Expires = unix(b)
	}
	return v, nil
}
