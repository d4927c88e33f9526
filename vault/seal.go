package vault

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/fxamacker/cbor/v2"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Version is the format that this program reads and writes. A store of a newer
// one is refused.
const Version = 1

const (
	headerBucket = "vault"
	headerKey    = "header"
	deriveKey    = "derive"
)

// Header is the one record in the clear: how to read the others. An older
// program passes over the fields that it does not know.
type Header struct {
	Version int
	RootKey string // the ID of the root key
	Keyset  []byte // Tink's binary keyset, encrypted under the root key

	// Of a change of keys: see [Vault.Rekey].
	Change   int    `cbor:",omitempty"` // counts the headers that there were
	Seals    uint32 `cbor:",omitempty"` // the ID of the data key that seals; 0 where there was never another
	Next     uint32 `cbor:",omitempty"` // the ID of the one that is to, until it does
	NextRoot string `cbor:",omitempty"` // the ID of the root key that is to follow, in the end

	// Seconds since 1970; 0 where the key is the vault's first.
	RootSince int64 `cbor:",omitempty"` // when the root key came to encrypt the keyset
	Made      int64 `cbor:",omitempty"` // when the data key was made that seals
	NextMade  int64 `cbor:",omitempty"` // and the one that is to
}

// ErrWrongKey reports that a vault was made under another root key.
var ErrWrongKey = errors.New("wrong root key")

// ErrNewer reports that a vault was written by a newer version of the program.
var ErrNewer = errors.New("written by a newer version")

// ErrForeign reports that there is something in a store, and no vault.
var ErrForeign = errors.New("there is something in it that is no vault")

// keyring seals and opens records. It does not change: another header has
// another keyring.
type keyring struct {
	header Header
	raw    []byte // the header, as it is kept
	keys   *keyset.Handle
	aead   tink.AEAD
	ids    []uint32 // of the keys
	seals  uint32   // the ID of the one that seals
	derive []byte   // 32 random bytes, kept sealed
}

// openKeyring reads the header and the keyset in it, or makes both in a store
// that is empty, under the last of the root keys. It writes to no other.
func openKeyring(ctx context.Context, store Store, roots []Key) (*keyring, error) {
	made, err := newKeyring(roots[len(roots)-1])
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	first := func(kv KV) error {
		_, err := kv.Get(headerBucket, headerKey)
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if found, err := kv.Buckets(); err != nil || len(found) > 0 {
			return errors.Join(err, fmt.Errorf("%w: it is another program's, or a copy that was broken off; nothing was changed", ErrForeign))
		}
		derive, err := made.seal(headerBucket, deriveKey, secret)
		if err != nil {
			return err
		}
		if err := kv.Put(headerBucket, deriveKey, Value{Sealed: derive}); err != nil {
			return err
		}
		return kv.Put(headerBucket, headerKey, Value{Sealed: made.raw})
	}
	var header, derive []byte
	read := func(kv KV) (err error) {
		if header, err = kept(kv, headerKey); err != nil {
			return err
		}
		derive, err = kept(kv, deriveKey)
		return err
	}
	err = store.View(ctx, read)
	if errors.Is(err, ErrNotFound) {
		if err := store.Update(ctx, first); err != nil {
			return nil, fmt.Errorf("vault: make the header: %w", err)
		}
		err = store.View(ctx, read)
	}
	if err != nil {
		return nil, fmt.Errorf("vault: read the header: %w", err)
	}
	ring, err := readKeyring(header, roots)
	if err != nil {
		return nil, err
	}
	ring.derive, err = ring.open(headerBucket, deriveKey, derive)
	return ring, err
}

// kept is what the header's bucket has under a key, for longer than the transaction.
func kept(kv KV, key string) ([]byte, error) {
	v, err := kv.Get(headerBucket, key)
	return bytes.Clone(v.Sealed), err
}

// Made reports whether there is a vault in a store.
func Made(ctx context.Context, store Store) (bool, error) {
	return Exists(store.View(ctx, func(kv KV) error {
		_, err := kv.Get(headerBucket, headerKey)
		return err
	}))
}

