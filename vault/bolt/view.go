package bolt

import (
	"iter"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"sallyport/vault"
)

// view is a read-only transaction that begins with its first read: many requests
// find all that they ask for among the vault's copies.
type view struct {
	db *bbolt.DB
	kv kv
}

func (v *view) begun() (*kv, error) {
	var err error
	if v.kv.tx == nil {
		v.kv.tx, err = v.db.Begin(false)
	}
	return &v.kv, err
}

func (v *view) end() {
	if v.kv.tx != nil {
		v.kv.tx.Rollback()
	}
}

func (v *view) Get(bucket, key string) (vault.Value, error) {
	kv, err := v.begun()
	if err != nil {
		return vault.Value{}, err
	}
	return kv.Get(bucket, key)
}

func (v *view) Scan(bucket, after string) iter.Seq2[vault.Entry, error] {
	kv, err := v.begun()
	if err != nil {
		return func(yield func(vault.Entry, error) bool) { yield(vault.Entry{}, err) }
	}
	return kv.Scan(bucket, after)
}

func (v *view) ScanBack(bucket, before string) iter.Seq2[vault.Entry, error] {
	kv, err := v.begun()
	if err != nil {
		return func(yield func(vault.Entry, error) bool) { yield(vault.Entry{}, err) }
	}
	return kv.ScanBack(bucket, before)
}

func (v *view) Buckets() ([]string, error) {
	kv, err := v.begun()
	if err != nil {
		return nil, err
	}
	return kv.Buckets()
}

func (v *view) Now() (time.Time, error) { return v.kv.Now() }

func (v *view) Guard(bucket, key string, check func(sealed []byte, now time.Time) error) error {
	kv, err := v.begun()
	if err != nil {
		return err
	}
	return kv.Guard(bucket, key, check)
}

func (v *view) Origin(check func(origin string) error) error { return v.kv.Origin(check) }

// Nothing is written in a view.
func (v *view) Put(string, string, vault.Value) error { return bbolterrors.ErrTxNotWritable }
func (v *view) Delete(string, string) error           { return bbolterrors.ErrTxNotWritable }
func (v *view) Sweep(time.Time, int) (int, error)     { return 0, bbolterrors.ErrTxNotWritable }
func (v *view) Tell(string) error                     { return nil }
