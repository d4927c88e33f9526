package server

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/vault"
)

// Metrics are what the gateway counts, for Prometheus. Labels are routes,
// connections and outcomes, of which there are few; never people, clients that
// do not exist, or anything a stranger sends. A nil Metrics counts nothing.
type Metrics struct {
	requests  *prometheus.HistogramVec
	begun     *prometheus.CounterVec
	logins    *prometheus.CounterVec
	exchanges *prometheus.CounterVec
	refreshes *prometheus.CounterVec
	resealed  *prometheus.GaugeVec
	probes    *prometheus.CounterVec
	messages  *prometheus.CounterVec
}

// NewMetrics registers the gateway's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sallyport_request_seconds", Help: "Time to answer requests.",
			Buckets: []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5, 10}}, []string{"method", "route", "status"}),
		begun: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sallyport_logins_begun_total",
			Help: "Users sent to an identity provider. Far more than came back means that it shows them an error."}, []string{"connection"}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sallyport_logins_total",
			Help: "Sign-ins that came back from an identity provider, by outcome."}, []string{"connection", "outcome"}),
		exchanges: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sallyport_exchanges_total",
			Help: "Exchanges of a gateway token for an identity provider's, by the reason of their refusal, or ok."}, []string{"outcome"}),
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sallyport_refreshes_total",
			Help: "Access tokens asked of identity providers, with a refresh token or without, by outcome."}, []string{"connection", "outcome"}),
		resealed: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sallyport_rekey_records",
			Help: "Records that a change of the vault's data key has to look at (total), and has (done). Both are 0 while none is under way."}, []string{"state"}),
		probes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sallyport_probes_total",
			Help: "Questions to identity providers, without a user, whether they know the gateway and its secret, by outcome."}, []string{"connection", "outcome"}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sallyport_webhook_attempts_total",
			Help: "Attempts to deliver messages to webhooks, by whether they have arrived: ok or failed."}, []string{"webhook", "outcome"}),
	}
	r.MustRegister(m.requests, m.begun, m.logins, m.exchanges, m.refreshes, m.resealed, m.probes, m.messages)
	m.rekey(0, 0)
	return m
}

func (m *Metrics) request(method, route string, status int, took time.Duration) {
	if m != nil {
		switch method {
		case "GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE":
		default:
			method = "other"
		}
		m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
	}
}

func (m *Metrics) begin(connection string) {
	if m != nil {
		m.begun.WithLabelValues(connection).Inc()
	}
}

func (m *Metrics) login(connection string, err error) {
	if m != nil {
		m.logins.WithLabelValues(connection, outcome(err)).Inc()
	}
}

func (m *Metrics) refresh(connection string, err error) {
	if m != nil {
		m.refreshes.WithLabelValues(connection, outcome(err)).Inc()
	}
}

func (m *Metrics) rekey(done, total int) {
	if m != nil {
		m.resealed.WithLabelValues("done").Set(float64(done))
		m.resealed.WithLabelValues("total").Set(float64(total))
	}
}

func (m *Metrics) probe(connection string, err error) {
	if m != nil {
		m.probes.WithLabelValues(connection, outcome(err)).Inc()
	}
}

func (m *Metrics) exchange(err error) {
	if m != nil {
		m.exchanges.WithLabelValues(outcome(err)).Inc()
	}
}

// outcome is a word for how something ended.
func outcome(err error) string {
	var protocol *oidc.Error
	var upstream *connections.Error
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &protocol) && protocol.Refusal != nil && protocol.Refusal.Reason != "":
		return string(protocol.Refusal.Reason)
	case errors.As(err, &protocol):
		return string(protocol.Code)
	case errors.Is(err, vault.ErrReauthorize):
		return "refused"
	case errors.As(err, &upstream):
		return string(upstream.Kind)
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return "error"
}

func (m *Metrics) message(webhook string, arrived bool) {
	if m != nil {
		outcome := "ok"
		if !arrived {
			outcome = "failed"
		}
		m.messages.WithLabelValues(webhook, outcome).Inc()
	}
}
