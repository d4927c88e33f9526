package vault

import (
	"context"
	"time"
)

// Indexed is how far the lookups of records are made that were there before
// lookups were: see [Vault.IndexSome].
type Indexed struct {
	forever
	Bucket string
	After  string // key of the last record that was looked at
	Done   bool
}

func (i Indexed) Key() string { return i.Bucket }

const (
	indexLease = time.Minute // that others leave it to the instance that was at it last
	indexBatch = 200         // records in one transaction
)

// indexer are records of which lookups are made.
type indexer interface {
	name() string
	indexAfter(after string) (last string, more bool, err error)
}

func (tx *Tx) indexers() []indexer { return []indexer{tx.Identities, tx.Sessions, tx.Grants} }

// Findable reports whether all records can be found by their lookups: not yet, in
// a vault of an earlier version that was just opened.
func (tx *Tx) Findable() (bool, error) {
	for _, records := range tx.indexers() {
		i, err := tx.Indexed.Get(records.name())
		if ok, err := Exists(err); !ok || !i.Done {
			return false, err
		}
	}
	return true, nil
}

// IndexSome makes lookups of some of the records that have none yet. It returns
// true once there are no others, or another instance is at it. It goes on where
// whoever was at it before has ended.
func (v *Vault) IndexSome(ctx context.Context) (done bool, err error) {
	if err := v.View(ctx, func(tx *Tx) (err error) { done, err = tx.Findable(); return err }); err != nil || done {
		return done, err
	}
	err = v.Update(ctx, func(tx *Tx) error {
		done = true
		mine, err := tx.lease("index", v.id, indexLease)
		if err != nil || !mine {
			return err
		}
		for _, records := range tx.indexers() {
			i, err := tx.Indexed.Get(records.name())
			if _, err := Exists(err); err != nil {
				return err
			}
			if i.Done {
				continue
			}
			last, more, err := records.indexAfter(i.After)
			if err != nil {
				return err
			}
			if err := tx.Indexed.Put(Indexed{Bucket: records.name(), After: last, Done: !more}); err != nil {
				return err
			}
			if more {
				done = false
				return nil
			}
		}
		return nil
	})
	return done, err
}

func (rs Records[R]) name() string { return rs.bucket }

// indexAfter makes the lookups of some records whose keys come after one.
func (rs Records[R]) indexAfter(after string) (last string, more bool, err error) {
	last = after
	n := 0
	for r, err := range rs.All(after) {
		if err != nil {
			return last, false, err
		}
		if f, ok := any(r).(findable); ok {
			if err := rs.tx.index(written{}, f); err != nil {
				return last, false, err
			}
		}
		last = r.Key()
		if n++; n == indexBatch {
			return last, true, nil
		}
	}
	return last, false, nil
}
