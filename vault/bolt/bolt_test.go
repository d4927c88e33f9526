package bolt_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/vault"
	"sallyport/vault/bolt"
	"sallyport/vault/storetest"
)

func open(t *testing.T, path string) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) vault.Store { return open(t, filepath.Join(t.TempDir(), "vault.db")) })
}

func TestStoreThatRunsFunctionsTwice(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) vault.Store {
		return storetest.Twice(open(t, filepath.Join(t.TempDir(), "vault.db")))
	})
}

func TestFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	open(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestFileInUseIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	open(t, path)
	if _, err := bolt.Open(path); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("second Open = %v", err)
	}
}

func TestForeignFileIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	foreign := strings.Repeat("not a store\n", 1000)
	if err := os.WriteFile(path, []byte(foreign), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(path); err == nil || !strings.Contains(err.Error(), "not a Sallyport store") {
		t.Errorf("Open = %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != foreign {
		t.Error("the file was changed")
	}
}

func TestWhatWasAnsweredSurvivesReopening(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	s := open(t, path)
	if err := s.Update(t.Context(), func(kv vault.KV) error {
		return kv.Put("a", "k", vault.Value{Sealed: []byte("v")})
	}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := s.Update(t.Context(), func(vault.KV) error { return nil }); err == nil {
		t.Error("a closed store took an update")
	}
	if err := open(t, path).View(t.Context(), func(kv vault.KV) error {
		_, err := kv.Get("a", "k")
		return err
	}); err != nil {
		t.Error(err)
	}
}
