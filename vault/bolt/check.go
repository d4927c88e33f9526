package bolt

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Check finds fault with the pages of the file: that they hang together, and
// that none is missing. What lies in them is for [vault.Vault.Check] to say.
func (s *Store) Check() error {
	return s.db.View(func(tx *bbolt.Tx) error {
		var first error
		more := -1
		for err := range tx.Check() {
			if more++; first == nil {
				first = err
			}
		}
		if more > 0 {
			return fmt.Errorf("%w, and %d faults more", first, more)
		}
		return first
	})
}

// checkPages reads a whole file that nobody has open, and finds fault with pages
// that do not hang together.
func checkPages(path string) (err error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return unopened(path, err)
	}
	defer db.Close()
	defer func() {
		if damage := recover(); damage != nil { // which is how bbolt says it
			err = fmt.Errorf("%s is damaged: %v; restore a backup", path, damage)
		}
	}()
	return db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(_, _ []byte) error { return nil })
		})
	})
}
