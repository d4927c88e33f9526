package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sallyport/vault"
	"sallyport/vault/bolt"
)

func vaultBackupCommand() *cobra.Command {
	var s settings
	var r remote
	c := &cobra.Command{Use: "backup FILE", Short: "Back the vault up to a file", Args: cobra.ExactArgs(1),
		Long: `Back the vault up, as it is at one moment, to a file that 'sallyport serve --store
FILE' can open. It is sealed as the vault is, and worth nothing without the root
key, which this command does not take.

A gateway that runs is asked for it, with --gateway, by a client that has the scope
read:backups of its management API; it goes on as ever meanwhile. Else a store is
read that no gateway has open, or a PostgreSQL database, also while gateways run.

A gateway that is started on a backup shows no refresh token that may have been
used since, before Salesforce says that it is still good.`,
		RunE: does(func(cmd *cobra.Command, args []string) error {
			from := s.backup
			if r.gateway != "" {
				from = r.backup
			}
			n, size, err := backUp(cmd.Context(), args[0], from)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Backed up %d entries to %s (%.1f MiB).\n", n, args[0], float64(size)/(1<<20))
			return err
		})}
	text(c.Flags(), &s.store, "store", "sallyport.db", "file of the store; or URL of a PostgreSQL database, postgres://…")
	r.flags(c.Flags())
	return c
}

// backUp writes a backup to a file, all or nothing, and never over another.
func backUp(ctx context.Context, path string, from func(context.Context) (io.ReadCloser, error)) (entries int, size int64, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return 0, 0, fmt.Errorf("%s is there already, and is not overwritten: give another file", path)
	}
	partial := path + ".partial"
	f, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return 0, 0, fmt.Errorf("%s is there already: another backup is under way, or was broken off; if none is, delete it", partial)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("make the backup's file: %w", err)
	}
	f.Close()
	defer func() {
		if err != nil {
			os.Remove(partial)
		}
	}()
	stream, err := from(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer stream.Close()
	to, err := bolt.Open(partial)
	if err != nil {
		return 0, 0, err
	}
	entries, err = vault.Receive(ctx, stream, to)
	if err := errors.Join(err, to.Close()); err != nil {
		return 0, 0, fmt.Errorf("%w; nothing was kept", err)
	}
	if err := os.Rename(partial, path); err != nil {
		return 0, 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return 0, 0, err
	}
	return entries, info.Size(), errors.Join(dir.Sync(), dir.Close())
}

// backup reads the vault in a store.
func (s *settings) backup(ctx context.Context) (io.ReadCloser, error) {
	store, err := s.openMade(ctx)
	if err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	go func() {
		_, err := vault.Backup(ctx, store, w)
		w.CloseWithError(errors.Join(err, store.Close()))
	}()
	return r, nil
}

// openMade opens a store in which there has to be a vault. It needs no key.
func (s *settings) openMade(ctx context.Context) (vault.Store, error) {
	none := fmt.Errorf("there is no vault in %s: check --store", storeName(s.store))
	if info, err := os.Stat(s.store); !inDatabase(s.store) && (errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0) {
		return nil, none
	}
	store, err := openStore(ctx, s.store)
	if err != nil {
		return nil, err
	}
	if made, err := vault.Made(ctx, store); err != nil || !made {
		return nil, errors.Join(err, none, store.Close())
	}
	return store, nil
}

// backup has a gateway make it.
func (r *remote) backup(ctx context.Context) (io.ReadCloser, error) {
	if err := r.signIn(ctx, "read:backups"); err != nil {
		return nil, err
	}
	return r.stream(ctx, "api/v2/backup")
}

// stream is an answer that may last for as long as some of it comes.
func (r *remote) stream(ctx context.Context, path string) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	silence := time.AfterFunc(callTime, cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", r.gateway+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return nil, errors.Join(err, refusalOf(resp.Status, b))
	}
	return &audible{resp.Body, silence}, nil
}

// audible is a body that ends when nothing is heard of it for [callTime].
type audible struct {
	io.ReadCloser
	silence *time.Timer
}

func (a *audible) Read(p []byte) (int, error) {
	a.silence.Reset(callTime)
	defer a.silence.Stop()
	return a.ReadCloser.Read(p)
}

func vaultRestoredCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{Use: "restored", Short: "Mark a store that was restored from a copy", Args: cobra.NoArgs,
		Long: `Mark a store that was put back from a copy of its file, a snapshot of its disk, or
a dump of its database, before a gateway is started on it: that shows no refresh
token then that may have been used since, before Salesforce says that it is still
good. What 'sallyport vault backup' wrote is marked already.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			store, err := s.openMade(cmd.Context())
			if err != nil {
				return err
			}
			if err := errors.Join(vault.MarkRestored(cmd.Context(), store), store.Close()); err != nil {
				return fmt.Errorf("%s: %w", storeName(s.store), err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Marked %s as restored. Start a gateway on it; start none on what it is a copy of.\n", storeName(s.store))
			return err
		})}
	text(c.Flags(), &s.store, "store", "sallyport.db", "file of the store; or URL of a PostgreSQL database, postgres://…")
	return c
}
