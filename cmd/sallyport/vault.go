package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"sallyport/vault"
	"sallyport/vault/bolt"
)

func vaultCommand() *cobra.Command {
	return group("vault", "Take care of the vault", vaultInitCommand(), vaultCheckCommand(), vaultBackupCommand(), vaultRestoredCommand(), vaultCopyCommand(), vaultReleaseCommand())
}

func vaultInitCommand() *cobra.Command {
	var path string
	c := &cobra.Command{Use: "init", Short: "Make a root key", Args: cobra.NoArgs,
		Long: `Make a root key: 32 random bytes that seal the vault. Whoever has the store and
the key can read every token; whoever has lost the key can read none. Keep a
copy where the store's backups are not.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return &wrongUsage{"--key-file is missing: name the file to write the key to"}
			}
			key := vault.NewKey()
			// O_EXCL: a key that is there may be the only one that opens a store.
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, os.ErrExist) {
				return fmt.Errorf("%s is there already, and a root key is never overwritten: give another --key-file", path)
			}
			if err != nil {
				return fmt.Errorf("make the key file: %w", err)
			}
			_, err = f.WriteString(key.Reveal() + "\n")
			if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
				os.Remove(path)
				return fmt.Errorf("write the key file: %w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Made root key %s in %s. Keep a copy of it apart from the store's backups.\n", key.ID(), path)
			return err
		})}
	c.Flags().StringVar(&path, "key-file", "", "file to write the key to (mode 0600); it must not be there yet")
	return c
}

// readVault is openVault for commands that only read: they make no vault.
func (s *settings) readVault(ctx context.Context) (*vault.Vault, error) {
	found, err := s.hasVault(ctx)
	if err != nil {
		return nil, err
	}
	if !found {
		what := "store "
		if inDatabase(s.store) {
			what = "vault in "
		}
		return nil, fmt.Errorf("there is no %s: 'sallyport apply' and 'sallyport serve' make one", what+storeName(s.store))
	}
	return s.openVault(ctx)
}

// planVault is readVault for plans: where there is no vault, they are made
// against an empty one, which goes with the command and takes no key.
func (s *settings) planVault(ctx context.Context) (v *vault.Vault, err error) {
	if found, err := s.hasVault(ctx); err != nil || found {
		if err != nil {
			return nil, err
		}
		return s.openVault(ctx)
	}
	dir, err := os.MkdirTemp("", "sallyport-plan-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // the open file stays until it is closed
	store, err := bolt.Open(filepath.Join(dir, "empty.db"))
	if err != nil {
		return nil, err
	}
	return vault.Open(ctx, store, vault.NewKey())
}

// openVault opens the store and the vault in it, and makes both if there are
// none.
func (s *settings) openVault(ctx context.Context) (*vault.Vault, error) {
	key, err := s.rootKey()
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, s.store)
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(ctx, store, key)
	if err != nil {
		store.Close()
		return nil, fmt.Errorf("%s: %w", storeName(s.store), err)
	}
	return v, nil
}
