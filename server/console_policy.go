package server

import (
	"context"
	"errors"
	"slices"

	"sallyport/server/admin"
	"sallyport/server/api"
	"sallyport/vault"
)

// standing are the rules of which it is settled what they say before there is a
// user, an account or a request.
var standing = []string{"grant_type", "enabled_clients", "token_vault", "connected_accounts", "authentication"}

// denies are those of the standing rules by which a client gets no token of a
// connection, whoever asks.
func denies(client vault.Client, connection vault.Connection) (denied []admin.Rule) {
	for _, r := range rules {
		if !slices.Contains(standing, r.name) {
			continue
		}
		if _, d := r.check(&wish{client: client, connection: connection}); d != nil {
			denied = append(denied, admin.Rule{Name: r.name, Why: d.why})
		}
	}
	return denied
}

// explainTo answers the console's question by the function that decides about
// exchanges.
func (s *Server) explainTo(ctx context.Context, q admin.Question) (answer admin.Answer, err error) {
	said, err := Explain(ctx, s.Vault, api.ExplainRequest{Connection: q.Connection, Client: q.Client, User: q.User, LoginHint: q.LoginHint, Scopes: q.Scopes, Address: q.Address})
	var problem *api.Problem
	if errors.As(err, &problem) {
		fields := map[string]string{"inexistent_connection": "connection", "inexistent_client": "client", "inexistent_user": "user"}
		return answer, &vault.Invalid{Field: fields[problem.Code], Problem: problem.Message}
	}
	if err != nil {
		return answer, err
	}
	answer = admin.Answer{Allowed: said.Allowed, Reason: said.Reason, Missing: said.MissingScopes}
	for _, r := range said.Rules {
		answer.Rules = append(answer.Rules, admin.Rule{Name: r.Rule, Passed: r.Passed, Why: r.Why})
	}
	return answer, nil
}
