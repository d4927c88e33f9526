package server

import (
	"context"
	"log/slog"
	"strings"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/vault"
)

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
	if err := r.s.pauses.of(old.Identity, r.s.Now()); err != nil {
		return vault.TokenSet{}, err
	}
	if err := r.s.breakers.pass(r.conn, r.s.Now()); err != nil {
		return vault.TokenSet{}, err
	}
	began := r.s.Now()
	fresh, err := provider.Refresh(ctx, old)
	r.s.pauses.note(old.Identity, err, r.s.Now())
	r.s.breakers.note(r.conn.Name, err, r.s.Now())
	r.s.refreshed(r.conn.Name, err)
	attrs := []slog.Attr{
		slog.String("correlation_id", correlationID(ctx)), slog.String("connection", r.conn.Name), slog.String("account", old.ID),
		slog.String("outcome", outcome(err)), milliseconds(r.s.Now().Sub(began)),
	}
	level := slog.LevelInfo
	if err != nil {
		level, attrs = slog.LevelWarn, append(attrs, slog.String("error", err.Error()))
	}
	r.s.Log.LogAttrs(ctx, level, "refresh", attrs...)
	r.record(ctx, old, fresh, err)
	return fresh, err
}

// record records what came of a refresh. Whoever asked for the tokens records that
// they got them after it, and waits; the refreshed set must be kept in any case.
func (r refresher) record(ctx context.Context, old, fresh vault.TokenSet, err error) {
	n := &note{event: vault.Event{Correlation: noteOf(ctx).event.Correlation}} // others share the refresh, and the rest is not theirs
	n.at(r.conn)
	_, subject, _ := strings.Cut(old.Identity, "|")
	e := n.as("sallyport_upstream_refresh_succeeded", vault.Say("connected_account.id", old.ID))
	e.Account, e.Scope = vault.Said(subject), vault.Said(oidc.FormatScopes(fresh.Scopes))
	if err != nil {
		e.Type, e.Reason, e.Description = "sallyport_upstream_refresh_failed", vault.Said(outcome(err)), vault.Said(err.Error())
	}
	r.s.Vault.RecordLater(e)
}

// Asserts implements [vault.Asserter].
func (r refresher) Asserts() bool { return connections.Asserts(r.conn) }

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
	if err := r.s.breakers.passQuestion(r.conn, r.s.Now()); err != nil {
		return false, err
	}
	active, err := introspector.Introspect(ctx, ts)
	if err != nil {
		r.s.breakers.note(r.conn.Name, err, r.s.Now())
	}
	return active, err
}

// unspent is an error before the refresh token was shown to anybody.
type unspent struct{ error }

func (e unspent) Unwrap() []error { return []error{e.error, vault.ErrUnspent} }
