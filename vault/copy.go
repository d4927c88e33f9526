package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrNotEmpty reports that a store which should be empty has a vault in it.
var ErrNotEmpty = errors.New("there is a vault in it already")

// Source is where a vault is moved away from: a store, or a gateway that has it
// open. See [BeginMove], [CarryOn], [Contents] and [ReleaseMove].
type Source interface {
	BeginMove(ctx context.Context, to, again string) (Move, error)
	CarryOn(ctx context.Context, id string, state MoveState) error
	Contents(ctx context.Context, id string) (io.ReadCloser, error)
	ReleaseMove(ctx context.Context) (Move, error)
}

// StoreSource is a store as a [Source].
type StoreSource struct{ Store }

func (s StoreSource) BeginMove(ctx context.Context, to, again string) (Move, error) {
	return BeginMove(ctx, s.Store, to, again)
}

func (s StoreSource) CarryOn(ctx context.Context, id string, state MoveState) error {
	return CarryOn(ctx, s.Store, id, state)
}

func (s StoreSource) Contents(ctx context.Context, id string) (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() {
		_, err := Contents(ctx, s.Store, id, w)
		w.CloseWithError(err)
	}()
	return r, nil
}

func (s StoreSource) ReleaseMove(ctx context.Context) (Move, error) { return ReleaseMove(ctx, s.Store) }

// renewAfter is how often a move is renewed while it lasts.
const renewAfter = moveLease / 6

// Copy moves a vault to another store, of that name, sealed as it is, and returns
// the number of its entries. Where instances may be at work on it, their refreshes
// have so long to be kept.
//
// The header comes last, after the source is given up for good: without it the
// copy is no vault, and the next one begins anew. If Copy fails before, the source
// goes on; if it fails in between, it says that the same copy is to be made again.
func Copy(ctx context.Context, from Source, to Store, name string, drain time.Duration) (entries int, err error) {
	if made, err := Made(ctx, to); err != nil {
		return 0, err
	} else if made {
		return 0, fmt.Errorf("%w, and it is never overwritten", ErrNotEmpty)
	}
	again, err := arrival(ctx, to)
	if err != nil {
		return 0, err
	}
	m, err := from.BeginMove(ctx, name, again)
	if err != nil {
		return 0, err
	}
	header, entries, err := transfer(ctx, from, to, m, drain)
	if err != nil && m.State != Moved {
		_, released := from.ReleaseMove(context.WithoutCancel(ctx))
		if released != nil {
			err = fmt.Errorf("%w; what it was copied from goes on by itself in %s, or by 'sallyport vault release'", err, moveLease+moveGrace)
		}
		return 0, err
	}
	if err == nil {
		err = arrived(context.WithoutCancel(ctx), to, header)
	}
	if err != nil {
		return 0, fmt.Errorf("%w; what it was copied from is given up already: make the same copy again", err)
	}
	return entries, nil
}

// transfer has the source fall still, takes its entries to a store, and has the
// source given up for good. It returns the header, which makes them a vault.
func transfer(ctx context.Context, from Source, to Store, m Move, drain time.Duration) (header Value, entries int, err error) {
	if m.State != Moved {
		var stop func()
		ctx, stop = renewed(ctx, from, m.ID)
		defer stop()
		if err := wait(ctx, drain); err != nil {
			return header, 0, err
		}
		if err := from.CarryOn(ctx, m.ID, Still); err != nil {
			return header, 0, err
		}
	}
	err = to.Update(ctx, func(kv KV) error { return kv.Put(headerBucket, arrivalKey, Value{Sealed: []byte(m.ID)}) })
	if err := errors.Join(err, empty(ctx, to)); err != nil {
		return header, 0, err
	}
	r, err := from.Contents(ctx, m.ID)
	if err != nil {
		return header, 0, err
	}
	defer r.Close()
	entries, err = receive(ctx, r, to, func(e backupEntry) bool {
		if e.Bucket == headerBucket && e.Key == headerKey {
			header = e.value()
			return false
		}
		return true
	})
	if err == nil && m.State != Moved {
		err = from.CarryOn(ctx, m.ID, Moved)
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return header, entries + 1, err
}

// renewed is a context for as long as a move lasts, which is carried on until stop
// is called.
func renewed(ctx context.Context, from Source, id string) (lasting context.Context, stop func()) {
	lasting, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for wait(lasting, renewAfter) == nil {
			if err := from.CarryOn(lasting, id, AsItIs); err != nil {
				cancel(err)
			}
		}
	}()
	return lasting, func() { cancel(nil); <-ended }
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// arrival is the ID of the move that a store was being filled by, or "" if it is
// empty.
func arrival(ctx context.Context, to Store) (id string, err error) {
	err = to.View(ctx, func(kv KV) error {
		v, err := kv.Get(headerBucket, arrivalKey)
		id = string(v.Sealed)
		if begun, err := Exists(err); err != nil || begun {
			return err
		}
		found, err := kv.Buckets()
		if err == nil && len(found) > 0 {
			err = fmt.Errorf("%w: nothing was changed", ErrForeign)
		}
		return err
	})
	return id, err
}

// arrived makes a vault of a store that everything else was copied to.
func arrived(ctx context.Context, to Store, header Value) error {
	return to.Update(ctx, func(kv KV) error {
		if _, err := kv.Get(headerBucket, headerKey); !errors.Is(err, ErrNotFound) {
			return errors.Join(err, fmt.Errorf("%w since the copy was begun", ErrNotEmpty))
		}
		return errors.Join(kv.Delete(headerBucket, arrivalKey), kv.Put(headerBucket, headerKey, header))
	})
}

// empty deletes what a copy that was broken off has left.
func empty(ctx context.Context, s Store) error {
	for {
		left := false
		err := s.Update(ctx, func(kv KV) error {
			left = false
			buckets, err := kv.Buckets()
			if err != nil {
				return err
			}
			n := 0
			for _, bucket := range buckets {
				for e, err := range kv.Scan(bucket, "") {
					if bucket == headerBucket && e.Key == arrivalKey {
						continue
					}
					if err == nil {
						err = kv.Delete(bucket, e.Key)
					}
					if err != nil {
						return err
					}
					if n++; n == 1000 {
						left = true
						return nil
					}
				}
			}
			return nil
		})
		if err != nil || !left {
			return err
		}
	}
}
