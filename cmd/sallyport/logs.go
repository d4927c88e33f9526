package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sallyport/vault"
)

func logsCommand() *cobra.Command {
	return group("logs", "Read the log of events, and verify that nothing was changed in it",
		logsExportCommand(), logsKeyCommand(), logsVerifyCommand())
}

func logsExportCommand() *cobra.Command {
	var s settings
	var r remote
	var since string
	c := &cobra.Command{Use: "export", Short: "Print the events, in a form that can be verified", Args: cobra.NoArgs,
		Long: `Print the events as lines of JSON, with their hashes, and what the gateway signed
of them: 'sallyport logs verify' tells whether they are as they were recorded.

A gateway that runs is asked for them, with --gateway, by a client that has the
scope read:logs of its management API. Else a store is read that no gateway has
open, or a PostgreSQL database, also while gateways run.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			from, err := sinceTime(since)
			if err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			if r.gateway != "" {
				err = r.exportLogs(cmd.Context(), out, from)
			} else {
				err = s.exportLogs(cmd.Context(), out, from)
			}
			return errors.Join(err, out.Flush())
		})}
	s.storeFlags(c.Flags())
	r.flags(c.Flags())
	c.Flags().StringVar(&since, "since", "", "first day, or time, to print events of, such as 2026-11-22 or 2026-11-22T15:04:05Z; all if empty")
	return c
}

func sinceTime(text string) (t time.Time, err error) {
	if text == "" {
		return t, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err = time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return t, &wrongUsage{"--since should be a day such as 2026-11-22, or a time such as 2026-11-22T15:04:05Z, and is " + text}
}

func (s *settings) exportLogs(ctx context.Context, w io.Writer, since time.Time) (err error) {
	v, err := s.readVault(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	if !inDatabase(s.store) { // no gateway has it open that could still be about to
		if err := v.TakeUp(ctx, 0); err != nil {
			return err
		}
	}
	_, err = v.ExportLogs(ctx, w, since)
	return err
}

func (r *remote) exportLogs(ctx context.Context, w io.Writer, since time.Time) error {
	path := "api/v2/logs/export"
	if !since.IsZero() {
		path += "?" + url.Values{"since": {since.Format(time.RFC3339)}}.Encode()
	}
	if err := r.signIn(ctx, "read:logs"); err != nil {
		return err
	}
	from, err := r.stream(ctx, path)
	if err != nil {
		return err
	}
	defer from.Close()
	_, err = io.Copy(w, from)
	return err
}

func logsKeyCommand() *cobra.Command {
	var s settings
	var r remote
	c := &cobra.Command{Use: "key", Short: "Print the public key that verifies exports", Args: cobra.NoArgs,
		Long: `Print the public key, in PEM, that verifies what the gateway signs of its log. Keep
it where whoever could change the log cannot: 'sallyport logs verify --key' needs it.`,
		RunE: does(func(cmd *cobra.Command, _ []string) (err error) {
			var key string
			if r.gateway != "" {
				key, err = r.logKey(cmd.Context())
			} else {
				key, err = s.logKey(cmd.Context())
			}
			if err == nil {
				_, err = io.WriteString(cmd.OutOrStdout(), key)
			}
			return err
		})}
	s.storeFlags(c.Flags())
	r.flags(c.Flags())
	return c
}

func (s *settings) logKey(ctx context.Context) (string, error) {
	v, err := s.readVault(ctx)
	if err != nil {
		return "", err
	}
	defer v.Close()
	key, err := v.LogPublicKey(ctx)
	if errors.Is(err, vault.ErrNotFound) {
		err = errors.New("there are no events yet, and so no key: 'sallyport serve' makes it")
	}
	return key, err
}

func (r *remote) logKey(ctx context.Context) (string, error) {
	if err := r.signIn(ctx, "read:logs"); err != nil {
		return "", err
	}
	var answer struct {
		Key string `json:"public_key"`
	}
	err := r.call(ctx, "GET", "logs/key", nil, &answer)
	return answer.Key, err
}

func logsVerifyCommand() *cobra.Command {
	var keyFile, checkpoints string
	var asJSON bool
	c := &cobra.Command{Use: "verify FILE", Short: "Verify an export: was anything changed, taken out, put in or moved?", Args: cobra.ExactArgs(1),
		Long: `Verify an export of the log, without a gateway or a store: whether any event was
changed, taken out, put in or moved since it was recorded. Each fault is printed
with its line; the command fails if there is one. FILE - is the standard input.

Without --key, the export is held against the key that it names itself: that finds
damage, and nobody who made all of it.`,
		RunE: does(func(cmd *cobra.Command, args []string) error {
			report, err := verifyLogs(cmd.InOrStdin(), args[0], keyFile, checkpoints)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(report)
			} else {
				err = printLogReport(cmd.OutOrStdout(), report)
			}
			if err == nil && report.FaultCount > 0 {
				err = fmt.Errorf("%s is not the log as it was recorded: %d faults", args[0], report.FaultCount)
			}
			return err
		})}
	c.Flags().StringVar(&keyFile, "key", "", "file of the public key, that 'sallyport logs key' printed")
	c.Flags().StringVar(&checkpoints, "checkpoints", "", "file of checkpoints that were kept elsewhere, one a line, which the log must reach")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func verifyLogs(stdin io.Reader, path, keyFile, checkpointFile string) (report vault.LogReport, err error) {
	var key ed25519.PublicKey
	if keyFile != "" {
		text, err := os.ReadFile(keyFile)
		if err != nil {
			return report, fmt.Errorf("read the key: %w", err)
		}
		if key, err = vault.ParseLogKey(text); err != nil {
			return report, fmt.Errorf("%s: %w: give what 'sallyport logs key' printed", keyFile, err)
		}
	}
	var checkpoints []string
	if checkpointFile != "" {
		text, err := os.ReadFile(checkpointFile)
		if err != nil {
			return report, fmt.Errorf("read the checkpoints: %w", err)
		}
		checkpoints = strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' || r == '\r' })
	}
	from := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return report, fmt.Errorf("read the export: %w", err)
		}
		defer f.Close()
		from = f
	}
	return vault.VerifyLogs(from, key, checkpoints...)
}

func printLogReport(w io.Writer, r vault.LogReport) error {
	for _, f := range r.Faults {
		fmt.Fprintf(w, "line %d: %s\n", f.Line, f.Problem)
	}
	if n := r.FaultCount - len(r.Faults); n > 0 {
		fmt.Fprintf(w, "and %d faults more\n", n)
	}
	signed := "signed by the key " + r.Key
	if !r.Trusted {
		signed += ", which the export names itself: give --key to know whose it is"
	}
	_, err := fmt.Fprintf(w, "%d events in %d chains, %s.\n", r.Events, r.Chains, signed)
	return err
}
