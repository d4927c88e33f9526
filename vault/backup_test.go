package vault_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"sallyport/vault"
)

// backup is a backup of a vault, on its way.
func backup(t *testing.T, v *vault.Vault) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := v.Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func receive(t *testing.T, b []byte) vault.Store {
	t.Helper()
	s := store(t)
	if _, err := vault.Receive(t.Context(), bytes.NewReader(b), s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBackupIsTheVaultMarkedAsRestored(t *testing.T) {
	t.Parallel()
	s, key := store(t), vault.NewKey()
	v := open(t, s, key)
	expired(t, v, vault.Rotates)
	until := time.Now().Add(time.Hour)
	put(t, v, func(tx *vault.Tx) error {
		return tx.Sessions.Put(vault.Session{Hash: "h", User: "u", Expires: until})
	})
	restored := open(t, receive(t, backup(t, v)), key)
	if ts := seen(t, restored); ts.RefreshToken.Reveal() != "rt0" || ts.Attempt == nil || !ts.Attempt.Restored {
		t.Errorf("restored %+v", ts)
	}
	if seen(t, v).Attempt != nil {
		t.Error("the vault that was backed up is marked")
	}
	restored.Now = func() time.Time { return until.Add(10 * time.Minute) }
	if n, err := restored.Sweep(t.Context()); n != 1 || err != nil {
		t.Errorf("swept %d, %v: what expires does not any more", n, err)
	}
	if bytes.Equal(restored.Derive("x"), vaultOf(t).Derive("x")) || !bytes.Equal(restored.Derive("x"), v.Derive("x")) {
		t.Error("derived keys are others")
	}
	// A backup of what was restored is another restore.
	again := open(t, receive(t, backup(t, restored)), key)
	if ts := seen(t, again); ts.Attempt == nil || ts.Attempt.ID == seen(t, restored).Attempt.ID {
		t.Errorf("restored again: %+v", ts.Attempt)
	}
}

func vaultOf(t *testing.T) *vault.Vault { t.Helper(); return open(t, store(t), vault.NewKey()) }

// TestH57BackupIsOfOneMoment moves money between two records while backups are
// made: in each the sum is right.
func TestH57BackupIsOfOneMoment(t *testing.T) {
	t.Parallel()
	key := vault.NewKey()
	v := open(t, store(t), key)
	move := func(a int) {
		put(t, v, func(tx *vault.Tx) error {
			return errors.Join(tx.Users.Put(vault.User{ID: "a", Logins: a}), tx.Sessions.Put(vault.Session{Hash: "b", User: fmt.Sprint(100 - a), Expires: time.Now().Add(time.Hour)}))
		})
	}
	move(0)
	ctx, cancel := context.WithCancel(t.Context())
	var moving sync.WaitGroup
	moving.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			move(i % 100)
		}
	})
	for range 5 {
		restored := open(t, receive(t, backup(t, v)), key)
		err := restored.View(t.Context(), func(tx *vault.Tx) error {
			a, errA := tx.Users.Get("a")
			b, errB := tx.Sessions.Get("b")
			if b.User != fmt.Sprint(100-a.Logins) {
				t.Errorf("a has %d, b %s", a.Logins, b.User)
			}
			return errors.Join(errA, errB)
		})
		if err != nil {
			t.Error(err)
		}
	}
	cancel()
	moving.Wait()
}

// TestH54BackupThatIsNotWholeIsRefused cuts a backup short everywhere, changes
// each of its bytes, and has it declare what it does not have.
func TestH54BackupThatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	v := vaultOf(t)
	whole := backup(t, v)
	refused := func(name string, b []byte) {
		t.Helper()
		s := discard{}
		if _, err := vault.Receive(t.Context(), bytes.NewReader(b), s); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	for n := range whole {
		refused(fmt.Sprintf("cut short to %d bytes", n), whole[:n])
		changed := bytes.Clone(whole)
		changed[n] ^= 1
		refused(fmt.Sprintf("changed at %d", n), changed)
	}
	magic, _, _ := strings.Cut(string(whole), "\n")
	refused("an entry of 10 GiB, as far as it can say so", binary.BigEndian.AppendUint32([]byte(magic+"\n"), 0xFFFFFFFF))
	refused("something else", []byte(strings.Repeat("not a backup\n", 100)))
}

// TestH54HostileBackupIsRefused receives backups that are whole, and that no gateway
// of ours has made.
func TestH54HostileBackupIsRefused(t *testing.T) {
	t.Parallel()
	type entry struct {
		Bucket, Key string
		Sealed      []byte
		Expires     int64
	}
	bundle := func(entries ...entry) *bytes.Buffer {
		b := bytes.NewBufferString("sallyport-backup-1\n")
		for _, e := range entries {
			one, err := cbor.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(one))))
			b.Write(one)
		}
		b.Write(make([]byte, 4))
		sum := sha256.Sum256(b.Bytes())
		b.Write(sum[:])
		return b
	}
	mark, header, user := entry{Bucket: "vault", Key: "restored"}, entry{Bucket: "vault", Key: "header"}, entry{Bucket: "users", Key: "u"}
	for name, tt := range map[string]struct {
		entries []entry
		says    string
	}{
		"one of ours":           {[]entry{mark, user, header}, ""},
		"what is moved":         {[]entry{user, header, mark}, ""},
		"the same twice":        {[]entry{mark, user, user, header}, "an entry of users comes twice"},
		"the same twice, apart": {[]entry{mark, user, header, user}, "an entry of users comes twice"},
		"two headers":           {[]entry{mark, header, header}, "an entry of vault comes twice"},
		"two marks":             {[]entry{mark, mark, header}, "an entry of vault comes twice"},
		"two marks, apart":      {[]entry{mark, header, mark}, "an entry of vault comes twice"},
		"no header":             {[]entry{mark, user}, "it has no header"},
		"nothing":               {nil, "it has no header"},
		"what bolt keeps":       {[]entry{{Bucket: "\x00expiries", Key: "x"}, header}, "which no vault has"},
		"a path":                {[]entry{{Bucket: "../../etc/passwd", Key: "x"}, header}, "which no vault has"},
		"no bucket":             {[]entry{{Key: "x"}, header}, "which no vault has"},
		"no key":                {[]entry{{Bucket: "users"}, header}, "which no vault has"},
		"a key without end":     {[]entry{{Bucket: "users", Key: strings.Repeat("u", 40<<10)}, header}, "which no vault has"},
		"a move":                {[]entry{header, {Bucket: "vault", Key: "move"}}, "the move of the store"},
		"an origin":             {[]entry{header, {Bucket: "vault", Key: "origin"}}, "the origin of the store"},
	} {
		_, err := vault.Receive(t.Context(), bundle(tt.entries...), store(t))
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, which should say %q", name, err, tt.says)
		}
	}
}

// discard is a store that keeps nothing.
type discard struct{ vault.Store }

func (discard) Update(context.Context, func(vault.KV) error) error { return nil }
