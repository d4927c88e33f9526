// Package bolt keeps a vault in one local file, for one instance.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"sallyport/vault"
)

// Store is a [vault.Store] in a bbolt file. Updates that wait at the same time
// share a commit, and with it the one fsync that it costs.
type Store struct {
	db     *bbolt.DB
	writer *writer
}

var _ vault.Store = (*Store)(nil)

// Open opens the file at path, creating it if needed, readable by its owner
// alone. It fails after one second if another process has it open.
func Open(path string) (*Store, error) {
	listed, err := checkWhole(path)
	if err != nil {
		return nil, err
	}
	if !listed { // bbolt, which is about to read all of it, would make an end of the process
		if err := checkPages(path); err != nil {
			return nil, err
		}
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:      time.Second,
		FreelistType: bbolt.FreelistMapType,
		// Each commit would write the whole list of free pages. [Store.Close]
		// writes it; where there is none, after a crash, they are looked for, which
		// takes a second for 100,000 accounts.
		NoFreelistSync: true,
		// A file that outgrows its mapping has to wait for its readers, of
		// which a backup is a long one.
		InitialMmapSize: mapping(),
	})
	if err != nil {
		return nil, unopened(path, err)
	}
	return &Store{db, newWriter(db, listed)}, nil
}

// unopened is the error of a file that could not be opened.
func unopened(path string, err error) error {
	switch {
	case errors.Is(err, bbolterrors.ErrTimeout):
		return fmt.Errorf("%s is in use by another process: stop the gateway that has it open, or give another --store", path)
	case errors.Is(err, bbolterrors.ErrInvalid), errors.Is(err, bbolterrors.ErrChecksum), errors.Is(err, bbolterrors.ErrVersionMismatch):
		return fmt.Errorf("%s is not a Sallyport store, or is damaged: %w; restore a backup, or give another --store", path, err)
	}
	return fmt.Errorf("open the store: %w", err)
}

// mapping is how much address space, which is not memory, the file's mapping
// has: 16 GiB, or an eighth of what there is. On Windows the file is as long.
func mapping() int {
	if runtime.GOOS == "windows" {
		return 1 << 28
	}
	return int(min(int64(1)<<34, math.MaxInt>>3))
}

// Close implements [vault.Store]. It waits for the updates under way.
func (s *Store) Close() error {
	s.writer.close()
	return errors.Join(s.writer.listFree(), s.db.Close())
}

// View implements [vault.Store]. It sees the file as it was at the first read.
func (s *Store) View(ctx context.Context, fn func(vault.KV) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	v := &view{db: s.db}
	defer v.end()
	return fn(v)
}

// Snapshot implements [vault.Store]. What is deleted or replaced while it lasts
// takes room in the file until it ends, which is then used again.
func (s *Store) Snapshot(ctx context.Context, fn func(vault.KV) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.View(func(tx *bbolt.Tx) error { return fn(&kv{tx: tx}) })
}

// Update implements [vault.Store].
func (s *Store) Update(ctx context.Context, fn func(vault.KV) error) error {
	return s.writer.do(ctx, fn)
}

// Hear implements [vault.Store]: nobody else has the file open.
func (s *Store) Hear(ctx context.Context, _ func(topic string)) { <-ctx.Done() }
