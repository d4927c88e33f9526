package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"sallyport/vault"
	"sallyport/vault/bolt"
	"sallyport/vault/postgres"
)

// inDatabase reports whether a store is a URL of a database; else it is a file.
func inDatabase(store string) bool {
	return strings.HasPrefix(store, "postgres://") || strings.HasPrefix(store, "postgresql://")
}

// storeName is a store as people know it, without the password of its URL.
func storeName(store string) string {
	if inDatabase(store) {
		return postgres.Name(store)
	}
	return store
}

// openStore opens a store, and makes it if it is not there.
func openStore(ctx context.Context, store string) (vault.Store, error) {
	if inDatabase(store) {
		return postgres.Open(ctx, store)
	}
	return bolt.Open(store)
}

// hasVault reports whether there is a vault in the store. It makes no file.
func (s *settings) hasVault(ctx context.Context) (bool, error) {
	if !inDatabase(s.store) {
		_, err := os.Stat(s.store)
		return !errors.Is(err, os.ErrNotExist), nil
	}
	store, err := postgres.Open(ctx, s.store)
	if err != nil {
		return false, err
	}
	defer store.Close()
	return vault.Made(ctx, store)
}
