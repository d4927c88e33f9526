package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sallyport/server/api"
	"sallyport/vault"
)

func vaultCopyCommand() *cobra.Command {
	var from, to string
	var r remote
	c := &cobra.Command{Use: "copy", Short: "Move the vault to another store", Args: cobra.NoArgs,
		Long: `Move the vault from one store to another, such as from a file to a PostgreSQL
database, sealed as it is: it takes no key, and opens with the same one.

A file that a gateway has open is moved by that gateway, asked with --gateway by a
client that has the scope update:store of its management API. A database is moved
with --from, whether gateways run or not. They begin no refresh for 15 seconds, so
that those under way are kept, and write nothing from then on: they answer 503 to
what would have to be written, and go on handing out access tokens that still live.

After the copy the old store is given up: gateways on it write nothing any more, and
none starts on it. Start them on the new one. A copy that is broken off is no vault,
and its source goes on; make it again.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			if (from == "") == (r.gateway == "") || to == "" {
				return &wrongUsage{"--to is needed, and one of --from and --gateway: the store to copy to, as serve takes it by --store, and the store or the gateway to copy from"}
			}
			copied, name := copyStore, storeName(from)
			if r.gateway != "" {
				from, copied, name = r.gateway, r.copyStore, r.gateway
			}
			n, err := copied(cmd.Context(), from, to)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Copied %d records from %s to %s. Start the gateways on that; the old store is given up.\n", n, name, storeName(to))
			return err
		})}
	c.Flags().StringVar(&from, "from", "", "store to copy from: a file, or URL of a PostgreSQL database")
	c.Flags().StringVar(&to, "to", "", "store to copy to, in which there is no vault yet")
	r.flags(c.Flags())
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
	defer func() { err = errors.Join(err, source.Close()) }()
	if made, err := vault.Made(ctx, source); err != nil || !made {
		return 0, errors.Join(err, fmt.Errorf("there is no vault in %s: check --from", storeName(from)))
	}
	var drain time.Duration // nobody else has a file open
	if inDatabase(from) {
		drain = vault.DrainTime
	}
	return copyTo(ctx, vault.StoreSource{Store: source}, to, drain)
}

func copyTo(ctx context.Context, from vault.Source, to string, drain time.Duration) (n int, err error) {
	target, err := openStore(ctx, to)
	if err != nil {
		return 0, fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	name := storeName(to)
	if path, err := filepath.Abs(to); err == nil && !inDatabase(to) {
		name = path // it is read by whoever starts a gateway on the old one, anywhere
	}
	n, err = vault.Copy(ctx, from, target, name, drain)
	if errors.Is(err, vault.ErrNotEmpty) || errors.Is(err, vault.ErrForeign) {
		err = fmt.Errorf("%s: %w", storeName(to), err)
	}
	return n, err
}

// copyStore has a gateway move its vault.
func (r *remote) copyStore(ctx context.Context, _, to string) (int, error) {
	if err := r.signIn(ctx, "update:store"); err != nil {
		return 0, err
	}
	return copyTo(ctx, r, to, vault.DrainTime)
}

// BeginMove and the others make a [vault.Source] of a gateway.
func (r *remote) BeginMove(ctx context.Context, to, again string) (vault.Move, error) {
	var m api.Move
	err := r.call(ctx, "POST", "moves", map[string]string{"to": to, "again": again}, &m)
	return vault.Move{ID: m.ID, To: m.To, State: m.State}, err
}

func (r *remote) CarryOn(ctx context.Context, id string, state vault.MoveState) error {
	return r.call(ctx, "PATCH", "moves/"+url.PathEscape(id), map[string]vault.MoveState{"state": state}, &struct{}{})
}

func (r *remote) Contents(ctx context.Context, id string) (io.ReadCloser, error) {
	return r.stream(ctx, "api/v2/moves/"+url.PathEscape(id)+"/contents")
}

func (r *remote) ReleaseMove(ctx context.Context) (vault.Move, error) {
	var m api.Move
	err := r.call(ctx, "DELETE", "moves", struct{}{}, &m)
	return vault.Move{ID: m.ID, To: m.To, State: m.State}, err
}
