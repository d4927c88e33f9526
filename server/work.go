package server

import (
	"context"
	"errors"
	"time"
)

const (
	keysAfter  = 30 * time.Second // until an instance reads the keys again
	sweepAfter = time.Minute
	tellAfter  = 5 * time.Second // until notices that were not heard are looked at again
)

// Work does what no request asks for, until ctx ends: it rotates the signing
// keys and reads those of other instances, tells clients that sessions have
// ended, revokes refresh tokens that gave way to newer ones, and forgets what has
// expired.
func (s *Server) Work(ctx context.Context) {
	keys, sweep, notices := time.NewTicker(keysAfter), time.NewTicker(sweepAfter), time.NewTicker(tellAfter)
	defer notices.Stop()
	defer keys.Stop()
	defer sweep.Stop()
	for {
		var what string
		var err error
		select {
		case <-ctx.Done():
			return
		case <-keys.C:
			what, err = "read the signing keys", s.loadKeys(ctx)
		case <-s.notices:
			what, err = "tell clients that a session has ended", s.tell(ctx)
		case <-notices.C:
			what, err = "tell clients that a session has ended", s.tell(ctx)
		case <-sweep.C:
			what = "forget what has expired"
			_, err = s.Vault.Sweep(ctx)
			err = errors.Join(err, s.revokeDiscarded(ctx))
		}
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "could not "+what, "error", err)
		}
	}
}
