// Package vault keeps everything the gateway remembers, sealed at rest: the
// token sets that identity providers issued, and the clients, connections,
// users and grants around them.
//
// A [Vault] is a schema over a [Store]. [Tx] lists the whole schema: one field
// a kind of record. Records are sealed before a Store sees them, bound to the
// bucket and key they are kept under, so a Store need not be trusted with more
// than keeping bytes.
//
// # Transactions
//
// [Vault.View] and [Vault.Update] run a function in one serializable
// transaction, which may be run more than once. Nothing in such a function may
// reach beyond the transaction: no network, no clock but [Vault.Now], no
// random value that is not made outside.
//
// Update keeps nothing if its function returns an error. Where a refusal must
// leave a mark (a code shown with a wrong verifier is spent all the same), the
// function returns nil and carries the refusal out in a variable.
//
// # Sealed records
//
//	bucket "vault", key "header"            Header, in the clear: format version, ids of the root key
//	                                        and of data keys, and the keyset, encrypted under the root key
//	bucket of the kind, key of the record   Tink ciphertext:
//	                                        0x01 || key id (4 bytes) || nonce (24) || ciphertext and tag
//
// The plaintext of a record is CBOR (RFC 8949) with the names of its fields as
// map keys, so fields can be added freely. The cipher is XAES-256-GCM, whose
// nonces are long enough to be random for ever; its additional data is
// bucket || 0 || key, so no record can be moved to another's place. The key id
// names a key of the keyset, so that keys can be rotated.
//
// Secrets that their bearer shows (codes, refresh tokens, states, session ids)
// are kept only as their [Hash].
package vault
