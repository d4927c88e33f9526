// Package server is the gateway over HTTP: an OpenID Provider towards clients,
// and a relying party towards identity providers.
//
//	client ── /authorize ──▶ choose a connection ──▶ identity provider
//	client ◀── code ──────── /login/callback ◀────── code
//	client ── /oauth/token ▶ code → tokens · refresh → tokens · token → identity provider's token
//
// Handlers parse, transact and answer. The protocol itself is in package oidc,
// as functions; what handlers return as an error is answered in errors.go.
package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"sallyport/connections"
	"sallyport/server/admin"
	"sallyport/server/branding"
	"sallyport/server/oidc"
	"sallyport/static"
	"sallyport/templates"
	"sallyport/vault"
)

// Config is what a Server is made of.
type Config struct {
	Issuer         string // the gateway's URL, with a slash at its end
	Version        string // of the program, for administrators
	Store          string // what the vault is kept in, for administrators; may be empty
	Vault          *vault.Vault
	HTTP           *http.Client   // towards identity providers and webhooks; nil means one that reaches public addresses alone
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	Pace           Pace
	Logs           vault.LogRetention // zero keeps events for ever
	Metrics        *Metrics           // nil means none
	KeySource      string             // where the root key comes from, in words, for administrators
	TLSUntil       time.Time          // when the gateway's own certificate ends; zero if it has none
	Now            func() time.Time   // nil means time.Now
	Log            *slog.Logger       // nil means slog.Default()
}

// Server is the gateway.
type Server struct {
	Config
	echo         *echo.Echo
	cookies      sessions.Store
	connections  *connections.Set
	ring         atomic.Pointer[ring]
	look         atomic.Pointer[branding.Look]
	looks        looks
	secure       bool // the issuer is https
	local        bool // it is of this machine, whose other servers must stay reachable without
	limits       limits
	pauses       pauses
	jwksSets     jwksCache
	nonceKey     []byte        // of DPoP nonces
	refreshKey   []byte        // of refresh tokens' secrets
	notices      chan struct{} // that there may be some to deliver
	disconnected chan struct{} // that there may be accounts to take away
	revocations  *rate.Limiter // at all providers
	ahead        chan struct{} // of each refresh that nobody waits for
	breakers     breakers
	webhookHTTP  *http.Client
	couriers     couriers
	repeats      repeats
	tally        tally
	pages        *admin.Pages // the console
}

// New returns a Server. It makes a signing key if the vault has none.
func New(ctx context.Context, c Config) (*Server, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.HTTP == nil {
		c.HTTP = connections.NewHTTPClient(nil)
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Config: c, echo: echo.New(), secure: issuer.Scheme == "https", local: issuer.Hostname() == "localhost",
	}
	s.connections = connections.NewSet(connections.Env{Issuer: c.Issuer, HTTP: c.HTTP, Now: c.Now, Accepted: s.certificateAccepted})
	s.cookies = s.newCookies()
	s.disconnected, s.revocations = make(chan struct{}, 1), rate.NewLimiter(revokePerSecond, revokePerSecond)
	s.notices, s.ahead = make(chan struct{}, 1), make(chan struct{}, mostAhead)
	webhookHTTP := *c.HTTP
	webhookHTTP.Timeout = webhookTimeout
	s.webhookHTTP = &webhookHTTP
	s.limits.now = c.Now
	s.nonceKey, s.refreshKey = c.Vault.Derive("dpop nonces"), c.Vault.Derive("refresh tokens")
	if s.Logs != (vault.LogRetention{}) {
		if err := c.Vault.SetLogRetention(ctx, s.Logs, retentionChanged); err != nil {
			return nil, err
		}
	}
	if err := s.loadKeys(ctx); err != nil {
		return nil, err
	}
	s.look.Store(&branding.Look{})
	s.relook(ctx)
	capabilities := oidc.Metadata(c.Issuer)
	capabilities["ui_locales_supported"] = templates.Languages() // OpenID Connect Discovery 1.0, section 3
	metadata, err := json.Marshal(capabilities)
	if err != nil {
		return nil, err
	}
	s.echo.HTTPErrorHandler = s.answerError
	s.echo.IPExtractor = clientIP(c.TrustedProxies)
	s.routes(publish(metadata))
	return s, nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// routes is the whole URL map.
func (s *Server) routes(metadata echo.HandlerFunc) {
	e := s.echo
	e.Use(s.correlate, s.observe, s.recovered, s.protect)
	both := []string{http.MethodGet, http.MethodPost}

	// The OpenID Provider, towards clients.
	e.GET("/.well-known/openid-configuration", metadata, anyOrigin)
	e.GET("/.well-known/oauth-authorization-server", metadata, anyOrigin)
	e.GET("/.well-known/jwks.json", s.jwks, anyOrigin)
	e.Match(both, "/authorize", s.authorize, s.paced)
	e.POST("/oauth/token", s.token, s.clientOrigin)
	e.POST("/oauth/par", s.pushRequest, s.clientOrigin)
	e.POST("/oauth/revoke", s.revoke, s.clientOrigin)
	e.POST("/oauth/introspect", s.introspect)
	e.POST("/oauth/device/code", s.authorizeDevice, s.clientOrigin)
	e.Match(both, "/userinfo", s.userinfo, s.clientOrigin)
	e.Match(both, "/oidc/logout", s.logout, s.paced)
	e.POST("/oidc/logout/confirm", s.confirmLogout, sameOrigin, s.paced)
	e.GET("/v2/logout", s.logoutV2, s.paced)
	for _, path := range []string{"/oauth/token", "/oauth/par", "/oauth/revoke", "/oauth/device/code", "/userinfo"} {
		e.OPTIONS(path, preflight, s.clientOrigin)
	}

	s.ownAPIs()
	s.console()
	s.ownPage()

	// The relying party, towards identity providers.
	e.GET("/login/callback", s.callback, s.paced)
	e.GET("/login/callback/:connection", s.callback, s.paced)
	e.GET("/login/reconnect", s.reconnect, s.paced)

	// Questions to users.
	e.GET("/consent", s.consent)
	e.POST("/consent", s.decideConsent, sameOrigin, s.paced)
	e.GET("/activate", s.activate)
	e.POST("/activate", s.enterCode, sameOrigin, s.paced)
	e.POST("/activate/decide", s.decideDevice, sameOrigin, s.paced)

	e.GET("/static/*", echo.WrapHandler(static.Handler()))
	e.GET(brandPath+":file", s.brandFile)
	e.GET(brandPath+":client/:file", s.clientBrandFile)
	probe := []string{http.MethodGet, http.MethodHead}
	e.Match(probe, "/healthz", s.healthy)
	e.Match(probe, "/readyz", s.ready)
}
