package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/server/admin"
	"sallyport/server/oidc"
	"sallyport/vault"
)

// mostBody is the longest request body that endpoints take, in bytes.
const mostBody = 64 << 10

// bodyOf is the longest that the endpoint of a route takes: what has a logo in it
// may be longer.
func bodyOf(route string) int64 {
	switch route {
	case admin.Path + "/settings", admin.Path + "/clients/:id/branding", managementPath + "/clients/:id":
		return admin.BrandingBody
	}
	return mostBody
}

// correlationID finds a request in the log: it stands in each of its lines, in
// its event, and in what was answered if that was an error.
func correlationID(ctx context.Context) string {
	n, ok := ctx.Value(noteKey{}).(*note)
	if !ok {
		return ""
	}
	return n.event.Correlation.String()
}

// correlate gives a request its correlation ID, and the note of its event.
func (s *Server) correlate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := rand.Text()[:16]
		r := c.Request()
		c.SetRequest(r.WithContext(context.WithValue(r.Context(), noteKey{}, &note{event: vault.Event{
			Correlation: vault.Said(id), IP: vault.Said(c.RealIP()), UserAgent: vault.Said(r.UserAgent()),
		}})))
		c.Response().Header().Set("X-Correlation-Id", id)
		return next(c)
	}
}

// observe answers errors, and tells the log and the metrics how a request
// ended: by its route, and never by its query, which holds codes and states.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := s.Now()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		took, status, route := s.Now().Sub(began), c.Response().Status, c.Path()
		if route == "" {
			route = "none"
		}
		s.Metrics.request(c.Request().Method, route, status, took)
		level := slog.LevelInfo
		if status >= 500 {
			level = slog.LevelError
		} else if route == "/healthz" || route == "/readyz" || route == "/static/*" || strings.HasPrefix(route, brandPath) {
			level = slog.LevelDebug
		}
		ctx := c.Request().Context()
		log := s.Log.Handler() // the logger would look up who calls it
		if !log.Enabled(ctx, level) {
			return nil
		}
		line := slog.NewRecord(time.Now(), level, "request", 0)
		line.AddAttrs(slog.String("correlation_id", correlationID(ctx)), slog.String("method", c.Request().Method),
			slog.String("route", route), slog.Int("status", status), milliseconds(took), slog.String("ip", c.RealIP()))
		if err != nil {
			line.AddAttrs(slog.String("error", withoutTokens(err.Error())))
		}
		_ = log.Handle(ctx, line) // there is nobody else to tell
		return nil
	}
}

// milliseconds is a duration for the log.
func milliseconds(d time.Duration) slog.Attr {
	return slog.Float64("ms", float64(d.Microseconds())/1000)
}

// recovered makes a panic an error like others.
func (s *Server) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				if r == http.ErrAbortHandler {
					panic(r)
				}
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		return next(c)
	}
}

// header is one of an answer's. Its name is spelled as it is sent, and its values
// are shared by all answers, so that it costs next to nothing.
type header struct {
	name   string
	values []string
}

// protection are the headers that all answers have, unless a handler sets others.
var protection = []header{
	{"Content-Security-Policy", []string{"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"}},
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"X-Frame-Options", []string{"DENY"}},
	{"Referrer-Policy", []string{"same-origin"}},
	{"Cache-Control", []string{"no-store"}},
}

var strictTransport = header{"Strict-Transport-Security", []string{"max-age=31536000"}}

// protect bounds what a request may send, and sets the headers that all answers
// have. Answers are not to be stored unless a handler says otherwise.
func (s *Server) protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		r.Body = http.MaxBytesReader(c.Response(), r.Body, bodyOf(c.Path()))
		set := c.Response().Header()
		for _, h := range protection {
			set[h.name] = h.values
		}
		if s.secure && !s.local {
			set[strictTransport.name] = strictTransport.values
		}
		return next(c)
	}
}

// sameOrigin refuses forms that another site's page posts.
func sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := foreign.Check(c.Request()); err != nil {
			refused := told("problem.foreign-form", oidc.InvalidRequest, http.StatusForbidden)
			refused.Err = err
			return refused
		}
		return next(c)
	}
}

var foreign = http.NewCrossOriginProtection()

// anyOrigin lets scripts of any site read what is public anyway.
func anyOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Access-Control-Allow-Origin", "*")
		return next(c)
	}
}

// clientOrigin lets scripts read the answer that run at an origin of a client:
// one of its own, or of a redirect URI (Fetch, CORS protocol). No cookie is
// involved.
func (s *Server) clientOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		origin := c.Request().Header.Get("Origin")
		if origin == "" {
			return next(c)
		}
		h := c.Response().Header()
		h.Add("Vary", "Origin")
		known, err := s.knownOrigin(c.Request().Context(), origin)
		if err != nil {
			return err
		}
		if known {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "DPoP-Nonce, WWW-Authenticate, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Correlation-Id")
		}
		return next(c)
	}
}

func (s *Server) knownOrigin(ctx context.Context, origin string) (known bool, err error) {
	err = s.Vault.View(ctx, func(tx *vault.Tx) error {
		for client, err := range tx.Clients.All("") {
			if err != nil {
				return err
			}
			if slices.Contains(client.Origins, origin) || slices.ContainsFunc(client.RedirectURIs, func(uri string) bool { return originOf(uri) == origin }) {
				known = true
				return nil
			}
		}
		return nil
	})
	return known, err
}

func originOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// preflight answers the request by which a browser asks whether it may send
// another.
func preflight(c echo.Context) error {
	h := c.Response().Header()
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Auth0-Client, DPoP")
		h.Set("Access-Control-Max-Age", "600")
	}
	return c.NoContent(http.StatusNoContent)
}

// clientIP is who sent a request: the peer, or whom the nearest proxy that is
// not trusted names.
func clientIP(trusted []netip.Prefix) echo.IPExtractor {
	within := func(ip netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
	}
	return func(r *http.Request) string {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			host = r.RemoteAddr
		}
		if len(trusted) == 0 {
			return host
		}
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= 0; i-- {
			peer, err := netip.ParseAddr(host)
			if err != nil || !within(peer) {
				break
			}
			next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				break
			}
			host = next.String()
		}
		return host
	}
}
