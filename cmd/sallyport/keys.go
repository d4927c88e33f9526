package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sallyport/server"
	"sallyport/vault"
)

func keysCommand() *cobra.Command {
	return group("keys", "Take care of the keys that sign tokens", keysRotateCommand())
}

func keysRotateCommand() *cobra.Command {
	var s settings
	var lead time.Duration
	var asJSON bool
	c := &cobra.Command{Use: "rotate", Short: "Make the next signing keys", Args: cobra.NoArgs,
		Long: `Make the next signing key of each algorithm in use. It is published at once, and
signs after a while, so that everybody who keeps a copy of the keys has it by
then; the ones before stay published for as long as what they signed is good.

A gateway does this by itself every 90 days. The command is for a store that no
gateway has open.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			if lead < 0 {
				return &wrongUsage{"--after should not be negative"}
			}
			v, err := s.readVault(cmd.Context())
			if err != nil {
				return err
			}
			defer v.Close()
			keys, err := server.RotateKeys(cmd.Context(), v, lead)
			if err != nil {
				return err
			}
			return printKeys(cmd.OutOrStdout(), keys, asJSON)
		})}
	s.storeFlags(c.Flags())
	c.Flags().DurationVar(&lead, "after", 24*time.Hour, "time until they sign; 0 if a key may be in wrong hands")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// printKeys lists keys, without what is secret of them.
func printKeys(w io.Writer, keys []vault.SigningKey, asJSON bool) error {
	type key struct {
		ID        string     `json:"kid"`
		Alg       string     `json:"alg"`
		Signs     time.Time  `json:"signs_from"`
		Published *time.Time `json:"published_until,omitempty"`
	}
	list := []key{}
	for _, k := range keys {
		shown := key{ID: k.ID, Alg: k.Alg, Signs: k.NotBefore.UTC()}
		if !k.Expires.IsZero() {
			until := k.Expires.UTC()
			shown.Published = &until
		}
		list = append(list, shown)
	}
	if asJSON {
		return json.NewEncoder(w).Encode(list)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "There are no signing keys yet: 'sallyport serve' makes the first.")
		return err
	}
	for _, k := range list {
		until := "until it is replaced"
		if k.Published != nil {
			until = "until " + k.Published.Format(time.DateTime)
		}
		if _, err := fmt.Fprintf(w, "%s  %-5s  signs from %s, published %s\n", k.ID, k.Alg, k.Signs.Format(time.DateTime), until); err != nil {
			return err
		}
	}
	return nil
}
