package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"sallyport/server"
	"sallyport/server/api"
)

func connectionsDisconnectCommand() *cobra.Command {
	var s settings
	var r remote
	var all, status, asJSON bool
	c := &cobra.Command{Use: "disconnect NAME", Short: "Disconnect all accounts of a connection, or see how far it has come", Args: cobra.ExactArgs(1),
		Long: `With --all: put all tokens of a connection out of use that the vault has, at once,
and have the grants ended at the identity provider, in the background. Users must
connect again; those who do are not touched.

With --status: print how many grants are ended, and which are not, and why.

The command asks a gateway that runs, with --gateway, by a client that has the
scopes update:connections and read:connections of its management API; or it opens
a store that no gateway has open. Then the grants are ended at the identity
provider once a gateway is started on it.`,
		RunE: does(func(cmd *cobra.Command, args []string) error {
			if all == status {
				return &wrongUsage{"disconnect needs either --all or --status"}
			}
			disconnect := s.disconnect
			if r.gateway != "" {
				disconnect = r.disconnect
			}
			d, err := disconnect(cmd.Context(), args[0], all)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(d)
			}
			return printDisconnection(cmd.OutOrStdout(), d)
		})}
	s.storeFlags(c.Flags())
	r.flags(c.Flags())
	c.Flags().BoolVar(&all, "all", false, "disconnect every account")
	c.Flags().BoolVar(&status, "status", false, "see how far it has come")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// disconnect disconnects all accounts of a connection in a store, or only looks.
func (s *settings) disconnect(ctx context.Context, connection string, all bool) (d api.Disconnection, err error) {
	v, err := s.readVault(ctx)
	if err != nil {
		return d, err
	}
	defer v.Close()
	if all {
		err = server.DisconnectAll(ctx, v, byHand("sallyport_connection_disconnected"), connection)
	}
	if err == nil {
		d, err = api.DisconnectionOf(ctx, v, connection, "")
	}
	return d, plainly(err)
}

// disconnect has a gateway do it.
func (r *remote) disconnect(ctx context.Context, connection string, all bool) (d api.Disconnection, err error) {
	scope, method := "read:connections", "GET"
	if all {
		scope, method = "update:connections", "POST"
	}
	if err := r.signIn(ctx, scope); err != nil {
		return d, err
	}
	err = r.call(ctx, method, "connections/"+url.PathEscape(connection)+"/disconnect", map[string]bool{"all": all}, &d)
	return d, err
}

// plainly is what a problem says to people.
func plainly(err error) error {
	var problem *api.Problem
	if errors.As(err, &problem) {
		return errors.New(problem.Message)
	}
	return err
}

func printDisconnection(w io.Writer, d api.Disconnection) error {
	switch {
	case d.Began == nil:
		fmt.Fprintf(w, "The accounts of %s were never disconnected all at once.\n", d.Connection)
	default:
		fmt.Fprintf(w, "All accounts of %s that were connected before %s are out of use.\n", d.Connection, d.Began.Format(time.DateTime))
		fmt.Fprintf(w, "%s: %d accounts found; %d grants revoked, %d were over already, %d pending, %d failed.\n", d.State, d.Accounts, d.Revoked, d.Ended, d.Pending, d.Failed)
	}
	for _, r := range d.Open {
		reason := r.Reason
		if reason == "" {
			reason = "Not tried yet."
		}
		if _, err := fmt.Fprintf(w, "%-7s  %s  %s  %s\n", r.State, r.Account, r.Identity, reason); err != nil {
			return err
		}
	}
	if d.Next != "" {
		fmt.Fprintln(w, "And more: the management API lists them all.")
	}
	return nil
}
