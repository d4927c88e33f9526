package vault

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Record is a kind of record that the vault keeps.
type Record interface {
	// Key is what the record is kept under. Where the key is a secret of its
	// bearer, such as an authorization code, it is the secret's [Hash].
	Key() string
	// ExpiresAt is when the vault forgets the record; zero is never.
	ExpiresAt() time.Time
}

// Invalid reports a record that may not be kept, and the field at fault, under
// the name that people know it by.
type Invalid struct{ Field, Problem string }

func (e *Invalid) Error() string { return e.Field + ": " + e.Problem }

// Records is one kind of record, within a transaction.
type Records[R Record] struct {
	tx     *Tx
	bucket string
}

// Get returns the record with a key, or [ErrNotFound]. In a view, others may
// have got the same clients, connections and APIs, with all that they refer to:
// they are not to be written to.
func (rs Records[R]) Get(key string) (r R, err error) {
	if rs.tx.copies == nil || !slices.Contains(settings, rs.bucket) {
		return rs.read(key)
	}
	if known, ok := rs.tx.copies.get(rs.bucket, key); ok {
		return known.(R), nil
	}
	if r, err = rs.read(key); err == nil && r.ExpiresAt().IsZero() {
		rs.tx.copies.put(rs.bucket, key, r)
	}
	return r, err
}

// At is where the record with a key is kept.
func (rs Records[R]) At(key string) Location { return Location{rs.bucket, key} }

func (rs Records[R]) read(key string) (r R, err error) {
	if _, ok := any(&r).(restorable[R]); ok && rs.tx.read != nil {
		if err := rs.tx.guardMark(); err != nil { // with what is read
			return r, err
		}
	}
	v, err := rs.tx.kv.Get(rs.bucket, key)
	if err != nil {
		return r, err
	}
	return rs.open(key, v)
}

// Put keeps a record, in place of any with its key. It refuses a record whose
// Validate method finds fault with it.
func (rs Records[R]) Put(r R) error {
	kind := any(&r) // a pointer, which is not copied whenever it is asked what it can
	if v, ok := kind.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return err
		}
	}
	if w, ok := kind.(restorable[R]); ok {
		if err := rs.tx.guardMark(); err != nil {
			return err
		}
		r = w.writtenUnder(rs.tx.mark)
	}
	buffer := buffers.Get().(*bytes.Buffer)
	defer free(buffer)
	if err := encoding.MarshalToBuffer(kind, buffer); err != nil {
		return fmt.Errorf("vault: encode a record of %s: %w", rs.bucket, err)
	}
	plain, err := buffer.Bytes(), error(nil)
	if before, ok := rs.tx.read[rs.place(r.Key())]; ok {
		if plain, err = carry[R](plain, before); err != nil {
			return err
		}
	}
	sealed, err := rs.tx.seal(rs.bucket, r.Key(), plain)
	if err != nil {
		return err
	}
	b, ok := kind.(beginner)
	if err := rs.tx.writes(ok && b.begins()); err != nil {
		return err
	}
	if err := rs.tx.kv.Put(rs.bucket, r.Key(), Value{sealed, r.ExpiresAt()}); err != nil {
		return err
	}
	if f, ok := kind.(findable); ok {
		place := rs.place(r.Key())
		if err := rs.tx.index(rs.tx.lookups[place], f); err != nil {
			return err
		}
		rs.tx.lookups[place] = lookupsOf(f)
	}
	return rs.tell()
}

// beginner is a record that can say that something begins with it which has to
// be over before a vault is moved.
type beginner interface{ begins() bool }

// Take gets a record and deletes it: for what may be used once.
func (rs Records[R]) Take(key string) (R, error) {
	r, err := rs.Get(key)
	if err == nil {
		err = rs.Delete(key)
	}
	return r, err
}

// Delete forgets the record with a key, if there is one.
func (rs Records[R]) Delete(key string) error {
	if err := rs.tx.writes(false); err != nil {
		return err
	}
	if err := rs.unindex(key); err != nil {
		return err
	}
	delete(rs.tx.read, rs.place(key))
	if err := rs.tx.kv.Delete(rs.bucket, key); err != nil {
		return err
	}
	return rs.tell()
}

// unindex forgets the lookups of a record that is to be deleted. Those of one that
// cannot be read stay, and lead nowhere.
func (rs Records[R]) unindex(key string) error {
	var kind *R
	if _, ok := any(kind).(findable); !ok {
		return nil
	}
	place := rs.place(key)
	if _, known := rs.tx.lookups[place]; !known {
		_, _ = rs.read(key)
	}
	defer delete(rs.tx.lookups, place)
	return rs.tx.unindex(rs.tx.lookups[place], key, nil)
}

// place tells a record from all others.
func (rs Records[R]) place(key string) string { return rs.bucket + "\x00" + key }

// tell has all instances hear of a change of what they may keep a copy of.
func (rs Records[R]) tell() error {
	if !slices.Contains(settings, rs.bucket) {
		return nil
	}
	rs.tx.changed = true
	return rs.tx.kv.Tell(topicSettings)
}

// All yields the records whose key is greater than after, in key order. Of those
// that it has yielded, the last may be put.
func (rs Records[R]) All(after string) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		last := ""
		for e, err := range rs.tx.kv.Scan(rs.bucket, after) {
			var r R
			if err == nil {
				delete(rs.tx.read, rs.place(last))
				delete(rs.tx.lookups, rs.place(last))
				r, err = rs.open(e.Key, e.Value)
				last = e.Key
			}
			if errors.Is(err, ErrNotFound) {
				continue // expired
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// Back yields the records whose key is less than before, or all if that is "",
// in falling order of their keys. It is for views.
func (rs Records[R]) Back(before string) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for e, err := range rs.tx.kv.ScanBack(rs.bucket, before) {
			var r R
			if err == nil {
				r, err = rs.open(e.Key, e.Value)
			}
			if errors.Is(err, ErrNotFound) {
				continue // expired
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

func (rs Records[R]) open(key string, v Value) (r R, err error) {
	if !v.Expires.IsZero() && !rs.tx.v.Now().Before(v.Expires) {
		return r, ErrNotFound
	}
	return rs.decode(key, v)
}

// decode opens a record, also if it has expired.
func (rs Records[R]) decode(key string, v Value) (r R, err error) {
	plain, err := rs.tx.open(rs.bucket, key, v.Sealed)
	if err != nil {
		return r, err
	}
	strange, err := decode(plain, &r)
	if err != nil {
		return r, fmt.Errorf("vault: decode a record of %s: %w", rs.bucket, err)
	}
	if rs.tx.read != nil {
		if strange {
			rs.tx.read[rs.place(key)] = plain
		}
		if f, ok := any(&r).(findable); ok {
			rs.tx.lookups[rs.place(key)] = lookupsOf(f)
		}
	}
	if w, ok := any(&r).(restorable[R]); ok {
		r = w.readUnder(rs.tx.mark)
	}
	return r, nil
}

// encoding keeps times to the nanosecond.
var encoding = func() cbor.UserBufferEncMode {
	m, err := cbor.EncOptions{Time: cbor.TimeRFC3339NanoUTC}.UserBufferEncMode()
	if err != nil {
		panic(err)
	}
	return m
}()

// buffers are for records until they are sealed.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// free gives a buffer back, unless it has become large.
func free(b *bytes.Buffer) {
	if b.Cap() <= 1<<16 {
		b.Reset()
		buffers.Put(b)
	}
}

// forever is embedded in records that do not expire.
type forever struct{}

func (forever) ExpiresAt() time.Time { return time.Time{} }
