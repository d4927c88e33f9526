package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sallyport/connections"
	"sallyport/vault"
)

func connectionsCommand() *cobra.Command {
	return group("connections", "Take care of connections", connectionsCertificateCommand(), connectionsExplainCommand(), connectionsDisconnectCommand())
}

func connectionsCertificateCommand() *cobra.Command {
	var s settings
	var rotate bool
	c := &cobra.Command{Use: "certificate NAME", Short: "Print the certificate of a connection that signs assertions", Args: cobra.ExactArgs(1),
		Long: `Print the certificate of a connection, in PEM, for upload to its app at Salesforce.
If there is none it is made, with a private key that stays sealed in the store.

With --rotate the next one is made. The gateway signs with the one before until
Salesforce takes the next, so that tokens are to be had all the while: print it,
start the gateway, and upload it when you like. One that still waits to be
uploaded is printed again.

The command is for a store that no gateway has open.`,
		RunE: does(func(cmd *cobra.Command, args []string) error {
			v, err := s.readVault(cmd.Context())
			if err != nil {
				return err
			}
			defer v.Close()
			certificate, waiting, err := certificateOf(cmd.Context(), v, args[0], rotate)
			if err != nil {
				return err
			}
			if waiting {
				fmt.Fprintln(cmd.ErrOrStderr(), "The next certificate was made before, and is not in use yet: this is it.")
			}
			_, err = io.WriteString(cmd.OutOrStdout(), certificate.PEM)
			return err
		})}
	s.storeFlags(c.Flags())
	c.Flags().BoolVar(&rotate, "rotate", false, "make the next one")
	return c
}

// certificateOf is the newest certificate of a connection, made now if there is
// none or the next one is wanted. One that is wanted may be waiting already.
func certificateOf(ctx context.Context, v *vault.Vault, name string, rotate bool) (certificate vault.Certificate, waiting bool, err error) {
	fresh, err := connections.NewCertificate(name, v.Now()) // takes its time: not in the transaction
	if err != nil {
		return certificate, false, fmt.Errorf("make a certificate: %w", err)
	}
	err = v.Update(ctx, func(tx *vault.Tx) error {
		conn, err := tx.Connections.Get(name)
		if errors.Is(err, vault.ErrNotFound) {
			return fmt.Errorf("there is no connection %s: 'sallyport export' shows those there are", name)
		}
		if err == nil {
			err = connections.CheckCertifiable(conn)
		}
		if err != nil {
			return err
		}
		newest, found := conn.Newest()
		waiting = rotate && conn.CertificateWaits()
		if certificate = newest; found && (!rotate || waiting) {
			return nil
		}
		certificate = fresh
		return tx.Connections.Put(conn.WithCertificate(fresh))
	})
	return certificate, waiting, err
}
