package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sallyport/server/api"
	"sallyport/vault"
)

func webhooksCommand() *cobra.Command {
	return group("webhooks", "See webhooks and what was sent to them, and send it again",
		webhooksListCommand(), webhooksDeliveriesCommand(), webhooksReplayCommand(), webhooksTestCommand())
}

// eitherWay is added to the help of commands that ask a gateway or open a store.
const eitherWay = `

The command asks a gateway that runs, with --gateway, by a client that has the scope
%s of its management API; or it opens a store that no gateway has open.`

// webhookCommand is a command that asks a gateway, or a vault, and prints what
// came as JSON or for people.
func webhookCommand[T any](c *cobra.Command, scope string, remotely func(context.Context, *remote, []string) (T, error),
	here func(context.Context, *vault.Vault, []string) (T, error), show func(io.Writer, T) error) *cobra.Command {
	var s settings
	var r remote
	var asJSON bool
	c.Long += fmt.Sprintf(eitherWay, scope)
	c.RunE = does(func(cmd *cobra.Command, args []string) (err error) {
		var got T
		if r.gateway != "" {
			if err := r.signIn(cmd.Context(), scope); err != nil {
				return err
			}
			got, err = remotely(cmd.Context(), &r, args)
		} else {
			var v *vault.Vault
			if v, err = s.readVault(cmd.Context()); err != nil {
				return err
			}
			defer v.Close()
			got, err = here(cmd.Context(), v, args)
		}
		if err != nil {
			return plainly(err)
		}
		if asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(got)
		}
		return show(cmd.OutOrStdout(), got)
	})
	s.storeFlags(c.Flags())
	r.flags(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func webhooksListCommand() *cobra.Command {
	return webhookCommand(&cobra.Command{Use: "list", Short: "List the webhooks, and how they are", Args: cobra.NoArgs,
		Long: `List the webhooks: their names and URLs, what they want to hear of, and whether
what is sent to them arrives.`}, "read:webhooks",
		func(ctx context.Context, r *remote, _ []string) (list []api.WebhookState, err error) {
			return list, r.call(ctx, "GET", "webhooks?per_page=100", nil, &list)
		},
		func(ctx context.Context, v *vault.Vault, _ []string) ([]api.WebhookState, error) {
			return api.WebhooksOf(ctx, v)
		},
		func(w io.Writer, list []api.WebhookState) error {
			if len(list) == 0 {
				fmt.Fprintln(w, "There are no webhooks: a tenant file and the management API make them.")
			}
			for _, h := range list {
				types := "everything"
				if len(h.Types) > 0 {
					types = strings.Join(h.Types, ", ")
				}
				if _, err := fmt.Fprintf(w, "%s  %s  %s  %s, %d waiting\n", h.Name, *h.URL, types, howItIs(h), h.Waiting); err != nil {
					return err
				}
			}
			return nil
		})
}

// howItIs is how a webhook is, for people.
func howItIs(h api.WebhookState) string {
	switch {
	case h.Disabled != "":
		return "off (" + strings.TrimSuffix(h.Disabled, ".") + ")"
	case !*h.Enabled:
		return "off"
	case h.FailingSince != nil:
		return "failing since " + h.FailingSince.Format(time.DateTime)
	}
	return "well"
}

func webhooksDeliveriesCommand() *cobra.Command {
	var state string
	c := webhookCommand(&cobra.Command{Use: "deliveries NAME", Short: "List what was sent to a webhook, the newest first", Args: cobra.ExactArgs(1),
		Long: `List the last 100 messages to a webhook: what they tell of, whether they have
arrived, and if not, why, and when they are tried again.`}, "read:webhooks",
		func(ctx context.Context, r *remote, args []string) (list []api.Delivery, err error) {
			query := url.Values{"per_page": {"100"}, "state": {state}}
			return list, r.call(ctx, "GET", "webhooks/"+url.PathEscape(args[0])+"/deliveries?"+query.Encode(), nil, &list)
		},
		func(ctx context.Context, v *vault.Vault, args []string) ([]api.Delivery, error) {
			list, err := api.DeliveriesOf(ctx, v, args[0], state)
			return list[:min(len(list), 100)], err
		},
		func(w io.Writer, list []api.Delivery) error {
			for _, d := range list {
				next := ""
				if d.Next != nil {
					next = " Next: " + d.Next.Format(time.DateTime) + "."
				}
				if _, err := fmt.Fprintf(w, "%s  %s  %-9s  %s  %d attempts. %s%s\n", d.Message, d.Created.Format(time.DateTime), d.State, d.Type, d.Attempts, d.Problem, next); err != nil {
					return err
				}
			}
			return nil
		})
	c.Flags().StringVar(&state, "state", "", "waiting, delivered, failed or held; all if empty")
	return c
}

func webhooksReplayCommand() *cobra.Command {
	var asked api.Replay
	var since string
	type answer struct {
		Replayed int `json:"replayed"`
	}
	c := webhookCommand(&cobra.Command{Use: "replay NAME", Short: "Send messages to a webhook again", Args: cobra.ExactArgs(1),
		PreRunE: does(func(*cobra.Command, []string) error {
			if (since == "") == (asked.Message == "") {
				return &wrongUsage{"replay needs either --since or --message"}
			}
			if since == "" {
				return nil
			}
			from, err := sinceTime(since)
			asked.Since = &from
			return err
		}),
		Long: `Send one message to a webhook again, with --message; or, with --since, all of that
time that have not arrived, or are in the states that --state names. They keep
their IDs, by which receivers know what they have had already.`}, "update:webhooks",
		func(ctx context.Context, r *remote, args []string) (a answer, err error) {
			return a, r.call(ctx, "POST", "webhooks/"+url.PathEscape(args[0])+"/replay", asked, &a)
		},
		func(ctx context.Context, v *vault.Vault, args []string) (a answer, err error) {
			a.Replayed, err = api.ReplayDeliveries(ctx, v, byHand("sallyport_webhook_replayed", vault.Say("webhook", args[0])), args[0], asked)
			return a, err
		},
		func(w io.Writer, a answer) error {
			_, err := fmt.Fprintf(w, "%d messages are sent again.\n", a.Replayed)
			return err
		})
	c.Flags().StringVar(&since, "since", "", "first day, or time, such as 2026-11-22 or 2026-11-22T15:04:05Z")
	c.Flags().StringVar(&asked.Message, "message", "", "ID of one message")
	c.Flags().StringSliceVar(&asked.States, "state", nil, "waiting, delivered, failed or held; all but delivered if empty")
	return c
}

func webhooksTestCommand() *cobra.Command {
	type answer struct {
		Message string `json:"message_id"`
	}
	return webhookCommand(&cobra.Command{Use: "test NAME", Short: "Send a webhook a message that says it is a test", Args: cobra.ExactArgs(1),
		Long: `Send a webhook a message of the type webhook.test. What came of it is in
'sallyport webhooks deliveries'.`}, "update:webhooks",
		func(ctx context.Context, r *remote, args []string) (a answer, err error) {
			return a, r.call(ctx, "POST", "webhooks/"+url.PathEscape(args[0])+"/test", struct{}{}, &a)
		},
		func(ctx context.Context, v *vault.Vault, args []string) (a answer, err error) {
			a.Message, err = api.TestWebhook(ctx, v, byHand("sallyport_webhook_tested", vault.Say("webhook", args[0])), args[0])
			return a, err
		},
		func(w io.Writer, a answer) error {
			_, err := fmt.Fprintf(w, "Message %s is on its way, or waits for a gateway.\n", a.Message)
			return err
		})
}
