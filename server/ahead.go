package server

import (
	"context"
	"hash/fnv"
	"time"

	"sallyport/vault"
)

// Accounts in use are refreshed a little before their access tokens expire, so
// that nobody has to wait for it. It is the exchange of a token that will soon
// expire that brings it about: what nobody uses is left alone.
const (
	aheadPart = 10              // the last tenth of a token's life,
	aheadMost = 5 * time.Minute // of which at most this is soon
	mostAhead = 8               // refreshes at once that nobody waits for
)

// soon is how long before its expiry a token set is refreshed ahead: of each
// account at another time, so that accounts whose tokens came together do not
// all ask together.
func soon(ts vault.TokenSet) time.Duration {
	if ts.Issued.IsZero() {
		return 0
	}
	most := min(ts.Expires.Sub(ts.Issued)/aheadPart, aheadMost)
	h := fnv.New32a()
	h.Write([]byte(ts.Identity))
	return most/2 + most/2*time.Duration(h.Sum32()%1000)/1000
}

// refreshAhead refreshes an account that was just answered for, if it is time. If
// too many are at it already, a later exchange does.
func (s *Server) refreshAhead(ctx context.Context, a account, ts vault.TokenSet) {
	lead := soon(ts)
	if s.Now().Before(ts.Expires.Add(-lead)) {
		return
	}
	if ts.RefreshToken.IsZero() || ts.Attempt != nil || ts.Refusal != nil {
		return // it cannot be had, or not lightly
	}
	select {
	case s.ahead <- struct{}{}:
	default:
		return
	}
	s.Vault.Ahead(ctx, ts, vault.Need{TTL: lead}, refresher{s, a.connection}, func() { <-s.ahead })
}

// refreshNow refreshes an account whose access token may be good still.
func (s *Server) refreshNow(ctx context.Context, ts vault.TokenSet, conn vault.Connection) error {
	_, err := s.Vault.Fresh(ctx, ts, vault.Need{Rejected: ts.AccessToken}, refresher{s, conn})
	return err
}
