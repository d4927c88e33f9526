package server

import (
	"context"
	"errors"
	"time"

	"sallyport/connections"
	"sallyport/vault"
)

// A refresh token that could not be revoked is tried again: after a minute at
// first, and in the end every hour, for a week. An instance shows no more than
// some a second to all providers.
const (
	revokeFirst     = time.Minute
	revokeMost      = time.Hour
	revokeTimeout   = 10 * time.Second // of one request
	revokePerSecond = 20
)

// revokeDiscarded revokes, at their providers, the refresh tokens that are due:
// each is looked at once. Of a connection whose provider does not answer the
// others are left for the next time.
func (s *Server) revokeDiscarded(ctx context.Context) error {
	silent := map[string]bool{}
	for after := ""; ; {
		r, found, err := s.claimNext(ctx, after, silent)
		if err != nil || !found {
			return err
		}
		after = r.ID
		if r.Awaits || r.GivenUp {
			continue
		}
		if err := s.revocations.Wait(ctx); err != nil {
			return err
		}
		_, err = s.revokeOne(ctx, r)
		if err != nil && !errors.Is(err, errShared) {
			silent[r.Connection()] = silent[r.Connection()] || isSilent(err)
			s.Log.WarnContext(ctx, "a refresh token that nothing uses could not be revoked", "account", r.Tokens.ID,
				"attempt", r.Attempts, "next", r.Next, "error", err)
		}
	}
}

// isSilent reports whether a provider gave no useful answer, as it will not to
// another question.
func isSilent(err error) bool {
	var upstream *connections.Error
	return errors.As(err, &upstream) && (upstream.Kind == connections.Unavailable || upstream.Kind == connections.RateLimited)
}

// claimNext claims the first revocation that is due, after one of an ID.
func (s *Server) claimNext(ctx context.Context, after string, silent map[string]bool) (r vault.Revocation, found bool, err error) {
	err = s.Vault.Update(ctx, func(tx *vault.Tx) error {
		found = false
		for next, err := range tx.Revocations.All(after) {
			if err != nil {
				return err
			}
			if next.GivenUp || tx.Now().Before(next.Next) || silent[next.Connection()] {
				continue
			}
			r, err = claim(tx, next)
			found = err == nil
			return err
		}
		return nil
	})
	return r, found, err
}

// claim takes a revocation for a while before its token is shown, so that of
// several instances one shows it. One whose tokens are still to come may have to
// wait for them; one that was tried for too long is given up.
func claim(tx *vault.Tx, r vault.Revocation) (vault.Revocation, error) {
	if r.Awaits {
		var err error
		if r, err = tx.Collect(r); err != nil || r.GivenUp {
			return r, errors.Join(err, settled(tx, r, ending{failed: r.Problem}))
		}
		if r.Awaits {
			return r, tx.Revocations.Put(r)
		}
	}
	if !r.Until.IsZero() && tx.Now().After(r.Until) {
		r = r.GiveUp("It was tried for a week. The last time: " + r.Problem)
		return r, settled(tx, r, ending{failed: r.Problem})
	}
	r.Attempts++
	r.Next = tx.Now().Add(min(revokeFirst<<min(r.Attempts, 20), revokeMost))
	return r, tx.Revocations.Put(r)
}

// ending is what came of a revocation: at most one of its fields is set.
type ending struct {
	ended   bool   // it was over already, or there was nothing to end
	failed  string // it cannot be revoked, for this reason
	pending string // not yet, for this reason
}

func (o ending) String() string {
	switch {
	case o.ended:
		return "ended"
	case o.failed != "":
		return "failed"
	case o.pending != "":
		return "pending"
	}
	return "revoked"
}

// settled keeps what came of a revocation, and counts it.
func settled(tx *vault.Tx, r vault.Revocation, o ending) error {
	switch {
	case o.pending != "":
		r.Problem = o.pending
		return tx.Revocations.Put(r)
	case o.failed != "" && (r.Disconnect || r.GivenUp):
		if err := tx.Revocations.Put(r.GiveUp(o.failed)); err != nil {
			return err
		}
	default:
		if err := tx.Revocations.Delete(r.ID); err != nil {
			return err
		}
	}
	d, err := tx.Disconnections.Get(r.Connection())
	if found, err := vault.Exists(err); !found || d.Generation != r.Generation {
		return err
	}
	switch {
	case o.ended:
		d.Ended++
	case o.failed != "":
		d.Failed++
	default:
		d.Revoked++
	}
	return tx.Disconnections.Put(d)
}

