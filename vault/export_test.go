package vault

import "time"

// RecordsIn is a kind of record that the schema does not have.
func RecordsIn[R Record](v *Vault, kv KV, bucket string) Records[R] {
	return Records[R]{&Tx{state: state{v: v, kv: kv, ring: v.keys.Load(), mark: v.mark.Load().(string)}}, bucket}
}

// Header is the header that an instance has, as it is kept.
func (v *Vault) Header() []byte { return v.keys.Load().raw }

// Lasts reports whether a move can be carried on, and whether it keeps others
// from writing.
func (m Move) Lasts(now time.Time) (goes, holds bool) {
	return m.lasts(now, 0), m.lasts(now, moveGrace)
}

// Opens reports whether a record opens with what a root key opens of a header.
func Opens(header []byte, root Key, bucket, key string, sealed []byte) bool {
	ring, err := readKeyring(header, []Key{root})
	if err != nil {
		return false
	}
	_, err = ring.open(bucket, key, sealed)
	return err == nil
}
