package postgres_test

import (
	"errors"
	"testing"
	"time"

	"sallyport/vault"
	"sallyport/vault/postgres/pgtest"
)

// TestSnapshotSeesAllThatCameBeforeWhatItSees ends all writing, while a
// transaction is under way that did not see it and writes nevertheless.
func TestSnapshotSeesAllThatCameBeforeWhatItSees(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.OpenDatabase(t))
	errStopped := errors.New("stopped")
	looked, goOn := make(chan struct{}, 10), make(chan struct{})
	written := make(chan error)
	go func() {
		written <- s.Update(t.Context(), func(kv vault.KV) error {
			_, err := kv.Get("a", "stop")
			looked <- struct{}{}
			<-goOn
			if !errors.Is(err, vault.ErrNotFound) {
				return errors.Join(err, errStopped)
			}
			return kv.Put("a", "late", vault.Value{Sealed: []byte("v")})
		})
	}()
	<-looked
	if err := s.Update(t.Context(), func(kv vault.KV) error { return kv.Put("a", "stop", vault.Value{Sealed: []byte("v")}) }); err != nil {
		t.Fatal(err)
	}
	begun, seen := make(chan struct{}), make(chan error)
	var late error
	go func() {
		seen <- s.Snapshot(t.Context(), func(kv vault.KV) error {
			_, err := kv.Get("a", "stop")
			close(begun)
			_, late = kv.Get("a", "late")
			return err
		})
	}()
	select {
	case <-begun:
	case <-time.After(300 * time.Millisecond): // it waits for the transaction
	}
	close(goOn)
	err := <-written
	if failed := <-seen; failed != nil {
		t.Fatal(failed)
	}
	if err == nil && late != nil {
		t.Errorf("what was written is not in the snapshot: %v", late)
	}
}
