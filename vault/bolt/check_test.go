package bolt_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sallyport/vault"
	"sallyport/vault/bolt"
)

// putMany puts what takes a few dozen pages.
func putMany(t *testing.T, s *bolt.Store) {
	t.Helper()
	if err := s.Update(t.Context(), func(kv vault.KV) error {
		for i := range 1000 {
			if err := kv.Put("a", fmt.Sprint(i), vault.Value{Sealed: make([]byte, 50)}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestPagesThatDoNotHangTogetherAreFound damages one page after the other.
func TestPagesThatDoNotHangTogetherAreFound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	s := open(t, path)
	putMany(t, s)
	if err := s.Check(); err != nil {
		t.Fatalf("a store in order: %v", err)
	}
	s.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	size := os.Getpagesize()
	for at := 2 * size; at < 20*size; at += size {
		const branch, leaf = 1, 2
		kind := binary.NativeEndian.Uint16(whole[at+8:])
		if kind != branch && kind != leaf {
			continue
		}
		copied := slices.Clone(whole)
		clear(copied[at : at+size])
		path := filepath.Join(t.TempDir(), "damaged.db")
		if err := os.WriteFile(path, copied, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, path)
		if s.Check() != nil {
			damaged++ // or it is a page that is not in use
		}
		s.Close()
	}
	if damaged < 5 {
		t.Errorf("found %d pages damaged", damaged)
	}
}

// TestDamageIsNamedThatACrashLeftToBeFound damages one page after the other of a
// file that was not closed, so that opening it reads all of it.
func TestDamageIsNamedThatACrashLeftToBeFound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	s := open(t, path)
	for range 3 {
		putMany(t, s)
	}
	crashed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	crashed = crashed[:1<<20] // what is in use of it
	size, refused := os.Getpagesize(), 0
	for at := 2 * size; at < 60*size; at += size {
		copied := slices.Clone(crashed)
		clear(copied[at : at+size])
		path := filepath.Join(t.TempDir(), "damaged.db")
		if err := os.WriteFile(path, copied, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := bolt.Open(path)
		if err != nil {
			refused++
			if !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), "restore a backup") {
				t.Errorf("%v", err)
			}
			continue
		}
		s.Close()
		os.Remove(path)
	}
	if refused < 5 {
		t.Errorf("found %d pages damaged", refused)
	}
}
