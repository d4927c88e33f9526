package vault

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// Instances of two versions may run on one store while they are upgraded. The
// older one meets fields that it does not know, and must not lose them: a record
// that was read and is put within one transaction keeps them. The value of a
// field that it knows is its own, whole, so that what is new belongs into records
// and not into values of theirs.

// carry adds to an encoded record the fields of the one before that R has not.
func carry[R any](plain, before []byte) ([]byte, error) {
	var had map[string]cbor.RawMessage
	if err := cbor.Unmarshal(before, &had); err != nil {
		return nil, fmt.Errorf("vault: decode a record: %w", err)
	}
	known := fieldsOf(reflect.TypeFor[R]())
	for name := range had {
		if known[name] {
			delete(had, name)
		}
	}
	if len(had) == 0 {
		return plain, nil
	}
	var now map[string]cbor.RawMessage
	if err := cbor.Unmarshal(plain, &now); err != nil {
		return nil, fmt.Errorf("vault: decode a record: %w", err)
	}
	for name, value := range now {
		had[name] = value
	}
	return encoding.Marshal(had)
}

var fieldSets sync.Map // of types: map[string]bool

// fieldsOf are the names of a record's fields, as they are encoded.
func fieldsOf(t reflect.Type) map[string]bool {
	if known, ok := fieldSets.Load(t); ok {
		return known.(map[string]bool)
	}
	known := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		known[f.Name] = true
	}
	fieldSets.Store(t, known)
	return known
}
