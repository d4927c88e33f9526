package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"sallyport/connections"
	"sallyport/server"
	"sallyport/vault"
)

// shutdownTime is how long requests under way may take to finish.
const shutdownTime = 20 * time.Second

// garbage is how much of it, in percent of what is in use, a gateway lets come
// together before it is collected, where GOGC does not say: a third of the work of
// 100, which is Go's own choice, for some ten megabytes more.
const garbage = 300

func serveCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{Use: "serve", Short: "Run the gateway", Args: cobra.NoArgs,
		RunE: does(func(cmd *cobra.Command, _ []string) error { return s.serve(cmd.Context(), cmd.OutOrStdout()) })}
	s.serveFlags(c.Flags())
	return c
}

// serve runs the gateway until ctx ends: then it stops accepting, finishes the
// requests and refreshes under way, and closes the store. What is for people
// alone it prints, and keeps out of the log.
func (s *settings) serve(ctx context.Context, out io.Writer) (err error) {
	log, err := s.logger()
	if err != nil {
		return err
	}
	issuer, err := checkIssuer(s.issuer)
	if err != nil {
		return err
	}
	if (s.tlsCert == "") != (s.tlsKey == "") {
		return &wrongUsage{"--tls-cert and --tls-key go together"}
	}
	trusted, err := prefixes("trusted-proxies", s.trustedProxies)
	if err != nil {
		return err
	}
	private, err := prefixes("allow-private-upstreams", s.privateNets)
	if err != nil {
		return err
	}
	limits, err := pace(s.rateLimits)
	if err != nil {
		return err
	}
	retention, err := s.retention()
	if err != nil {
		return err
	}
	tlsUntil, err := s.tlsUntil()
	if err != nil {
		return err
	}
	v, err := s.openForServing(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	v.Notice = func(text string) { log.Warn(text) }
	defer func() { err = errors.Join(err, server.Witness(context.WithoutCancel(ctx), v, log)) }()

	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gateway, err := server.New(ctx, server.Config{
		Issuer: issuer, Vault: v, HTTP: connections.NewHTTPClient(private), TrustedProxies: trusted, Pace: limits, Logs: retention,
		Metrics: server.NewMetrics(registry), Log: log, Version: version, Store: storeName(s.store), KeySource: s.keySource(), TLSUntil: tlsUntil,
	})
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	run := runner{log: log}
	defer run.stop()
	if s.metricsListen != "" {
		if err := run.listen(s.metricsListen, metrics(registry), "", ""); err != nil {
			return fmt.Errorf("listen for metrics: %w", err)
		}
	}
	if err := run.listen(s.listen, gateway, s.tlsCert, s.tlsKey); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	run.work(ctx, gateway.Work)
	log.Info("ready", "issuer", issuer, "listen", s.listen, "version", version)
	if err := inviteFirst(ctx, v, issuer, out); err != nil {
		// Users do not wait for it: a store may take no writes just now.
		log.Warn("could not make or print the link for the first administrator: 'sallyport admin invite' does", "error", err)
	}
	return run.wait(ctx)
}

// openForServing opens the vault, unless it was moved to another store, and
// applies the tenant file, if there is one.
func (s *settings) openForServing(ctx context.Context, log *slog.Logger) (*vault.Vault, error) {
	if s.apply == "" {
		return s.openUnmoved(ctx)
	}
	t, err := readTenant(s.apply)
	if err != nil {
		return nil, err
	}
	v, err := s.openUnmoved(ctx)
	if err != nil {
		return nil, err
	}
	plan, err := applyTenant(ctx, v, t)
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	log.Info("applied the tenant file", "file", s.apply, "changes", len(plan.Changes))
	return v, nil
}

func (s *settings) openUnmoved(ctx context.Context) (*vault.Vault, error) {
	v, err := s.openVault(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.Ready(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", storeName(s.store), err), v.Close())
	}
	return v, nil
}

// metrics are the endpoints that operators read, and nobody else should reach.
func metrics(r *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	return mux
}

// runner runs HTTP servers until one fails or all are told to stop, and what is
// done beside them.
type runner struct {
	log     *slog.Logger
	servers []*http.Server
	failed  chan error
	working sync.WaitGroup
	endWork context.CancelFunc
}

// work runs do until the servers have stopped.
func (r *runner) work(ctx context.Context, do func(context.Context)) {
	ctx, r.endWork = context.WithCancel(context.WithoutCancel(ctx))
	r.working.Go(func() { do(ctx) })
}

// listen begins to serve on an address, with TLS if a certificate is named.
func (r *runner) listen(address string, h http.Handler, cert, key string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	r.serve(l, h, cert, key)
	return nil
}

func (r *runner) serve(l net.Listener, h http.Handler, cert, key string) {
	if r.failed == nil {
		r.failed = make(chan error, 8)
	}
	s := &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(r.log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 90 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	if e, ok := h.(interface{ Ending() }); ok {
		s.RegisterOnShutdown(e.Ending)
	}
	r.servers = append(r.servers, s)
	go func() {
		var err error
		if cert != "" {
			err = s.ServeTLS(l, cert, key)
		} else {
			err = s.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			r.failed <- err
		}
	}()
}

// wait returns when ctx ends, or with the error of a server that fails.
func (r *runner) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		r.log.Info("stopping")
		return nil
	case err := <-r.failed:
		return err
	}
}

// stop stops accepting, and waits for the requests and the work under way.
func (r *runner) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	for _, s := range r.servers {
		if err := s.Shutdown(ctx); err != nil {
			r.log.Warn("requests were cut off", "error", err)
			s.Close()
		}
	}
	if r.endWork != nil {
		r.endWork()
		r.working.Wait()
	}
}
