package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"sallyport/connections"
	"sallyport/server/api"
	"sallyport/vault"
)

// errDrift ends plan --detailed-exitcode when something would change.
var errDrift = errors.New("there are changes")

func planCommand() *cobra.Command {
	var s settings
	var detailed, asJSON bool
	c := &cobra.Command{Use: "plan FILE", Short: "Show what a tenant file would change", Args: cobra.ExactArgs(1),
		RunE: does(func(cmd *cobra.Command, args []string) error {
			plan, err := s.withTenant(cmd.Context(), args[0], s.planVault, func(ctx context.Context, v *vault.Vault, t *api.Tenant) (plan api.Plan, err error) {
				err = v.View(ctx, func(tx *vault.Tx) (err error) { plan, err = t.Plan(tx, connections.Check); return err })
				return plan, err
			})
			if err != nil {
				return err
			}
			if err := printPlan(cmd.OutOrStdout(), plan, asJSON); err != nil {
				return err
			}
			if detailed && len(plan.Changes) > 0 {
				return errDrift
			}
			return nil
		})}
	s.storeFlags(c.Flags())
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 if anything would change")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func applyCommand() *cobra.Command {
	var s settings
	var asJSON bool
	c := &cobra.Command{Use: "apply FILE", Short: "Make what is stored as a tenant file says", Args: cobra.ExactArgs(1),
		Long: `Make what is stored as a tenant file says, all of it or nothing. What is stored
and not in the file stays as it is. The gateway must not be running on the same
store file: start it with --apply FILE instead.`,
		RunE: does(func(cmd *cobra.Command, args []string) error {
			plan, err := s.withTenant(cmd.Context(), args[0], s.openVault, applyTenant)
			if err != nil {
				return err
			}
			return printPlan(cmd.OutOrStdout(), plan, asJSON)
		})}
	s.storeFlags(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func exportCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{Use: "export", Short: "Print what is stored as a tenant file, without its secrets", Args: cobra.NoArgs,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			v, err := s.readVault(cmd.Context())
			if err != nil {
				return err
			}
			defer v.Close()
			var out []byte
			err = v.View(cmd.Context(), func(tx *vault.Tx) (err error) { out, err = api.Export(tx); return err })
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(out)
			return err
		})}
	s.storeFlags(c.Flags())
	return c
}

// withTenant parses a tenant file and then opens the vault, so that a file at
// fault touches nothing.
func (s *settings) withTenant(ctx context.Context, path string, open func(context.Context) (*vault.Vault, error),
	fn func(context.Context, *vault.Vault, *api.Tenant) (api.Plan, error)) (plan api.Plan, err error) {
	t, err := readTenant(path)
	if err != nil {
		return plan, err
	}
	v, err := open(ctx)
	if err != nil {
		return plan, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	return fn(ctx, v, t)
}

func readTenant(path string) (*api.Tenant, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tenant file: %w", err)
	}
	return api.Parse(path, src, os.LookupEnv)
}

func applyTenant(ctx context.Context, v *vault.Vault, t *api.Tenant) (plan api.Plan, err error) {
	correlation := vault.Said(rand.Text()[:16])
	err = v.Update(ctx, func(tx *vault.Tx) (err error) {
		if plan, err = t.Apply(tx, connections.Check); err != nil || len(plan.Changes) == 0 {
			return err
		}
		return tx.Record(tenantApplied(plan, correlation))
	})
	return plan, err
}

// byHand is the event of what a command does to a store itself.
func byHand(kind vault.EventType, details ...vault.Detail) vault.Event {
	return vault.Event{Type: kind, Correlation: vault.Said(rand.Text()[:16]), Details: details}
}

// tenantApplied tells what a tenant file has changed, as far as there is room.
func tenantApplied(plan api.Plan, correlation vault.Text) vault.Event {
	e := vault.Event{Type: "sallyport_tenant_applied", Correlation: correlation, Details: []vault.Detail{vault.Count("changes", int64(len(plan.Changes)))}}
	const most = 20
	for i, c := range plan.Changes[:min(len(plan.Changes), most)] {
		e.Details = append(e.Details, vault.Say(fmt.Sprint("changed.", i), fmt.Sprint(c.Action, " ", c.Kind, " ", c.Name)))
	}
	return e
}

func printPlan(w io.Writer, plan api.Plan, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(plan)
	}
	_, err := io.WriteString(w, plan.String())
	return err
}
