package bolt_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"sallyport/vault"
)

// TestPagesThatDoNotHangTogetherAreFound damages one page after the other.
func TestPagesThatDoNotHangTogetherAreFound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	s := open(t, path)
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
	if err := s.Check(); err != nil {
		t.Fatalf("a store in order: %v", err)
	}
	s.Close()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	damaged := 0
	size := int64(os.Getpagesize())
	for at := 2 * size; at < 20*size; at += size {
		page := make([]byte, size)
		if _, err := f.ReadAt(page, at); err != nil {
			t.Fatal(err)
		}
		const branch, leaf = 1, 2
		kind := binary.NativeEndian.Uint16(page[8:])
		if kind != branch && kind != leaf {
			continue
		}
		_, err := f.WriteAt(make([]byte, size), at)
		s := open(t, path)
		if s.Check() != nil {
			damaged++ // or it is a page that is not in use
		}
		s.Close()
		if _, again := f.WriteAt(page, at); err != nil || again != nil {
			t.Fatal(err, again)
		}
	}
	if damaged < 5 {
		t.Errorf("found %d pages damaged", damaged)
	}
}
