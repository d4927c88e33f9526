package storetest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"time"

	"sallyport/vault"
)

// Twice is the store with every function of Update run twice, the first time in
// vain, as a store may: functions with effects outside their KV show.
func Twice(s vault.Store) vault.Store { return twice{s} }

type twice struct{ vault.Store }

var errInVain = errors.New("run in vain")

func (t twice) Update(ctx context.Context, fn func(vault.KV) error) error {
	t.Store.Update(ctx, func(kv vault.KV) error {
		fn(kv)
		return errInVain
	})
	return t.Store.Update(ctx, fn)
}

// Clock is the store with another clock.
func Clock(s vault.Store, now func() time.Time) vault.Store { return clock{s, now} }

type clock struct {
	vault.Store
	now func() time.Time
}

func (c clock) Update(ctx context.Context, fn func(vault.KV) error) error {
	return c.Store.Update(ctx, func(kv vault.KV) error { return fn(clockKV{kv, c.now}) })
}

type clockKV struct {
	vault.KV
	now func() time.Time
}

func (kv clockKV) Now() (time.Time, error) { return kv.now(), nil }

// Lent is the store with the values that it lends spoilt when their transaction
// ends: whoever keeps one shows.
func Lent(s vault.Store) vault.Store { return lent{s} }

type lent struct{ vault.Store }

func (l lent) View(ctx context.Context, fn func(vault.KV) error) error {
	kv := &lentKV{}
	defer kv.spoil()
	return l.Store.View(ctx, func(of vault.KV) error { kv.KV = of; return fn(kv) })
}

func (l lent) Update(ctx context.Context, fn func(vault.KV) error) error {
	kv := &lentKV{}
	defer kv.spoil()
	return l.Store.Update(ctx, func(of vault.KV) error { kv.KV = of; return fn(kv) })
}

func (l lent) Snapshot(ctx context.Context, fn func(vault.KV) error) error {
	kv := &lentKV{}
	defer kv.spoil()
	return l.Store.Snapshot(ctx, func(of vault.KV) error { kv.KV = of; return fn(kv) })
}

type lentKV struct {
	vault.KV
	lent [][]byte
}

func (kv *lentKV) lend(v vault.Value) vault.Value {
	v.Sealed = bytes.Clone(v.Sealed)
	kv.lent = append(kv.lent, v.Sealed)
	return v
}

func (kv *lentKV) spoil() {
	for _, b := range kv.lent {
		for i := range b {
			b[i] = 0xff
		}
	}
}

func (kv *lentKV) Get(bucket, key string) (vault.Value, error) {
	v, err := kv.KV.Get(bucket, key)
	return kv.lend(v), err
}

func (kv *lentKV) Scan(bucket, after string) iter.Seq2[vault.Entry, error] {
	return kv.lendAll(kv.KV.Scan(bucket, after))
}

func (kv *lentKV) ScanBack(bucket, before string) iter.Seq2[vault.Entry, error] {
	return kv.lendAll(kv.KV.ScanBack(bucket, before))
}

func (kv *lentKV) lendAll(all iter.Seq2[vault.Entry, error]) iter.Seq2[vault.Entry, error] {
	return func(yield func(vault.Entry, error) bool) {
		for e, err := range all {
			e.Value = kv.lend(e.Value)
			if !yield(e, err) {
				return
			}
		}
	}
}

func (kv *lentKV) Guard(bucket, key string, check func(sealed []byte, now time.Time) error) error {
	return kv.KV.Guard(bucket, key, func(sealed []byte, now time.Time) error {
		if sealed != nil {
			sealed = kv.lend(vault.Value{Sealed: sealed}).Sealed
		}
		return check(sealed, now)
	})
}
