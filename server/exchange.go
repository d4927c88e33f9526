package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/templates"
	"sallyport/vault"
)

// exchangeToken is the token exchange (RFC 8693, and Auth0's of it): a token of
// the gateway's for the access token of the user's account at a connection.
func (s *Server) exchangeToken(ctx context.Context, client vault.Client, req oidc.TokenRequest, proof *oidc.Proof) (resp oidc.TokenResponse, err error) {
	defer func() { s.exchanged(ctx, err) }()
	x, err := oidc.ParseExchange(req)
	if err != nil {
		return resp, err
	}
	n := noteOf(ctx)
	n.event.Connection = vault.Said(x.Connection)
	n.event.Details = []vault.Detail{vault.Say("subject_token_type", x.SubjectTokenType), vault.Flag("is_privileged_worker", false)}
	var a account
	err = s.Vault.View(ctx, func(tx *vault.Tx) error {
		user, grant, err := s.subject(tx, client, x, proof)
		if err != nil {
			return err
		}
		a, err = findAccount(tx, client, x, user)
		a.grant = grant
		return err
	})
	a.noteOn(n)
	if err != nil {
		return resp, s.invite(ctx, client, x, a, err)
	}
	if a.user == "" {
		err = s.begunAccount(ctx, &a)
	} else {
		err = s.paceUser(a.user)
	}
	if err != nil {
		return resp, err
	}
	ts, err := s.fresh(ctx, a, x)
	if err == nil && !ts.Issued.Equal(a.tokens.Issued) {
		err = s.stillAllowed(ctx, client, x, a)
	}
	if err == nil {
		err = s.keepAlive(ctx, client, a.grant)
	}
	if err != nil {
		return resp, s.invite(ctx, client, x, a, err)
	}
	granted := oidc.FormatScopes(connections.Granted(a.connection, ts.Scopes))
	e := n.as("seta", vault.Say("issued_token_type", x.RequestedTokenType), vault.Say("expires_at", ts.Expires.UTC().Format(time.RFC3339)),
		vault.Say("token_thumbprint", vault.Hash(ts.AccessToken.Reveal())))
	e.Scope = vault.Said(granted)
	if err := s.record(ctx, e); err != nil {
		return resp, err
	}
	s.refreshAhead(ctx, a, ts)
	return oidc.TokenResponse{
		AccessToken: ts.AccessToken.Reveal(), IssuedTokenType: x.RequestedTokenType, TokenType: "Bearer",
		ExpiresIn: int(math.Max(0, ts.Expires.Sub(s.Now()).Seconds())), Scope: granted,
		InstanceURL: ts.Params["instance_url"], APIInstanceURL: ts.Params["api_instance_url"], ID: ts.Params["id"], Connection: a.connection.Name, Account: a.name(ts),
	}, nil
}

// subject is the user that a subject token stands for, and the grant of a refresh
// token: one issued to the client, or meant for the API that the client is. The
// user is "" if it is the client's own, by the client credentials grant.
func (s *Server) subject(tx *vault.Tx, client vault.Client, x oidc.ExchangeRequest, proof *oidc.Proof) (user string, grant vault.Grant, err error) {
	token := x.SubjectToken.Reveal()
	if x.SubjectTokenType == oidc.URNRefreshToken {
		id, secret, _ := oidc.ParseRefreshToken(token)
		grant, err = tx.Grant(id)
		switch {
		case errors.Is(err, vault.ErrNotFound):
			return "", grant, x.RefuseSubject(errors.New("the grant is unknown, expired or revoked"))
		case err != nil:
			return "", grant, err
		case !oidc.Matches(grant.SecretHash, secret):
			return "", grant, x.RefuseSubject(errors.New("the refresh token is no longer current"))
		}
		if _, err := oidc.CheckGrant(grant, client, oidc.TokenRequest{}, tx.Now()); err != nil {
			return "", grant, x.RefuseSubject(err)
		}
		if vault.ConnectionOf(grant.Identity) != x.Connection {
			return grant.User, grant, nil
		}
		return grant.User, grant, tx.Foresee(tx.Users.At(grant.User), tx.Identities.At(grant.Identity), tx.TokenSets.At(grant.Identity))
	}
	b, err := s.bearer(tx, token, true)
	var refused *oidc.Error
	switch {
	case errors.As(err, &refused):
		return "", grant, x.RefuseSubject(err)
	case err != nil:
		return "", grant, err
	case b.client != client.ID && (b.grant == "" || b.jwt == nil || !b.isFor(client.API)):
		return "", grant, x.RefuseSubject(errors.New("the token was issued to another client"))
	case b.client == client.ID && b.key != "" && (proof == nil || proof.Thumbprint != b.key):
		return "", grant, x.RefuseSubject(errors.New("the token is bound to a key that the request is not signed with"))
	case b.grant == "":
		return "", grant, nil
	}
	return b.user, grant, nil
}

// keepAlive counts an exchange as use of the refresh token that it showed, so
// that an application which does nothing else does not lose it for idleness.
// To the tenth of the idle time is near enough, and spares most exchanges the
// write.
func (s *Server) keepAlive(ctx context.Context, client vault.Client, grant vault.Grant) error {
	if grant.ID == "" || client.RefreshIdle == 0 || s.Now().Sub(grant.Used) < client.RefreshIdle/10 {
		return nil
	}
	return s.used(ctx, grant.ID)
}