// errShared is the reason to wait: what is revoked with a refresh token is the
// very access token that the account has now. Salesforce gives the same one to
// several grants while it lives.
var errShared = errors.New("its access token is the account's own, too")

// cannotTell is what is said of a refresh token that may have been spent.
const cannotTell = "A refresh had no answer before, and the refresh token that is kept is not good any more. Whether the provider has issued another, which nobody holds, cannot be told. It expires by itself, or can be ended at the provider."

// revokeOne revokes what is left of a token set at its provider, unless that
// would take what the account has now with it, and keeps what came of it. The
// error is why it is to be tried again.
func (s *Server) revokeOne(ctx context.Context, r vault.Revocation) (ending, error) {
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	o, why := s.tryRevoke(ctx, r)
	if why != nil {
		o = ending{pending: describe(why)}
	}
	err := s.Vault.Update(context.WithoutCancel(ctx), func(tx *vault.Tx) error {
		_, err := tx.Revocations.Get(r.ID)
		if found, err := vault.Exists(err); !found {
			return err // it was settled meanwhile
		}
		return settled(tx, r, o)
	})
	if why == nil && err == nil && o == (ending{}) {
		s.Log.InfoContext(ctx, "a refresh token that nothing uses was revoked", "connection", r.Connection(), "account", r.Tokens.ID)
	}
	return o, errors.Join(why, err)
}

// describe is an error for people.
func describe(err error) string {
	var upstream *connections.Error
	switch {
	case errors.As(err, &upstream):
		return upstream.Description
	case errors.Is(err, errShared):
		return "The user connected again, and was given the same access token: it is not revoked while that lives."
	}
	return "It could not be tried. The log says why."
}

func (s *Server) tryRevoke(ctx context.Context, r vault.Revocation) (o ending, err error) {
	var conn vault.Connection
	var now vault.TokenSet
	err = s.Vault.View(ctx, func(tx *vault.Tx) error {
		var err error
		if conn, err = tx.Connections.Get(r.Connection()); err != nil {
			return err
		}
		now, err = tx.TokenSets.Get(r.Tokens.Identity)
		if found, err := vault.Exists(err); err != nil || !found {
			now = vault.TokenSet{}
			return err
		}
		return nil
	})
	ts := r.Tokens
	same := func(a, b vault.Secret) bool { return a == b && !a.IsZero() }
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return ending{failed: "The connection is gone, and with it who could revoke the token."}, nil
	case err != nil:
		return o, err
	case same(now.RefreshToken, ts.RefreshToken):
		return ending{ended: true}, nil // it is in use again
	case ts.Attempt != nil && !r.Disconnect:
		return ending{ended: true}, nil // it is from a backup, and may have been revoked since: nothing needs it to be
	case ts.Refusal != nil, ts.RefreshToken.IsZero() && ts.AccessToken.IsZero():
		return ending{ended: true}, nil
	case same(now.AccessToken, ts.AccessToken):
		return o, errShared
	}
	provider, err := s.connections.Provider(conn)
	if err != nil {
		return o, err
	}
	if r.Disconnect {
		return s.end(ctx, conn, provider, ts)
	}
	revoker, ok := provider.(connections.Revoker)
	if !ok {
		return ending{ended: true}, nil // the older one may be the newer one's, too
	}
	return o, revoker.Revoke(ctx, ts)
}

// end ends what a user granted, of whom nothing is wanted any more. A refresh
// token that may have been spent is asked after before it is shown.
func (s *Server) end(ctx context.Context, conn vault.Connection, provider connections.Provider, ts vault.TokenSet) (o ending, err error) {
	const none = "The provider offers no way to end it. The user can take the access back there."
	ender, ok := provider.(connections.Ender)
	if !ok {
		return ending{failed: none}, nil
	}
	doubt := ts.Attempt != nil && ts.Rotation != vault.Static && !ts.RefreshToken.IsZero()
	if doubt {
		active, err := refresher{s, conn}.Introspect(ctx, ts)
		var refusal *vault.Refusal
		switch {
		case errors.As(err, &refusal): // it is not asked after
		case err != nil:
			return o, err
		}
		if doubt = !active; doubt {
			ts.RefreshToken = vault.Secret{} // and at least its access token ends
		}
	}
	if !ts.RefreshToken.IsZero() || !ts.AccessToken.IsZero() {
		err = ender.End(ctx, ts)
	}
	switch {
	case errors.Is(err, connections.ErrNoEnd):
		return ending{failed: none}, nil
	case err != nil:
		return o, err
	case doubt:
		return ending{failed: cannotTell}, nil
	}
	return o, nil
}
