package bolt

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"go.etcd.io/bbolt"

	"sallyport/vault"
)

// writer runs updates one after another, and commits together those that came
// while the last commit was under way. It never waits for company, so a lone
// update costs what it would cost alone.
type writer struct {
	db     *bbolt.DB
	calls  chan *call
	done   sync.WaitGroup // the goroutine that runs them
	listed bool           // the file lists its free pages

	mu     sync.RWMutex // held for reading while sending to calls
	closed bool
}

// call is an update that waits for its commit.
type call struct {
	ctx    context.Context
	fn     func(vault.KV) error
	err    error
	panics any
	done   chan struct{}
}

// most is how many updates share a commit at the most: it bounds what the first
// of them waits for.
const most = 256

var errClosed = errors.New("bolt: the store is closed")

func newWriter(db *bbolt.DB, listed bool) *writer {
	w := &writer{db: db, calls: make(chan *call, most), listed: listed}
	w.done.Go(w.loop)
	return w
}

// do returns when what fn wrote is on disk, or fn's error when nothing of it is
// kept. A context that ends meanwhile does not stop an update that has begun.
func (w *writer) do(ctx context.Context, fn func(vault.KV) error) error {
	c := &call{ctx: ctx, fn: fn, done: make(chan struct{})}
	w.mu.RLock()
	if w.closed {
		w.mu.RUnlock()
		return errClosed
	}
	w.calls <- c
	w.mu.RUnlock()
	<-c.done
	if c.panics != nil {
		panic(c.panics)
	}
	return c.err
}

func (w *writer) close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.calls)
	}
	w.mu.Unlock()
	w.done.Wait()
}

func (w *writer) loop() {
	for c := range w.calls {
		batch := []*call{c}
		// Whoever is ready to run may be about to join. If nobody is, this takes
		// no time.
		runtime.Gosched()
		for more := true; more && len(batch) < most; {
			select {
			case c, ok := <-w.calls:
				if more = ok; ok {
					batch = append(batch, c)
				}
			default:
				more = false
			}
		}
		w.commit(batch)
	}
}

// errUnwritten ends a transaction in which nothing was written, which needs no
// fsync.
var errUnwritten = errors.New("nothing written")

// listFree writes down which pages are free, so that only what follows a crash has
// to look for them.
func (w *writer) listFree() error {
	if w.listed {
		return nil
	}
	w.db.NoFreelistSync = false
	return w.db.Update(func(*bbolt.Tx) error { return nil })
}

func (w *writer) commit(batch []*call) {
	err := w.db.Update(func(tx *bbolt.Tx) error {
		written := false
		for _, c := range batch {
			part := &kv{tx: tx}
			c.run(part)
			if c.err == nil {
				c.err = part.fault
			}
			if c.err == nil && c.panics == nil {
				written = written || len(part.undo) > 0
			} else if err := part.rollback(); err != nil {
				return err
			}
		}
		if !written {
			return errUnwritten
		}
		w.listed = false
		return nil
	})
	for _, c := range batch {
		if err != nil && err != errUnwritten && c.err == nil {
			c.err = err
		}
		close(c.done)
	}
}

// run runs the function, and carries a panic of it to the goroutine that
// called, so that it hurts nobody else's update.
func (c *call) run(kv vault.KV) {
	defer func() { c.panics = recover() }()
	if c.err = c.ctx.Err(); c.err == nil {
		c.err = c.fn(kv)
	}
}
