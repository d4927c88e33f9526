package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sallyport/vault"
	"sallyport/vault/bolt"
)

func vaultCheckCommand() *cobra.Command {
	var s settings
	var canaries []string
	var canaryFile string
	var asJSON bool
	c := &cobra.Command{Use: "check [FILE]...", Short: "Check that every record can be read, and that no secret lies in the clear",
		Long: `Open every record of a store that no gateway has open, of a backup, or of a
PostgreSQL database; look whether the records that it speaks of are there; and
look through the file for tokens and keys in the clear, and through further files
and folders, such as logs and backups. Nothing is changed.`,
		RunE: does(func(cmd *cobra.Command, files []string) error {
			canaries, err := canariesOf(canaries, canaryFile)
			if err != nil {
				return err
			}
			found, err := s.check(cmd.Context(), canaries, files, progress(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(found)
			} else {
				err = found.print(cmd.OutOrStdout())
			}
			if err != nil {
				return err
			}
			where := storeName(s.store)
			if len(files) > 0 {
				where += ", or in " + strings.Join(files, ", ")
			}
			return found.verdict(where)
		})}
	s.storeFlags(c.Flags())
	c.Flags().StringArrayVar(&canaries, "canary", nil, "value that should lie nowhere in the clear, such as a password (may be given several times)")
	c.Flags().StringVar(&canaryFile, "canary-file", "", "file of such values, one a line")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// canariesOf are the values that are given, and those in a file.
func canariesOf(given []string, file string) ([]string, error) {
	if slices.Contains(given, "") {
		return nil, &wrongUsage{"--canary is empty"}
	}
	if file == "" {
		return given, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the canaries: %w", err)
	}
	return append(slices.Clone(given), strings.Fields(string(b))...), nil
}

// checked is what a check found, as it is printed.
type checked struct {
	Records      map[string]int  `json:"records"`
	Restored     bool            `json:"restored"`
	Faults       []vault.Finding `json:"faults"`
	FaultCount   int             `json:"fault_count"`
	Warnings     []vault.Finding `json:"warnings"`
	WarningCount int             `json:"warning_count"`
	InTheClear   map[string]int  `json:"in_the_clear"`
	Root         string          `json:"root_key"`
	DataKey      string          `json:"data_key"`
	Under        map[string]int  `json:"records_by_data_key"`
}

func (s *settings) check(ctx context.Context, canaries, files []string, progress func(int)) (c checked, err error) {
	keys, err := s.rootKeys(ctx)
	if err != nil {
		return c, err
	}
	store, err := s.openMade(ctx)
	if err != nil {
		return c, err
	}
	if file, ok := store.(*bolt.Store); ok {
		if err := file.Check(); err != nil {
			return c, errors.Join(fmt.Errorf("%s is damaged: %w; restore a backup", s.store, err), store.Close())
		}
	}
	v, err := s.openVaultIn(ctx, store, keys)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	leaks := vault.NewLeaks(canaries)
	raw := io.Discard // a file is looked through as it is, with what was deleted from it
	if inDatabase(s.store) {
		raw = leaks
	}
	r, err := v.Check(ctx, raw, progress)
	if err != nil {
		return c, fmt.Errorf("check %s: %w", storeName(s.store), err)
	}
	if !inDatabase(s.store) {
		files = append([]string{s.store}, files...)
	}
	for _, file := range files {
		if err := readThrough(leaks, file); err != nil {
			return c, err
		}
	}
	return checked{Root: r.Root, DataKey: r.DataKey, Under: r.Under, Records: r.Records, Restored: r.Restored, Faults: append([]vault.Finding{}, r.Faults...), FaultCount: r.FaultCount,
		Warnings: append([]vault.Finding{}, r.Warnings...), WarningCount: r.WarningCount, InTheClear: leaks.Found()}, nil
}

// readThrough reads a file, or all files in a folder, such as that of a database
// which runs: it has sockets, and files that are gone by then.
func readThrough(to io.Writer, root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && (d.IsDir() || d.Type()&(fs.ModeSocket|fs.ModeNamedPipe|fs.ModeDevice) != 0) {
			return nil
		}
		var f *os.File
		if err == nil {
			f, err = os.Open(path)
		}
		if errors.Is(err, fs.ErrNotExist) && path != root {
			return nil
		}
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{f}, make([]byte, 1<<20))
		return err
	})
}

func (c checked) print(w io.Writer) error {
	total := 0
	for _, kind := range slices.Sorted(maps.Keys(c.Records)) {
		total += c.Records[kind]
		fmt.Fprintf(w, "%8d  %s\n", c.Records[kind], kind)
	}
	for _, f := range c.Faults {
		fmt.Fprintf(w, "fault: %s %q: %s\n", f.Bucket, f.Key, f.Problem)
	}
	for _, f := range c.Warnings {
		fmt.Fprintf(w, "warning: %s %q: %s\n", f.Bucket, f.Key, f.Problem)
	}
	for _, name := range slices.Sorted(maps.Keys(c.InTheClear)) {
		fmt.Fprintf(w, "in the clear: %s, %d times\n", name, c.InTheClear[name])
	}
	for _, key := range slices.Sorted(maps.Keys(c.Under)) {
		is := "which seals"
		if key != c.DataKey {
			is = "which seals no longer"
		}
		fmt.Fprintf(w, "%8d  under data key %s, %s\n", c.Under[key], key, is)
	}
	if c.Restored {
		fmt.Fprintln(w, "It is marked as restored from a backup.")
	}
	_, err := fmt.Fprintf(w, "%d records can be read, %d cannot. %d warnings.\n", total, c.FaultCount, c.WarningCount)
	return err
}

// verdict is what to do, if anything is wrong.
func (c checked) verdict(where string) error {
	var wrong []string
	if c.FaultCount > 0 {
		wrong = append(wrong, fmt.Sprintf("%d records cannot be read: restore a backup, or have their users connect again", c.FaultCount))
	}
	if len(c.InTheClear) > 0 {
		wrong = append(wrong, fmt.Sprintf("secrets lie in the clear in %s: keep it from others, revoke them, and find out how they came there", where))
	}
	if wrong == nil {
		return nil
	}
	return errors.New(strings.Join(wrong, "; "))
}

// progress tells, every few seconds, how far long work has come.
func progress(w io.Writer) func(records int) {
	last := time.Now()
	return func(n int) {
		if time.Since(last) > 3*time.Second {
			last = time.Now()
			fmt.Fprintf(w, "%d records so far\n", n)
		}
	}
}
