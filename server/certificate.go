package server

import (
	"context"
	"errors"

	"sallyport/vault"
)

// certificateAccepted notes that an identity provider takes a connection's
// certificate, so that the next rotation keeps this one until it takes that.
func (s *Server) certificateAccepted(ctx context.Context, connection, id string) {
	err := s.Vault.Update(ctx, func(tx *vault.Tx) error {
		conn, err := tx.Connections.Get(connection)
		if errors.Is(err, vault.ErrNotFound) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return err
		}
		return tx.Connections.Put(conn.CertificateUsed(id, tx.Now()))
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "could not note that a certificate is in use", "connection", connection, "certificate", id, "error", err)
		return
	}
	s.Log.InfoContext(ctx, "certificate in use", "connection", connection, "certificate", id)
}
