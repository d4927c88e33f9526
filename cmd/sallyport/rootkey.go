package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sallyport/vault"
	"sallyport/vault/kms"
)

// Root keys stand one a line, the newest last, in a key file or in SALLYPORT_KEY.
// One that a key management service has encrypted is the URI of the service's key,
// a space, and what the service made of it.

// rootKeys reads the keys from the environment or from their file, which nobody
// but its owner may be able to read.
func (s *settings) rootKeys(ctx context.Context) ([]vault.Key, error) {
	if v := os.Getenv("SALLYPORT_KEY"); v != "" {
		if s.keyFile != "" {
			return nil, &wrongUsage{"there are two root keys, in SALLYPORT_KEY and in the file " + s.keyFile + ": give one of them"}
		}
		keys, err := s.unsealed.parse(ctx, v)
		if err != nil {
			return nil, fmt.Errorf("SALLYPORT_KEY: %w", err)
		}
		return keys, nil
	}
	if s.keyFile == "" {
		return nil, errors.New("there is no root key: make one with 'sallyport vault init --key-file sallyport.key', and give --key-file sallyport.key (or the key itself in SALLYPORT_KEY)")
	}
	b, err := readKeyFile(s.keyFile)
	if err != nil {
		return nil, err
	}
	keys, err := s.unsealed.parse(ctx, string(b))
	if err != nil {
		return nil, fmt.Errorf("the key file %s: %w", s.keyFile, err)
	}
	return keys, nil
}

func readKeyFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no key file %s: if the store is new, make one with 'sallyport vault init --key-file %s'; else restore the one that the store was made with", path, path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key file %s can be read by others (mode %04o): run 'chmod 600 %s'", path, info.Mode().Perm(), path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	return b, nil
}

// unsealedKeys are the root keys that a key management service has decrypted for
// this process: each is asked for once.
type unsealedKeys struct {
	mu   sync.Mutex
	keys map[string]vault.Key // by line
}

func (u *unsealedKeys) parse(ctx context.Context, text string) (keys []vault.Key, err error) {
	for line := range strings.Lines(strings.TrimSpace(text)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		parse := vault.ParseKey
		if strings.Contains(line, "://") {
			parse = func(line string) (vault.Key, error) { return u.key(ctx, line) }
		}
		key, err := parse(line)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		_, err = vault.ParseKey("")
	}
	return keys, err
}

const (
	kmsPatience = 30 * time.Second // that a service which does not answer is asked again for, at a start
	kmsWait     = 500 * time.Millisecond
)

func (u *unsealedKeys) key(ctx context.Context, line string) (vault.Key, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if key, ok := u.keys[line]; ok {
		return key, nil
	}
	uri, sealed, ok := strings.Cut(line, " ")
	if !ok {
		return vault.Key{}, errors.New("not a whole root key: after the URI of the key management service's key should stand the encrypted root key, as 'sallyport vault init --kms' writes it")
	}
	service, err := kms.Open(uri)
	if err != nil {
		return vault.Key{}, err
	}
	plain, err := patiently(ctx, func() ([]byte, error) { return service.Decrypt(ctx, strings.TrimSpace(sealed)) })
	if err != nil {
		return vault.Key{}, fmt.Errorf("%s: %w", uri, err)
	}
	key, err := vault.ParseKey(string(plain))
	if err != nil {
		return key, fmt.Errorf("%s decrypted something else: %w", uri, err)
	}
	if u.keys == nil {
		u.keys = map[string]vault.Key{}
	}
	u.keys[line] = key
	return key, nil
}

// patiently asks a service again that does not answer, less and less often.
func patiently[T any](ctx context.Context, ask func() (T, error)) (answer T, err error) {
	began := time.Now()
	for wait := kmsWait; ; wait *= 2 {
		answer, err = ask()
		if !errors.Is(err, kms.ErrUnavailable) || time.Since(began)+wait > kmsPatience {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return answer, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// newRootKey makes a root key, and the line that it is kept as.
func newRootKey(ctx context.Context, uri string) (key vault.Key, line string, err error) {
	key = vault.NewKey()
	if uri == "" {
		return key, key.Reveal() + "\n", nil
	}
	service, err := kms.Open(uri)
	if err != nil {
		return key, "", &wrongUsage{"--kms: " + err.Error()}
	}
	sealed, err := patiently(ctx, func() (string, error) { return service.Encrypt(ctx, []byte(key.Reveal())) })
	if err == nil {
		// A key that cannot be had back is worse than none.
		var plain []byte
		if plain, err = service.Decrypt(ctx, sealed); err == nil && string(plain) != key.Reveal() {
			err = errors.New("what it encrypted it does not decrypt")
		}
	}
	if err != nil {
		return key, "", fmt.Errorf("%s: %w", uri, err)
	}
	return key, uri + " " + sealed + "\n", nil
}

// makeKeyFile writes a root key to a file that is not there yet.
func makeKeyFile(path, line string) error {
	// O_EXCL: a key that is there may be the only one that opens a store.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already, and a root key is never overwritten: give another --key-file, or add a key to it with --next", path)
	}
	if err != nil {
		return fmt.Errorf("make the key file: %w", err)
	}
	_, err = f.WriteString(line)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(path)
		return fmt.Errorf("write the key file: %w", err)
	}
	return nil
}

// addToKeyFile adds a root key to a file, which is there with the ones before or
// with all of them at any moment.
func addToKeyFile(ctx context.Context, path, line string) error {
	before, err := readKeyFile(path)
	if err != nil {
		return err
	}
	if _, err := new(unsealedKeys).parse(ctx, string(before)); err != nil {
		return fmt.Errorf("the key file %s: %w", path, err)
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	next := target + ".next"
	if err := makeKeyFile(next, string(append(bytes.TrimRight(before, "\n"), "\n"+line...))); err != nil {
		return err
	}
	if err := os.Rename(next, target); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	dir, err := os.Open(filepath.Dir(target))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
