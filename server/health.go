package server

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// healthy answers whenever the process does.
func (s *Server) healthy(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// ready answers whether requests can be served: the store answers, and its
// records can be unsealed.
func (s *Server) ready(c echo.Context) error {
	if err := s.Vault.Ready(c.Request().Context()); err != nil {
		s.Log.ErrorContext(c.Request().Context(), "not ready", "correlation_id", correlationID(c.Request().Context()), "error", err)
		var moved *vault.Moving
		if errors.As(err, &moved) {
			return c.String(http.StatusServiceUnavailable, "the vault was moved to another store\n")
		}
		return c.String(http.StatusServiceUnavailable, "the store does not answer, or its records cannot be unsealed\n")
	}
	return c.String(http.StatusOK, "ready\n")
}
