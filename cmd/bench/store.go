package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"sallyport/vault"
	"sallyport/vault/postgres/pgtest"
)

// filled is a tenant with so many accounts, to be used until done is called.
func (s settings) filled(kind string, accounts int, up *upstream) (t tenant, done func(), err error) {
	t, done = tenant{Salesforce: up.url, Refresher: up.refresher, Key: vault.NewKey().Reveal()}, func() {}
	switch kind {
	case "bolt":
		return s.filledBolt(t, accounts)
	case "postgres":
		if t.Store, err = pgtest.Start(context.Background()); err == nil {
			err = t.filledBy(accounts)
		}
		return t, done, err
	}
	return t, done, fmt.Errorf("-stores: %q is neither bolt nor postgres", kind)
}

// filledBolt is a copy of a store, which may have been kept from earlier. Its
// key stands beside it.
func (s settings) filledBolt(t tenant, accounts int) (_ tenant, done func(), err error) {
	kept := filepath.Join(s.dir, fmt.Sprintf("%d.db", accounts))
	key, err := os.ReadFile(kept + ".key")
	switch {
	case err == nil:
		t.Key = string(key)
	case errors.Is(err, os.ErrNotExist):
		t.Store = kept
		if err = t.filledBy(accounts); err == nil {
			err = os.WriteFile(kept+".key", []byte(t.Key), 0o600)
		}
	}
	if err != nil {
		return t, nil, err
	}
	t.Store = kept + ".inuse"
	return t, func() { os.Remove(t.Store) }, copyFile(t.Store, kept)
}

// filledBy fills the store in another process, of which nothing is left in the
// one that is measured.
func (t tenant) filledBy(accounts int) error {
	fmt.Fprintf(os.Stderr, "filling a store with %d accounts\n", accounts)
	cmd, err := role{Is: "filler", Tenant: t, Accounts: accounts}.command()
	if err != nil {
		return err
	}
	return cmd.Run()
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	// The gateway's first commit must not have to wait for all of it.
	return errors.Join(err, out.Sync(), out.Close())
}

// withoutEvents is the same tenant for a gateway that keeps no events, on another
// copy of its file, which is to be made before anybody opens that.
func (t tenant) withoutEvents(kind string) (other tenant, done func(), err error) {
	other, done = t, func() {}
	other.Unaudited = true
	if kind == "bolt" {
		other.Store += ".unaudited"
		done = func() { os.Remove(other.Store) }
		err = copyFile(other.Store, t.Store)
	}
	return other, done, err
}
