package vault

import (
	"context"
	"errors"
	"iter"
	"time"
)

// A Store keeps values under ordered keys in named buckets. It is not trusted:
// everything it sees is already sealed.
//
// Update runs fn in a serializable transaction and may run it more than once,
// so fn must have no effect outside its KV. When it returns nil, what fn wrote
// is on disk; when it returns an error, nothing of it is kept. View is
// read-only, and sees everything as it was at one moment.
type Store interface {
	View(ctx context.Context, fn func(KV) error) error
	Update(ctx context.Context, fn func(KV) error) error
	// Snapshot is a View that may last for hours, stops nobody from writing
	// meanwhile, and runs fn once.
	Snapshot(ctx context.Context, fn func(KV) error) error
	// Hear calls heard with the topics that transactions of any instance told,
	// until ctx ends, and with "" when it may have missed some. A store of one
	// instance may leave it at waiting for ctx.
	Hear(ctx context.Context, heard func(topic string))
	Close() error
}

// A Shared store is one that several instances may have open at once.
type Shared interface{ Shared() }

// KV is one transaction over a [Store]. The values that it returns are good until
// it ends, and not to be written to.
type KV interface {
	// Get returns [ErrNotFound] if the bucket has no such key.
	Get(bucket, key string) (Value, error)
	Put(bucket, key string, v Value) error
	// Delete of a key that is not there is no error.
	Delete(bucket, key string) error
	// Scan yields the bucket's entries whose key is greater than after, in
	// byte order of their keys. Writing while scanning is allowed.
	Scan(bucket, after string) iter.Seq2[Entry, error]
	// ScanBack yields the bucket's entries whose key is less than before, or
	// all if that is "", from the last to the first. Nothing may be written
	// meanwhile.
	ScanBack(bucket, before string) iter.Seq2[Entry, error]
	// Buckets are the names of the buckets that are not empty.
	Buckets() ([]string, error)
	// Sweep deletes at most n entries, of any bucket, that expired before t,
	// and returns how many it deleted.
	Sweep(t time.Time, n int) (int, error)
	// Now is the time by the one clock that all instances on the store have in
	// common: what they lease from each other is told by it.
	Now() (time.Time, error)
	// Guard has check look at what a key has, or nil, and at the time as of Now,
	// by the time that the transaction is kept: it is not, if check finds fault,
	// whatever fn makes of the error. It need not cost a question of its own.
	Guard(bucket, key string, check func(sealed []byte, now time.Time) error) error
	// Origin is Guard of where the store is: the answer changes when a copy of it
	// takes its place, as a standby does, or a dump that is restored. It is "" if
	// the store cannot tell.
	Origin(check func(origin string) error) error
	// Tell has the instances hear of a topic, once the transaction is kept.
	Tell(topic string) error
}

// Foreseer is a KV whose reads cost a message each: it reads together those that
// are foreseen, and has them when they are asked for.
type Foreseer interface {
	Foresee(places ...Location) error
}

// Location is where a record is kept.
type Location struct{ Bucket, Key string }

// Value is a sealed record. A zero Expires never expires; others are kept to
// the second.
type Value struct {
	Sealed  []byte
	Expires time.Time
}

// Entry is a key with its value.
type Entry struct {
	Key string
	Value
}

// ErrNotFound reports that there is no such record, or that it has expired.
var ErrNotFound = errors.New("vault: not found")

// ErrConflict reports that a record is in the way of another.
var ErrConflict = errors.New("vault: conflict")
