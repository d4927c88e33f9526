package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"sallyport/vault"
)

func usersCommand() *cobra.Command {
	return group("users", "Take care of users", usersDeleteCommand())
}

func usersDeleteCommand() *cobra.Command {
	var s settings
	var r remote
	c := &cobra.Command{Use: "delete USER_ID", Short: "Delete a user with all that is theirs", Args: cobra.ExactArgs(1),
		Long: `Delete a user with sessions, accounts, tokens and all that applications were
allowed, and have the grants ended at the identity providers. A user who is not
there is no error, so that it can be repeated when it was interrupted.

The command asks a gateway that runs, with --gateway, by a client that has the
scope delete:users of its management API; or it opens a store that no gateway has
open. Then the grants are ended once a gateway is started on it.`,
		RunE: does(func(cmd *cobra.Command, args []string) error {
			if r.gateway != "" {
				if err := r.signIn(cmd.Context(), "delete:users"); err != nil {
					return err
				}
				return r.call(cmd.Context(), "DELETE", "users/"+url.PathEscape(args[0]), nil, nil)
			}
			v, err := s.readVault(cmd.Context())
			if err != nil {
				return err
			}
			defer v.Close()
			_, err = v.DeleteUser(cmd.Context(), byHand("sallyport_user_deleted", vault.Say("user_id", args[0])), args[0])
			return err
		})}
	s.storeFlags(c.Flags())
	r.flags(c.Flags())
	return c
}
