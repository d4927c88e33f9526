// Sallyport signs users in with Salesforce and other identity providers, vouches
// for them to the applications behind it, and keeps the tokens issued on the way
// in a vault, from which the applications get live ones.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

// run is the program: 0 if it did what was asked, 1 if it failed, 2 if it was
// asked wrongly, and also if a plan that was asked to tell has changes.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := root().ExecuteContext(ctx)
	var f *failed
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errDrift):
		return 2
	case errors.As(err, &f):
		fmt.Fprintln(os.Stderr, "sallyport: "+oneLine(err))
		return 1
	}
	fmt.Fprintln(os.Stderr, "sallyport: "+oneLine(err)+" (see sallyport --help)")
	return 2
}

// failed is an error of a command that was asked rightly.
type failed struct{ err error }

func (e *failed) Error() string { return e.err.Error() }
func (e *failed) Unwrap() error { return e.err }

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// does makes a command's function tell its failures from wrong usage, which
// cobra finds before it runs, or which the function returns as *wrongUsage.
func does(fn func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := fn(cmd, args)
		var wrong *wrongUsage
		if err == nil || errors.As(err, &wrong) {
			return err
		}
		return &failed{err}
	}
}

// wrongUsage is an error in what was asked.
type wrongUsage struct{ problem string }

func (e *wrongUsage) Error() string { return e.problem }

// root is the table of commands.
func root() *cobra.Command {
	r := &cobra.Command{
		Use:   "sallyport",
		Short: "Sign users in with Salesforce, keep their tokens safe, and hand them to your applications",
		Args:  cobra.NoArgs,
		Long: `Sallyport is a federation gateway. Applications sign their users in through it
with OpenID Connect; it sends the users to Salesforce, keeps the tokens that
come back in a sealed vault, and exchanges its own tokens for live ones.

Try it:  sallyport demo`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	r.AddCommand(demoCommand(), serveCommand(), simulateCommand(), planCommand(), applyCommand(), exportCommand(), vaultCommand(), keysCommand(), logsCommand(), connectionsCommand(), usersCommand(), webhooksCommand(), adminCommand(), versionCommand())
	return r
}

// group is a command that has others and does nothing itself.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("unknown command %q for %q", args[0], use)
		}
		return nil
	}, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	c.AddCommand(commands...)
	return c
}
