package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/vault"
	"sallyport/vault/storetest"
)

// putUsers puts users with so many logins each.
func putUsers(t *testing.T, v *vault.Vault, n, logins int) {
	t.Helper()
	put(t, v, func(tx *vault.Tx) error {
		for i := range n {
			if err := tx.Users.Put(vault.User{ID: fmt.Sprintf("u%03d", i), Logins: logins}); err != nil {
				return err
			}
		}
		return nil
	})
}

func checkUsers(t *testing.T, v *vault.Vault, n, logins int) {
	t.Helper()
	err := v.View(t.Context(), func(tx *vault.Tx) error {
		found := 0
		for u, err := range tx.Users.All("") {
			if err != nil {
				return err
			}
			if found++; u.Logins != logins {
				t.Errorf("%s has %d logins, want %d", u.ID, u.Logins, logins)
			}
		}
		if found != n {
			t.Errorf("%d users, want %d", found, n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// checkUnder finds fault with a vault in which a record is not under the key that
// seals, or does not open.
func checkUnder(t *testing.T, v *vault.Vault) vault.Report {
	t.Helper()
	r, err := v.Check(t.Context(), io.Discard, func(int) {})
	if err != nil || r.FaultCount > 0 || len(r.Under) != 1 || r.Under[r.DataKey] == 0 {
		t.Errorf("check: %+v, %v", r, err)
	}
	return r
}

func keyState(t *testing.T, v *vault.Vault) vault.KeyState {
	t.Helper()
	s, err := v.KeyState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reseal goes on until the change of keys is over, as time passes.
func reseal(t *testing.T, v *vault.Vault, c *clock) {
	t.Helper()
	for range 20 {
		if err := v.Reseal(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !keyState(t, v).Changing() {
			return
		}
		c.forward(31 * time.Second)
	}
	t.Fatalf("it does not end: %+v", keyState(t, v))
}

// TestRekeyBringsEveryRecordUnderANewKey has an instance change the data key that
// another one has never heard of.
func TestRekeyBringsEveryRecordUnderANewKey(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, s vault.Store) {
		c, key := &clock{}, vault.NewKey()
		s = storetest.Clock(s, c.Now)
		v, other := open(t, s, key), open(t, s, key)
		putUsers(t, v, 250, 1)
		until := time.Now().Add(time.Hour).Truncate(time.Second)
		put(t, v, func(tx *vault.Tx) error { return tx.Sessions.Put(vault.Session{Hash: "h", Expires: until}) })
		before := keyState(t, v)
		if err := v.Rekey(t.Context()); err != nil {
			t.Fatal(err)
		}
		announced := keyState(t, other)
		if announced.Data != before.Data || announced.NextData == "" {
			t.Errorf("announced: %+v", announced)
		}
		putUsers(t, other, 10, 1)
		reseal(t, v, c)
		if after := keyState(t, v); after.Data != announced.NextData || after.Changing() || after.Root != before.Root {
			t.Errorf("before %+v, after %+v", before, after)
		}
		checkUsers(t, other, 250, 1)
		putUsers(t, other, 250, 2) // with the keyring that it had
		checkUsers(t, v, 250, 2)
		checkUnder(t, open(t, s, key))
		v.Now = func() time.Time { return until.Add(time.Hour) }
		if n, err := v.Sweep(t.Context()); n != 1 || err != nil {
			t.Errorf("swept %d, %v: what expires does not any more", n, err)
		}
	})
}

// TestInstanceThatSleptSealsUnderTheNewKey has an instance of long ago write
// first, after two changes.
func TestInstanceThatSleptSealsUnderTheNewKey(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, s vault.Store) {
		c, key := &clock{}, vault.NewKey()
		s = storetest.Clock(s, c.Now)
		v, slept := open(t, s, key), open(t, s, key)
		for range 2 {
			if err := v.Rekey(t.Context()); err != nil {
				t.Fatal(err)
			}
			reseal(t, v, c)
		}
		putUsers(t, slept, 3, 7)
		checkUsers(t, v, 3, 7)
		checkUnder(t, v)
	})
}

// TestHeaderFoundInAViewOutlivesIt has an instance find in a view that another
// changed the key.
func TestHeaderFoundInAViewOutlivesIt(t *testing.T) {
	t.Parallel()
	s, key, c := store(t), vault.NewKey(), &clock{}
	s = storetest.Clock(s, c.Now)
	v, other := open(t, s, key), open(t, s, key)
	putUsers(t, v, 3, 1)
	if err := v.Rekey(t.Context()); err != nil {
		t.Fatal(err)
	}
	reseal(t, v, c)
	checkUsers(t, other, 3, 1)
	if !bytes.Equal(other.Header(), v.Header()) {
		t.Error("the header that was found is spoilt")
	}
}

// TestWhatChangesWhileRecordsAreResealedIsKept counts up in records all the while.
func TestWhatChangesWhileRecordsAreResealedIsKept(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, s vault.Store) {
		c, key := &clock{}, vault.NewKey()
		s = storetest.Clock(s, c.Now)
		v, other := open(t, s, key), open(t, s, key)
		const users = 150
		putUsers(t, v, users, 0)
		ctx, cancel := context.WithCancel(t.Context())
		var counting sync.WaitGroup
		counted := make([]int, 3)
		for w := range counted {
			counting.Go(func() {
				for i := w; ctx.Err() == nil; i += len(counted) {
					err := other.Update(context.Background(), func(tx *vault.Tx) error {
						u, err := tx.Users.Get(fmt.Sprintf("u%03d", i%users))
						if err != nil {
							return err
						}
						u.Logins++
						return tx.Users.Put(u)
					})
					if err != nil {
						t.Error(err)
						return
					}
					counted[w]++
				}
			})
		}
		for range 3 {
			if err := v.Rekey(t.Context()); err != nil {
				t.Fatal(err)
			}
			reseal(t, v, c)
		}
		cancel()
		counting.Wait()
		total := 0
		v.View(t.Context(), func(tx *vault.Tx) error {
			for u, err := range tx.Users.All("") {
				if err != nil {
					t.Error(err)
				}
				total += u.Logins
			}
			return nil
		})
		if want := counted[0] + counted[1] + counted[2]; total != want || want == 0 {
			t.Errorf("counted to %d, and %d are there", want, total)
		}
		checkUnder(t, v)
	})
}

// TestChangeOfKeysGoesOnAfterACrashAtAnyPoint breaks the store off after each of
// the updates that a change of both keys takes, and has another instance go on,
// which has both root keys. Before that, one of the two opens the vault.
func TestChangeOfKeysGoesOnAfterACrashAtAnyPoint(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		c, older, newer := &clock{}, vault.NewKey(), vault.NewKey()
		whole := storetest.Clock(store(t), c.Now)
		putUsers(t, open(t, whole, older), 120, 1)
		b := &breaking{Store: whole, left: n}
		v, err := vault.Open(t.Context(), b, older, newer)
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(v.Rekey(t.Context()), v.Reseal(t.Context()))
		_, errOlder := vault.Open(t.Context(), whole, older)
		_, errNewer := vault.Open(t.Context(), whole, newer)
		if errOlder != nil && errNewer != nil || errOlder == nil && errNewer == nil {
			t.Fatalf("after %d updates: %v; %v", n, errOlder, errNewer)
		}
		if wrong := errors.Join(errOlder, errNewer); !errors.Is(wrong, vault.ErrWrongKey) || !strings.Contains(wrong.Error(), older.ID()) || !strings.Contains(wrong.Error(), newer.ID()) {
			t.Errorf("after %d updates: %v", n, wrong)
		}
		c.forward(11 * time.Second) // the lease of the one that crashed
		next, openErr := vault.Open(t.Context(), whole, older, newer)
		if openErr != nil {
			t.Fatal(openErr)
		}
		if !keyState(t, next).Changing() && errNewer != nil {
			if err := next.Rekey(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		reseal(t, next, c)
		checkUsers(t, next, 120, 1)
		checkUnder(t, next)
		if s := keyState(t, next); s.Root != newer.ID() {
			t.Errorf("after %d updates: %+v", n, s)
		}
		if err == nil {
			if n < 5 {
				t.Errorf("it took %d updates", n)
			}
			return
		}
	}
}

// TestBackupMadeWhileKeysAreChangedIsFinished restores a backup that was made with
// half of the records under the new key.
func TestBackupMadeWhileKeysAreChangedIsFinished(t *testing.T) {
	t.Parallel()
	c, key := &clock{}, vault.NewKey()
	b := &breaking{Store: store(t), left: 1000}
	v := open(t, b, key)
	putUsers(t, v, 250, 1)
	b.left = 4 // announced, seen, promoted, seen
	if err := errors.Join(v.Rekey(t.Context()), v.Reseal(t.Context())); err == nil {
		t.Fatal("it was not broken off")
	}
	b.left = 1
	v.Reseal(t.Context())
	restored := open(t, storetest.Clock(receive(t, backup(t, v)), c.Now), key)
	if r, err := restored.Check(t.Context(), io.Discard, func(int) {}); err != nil || !keyState(t, restored).Changing() || r.FaultCount > 0 {
		t.Errorf("restored: %+v, %v", r, err)
	}
	c.forward(time.Minute)
	reseal(t, restored, c)
	checkUsers(t, restored, 250, 1)
	checkUnder(t, restored)
}

// TestRootKeyIsChangedByItself has the root key change, of which a running
// instance hears nothing.
func TestRootKeyIsChangedByItself(t *testing.T) {
	t.Parallel()
	s, older, newer := store(t), vault.NewKey(), vault.NewKey()
	v, other := open(t, s, older), open(t, s, older)
	putUsers(t, v, 3, 1)
	if err := v.RekeyRoot(t.Context()); !errors.Is(err, vault.ErrSameKey) || !strings.Contains(err.Error(), older.ID()) {
		t.Errorf("to the same key: %v", err)
	}
	v.RootKeys = func(context.Context) ([]vault.Key, error) { return []vault.Key{older, newer}, nil }
	if err := v.RekeyRoot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(t.Context(), s, older); !errors.Is(err, vault.ErrWrongKey) {
		t.Errorf("the older key opens it: %v", err)
	}
	checkUnder(t, open(t, s, newer))
	// It opens nothing with the newer key, and need not.
	putUsers(t, other, 3, 2)
	checkUsers(t, other, 3, 2)
	if err := other.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if err := other.Reseal(t.Context()); !errors.Is(err, vault.ErrWrongKey) || !strings.Contains(err.Error(), newer.ID()) {
		t.Errorf("it does not say which key it lacks: %v", err)
	}
}

// TestInstanceWithoutTheNextRootKeyLeavesTheChangeToOthers has one go on that
// could not end it.
func TestInstanceWithoutTheNextRootKeyLeavesTheChangeToOthers(t *testing.T) {
	t.Parallel()
	s, older, newer := store(t), vault.NewKey(), vault.NewKey()
	poor := open(t, s, older)
	rich, err := vault.Open(t.Context(), s, older, newer)
	if err != nil {
		t.Fatal(err)
	}
	if err := rich.Rekey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := poor.Reseal(t.Context()); !errors.Is(err, vault.ErrWrongKey) || !strings.Contains(err.Error(), newer.ID()) {
		t.Errorf("it does not say which key it lacks: %v", err)
	}
	reseal(t, rich, &clock{})
	if root := keyState(t, rich).Root; root != newer.ID() {
		t.Errorf("it opens with %s", root)
	}
}

// TestRecordThatDoesNotOpenIsLeft changes the key of a vault with a damaged record.
func TestRecordThatDoesNotOpenIsLeft(t *testing.T) {
	t.Parallel()
	s, key := store(t), vault.NewKey()
	v := open(t, s, key)
	putUsers(t, v, 3, 1)
	err := s.Update(t.Context(), func(kv vault.KV) error {
		value, err := kv.Get("users", "u001")
		if err != nil {
			return err
		}
		value.Sealed[len(value.Sealed)-1] ^= 1
		return kv.Put("users", "u001", value)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Rekey(t.Context()); err != nil {
		t.Fatal(err)
	}
	reseal(t, v, &clock{})
	if r, err := v.Check(t.Context(), io.Discard, func(int) {}); err != nil || r.FaultCount != 1 || len(r.Under) != 2 {
		t.Errorf("check: %+v, %v", r, err)
	}
}

// recorder keeps all that was ever put, as the free pages of a file, a dump or an
// old backup may.
type recorder struct {
	vault.Store
	mu  sync.Mutex
	was []recorded
}

type recorded struct {
	bucket, key string
	sealed      []byte
}

func (r *recorder) Update(ctx context.Context, fn func(vault.KV) error) error {
	return r.Store.Update(ctx, func(kv vault.KV) error { return fn(recorderKV{kv, r}) })
}

type recorderKV struct {
	vault.KV
	to *recorder
}

func (kv recorderKV) Put(bucket, key string, v vault.Value) error {
	kv.to.mu.Lock()
	kv.to.was = append(kv.to.was, recorded{bucket, key, bytes.Clone(v.Sealed)})
	kv.to.mu.Unlock()
	return kv.KV.Put(bucket, key, v)
}

// TestWhatWasDeletedIsGoneWithTheOldRootKey changes both keys after an account was
// forgotten, and tries whatever was ever in the store with the new one.
func TestWhatWasDeletedIsGoneWithTheOldRootKey(t *testing.T) {
	t.Parallel()
	older, newer := vault.NewKey(), vault.NewKey()
	s := &recorder{Store: store(t)}
	v, err := vault.Open(t.Context(), s, older, older)
	if err != nil {
		t.Fatal(err)
	}
	expired(t, v, vault.Rotates)
	identity := seen(t, v).Identity
	put(t, v, func(tx *vault.Tx) error { return tx.TokenSets.Delete(identity) })
	deleted := len(s.was)
	v.RootKeys = func(context.Context) ([]vault.Key, error) { return []vault.Key{older, newer}, nil }
	if err := v.Rekey(t.Context()); err != nil {
		t.Fatal(err)
	}
	reseal(t, v, &clock{})

	opened := func(root vault.Key) (n int) {
		for _, record := range s.was[:deleted] {
			for _, header := range s.was {
				if header.bucket == "vault" && header.key == "header" && vault.Opens(header.sealed, root, record.bucket, record.key, record.sealed) {
					n++
				}
			}
		}
		return n
	}
	if opened(older) == 0 {
		t.Error("nothing opens with the older key: the test looks in the wrong place")
	}
	if n := opened(newer); n > 0 {
		t.Errorf("%d records from before open with the newer key", n)
	}
}

// TestH35NoncesAreNotRepeated seals the same thing again and again: in a million
// no nonce may come twice, of which a sample is taken here.
func TestH35NoncesAreNotRepeated(t *testing.T) {
	t.Parallel()
	s := &recorder{Store: store(t)}
	v := open(t, s, vault.NewKey())
	const rounds, together = 20, 2000
	for range rounds {
		put(t, v, func(tx *vault.Tx) error {
			for range together {
				if err := tx.Used.Put(vault.Used{ID: "the same", Expires: time.Unix(1<<33, 0)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	seen := map[string]bool{}
	for _, record := range s.was {
		if record.bucket != "used" {
			continue
		}
		const prefix, nonce = 5, 24
		if seen[string(record.sealed[prefix:prefix+nonce])] {
			t.Fatalf("a nonce came twice in %d", len(seen))
		}
		seen[string(record.sealed[prefix:prefix+nonce])] = true
	}
	if len(seen) < rounds*together {
		t.Errorf("%d nonces", len(seen))
	}
}
