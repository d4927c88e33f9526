package server

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/vault"
)

// exchangeToken is the token exchange (RFC 8693, and Auth0's of it): a token of
// the gateway's for the access token of the user's account at a connection.
func (s *Server) exchangeToken(ctx context.Context, client vault.Client, req oidc.TokenRequest, proof *oidc.Proof) (resp oidc.TokenResponse, err error) {
	defer func() { s.Metrics.exchange(err) }()
	x, err := oidc.ParseExchange(req)
	if err != nil {
		return resp, err
	}
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
	if err != nil {
		return resp, s.invite(ctx, client, x, a, err)
	}
	ts, err := s.fresh(ctx, a, x)
	if err == nil {
		err = checkScopes(a, x, ts)
	}
	if err == nil {
		err = s.keepAlive(ctx, client, a.grant)
	}
	if err != nil {
		return resp, s.invite(ctx, client, x, a, err)
	}
	return oidc.TokenResponse{
		AccessToken: ts.AccessToken.Reveal(), IssuedTokenType: x.RequestedTokenType, TokenType: "Bearer",
		ExpiresIn: int(math.Max(0, ts.Expires.Sub(s.Now()).Seconds())), Scope: oidc.FormatScopes(connections.Granted(a.connection, ts.Scopes)),
		InstanceURL: ts.Params["instance_url"], ID: ts.Params["id"], Connection: a.connection.Name, Account: a.identity.UserID,
	}, nil
}

// account is a user's account at a connection.
type account struct {
	user       string
	grant      vault.Grant // of the subject token, if that is a refresh token
	connection vault.Connection
	identity   vault.Identity
	tokens     vault.TokenSet
}

// subject is the user that a subject token stands for, and the grant of a refresh
// token: one issued to the client, or meant for the API that the client is.
func (s *Server) subject(tx *vault.Tx, client vault.Client, x oidc.ExchangeRequest, proof *oidc.Proof) (user string, grant vault.Grant, err error) {
	token := x.SubjectToken.Reveal()
	if x.SubjectTokenType == oidc.URNRefreshToken {
		id, secret, _ := oidc.ParseRefreshToken(token)
		grant, err = tx.Grants.Get(id)
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
		return grant.User, grant, nil
	}
	b, err := s.bearer(tx, token)
	var refused *oidc.Error
	switch {
	case errors.As(err, &refused):
		return "", grant, x.RefuseSubject(err)
	case err != nil:
		return "", grant, err
	case b.grant == "":
		return "", grant, x.RefuseSubject(errors.New("the token is of a client, and of no user"))
	case b.client != client.ID && (b.jwt == nil || !b.isFor(client.API)):
		return "", grant, x.RefuseSubject(errors.New("the token was issued to another client"))
	case b.client == client.ID && b.key != "" && (proof == nil || proof.Thumbprint != b.key):
		return "", grant, x.RefuseSubject(errors.New("the token is bound to a key that the request is not signed with"))
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
	err := s.Vault.Update(ctx, func(tx *vault.Tx) error {
		now, err := tx.Grants.Get(grant.ID)
		if err != nil {
			return err
		}
		now.Used = tx.Now()
		return tx.Grants.Put(now)
	})
	if errors.Is(err, vault.ErrNotFound) {
		return nil // revoked meanwhile
	}
	return err
}

// findAccount is the account that an exchange asks for, if the client may have
// its tokens.
func findAccount(tx *vault.Tx, client vault.Client, x oidc.ExchangeRequest, userID string) (a account, err error) {
	a.user = userID
	a.connection, err = tx.Connections.Get(x.Connection)
	if errors.Is(err, vault.ErrNotFound) {
		return a, x.RefuseConnection()
	}
	if err != nil {
		return a, err
	}
	conn := a.connection
	user, err := tx.Users.Get(userID)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return a, x.RefuseSubject(errors.New("the user was deleted"))
	case err != nil:
		return a, err
	case user.Blocked:
		return a, x.Refuse(oidc.Refusal{Reason: oidc.UserBlocked}, "The user is blocked. An administrator can unblock the user.")
	case !conn.Allows(client.ID):
		return a, x.Refuse(oidc.Refusal{Reason: oidc.ClientNotAllowed}, "The connection is not enabled for this application. Add its client_id to the connection's enabled_clients.")
	case !conn.TokenVault:
		return a, x.Refuse(oidc.Refusal{Reason: oidc.NotStored}, "The connection does not keep tokens. Set its connected_accounts.active, and let the user sign in again.")
	case !conn.Active:
		return a, x.Refuse(oidc.Refusal{Reason: oidc.ConnectionDisabled}, "The connection is switched off. Set its authentication.active.")
	}
	identities, err := identitiesAt(tx, user, conn.Name)
	if err != nil {
		return a, err
	}
	if len(identities) == 0 {
		return a, x.Refuse(oidc.Refusal{Reason: oidc.NotConnected}, "The user has no account at "+conn.Title()+". The user must connect it.")
	}
	if x.LoginHint != "" {
		if identities = slices.DeleteFunc(identities, func(i vault.Identity) bool { return !hinted(i, x.LoginHint) }); len(identities) == 0 {
			return a, x.RefuseLoginHint()
		}
	}
	if len(identities) > 1 {
		return a, x.Refuse(oidc.Refusal{Reason: oidc.AmbiguousAccount}, "The user has several accounts at "+conn.Title()+". Send login_hint: the account's id, username or e-mail there.")
	}
	a.identity = identities[0]
	a.tokens, err = tx.TokenSets.Get(a.identity.Key())
	if errors.Is(err, vault.ErrNotFound) {
		return a, x.Refuse(oidc.Refusal{Reason: oidc.NotConnected}, "No tokens of the user's account at "+conn.Title()+" are kept. The user must connect it.")
	}
	return a, err
}

