package vault

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// A backup on its way is
//
//	"sallyport-backup-1\n"
//	length (4 bytes, big endian) || CBOR of an entry      for each entry, sealed as it is in the store
//	0 (4 bytes) || SHA-256 of all before
//
// and ends up as a store again, which any gateway can open: see [Receive]. One
// whose end is missing or wrong is not whole.
const backupMagic = "sallyport-backup-1\n"

// backupEntry is an entry of a store with its bucket.
type backupEntry struct {
	Bucket, Key string
	Sealed      []byte
	Expires     int64 // seconds since 1970, or 0 if never
}

// mostEntry is the longest entry that is believed, in bytes.
const mostEntry = 16 << 20

// ErrNotWhole reports a backup that was cut short, or changed on its way.
var ErrNotWhole = errors.New("the backup did not come whole")

// Backup writes the vault as it is at one moment, and returns the number of its
// entries. It is marked as restored: see [MarkRestored].
func (v *Vault) Backup(ctx context.Context, w io.Writer) (entries int, err error) {
	return Backup(ctx, v.store, w)
}

// Backup writes the vault in a store, which need not be opened for it: see
// [Vault.Backup].
func Backup(ctx context.Context, store Store, w io.Writer) (entries int, err error) {
	mark := newMark()
	entries, err = send(ctx, store, w, func(KV) (*Value, error) { return &mark, nil })
	if err != nil {
		err = fmt.Errorf("back up: %w", err)
	}
	return entries, err
}

// send writes the vault in a store in the form of a backup. begin, which sees it
// first, returns the mark in place of its own, if there is to be one.
func send(ctx context.Context, store Store, w io.Writer, begin func(KV) (mark *Value, err error)) (entries int, err error) {
	whole := sha256.New()
	to := bufio.NewWriterSize(io.MultiWriter(w, whole), 256<<10)
	err = store.Snapshot(ctx, func(kv KV) error {
		if _, err := kv.Get(headerBucket, headerKey); err != nil {
			return fmt.Errorf("there is no vault in the store: %w", err)
		}
		mark, err := begin(kv)
		if err != nil {
			return err
		}
		buckets, err := kv.Buckets()
		if err != nil {
			return err
		}
		if _, err := to.WriteString(backupMagic); err != nil {
			return err
		}
		if mark != nil {
			if err := writeEntry(to, headerBucket, Entry{restoredKey, *mark}); err != nil {
				return err
			}
			entries++
		}
		for _, bucket := range buckets {
			for e, failed := range kv.Scan(bucket, "") {
				if err = errors.Join(err, failed, ctx.Err()); err != nil {
					return err
				}
				if bucket == headerBucket && (e.Key == restoredKey && mark != nil || e.Key == moveKey || e.Key == originKey) {
					continue
				}
				if err = writeEntry(to, bucket, e); err != nil {
					return err
				}
				entries++
			}
		}
		return err
	})
	if err != nil {
		return entries, err
	}
	to.Write(make([]byte, 4))
	if err := to.Flush(); err != nil {
		return entries, err
	}
	_, err = w.Write(whole.Sum(nil))
	return entries, err
}

func writeEntry(w io.Writer, bucket string, e Entry) error {
	entry := backupEntry{bucket, e.Key, e.Sealed, 0}
	if !e.Expires.IsZero() {
		entry.Expires = e.Expires.Unix()
	}
	b, err := cbor.Marshal(entry)
	if err != nil {
		return err
	}
	if _, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b)))); err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// Receive puts a backup into an empty store, and returns the number of its
// entries. What it has put there when it fails, with [ErrNotWhole] or otherwise,
// is of no use.
func Receive(ctx context.Context, r io.Reader, store Store) (entries int, err error) {
	return receive(ctx, r, store, func(backupEntry) bool { return true })
}

// receive is Receive that leaves out what is not wanted.
func receive(ctx context.Context, r io.Reader, store Store, wanted func(backupEntry) bool) (entries int, err error) {
	const together = 2000 // in a transaction
	from := &backupReader{from: bufio.NewReaderSize(r, 256<<10), whole: sha256.New()}
	if err := from.begin(); err != nil {
		return 0, err
	}
	var arrived arrivals
	for more := true; more; {
		var batch []backupEntry
		for more && len(batch) < together {
			var e backupEntry
			if e, more, err = from.next(); err != nil {
				return entries, err
			}
			if !more {
				err = arrived.end()
			} else {
				err = arrived.check(e)
			}
			if err != nil {
				return entries, err
			}
			if more && wanted(e) {
				batch = append(batch, e)
			}
		}
		err := store.Update(ctx, func(kv KV) error {
			for _, e := range batch {
				if err := kv.Put(e.Bucket, e.Key, e.value()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return entries, err
		}
		entries += len(batch)
	}
	return entries, nil
}

func (e backupEntry) value() Value {
	v := Value{Sealed: e.Sealed}
	if e.Expires != 0 {
		v.Expires = time.Unix(e.Expires, 0)
	}
	return v
}

// backupReader reads a backup on its way.
type backupReader struct {
	from  *bufio.Reader
	whole hash.Hash
}

func (b *backupReader) begin() error {
	magic, err := b.read(len(backupMagic))
	if err == nil && string(magic) != backupMagic {
		return errors.New("this is no backup, or one of another version of Sallyport")
	}
	return err
}

// next is the next entry. There is none after the end, which it checks.
func (b *backupReader) next() (e backupEntry, more bool, err error) {
	length, err := b.read(4)
	if err != nil {
		return e, false, err
	}
	n := binary.BigEndian.Uint32(length)
	switch {
	case n > mostEntry:
		return e, false, fmt.Errorf("%w: an entry says that it has %d bytes", ErrNotWhole, n)
	case n == 0:
		want := b.whole.Sum(nil)
		got, err := b.read(sha256.Size)
		if err == nil && subtle.ConstantTimeCompare(got, want) != 1 {
			err = fmt.Errorf("%w: its checksum is wrong", ErrNotWhole)
		}
		return e, false, err
	}
	entry, err := b.read(int(n))
	if err == nil {
		err = cbor.Unmarshal(entry, &e)
	}
	return e, err == nil, err
}

func (b *backupReader) read(n int) ([]byte, error) {
	p := make([]byte, n)
	if _, err := io.ReadFull(b.from, p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotWhole, err)
	}
	b.whole.Write(p)
	return p, nil
}
