package vault

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

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

// Header is the one record in the clear: how to read the others.
type Header struct {
	Version int
	RootKey string // the ID of the root key
	Keyset  []byte // Tink's binary keyset, encrypted under the root key
}

// ErrWrongKey reports that a vault was made under another root key.
var ErrWrongKey = errors.New("wrong root key")

// ErrNewer reports that a vault was written by a newer version of the program.
var ErrNewer = errors.New("written by a newer version")

// ErrForeign reports that there is something in a store, and no vault.
var ErrForeign = errors.New("there is something in it that is no vault")

// keyring seals and opens records.
type keyring struct {
	aead   tink.AEAD
	derive []byte // 32 random bytes, kept sealed
}

// openKeyring reads the header and the keyset in it, or makes both in a store
// that is empty. It writes to no other.
func openKeyring(ctx context.Context, store Store, root Key) (*keyring, error) {
	made, sealed, err := newHeader(root)
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
		ring := &keyring{aead: sealed}
		derive, err := ring.seal(headerBucket, deriveKey, secret)
		if err != nil {
			return err
		}
		if err := kv.Put(headerBucket, deriveKey, Value{Sealed: derive}); err != nil {
			return err
		}
		return kv.Put(headerBucket, headerKey, Value{Sealed: made})
	}
	var header, derive Value
	read := func(kv KV) (err error) {
		if header, err = kv.Get(headerBucket, headerKey); err != nil {
			return err
		}
		derive, err = kv.Get(headerBucket, deriveKey)
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
	var h Header
	if err := cbor.Unmarshal(header.Sealed, &h); err != nil {
		return nil, fmt.Errorf("vault: the header is damaged: %w", err)
	}
	return h.open(root, derive.Sealed)
}

// Made reports whether there is a vault in a store.
func Made(ctx context.Context, store Store) (bool, error) {
	return Exists(store.View(ctx, func(kv KV) error {
		_, err := kv.Get(headerBucket, headerKey)
		return err
	}))
}

// newHeader makes a keyset of one key, and the header that holds it.
func newHeader(root Key) ([]byte, tink.AEAD, error) {
	handle, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return nil, nil, fmt.Errorf("vault: make a keyset: %w", err)
	}
	a, err := aead.New(handle)
	if err != nil {
		return nil, nil, fmt.Errorf("vault: make a keyset: %w", err)
	}
	var b bytes.Buffer
	if err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), root, []byte(headerBucket)); err != nil {
		return nil, nil, fmt.Errorf("vault: encrypt the keyset: %w", err)
	}
	h, err := cbor.Marshal(Header{Version: Version, RootKey: root.ID(), Keyset: b.Bytes()})
	return h, a, err
}

// open opens the keyring under the root key.
func (h Header) open(root Key, derive []byte) (*keyring, error) {
	if h.Version > Version {
		return nil, fmt.Errorf("vault: %w of Sallyport (its format is %d, this program knows %d): use that version, or restore a backup made before the upgrade",
			ErrNewer, h.Version, Version)
	}
	if h.RootKey != root.ID() {
		return nil, fmt.Errorf("vault: %w: this vault opens with key %s, and the one given is %s; nothing was changed",
			ErrWrongKey, h.RootKey, root.ID())
	}
	handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(h.Keyset)), root, []byte(headerBucket))
	if err != nil {
		return nil, fmt.Errorf("vault: the keyset is damaged: %w", err)
	}
	a, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("vault: the keyset is damaged: %w", err)
	}
	ring := &keyring{aead: a}
	ring.derive, err = ring.open(headerBucket, deriveKey, derive)
	return ring, err
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
	b, err := hkdf.Key(sha256.New, v.keys.derive, nil, label, 32)
	if err != nil {
		panic(err) // only for lengths beyond what HKDF gives
	}
	return b
}
