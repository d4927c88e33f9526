package bolt

import (
	"fmt"

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
