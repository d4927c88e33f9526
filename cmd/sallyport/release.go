package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sallyport/vault"
)

func vaultReleaseCommand() *cobra.Command {
	var s settings
	var r remote
	c := &cobra.Command{Use: "release", Short: "Have a vault go on that was moved, or is being moved", Args: cobra.NoArgs,
		Long: `Have a vault go on where it is, of which 'sallyport vault copy' was broken off, or
came to nothing. A copy under way fails then. If the vault was given up already, it
is marked as restored, since the copy may have been at work: refresh tokens that may
have been used there are not shown before Salesforce says that they are still good.

Stop all gateways on the copy first, and start none on it any more.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			name, release := storeName(s.store), s.release
			if r.gateway != "" {
				name, release = r.gateway, r.release
			}
			m, err := release(cmd.Context())
			if err != nil {
				return err
			}
			what := "was being moved"
			if m.State == vault.Moved {
				what = "was moved, and is marked as restored: start no gateway on the copy"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Released the vault of %s. To %s it %s.\n", name, m.To, what)
			return err
		})}
	text(c.Flags(), &s.store, "store", "sallyport.db", "file of the store; or URL of a PostgreSQL database, postgres://…")
	r.flags(c.Flags())
	return c
}

func (s *settings) release(ctx context.Context) (m vault.Move, err error) {
	store, err := s.openMade(ctx)
	if err != nil {
		return m, err
	}
	m, err = vault.ReleaseMove(ctx, store)
	if errors.Is(err, vault.ErrNotFound) {
		err = fmt.Errorf("the vault in %s is not being moved, and was not", storeName(s.store))
	}
	return m, errors.Join(err, store.Close())
}

func (r *remote) release(ctx context.Context) (m vault.Move, err error) {
	if err := r.signIn(ctx, "update:store"); err != nil {
		return m, err
	}
	return r.ReleaseMove(ctx)
}