// newKeyring makes a keyset of one key, and the header that holds it.
func newKeyring(root Key) (*keyring, error) {
	keys, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("vault: make a keyset: %w", err)
	}
	return keyringOf(Header{Version: Version}, keys, root)
}

// keyringOf is a keyring with its header, in which the keyset is encrypted under
// a root key.
func keyringOf(h Header, keys *keyset.Handle, root Key) (*keyring, error) {
	var b bytes.Buffer
	if err := keys.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), root, []byte(headerBucket)); err != nil {
		return nil, fmt.Errorf("vault: encrypt the keyset: %w", err)
	}
	h.RootKey, h.Keyset = root.ID(), b.Bytes()
	raw, err := cbor.Marshal(h)
	if err != nil {
		return nil, err
	}
	return h.with(keys, raw)
}

// readKeyring opens a header with that of the root keys which it names.
func readKeyring(raw []byte, roots []Key) (*keyring, error) {
	var h Header
	if err := cbor.Unmarshal(raw, &h); err != nil {
		return nil, fmt.Errorf("vault: the header is damaged: %w", err)
	}
	if h.Version > Version {
		return nil, fmt.Errorf("vault: %w of Sallyport (its format is %d, this program knows %d): use that version, or restore a backup made before the upgrade",
			ErrNewer, h.Version, Version)
	}
	root, err := rootOf(h.RootKey, roots)
	if err != nil {
		return nil, fmt.Errorf("%w; nothing was changed", err)
	}
	keys, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(h.Keyset)), root, []byte(headerBucket))
	if err != nil {
		return nil, fmt.Errorf("vault: the keyset is damaged: %w", err)
	}
	return h.with(keys, bytes.Clone(raw))
}

// rootOf is the root key with an ID.
func rootOf(id string, roots []Key) (Key, error) {
	var given []string
	for _, k := range roots {
		if k.ID() == id {
			return k, nil
		}
		given = append(given, k.ID())
	}
	are := "the one given is "
	if len(given) > 1 {
		are = "those given are "
	}
	return Key{}, fmt.Errorf("vault: %w: this vault opens with key %s, and %s%s", ErrWrongKey, id, are, strings.Join(given, ", "))
}

func (h Header) with(keys *keyset.Handle, raw []byte) (*keyring, error) {
	a, err := aead.New(keys)
	if err != nil {
		return nil, fmt.Errorf("vault: the keyset is damaged: %w", err)
	}
	primary, err := keys.Primary()
	if err != nil {
		return nil, fmt.Errorf("vault: the keyset is damaged: %w", err)
	}
	ring := &keyring{header: h, raw: raw, keys: keys, aead: a, seals: primary.KeyID()}
	for i := range keys.Len() {
		entry, err := keys.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("vault: the keyset is damaged: %w", err)
		}
		ring.ids = append(ring.ids, entry.KeyID())
	}
	return ring, nil
}

// sealedUnder is the ID of the key in front of a sealed record, or 0.
func sealedUnder(sealed []byte) uint32 {
	if len(sealed) < 5 || sealed[0] != 1 {
		return 0
	}
	return binary.BigEndian.Uint32(sealed[1:5])
}

func (k *keyring) seal(bucket, key string, plain []byte) ([]byte, error) {
	sealed, err := k.aead.Encrypt(plain, place(bucket, key))
	if err != nil {
		return nil, fmt.Errorf("vault: seal %s: %w", bucket, err)
	}
	return sealed, nil
}

// open's error does not name the key, which may be a person's.
func (k *keyring) open(bucket, key string, sealed []byte) ([]byte, error) {
	plain, err := k.aead.Decrypt(sealed, place(bucket, key))
	if err != nil {
		return nil, fmt.Errorf("vault: a record of %s is damaged, or not in its own place: %w", bucket, err)
	}
	return plain, nil
}

func place(bucket, key string) []byte { return []byte(bucket + "\x00" + key) }

// Derive derives from a secret of this vault a 32-byte key for another
// purpose, named by label. It stays the same for the vault's whole life.
func (v *Vault) Derive(label string) []byte {
	b, err := hkdf.Key(sha256.New, v.keys.Load().derive, nil, label, 32)
	if err != nil {
		panic(err) // only for lengths beyond what HKDF gives
	}
	return b
}
