package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sallyport/server/api"
	"sallyport/vault"
)

// rekeyLook is how often a change of keys is looked at.
const rekeyLook = time.Second

func vaultRekeyCommand() *cobra.Command {
	var s settings
	var r remote
	var onlyRoot, leave bool
	c := &cobra.Command{Use: "rekey", Short: "Change the keys that seal the vault", Args: cobra.NoArgs,
		Long: `Change the data key: make a new one, seal every record again under it, and forget
the old one. If the key file has a newer root key, which 'sallyport vault init
--next' puts there, the vault opens with that one alone from then on.

A gateway that runs is asked for it, with --gateway, by a client that has the scope
update:vault_keys of its management API; all instances go on as ever meanwhile. Or
it is done here, on a store that no gateway has open, or a PostgreSQL database,
also while gateways run.

Whatever breaks it off, this command or any gateway goes on with it. The old root
key opens the vault until the end, and the newer one from then on.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			site, done, err := s.rekeySite(cmd.Context(), &r)
			if err != nil {
				return err
			}
			defer done()
			return rekey(cmd.Context(), site, onlyRoot, !leave, cmd.OutOrStdout(), cmd.ErrOrStderr())
		})}
	s.storeFlags(c.Flags())
	r.flags(c.Flags())
	c.Flags().BoolVar(&onlyRoot, "only-root", false, "change the root key alone, at once: if the old one may be in wrong hands, it is not enough")
	c.Flags().BoolVar(&leave, "leave", false, "begin it and leave it to the gateways")
	return c
}

// rekeySite is the gateway that is to be asked, or else the store; until done is
// called.
func (s *settings) rekeySite(ctx context.Context, r *remote) (site rekeySite, done func(), err error) {
	if r.gateway != "" {
		return r, func() {}, nil
	}
	v, err := s.readVault(ctx)
	if err != nil {
		return nil, nil, err
	}
	return &localVault{v: v}, func() { v.Close() }, nil
}

func vaultKeysCommand() *cobra.Command {
	var s settings
	var r remote
	var asJSON bool
	c := &cobra.Command{Use: "keys", Short: "Tell which keys seal the vault, and how far a change of them has come", Args: cobra.NoArgs,
		Long: `Tell which keys seal the vault, by their IDs, and how far a change of them has come.
With --gateway, a gateway that runs is asked, by a client that has the scope
read:vault_keys of its management API.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			site, done, err := s.rekeySite(cmd.Context(), &r)
			if err != nil {
				return err
			}
			defer done()
			if err := site.prepare(cmd.Context(), "read:vault_keys"); err != nil {
				return err
			}
			keys, err := site.keys(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(keys)
			}
			return printVaultKeys(cmd.OutOrStdout(), keys)
		})}
	s.storeFlags(c.Flags())
	r.flags(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// rekeySite is where keys are changed: a store, or a gateway.
type rekeySite interface {
	prepare(ctx context.Context, scope string) error
	rekey(ctx context.Context, onlyRoot bool) (api.VaultKeys, error)
	keys(context.Context) (api.VaultKeys, error)
	// goOn does what can be done now, if it is this process that does it.
	goOn(context.Context) error
}

// rekey changes the keys at a site, and waits for the end.
func rekey(ctx context.Context, site rekeySite, onlyRoot, wait bool, out, progress io.Writer) error {
	if err := site.prepare(ctx, "update:vault_keys read:vault_keys"); err != nil {
		return err
	}
	before, err := site.keys(ctx)
	if err != nil {
		return err
	}
	now, err := site.rekey(ctx, onlyRoot)
	if err != nil {
		return err
	}
	told := time.Now()
	for now.Changing && wait {
		if err := site.goOn(ctx); err != nil {
			return fmt.Errorf("%w; run the command again to go on", err)
		}
		if now, err = site.keys(ctx); err != nil {
			return fmt.Errorf("%w; run the command again to go on", err)
		}
		if time.Since(told) > 3*time.Second {
			told = time.Now()
			fmt.Fprintln(progress, stageOf(now))
		}
		if !now.Changing {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rekeyLook):
		}
	}
	if err := printVaultKeys(out, now); err != nil {
		return err
	}
	if now.Root != before.Root {
		_, err = fmt.Fprintf(out, "Take root key %s out of the key files. Keep it for as long as backups from before this, or destroy it with them.\n", before.Root)
	}
	return err
}

func stageOf(k api.VaultKeys) string {
	switch {
	case k.NextData != "":
		return fmt.Sprintf("Data key %s is announced to all instances.", k.NextData)
	case k.Total == 0:
		return fmt.Sprintf("Data key %s seals; what was begun before ends first.", k.Data)
	}
	return fmt.Sprintf("Looked at %d of %d records.", k.Done, k.Total)
}

func printVaultKeys(w io.Writer, k api.VaultKeys) error {
	fmt.Fprintf(w, "Root key %s opens the vault, and data key %s seals its records.\n", k.Root, k.Data)
	if k.NextRoot != "" {
		fmt.Fprintf(w, "Root key %s will open it, in the end of the change.\n", k.NextRoot)
	}
	if k.Changing {
		fmt.Fprintln(w, stageOf(k))
	}
	if len(k.OldData) > 0 {
		fmt.Fprintf(w, "Records may still be under data key %s.\n", strings.Join(k.OldData, ", "))
	}
	if k.Damaged > 0 {
		fmt.Fprintf(w, "%d records do not open, and are left as they are: 'sallyport vault check' names them.\n", k.Damaged)
	}
	return nil
}

// localVault is a vault that this process has open.
type localVault struct {
	v    *vault.Vault
	work chan error // of the work under way, if it is
}

func (l *localVault) prepare(context.Context, string) error { return nil }

// goOn leaves work that takes longer to go on, so that it can be told of.
func (l *localVault) goOn(ctx context.Context) error {
	if l.work == nil {
		l.work = make(chan error, 1)
		go func() { l.work <- l.v.Reseal(ctx) }()
	}
	select {
	case err := <-l.work:
		l.work = nil
		return err
	case <-time.After(rekeyLook):
		return nil
	}
}

func (l *localVault) rekey(ctx context.Context, onlyRoot bool) (api.VaultKeys, error) {
	change := l.v.Rekey
	if onlyRoot {
		change = l.v.RekeyRoot
	}
	if err := change(ctx); err != nil {
		return api.VaultKeys{}, err
	}
	return l.keys(ctx)
}

func (l *localVault) keys(ctx context.Context) (api.VaultKeys, error) {
	s, err := l.v.KeyState(ctx)
	return api.VaultKeysOf(s), err
}

func (r *remote) prepare(ctx context.Context, scope string) error { return r.signIn(ctx, scope) }
func (r *remote) goOn(context.Context) error                      { return nil }

func (r *remote) rekey(ctx context.Context, onlyRoot bool) (k api.VaultKeys, err error) {
	err = r.call(ctx, "POST", "keys/vault/rekey", map[string]bool{"only_root": onlyRoot}, &k)
	return k, err
}

func (r *remote) keys(ctx context.Context) (k api.VaultKeys, err error) {
	err = r.call(ctx, "GET", "keys/vault", nil, &k)
	return k, err
}