// hinted reports whether a login_hint fits an account: by its ID, username or
// e-mail at the identity provider.
func hinted(i vault.Identity, hint string) bool {
	return hint == i.UserID || hint == i.Subject || strings.EqualFold(hint, i.Profile.Username) || strings.EqualFold(hint, i.Profile.Email)
}

// leastTTL is how long an access token should be good for that is given out, if
// the client does not say: time to call an API with it.
const leastTTL = 30 * time.Second

// fresh is the token set of an account with an access token as asked for.
func (s *Server) fresh(ctx context.Context, a account, x oidc.ExchangeRequest) (vault.TokenSet, error) {
	ts, err := s.Vault.Fresh(ctx, a.tokens, vault.Need{TTL: max(x.MinTTL, leastTTL), Rejected: x.Rejected}, refresher{s, a.connection})
	var refusal *vault.Refusal
	var upstream *connections.Error
	switch {
	case errors.Is(err, vault.ErrNotRenewable) && x.MinTTL == 0 && a.tokens.Expires.After(s.Now()) && a.tokens.AccessToken != x.Rejected:
		return a.tokens, nil // not for long, but nothing better is to be had
	case errors.As(err, &refusal):
		return ts, x.Refuse(oidc.Refusal{Reason: oidc.ReauthorizationRequired}, refusal.Why)
	case errors.Is(err, vault.ErrNotRenewable):
		return ts, x.Refuse(oidc.Refusal{Reason: oidc.NotStored}, a.connection.Title()+" gave no refresh token, and the access token has expired or soon will. "+
			"Add the scope refresh_token to the connection and to its app, and let the user connect again.")
	case errors.Is(err, vault.ErrNotFound):
		return ts, x.Refuse(oidc.Refusal{Reason: oidc.NotConnected}, "The user has just disconnected the account.")
	case errors.As(err, &upstream):
		refused := x.Refuse(oidc.Refusal{Reason: reason(upstream.Kind), RetryAfter: upstream.RetryAfter}, upstream.Description)
		refused.Err = err
		return ts, refused
	case errors.Is(err, context.DeadlineExceeded):
		refused := x.Refuse(oidc.Refusal{Reason: oidc.UpstreamUnavailable, RetryAfter: retryLater}, a.connection.Title()+" did not answer in time. Nothing is lost; try again.")
		refused.Err = err
		return ts, refused
	}
	return ts, err
}

func reason(k connections.Kind) oidc.Reason {
	switch k {
	case connections.Denied:
		return oidc.UserBlocked // there, not here
	case connections.Unavailable:
		return oidc.UpstreamUnavailable
	case connections.RateLimited:
		return oidc.UpstreamRateLimited
	}
	return oidc.ConnectionMisconfigured
}

// refresher opens the provider of a connection only when a refresh needs it,
// and counts and logs what came of it.
type refresher struct {
	s    *Server
	conn vault.Connection
}

func (r refresher) Refresh(ctx context.Context, old vault.TokenSet) (vault.TokenSet, error) {
	provider, err := r.s.connections.Provider(r.conn)
	if err != nil {
		return vault.TokenSet{}, unspent{err}
	}
	began := r.s.Now()
	fresh, err := provider.Refresh(ctx, old)
	r.s.Metrics.refresh(r.conn.Name, err)
	attrs := []slog.Attr{
		slog.String("correlation_id", correlationID(ctx)), slog.String("connection", r.conn.Name), slog.String("account", old.ID),
		slog.String("outcome", outcome(err)), milliseconds(r.s.Now().Sub(began)),
	}
	level := slog.LevelInfo
	if err != nil {
		level, attrs = slog.LevelWarn, append(attrs, slog.String("error", err.Error()))
	}
	r.s.Log.LogAttrs(ctx, level, "refresh", attrs...)
	return fresh, err
}

// Introspect implements [vault.Introspector]. A provider that cannot tell is
// answered for as vault has it for those that are none.
func (r refresher) Introspect(ctx context.Context, ts vault.TokenSet) (bool, error) {
	provider, err := r.s.connections.Provider(r.conn)
	if err != nil {
		return false, err
	}
	introspector, ok := provider.(vault.Introspector)
	if !ok {
		return false, nil
	}
	return introspector.Introspect(ctx, ts)
}

// unspent is an error before the refresh token was shown to anybody.
type unspent struct{ error }

func (e unspent) Unwrap() []error { return []error{e.error, vault.ErrUnspent} }

// checkScopes finds fault with scopes asked for that the user did not grant.
func checkScopes(a account, x oidc.ExchangeRequest, ts vault.TokenSet) error {
	granted := connections.Granted(a.connection, ts.Scopes)
	var missing []string
	for _, scope := range x.Scopes {
		if !slices.Contains(granted, scope) {
			missing = append(missing, scope)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return x.Refuse(oidc.Refusal{Reason: oidc.MissingScope, MissingScopes: missing},
		"The user's grant lacks "+oidc.FormatScopes(missing)+". Add it to the app at "+a.connection.Title()+" if it is not there, and let the user connect again.")
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
	if a.identity.User == "" || !a.connection.TokenVault {
		return err // there is no account to connect again
	}
	uri, failed := s.reconnectURI(ctx, client.ID, a.user, x.Connection, x.Scopes)
	if failed != nil {
		return errors.Join(failed, err)
	}
	refused.Refusal.ReconnectURI = uri
	return refused
}
