package server

import "context"

// WorkNow does at once what Work does by and by.
func (s *Server) WorkNow(ctx context.Context) error {
	if err := s.loadKeys(ctx); err != nil {
		return err
	}
	if err := s.tell(ctx); err != nil {
		return err
	}
	if err := s.revokeDiscarded(ctx); err != nil {
		return err
	}
	if err := s.renewIdle(ctx); err != nil {
		return err
	}
	_, err := s.Vault.Sweep(ctx)
	return err
}
