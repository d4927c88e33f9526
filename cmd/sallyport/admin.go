package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"sallyport/server/admin"
	"sallyport/vault"
)

func adminCommand() *cobra.Command {
	return group("admin", "Take care of the console's administrators", adminInviteCommand())
}

func adminInviteCommand() *cobra.Command {
	var s settings
	var name, role string
	c := &cobra.Command{Use: "invite", Short: "Print a one-time link that makes an administrator", Args: cobra.NoArgs,
		Long: `Print a link to the console. Whoever opens it becomes an administrator: it is good
once, and for a day. Administrators make such links themselves, in the console,
and 'serve' prints one as long as there is nobody.

The command opens a store that no gateway has open, or a database.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			issuer, err := checkIssuer(s.issuer)
			if err != nil {
				return err
			}
			if !slices.Contains(vault.Roles, vault.Role(role)) {
				return &wrongUsage{"--role should be viewer, editor or owner, and is " + role}
			}
			v, err := s.readVault(cmd.Context())
			if err != nil {
				return err
			}
			defer v.Close()
			link, err := admin.Invite(cmd.Context(), v, issuer, vault.AdminInvite{Name: name, Role: vault.Role(role), By: "sallyport admin invite"}, vault.Event{})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), link)
			return err
		})}
	s.storeFlags(c.Flags())
	text(c.Flags(), &s.issuer, "issuer", "", "URL of the gateway, such as https://login.example.com/")
	c.Flags().StringVar(&name, "name", "", "name that is suggested, such as an e-mail address")
	c.Flags().StringVar(&role, "role", string(vault.Owner), "what they may do: viewer, editor or owner")
	return c
}

// inviteFirst prints the link for the first administrator, if there is none.
func inviteFirst(ctx context.Context, v *vault.Vault, issuer string, w io.Writer) error {
	some, err := admin.Any(ctx, v)
	if err != nil || some {
		return err
	}
	link, err := admin.Invite(ctx, v, issuer, vault.AdminInvite{Role: vault.Owner, By: "the first start"}, vault.Event{})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "There is no administrator yet. Whoever opens this link becomes the first; it is good once, and for a day:\n\n  %s\n\n", link)
	return err
}
