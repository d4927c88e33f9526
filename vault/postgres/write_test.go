package postgres_test

import (
	"errors"
	"testing"

	"sallyport/vault"
	"sallyport/vault/postgres/pgtest"
)

// TestWriteIsAllOrNothing writes without reading, and once so that the last of it
// fails.
func TestWriteIsAllOrNothing(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Open(t))
	put := func(kv vault.KV, keys ...string) error {
		var err error
		for _, key := range keys {
			err = errors.Join(err, kv.Put("a", key, vault.Value{Sealed: []byte(key)}))
		}
		return err
	}
	if err := s.Write(t.Context(), func(kv vault.KV) error { return put(kv, "1", "2") }); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), func(kv vault.KV) error { return errors.Join(kv.Delete("a", "1"), put(kv, "3")) }); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	if err := s.Write(t.Context(), func(kv vault.KV) error { return errors.Join(put(kv, "4"), refused) }); !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	tooLong := string(make([]byte, 1<<20)) // for an index
	if err := s.Write(t.Context(), func(kv vault.KV) error { return put(kv, "5", tooLong) }); err == nil {
		t.Error("a key of a MiB was kept")
	}
	var keys string
	err := s.View(t.Context(), func(kv vault.KV) error {
		for e, err := range kv.Scan("a", "") {
			if err != nil {
				return err
			}
			keys += e.Key
		}
		return nil
	})
	if err != nil || keys != "23" {
		t.Errorf("kept %q, %v", keys, err)
	}
}
