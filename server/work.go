package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"sallyport/connections"
	"sallyport/vault"
)

const (
	keysAfter  = 30 * time.Second // until the keys are read again, whatever was heard
	sweepAfter = time.Minute
	tellAfter  = 5 * time.Second  // until notices that were not heard are looked at again
	tallyAfter = 10 * time.Second // until what was counted is kept

	logsAfter   = time.Minute     // until a checkpoint of the log is signed, and what is left over of it is seen to
	pruneAfter  = time.Hour       // until old events are forgotten
	orphanAge   = 6 * time.Minute // of an event that whoever left it has surely no longer in hand
	resealAfter = time.Second     // until new keys are looked for: the vault counts on it

	countAfter  = time.Minute
	indexPause  = 50 * time.Millisecond // between some records and the next
	revokeAfter = time.Minute
	renewAfter  = time.Hour
	probeAfter  = 10 * time.Minute // until it is looked again which connections are due to be probed
)

// Work does what no request asks for, until ctx ends: it rotates the signing
// keys, reads them and the branding when another instance has changed something,
// tells clients that sessions have ended, sends webhooks what happens, looks after
// tokens at identity providers, keeps the log of events in order, changes the keys
// that seal the vault, and forgets what has expired.
func (s *Server) Work(ctx context.Context) {
	var others sync.WaitGroup
	others.Go(func() { s.workUpstream(ctx) })
	others.Go(func() { s.workLogs(ctx) })
	others.Go(func() { s.reseal(ctx) })
	others.Go(func() { s.workLong(ctx) })
	others.Go(func() { s.workWebhooks(ctx) })
	defer others.Wait()
	keys, sweep, notices, tallies := time.NewTicker(keysAfter), time.NewTicker(sweepAfter), time.NewTicker(tellAfter), time.NewTicker(tallyAfter)
	defer tallies.Stop()
	defer notices.Stop()
	defer keys.Stop()
	defer sweep.Stop()
	changed, stop := s.Vault.Changes()
	defer stop()
	go s.Vault.Hear(ctx)
	for {
		var what string
		var err error
		select {
		case <-ctx.Done():
			if err := s.keepTally(context.WithoutCancel(ctx)); err != nil {
				s.Log.ErrorContext(ctx, "could not keep what was counted", "error", err)
			}
			return
		case <-tallies.C:
			what, err = "keep what was counted", s.keepTally(ctx)
		case <-keys.C:
			what, err = "read the signing keys and the branding", errors.Join(s.loadKeys(ctx), s.loadLook(ctx))
		case <-changed:
			what, err = "read the signing keys and the branding", errors.Join(s.loadKeys(ctx), s.loadLook(ctx))
		case <-s.notices:
			what, err = "tell clients that a session has ended", s.tell(ctx)
		case <-notices.C:
			what, err = "tell clients that a session has ended", s.tell(ctx)
		case <-sweep.C:
			what = "forget what has expired"
			_, err = s.Vault.Sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "could not "+what, "error", err)
		}
	}
}

// workUpstream does what may have to wait for identity providers: it takes away
// what was disconnected, revokes refresh tokens that nothing uses, renews those
// that nobody has used for long, and asks whether the gateway is still known there.
func (s *Server) workUpstream(ctx context.Context) {
	revoke, renew, probe := time.NewTicker(revokeAfter), time.NewTicker(renewAfter), time.NewTicker(probeAfter)
	defer probe.Stop()
	defer revoke.Stop()
	defer renew.Stop()
	for {
		var what string
		var err error
		select {
		case <-ctx.Done():
			return
		case <-s.disconnected:
			what, err = "disconnect accounts", s.takeAwayAndRevoke(ctx)
		case <-revoke.C:
			what, err = "disconnect accounts", s.takeAwayAndRevoke(ctx)
		case <-renew.C:
			what, err = "renew idle refresh tokens", s.renewIdle(ctx)
		case <-probe.C:
			what, err = "probe connections", s.probeDue(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "could not "+what, "error", err)
		}
	}
}

// workLong does what takes longer the more accounts there are, for
// administrators: it makes users of a vault of an earlier version easy to find,
// and counts how accounts are.
func (s *Server) workLong(ctx context.Context) {
	count := time.NewTicker(countAfter)
	defer count.Stop()
	for {
		if err := s.index(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "could not make users easy to find", "error", err)
		}
		if err := s.Vault.CountHealth(ctx, countAfter, healthRules); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "could not count how connected accounts are", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-count.C:
		}
	}
}

// healthRules are what counting accounts has to know of connections.
var healthRules = vault.HealthRules{Asserts: connections.Asserts, KeepAlive: connections.KeepAlive}

// index makes the lookups that are missing, a few at a time: others write, too.
func (s *Server) index(ctx context.Context) error {
	for {
		done, err := s.Vault.IndexSome(ctx)
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(indexPause):
		}
	}
}
