package server

import (
	"context"
	"strings"

	"sallyport/connections"
	"sallyport/vault"
)

// renewIdle refreshes the token sets that nobody has used for so long that
// their refresh tokens would lapse, where the connection wants it: one after
// the other. One that fails is logged, as any refresh is, and tried again the
// next time.
func (s *Server) renewIdle(ctx context.Context) error {
	var conns []vault.Connection
	err := s.Vault.View(ctx, func(tx *vault.Tx) error {
		conns = nil
		for conn, err := range tx.Connections.All("") {
			if err != nil {
				return err
			}
			if connections.KeepAlive(conn) > 0 && conn.Active && conn.TokenVault {
				conns = append(conns, conn)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, conn := range conns {
		list, err := s.idleAt(ctx, conn)
		if err != nil {
			return err
		}
		for _, ts := range list {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			_, _ = s.Vault.Fresh(ctx, ts, vault.Need{Rejected: ts.AccessToken}, refresher{s, conn})
		}
	}
	return nil
}

// idleAt are the token sets of a connection that are due to be renewed.
func (s *Server) idleAt(ctx context.Context, conn vault.Connection) (list []vault.TokenSet, err error) {
	err = s.Vault.View(ctx, func(tx *vault.Tx) error {
		list = nil
		prefix := vault.IdentityKey(conn.Name, "")
		for ts, err := range tx.TokenSets.All(prefix) {
			switch {
			case err != nil:
				return err
			case !strings.HasPrefix(ts.Identity, prefix):
				return nil
			case ts.Connected(conn) && ts.Refusal == nil && !ts.RefreshToken.IsZero() && tx.Now().Sub(ts.Issued) > connections.KeepAlive(conn):
				list = append(list, ts)
			}
		}
		return nil
	})
	return list, err
}