// used notes that a grant's refresh token is in use.
func (s *Server) used(ctx context.Context, grant string) error {
	err := s.Vault.Update(ctx, func(tx *vault.Tx) error {
		now, err := tx.Grant(grant)
		if err != nil {
			return err
		}
		now.Used = tx.Now()
		return tx.Grants.Put(now)
	})
	if errors.Is(err, vault.ErrNotFound) || errors.Is(err, vault.ErrUnavailable) {
		return nil // revoked meanwhile; or the next exchange will do
	}
	return err
}

// leastTTL is how long an access token should be good for that is given out, if
// the client does not say: time to call an API with it.
const leastTTL = 30 * time.Second

// fresh is the token set of an account with an access token as asked for.
func (s *Server) fresh(ctx context.Context, a account, x oidc.ExchangeRequest) (vault.TokenSet, error) {
	need := vault.Need{TTL: max(x.MinTTL, leastTTL), Rejected: x.Rejected}
	if a.outdated() {
		need.Rejected = a.tokens.AccessToken
	}
	ts, err := s.Vault.Fresh(ctx, a.tokens, need, refresher{s, a.connection})
	var refusal *vault.Refusal
	var upstream *connections.Error
	var unheard *vault.Unheard
	var wait time.Duration
	if errors.As(err, &unheard) {
		wait = unheard.Wait
	}
	switch {
	case errors.Is(err, vault.ErrNotRenewable) && x.MinTTL == 0 && a.tokens.Expires.After(s.Now()) && a.tokens.AccessToken != x.Rejected:
		return a.tokens, nil // not for long, but nothing better is to be had
	case errors.Is(err, vault.ErrUnavailable):
		return ts, err
	case errors.As(err, &refusal):
		return ts, x.Refuse(oidc.Refusal{Reason: oidc.ReauthorizationRequired}, strings.TrimSpace(refusal.Why+" "+usingUp(templates.English, a.connection, a.tokens.Approved)))
	case errors.Is(err, vault.ErrNotRenewable):
		return ts, x.Refuse(oidc.Refusal{Reason: oidc.NotStored}, a.connection.Title()+" gave no refresh token, and the access token has expired or soon will. "+
			connections.NotRenewable(a.connection, a.tokens.Scopes)+" Then let the user connect again.")
	case errors.Is(err, vault.ErrNotFound):
		return ts, x.Refuse(oidc.Refusal{Reason: oidc.NotConnected}, "The user has just disconnected the account.")
	case errors.As(err, &upstream):
		refused := x.Refuse(oidc.Refusal{Reason: reason(upstream.Kind), RetryAfter: max(upstream.RetryAfter, wait)}, upstream.Description)
		refused.Err = err
		return ts, refused
	case errors.Is(err, context.DeadlineExceeded):
		refused := x.Refuse(oidc.Refusal{Reason: oidc.UpstreamUnavailable, RetryAfter: cmp.Or(wait, retryLater)}, a.connection.Title()+" did not answer in time. Try again: the gateway finds out whether the refresh token was used before it shows it once more.")
		refused.Err = err
		return ts, refused
	case unheard != nil:
		return ts, x.Refuse(oidc.Refusal{Reason: oidc.UpstreamUnavailable, RetryAfter: wait}, fmt.Sprintf(
			"%s did not answer the last refresh of this account, which may still be under way there. Two at once could end the user's grant, so nothing is sent for %d seconds; try again then.",
			a.connection.Title(), int(math.Ceil(wait.Seconds()))))
	}
	return ts, err
}

func reason(k connections.Kind) oidc.Reason {
	switch k {
	case connections.Denied:
		return oidc.UserBlocked // there, not here
	case connections.Dead:
		return oidc.ReauthorizationRequired
	case connections.Unavailable:
		return oidc.UpstreamUnavailable
	case connections.RateLimited:
		return oidc.UpstreamRateLimited
	}
	return oidc.ConnectionMisconfigured
}

// stillAllowed decides again, after a refresh: of what has changed while it
// took its time, and of the scopes that came.
func (s *Server) stillAllowed(ctx context.Context, client vault.Client, x oidc.ExchangeRequest, a account) error {
	return s.Vault.View(ctx, func(tx *vault.Tx) error {
		client, err := tx.Clients.Get(client.ID)
		if err == nil && a.grant.ID != "" {
			_, err = tx.Grant(a.grant.ID)
		}
		if errors.Is(err, vault.ErrNotFound) {
			return x.RefuseSubject(errors.New("the client or the grant is gone since"))
		}
		if err == nil {
			_, err = findAccount(tx, client, x, a.user)
		}
		return err
	})
}

// invite adds to a refusal that the user can mend the link by which to.
func (s *Server) invite(ctx context.Context, client vault.Client, x oidc.ExchangeRequest, a account, err error) error {
	var refused *oidc.Error
	if !errors.As(err, &refused) || refused.Refusal == nil || a.user == "" {
		return err
	}
	switch refused.Refusal.Reason {
	case oidc.ReauthorizationRequired, oidc.MissingScope, oidc.NotStored, oidc.NotConnected:
	default:
		return err
	}
	if !a.connection.TokenVault || connections.OfClients(a.connection) {
		return err // it would keep nothing
	}
	ticket := vault.Ticket{Client: client.ID, User: a.user, Connection: x.Connection, Scopes: x.Scopes, LoginHint: a.identity.Profile.Username}
	if a.identity.User == "" { // the account is to be connected for the first time
		ticket.Further, ticket.LoginHint = true, x.LoginHint
	}
	uri, failed := s.reconnectURI(ctx, ticket)
	if failed != nil {
		return errors.Join(failed, err)
	}
	refused.Refusal.ReconnectURI = uri
	return refused
}
