package storetest

import (
	"context"
	"errors"
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
