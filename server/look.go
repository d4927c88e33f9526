package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/server/branding"
	"sallyport/templates"
	"sallyport/vault"
)

// brandPath is where the files are that pages link for their look.
const brandPath = "/branding/"

// loadLook reads how pages look to users. They never wait for that: where it
// cannot be read, they stay as they are, and at first the gateway's own.
func (s *Server) loadLook(ctx context.Context) error {
	var b vault.Branding
	_, err := vault.Exists(s.Vault.View(ctx, func(tx *vault.Tx) (err error) {
		b, err = tx.Branding.Get(vault.PublishedBranding)
		return err
	}))
	if err != nil {
		return fmt.Errorf("read the branding: %w", err)
	}
	look := branding.Of(b, brandPath)
	s.look.Store(&look)
	return nil
}

// relook is [Server.loadLook] where nobody can be told that it failed but the log.
func (s *Server) relook(ctx context.Context) {
	if err := s.loadLook(ctx); err != nil {
		s.Log.ErrorContext(ctx, "pages do not look as they should", "error", err)
	}
}

// brandFile serves a file of the look. One that this instance does not know may be
// of a look that another has just published, and is looked for; one of before is
// today's, not to be kept.
func (s *Server) brandFile(c echo.Context) error {
	file, exactly, found := s.look.Load().File(c.Param("file"))
	if !exactly {
		s.relook(c.Request().Context())
		file, exactly, found = s.look.Load().File(c.Param("file"))
	}
	if !found {
		return echo.ErrNotFound
	}
	caching := "no-cache"
	if exactly {
		caching = "public, max-age=31536000, immutable"
	}
	c.Response().Header().Set("Cache-Control", caching)
	return c.Blob(http.StatusOK, file.Type, file.Content)
}

// startedWith is what an operator wants to see of how the gateway was started.
func (s *Server) startedWith() (list []templates.Started) {
	add := func(title, flag, value string) {
		if value != "" {
			list = append(list, templates.Started{Title: title, Flag: flag, Value: value})
		}
	}
	add("Issuer", "--issuer", s.Issuer)
	add("Version", "", s.Version)
	add("Store", "--store", s.Store)
	logs := "kept for ever"
	if s.Logs != (vault.LogRetention{}) {
		logs = fmt.Sprintf("kept for %d days, %d MB at most", s.Logs.Age/(24*time.Hour), s.Logs.Bytes>>20)
	}
	add("Events", "--logs-days, --logs-megabytes", logs)
	perSec := func(n int) string {
		if n == 0 {
			return "any number"
		}
		return fmt.Sprint(n)
	}
	add("Requests a second", "--rate-limits", fmt.Sprintf("of an address %s, of an application %s, for a user %s", perSec(s.Pace.Address), perSec(s.Pace.Client), perSec(s.Pace.User)))
	var proxies []string
	for _, network := range s.TrustedProxies {
		proxies = append(proxies, network.String())
	}
	trusted := "none"
	if proxies != nil {
		trusted = strings.Join(proxies, ", ")
	}
	add("Trusted proxies", "--trusted-proxies", trusted)
	return list
}
