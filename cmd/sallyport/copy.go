package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sallyport/vault"
)

func vaultCopyCommand() *cobra.Command {
	var from, to string
	c := &cobra.Command{Use: "copy", Short: "Copy the vault to another store", Args: cobra.NoArgs,
		Long: `Copy the vault from one store to another, such as from a file to a PostgreSQL
database, sealed as it is: it takes no key, and opens with the same one. Stop
all gateways first, and start them on the new store: what one does meanwhile may
be missing. A copy that is broken off is no vault, and can be begun again.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			if from == "" || to == "" {
				return &wrongUsage{"--from and --to are needed: the stores to copy from and to, as serve takes them by --store"}
			}
			n, err := copyStore(cmd.Context(), from, to)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Copied %d records from %s to %s. Start no gateway on the old one any more: its refresh tokens will be replaced.\n",
				n, storeName(from), storeName(to))
			return err
		})}
	c.Flags().StringVar(&from, "from", "", "store to copy from: a file, or URL of a PostgreSQL database")
	c.Flags().StringVar(&to, "to", "", "store to copy to, in which there is no vault yet")
	return c
}

func copyStore(ctx context.Context, from, to string) (n int, err error) {
	if _, err := os.Stat(from); !inDatabase(from) && errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("there is no store %s: check --from", from)
	}
	source, err := openStore(ctx, from)
	if err != nil {
		return 0, fmt.Errorf("--from: %w", err)
	}
	defer source.Close()
	target, err := openStore(ctx, to)
	if err != nil {
		return 0, fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	n, err = vault.Copy(ctx, source, target)
	switch {
	case errors.Is(err, vault.ErrNotEmpty):
		return 0, fmt.Errorf("%s: %w", storeName(to), err)
	case errors.Is(err, vault.ErrNotFound):
		return 0, fmt.Errorf("there is no vault in %s: check --from", storeName(from))
	}
	return n, err
}
