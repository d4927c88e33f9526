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
	return group("vault", "Take care of the vault", vaultInitCommand(), vaultCheckCommand(), vaultBackupCommand(), vaultRestoredCommand(), vaultCopyCommand(), vaultReleaseCommand(), vaultRekeyCommand(), vaultKeysCommand())
}

func vaultInitCommand() *cobra.Command {
	var path, uri string
	var next bool
	c := &cobra.Command{Use: "init", Short: "Make a root key", Args: cobra.NoArgs,
		Long: `Make a root key: 32 random bytes that seal the vault. Whoever has the store and
the key can read every token; whoever has lost the key can read none. Keep a
copy where the store's backups are not.

With --kms, the key is encrypted by a key management service, and the file is
worth nothing to whom that does not serve. With --next, the key is added to a
file, as the one that is to follow: 'sallyport vault rekey' changes to it.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return &wrongUsage{"--key-file is missing: name the file to write the key to"}
			}
			key, line, err := newRootKey(cmd.Context(), uri)
			if err != nil {
				return err
			}
			if next {
				err = addToKeyFile(cmd.Context(), path, line)
			} else {
				err = makeKeyFile(path, line)
			}
			if err != nil {
				return err
			}
			what := "Made root key %s in %s. Keep a copy of it apart from the store's backups.\n"
			if next {
				what = "Added root key %s to %s. Give the file to all gateways, keep a copy of it apart from the store's backups, and run 'sallyport vault rekey'.\n"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), what, key.ID(), path)
			return err
		})}
	c.Flags().StringVar(&path, "key-file", "", "file to write the key to (mode 0600); without --next, it must not be there yet")
	c.Flags().StringVar(&uri, "kms", "", "URI of a key of a key management service to encrypt it under, such as openbao://bao.example.com:8200/transit/keys/sallyport")
	c.Flags().BoolVar(&next, "next", false, "add the key to a file that is there")
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
	keys, err := s.rootKeys(ctx)
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, s.store)
	if err != nil {
		return nil, err
	}
	return s.openVaultIn(ctx, store, keys)
}

// openVaultIn opens the vault in a store, which it closes if it fails.
func (s *settings) openVaultIn(ctx context.Context, store vault.Store, keys []vault.Key) (*vault.Vault, error) {
	v, err := vault.Open(ctx, store, keys[0], keys[1:]...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", storeName(s.store), err), store.Close())
	}
	v.RootKeys = s.rootKeys
	return v, nil
}
