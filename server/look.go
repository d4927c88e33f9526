package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"

	"sallyport/server/branding"
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
	look := branding.Of(b.Appearance, brandPath)
	s.look.Store(&look)
	return nil
}

// relook is [Server.loadLook] where nobody can be told that it failed but the log.
func (s *Server) relook(ctx context.Context) {
	if err := s.loadLook(ctx); err != nil {
		s.Log.ErrorContext(ctx, "pages do not look as they should", "error", err)
	}
}

// looks are those of clients that have one of their own, by their IDs, since to
// make one takes hashes of its files. They are of clients that are kept, and as
// they were when they were last shown.
type looks struct {
	mu    sync.Mutex
	known map[string]branding.Look
}

// mostLooks bounds what they take: as much as so many logos.
const mostLooks = 100

// lookOf is how the pages of a client look: what it says nothing of is as the
// gateway has it.
func (s *Server) lookOf(client vault.Client) branding.Look {
	own := s.look.Load()
	a := branding.Over(own.From, client.Appearance)
	if own.Is(a) {
		return *own
	}
	s.looks.mu.Lock()
	defer s.looks.mu.Unlock()
	look, ok := s.looks.known[client.ID]
	if ok && look.Is(a) {
		return look
	}
	if s.looks.known == nil || len(s.looks.known) >= mostLooks {
		s.looks.known = map[string]branding.Look{}
	}
	look = branding.Of(a, brandPath+base64.RawURLEncoding.EncodeToString([]byte(client.ID))+"/")
	s.looks.known[client.ID] = look
	return look
}

// brandFile serves a file of the look. One that this instance does not know may be
// of a look that another has just published, and is looked for.
func (s *Server) brandFile(c echo.Context) error {
	if _, exactly, _ := s.look.Load().File(c.Param("file")); !exactly {
		s.relook(c.Request().Context())
	}
	return serveFile(c, *s.look.Load())
}

// clientBrandFile serves a file of a client's look.
func (s *Server) clientBrandFile(c echo.Context) error {
	id, err := base64.RawURLEncoding.DecodeString(c.Param("client"))
	if err != nil {
		return echo.ErrNotFound
	}
	var client vault.Client
	err = s.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		client, err = tx.Clients.Get(string(id))
		return err
	})
	if errors.Is(err, vault.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return serveFile(c, s.lookOf(client))
}

// serveFile serves the file of a look that a request names. One of before is
// today's, not to be kept.
func serveFile(c echo.Context, look branding.Look) error {
	file, exactly, found := look.File(c.Param("file"))
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
