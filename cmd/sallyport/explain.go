package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/server"
	"sallyport/server/api"
)

func connectionsExplainCommand() *cobra.Command {
	var s settings
	var r remote
	var q api.ExplainRequest
	var address, scope string
	var asJSON bool
	c := &cobra.Command{Use: "explain", Short: "Say why an application gets a token, or does not", Args: cobra.NoArgs,
		Long: `Say whether an application would get the access token of a user's account at a
connection, by which rules, and which one denies it: what decides about exchanges
is asked, and no identity provider. Without --user the application asks in its
own name.

The command asks a gateway that runs, with --gateway, by a client that has the
scope read:connections of its management API; or it opens a store that no gateway
has open.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			if q.Connection == "" || q.Client == "" {
				return &wrongUsage{"explain needs --connection and --client"}
			}
			if address != "" {
				var err error
				if q.Address, err = netip.ParseAddr(address); err != nil {
					return &wrongUsage{"--address should be an IP address"}
				}
			}
			q.Scopes = strings.Fields(scope)
			explain := s.explain
			if r.gateway != "" {
				explain = r.explain
			}
			answer, err := explain(cmd.Context(), q)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(answer)
			}
			return printExplanation(cmd.OutOrStdout(), answer)
		})}
	s.storeFlags(c.Flags())
	r.flags(c.Flags())
	text(c.Flags(), &q.Connection, "connection", "", "name of the connection")
	text(c.Flags(), &q.Client, "client", "", "client_id of the application")
	text(c.Flags(), &q.User, "user", "", "user_id of the user")
	text(c.Flags(), &q.LoginHint, "login-hint", "", "which of the user's accounts, if there are several")
	text(c.Flags(), &scope, "scope", "", "scopes that the application asks for, with spaces between")
	text(c.Flags(), &address, "address", "", "IP address that it asks from")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// explain explains by what a store holds.
func (s *settings) explain(ctx context.Context, q api.ExplainRequest) (api.Explanation, error) {
	v, err := s.readVault(ctx)
	if err != nil {
		return api.Explanation{}, err
	}
	defer v.Close()
	answer, err := server.Explain(ctx, v, q)
	return answer, plainly(err)
}

// explain has a gateway do it.
func (r *remote) explain(ctx context.Context, q api.ExplainRequest) (answer api.Explanation, err error) {
	if err := r.signIn(ctx, "read:connections"); err != nil {
		return answer, err
	}
	query := url.Values{"client_id": {q.Client}}
	for name, value := range map[string]string{"user_id": q.User, "login_hint": q.LoginHint, "scope": strings.Join(q.Scopes, " ")} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if q.Address.IsValid() {
		query.Set("address", q.Address.String())
	}
	err = r.call(ctx, "GET", "connections/"+url.PathEscape(q.Connection)+"/explain?"+query.Encode(), nil, &answer)
	return answer, err
}

func printExplanation(w io.Writer, answer api.Explanation) error {
	for _, rule := range answer.Rules {
		mark := "passed"
		if !rule.Passed {
			mark = "DENIED"
		}
		if _, err := fmt.Fprintf(w, "%s  %-18s  %s\n", mark, rule.Rule, rule.Why); err != nil {
			return err
		}
	}
	end := "Allowed."
	if !answer.Allowed {
		end = "Denied: " + answer.Reason + "."
	}
	_, err := fmt.Fprintln(w, end)
	return err
}
