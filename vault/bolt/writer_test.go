package bolt

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"sallyport/vault"
)

// TestFileWithManyFreePagesSurvivesACrash opens a file as a crash would leave it,
// which commits list no free pages in, and as a stop does.
func TestFileWithManyFreePagesSurvivesACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(filepath.Join(dir, "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	update := func(fn func(vault.KV) error) {
		t.Helper()
		if err := s.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	const n = 2500
	update(func(kv vault.KV) error {
		for i := range n {
			if err := kv.Put("big", fmt.Sprint(i), vault.Value{Sealed: make([]byte, 4000)}); err != nil {
				return err
			}
		}
		return nil
	})
	update(func(kv vault.KV) error {
		for i := range n {
			if err := kv.Delete("big", fmt.Sprint(i)); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range 3 {
		update(func(kv vault.KV) error { return kv.Put("kept", fmt.Sprint(i), vault.Value{Sealed: []byte("v")}) })
	}
	b, err := os.ReadFile(filepath.Join(dir, "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "crashed.db"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"vault.db", "crashed.db"} {
		s, err := Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if free := s.db.Stats().FreePageN; free < 2000 {
			t.Errorf("%s: %d pages are free", name, free)
		}
		err = s.View(t.Context(), func(kv vault.KV) error { _, err := kv.Get("kept", "2"); return err })
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
