package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sallyport/server"
	"sallyport/server/api"
)

func keysCommand() *cobra.Command {
	return group("keys", "Take care of the keys that sign tokens", keysRotateCommand())
}

func keysRotateCommand() *cobra.Command {
	var s settings
	var r remote
	var lead time.Duration
	var asJSON bool
	c := &cobra.Command{Use: "rotate", Short: "Make the next signing keys", Args: cobra.NoArgs,
		Long: `Make the next signing key of each algorithm in use. It is published at once, and
signs after a while, so that everybody who keeps a copy of the keys has it by
then; the ones before stay published for as long as what they signed is good.

A gateway does this by itself every 90 days. The command asks a gateway that runs,
with --gateway, by a client that has the scope create:signing_keys of its
management API; or it opens a store that no gateway has open.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			if lead < 0 {
				return &wrongUsage{"--after should not be negative"}
			}
			rotate := s.rotateKeys
			if r.gateway != "" {
				rotate = r.rotateKeys
			}
			keys, err := rotate(cmd.Context(), lead)
			if err != nil {
				return err
			}
			return printKeys(cmd.OutOrStdout(), keys, asJSON)
		})}
	s.storeFlags(c.Flags())
	r.flags(c.Flags())
	c.Flags().DurationVar(&lead, "after", 24*time.Hour, "time until they sign; 0 if a key may be in wrong hands")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// rotateKeys makes the next keys in a store.
func (s *settings) rotateKeys(ctx context.Context, lead time.Duration) ([]api.SigningKey, error) {
	v, err := s.readVault(ctx)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	keys, err := server.RotateKeys(ctx, v, lead, nil)
	return api.SigningKeysOf(keys, v.Now()), err
}

// rotateKeys has a gateway make them.
func (r *remote) rotateKeys(ctx context.Context, lead time.Duration) (keys []api.SigningKey, err error) {
	if err := r.signIn(ctx, "create:signing_keys"); err != nil {
		return nil, err
	}
	err = r.call(ctx, "POST", "keys/signing/rotate", map[string]int64{"after": int64(lead.Seconds())}, &keys)
	return keys, err
}

// printKeys lists keys.
func printKeys(w io.Writer, keys []api.SigningKey, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(keys)
	}
	if len(keys) == 0 {
		_, err := fmt.Fprintln(w, "There are no signing keys yet: 'sallyport serve' makes the first.")
		return err
	}
	for _, k := range keys {
		until := "until it is replaced"
		if k.Until != nil {
			until = "until " + k.Until.Format(time.DateTime)
		}
		if _, err := fmt.Fprintf(w, "%s  %-5s  signs from %s, published %s\n", k.ID, k.Alg, k.Since.Format(time.DateTime), until); err != nil {
			return err
		}
	}
	return nil
}
