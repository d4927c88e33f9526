package connections

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"sallyport/vault"
)

// recorder is an HTTP transport that keeps what a trial shows of the requests
// that go through it, and in memory alone what the trial has to take back.
type recorder struct {
	next http.RoundTripper
	now  func() time.Time

	mu      sync.Mutex
	calls   []recorded // since they were last taken
	secrets secrets
	way     way
	issued  vault.TokenSet // the newest tokens that came, whatever became of them
}

// recorded is a call, and where it went.
type recorded struct {
	vault.TrialCall
	to     *url.URL
	status int // 0: no answer
}

// way is how the first connection to a host came about.
type way struct {
	addresses             []netip.Addr
	lookup, connect, tls  time.Duration
	lookupErr, connectErr error
	tlsErr                error
	state                 *tls.ConnectionState
}

// record returns a client as it is, but with connections of its own, whose
// requests are kept.
func record(client *http.Client, now func() time.Time) (*http.Client, *recorder) {
	next := client.Transport
	if b, ok := next.(bounded); ok {
		if t, ok := b.next.(*http.Transport); ok {
			next = bounded{t.Clone()}
		}
	}
	r := &recorder{next: next, now: now}
	own := *client
	own.Transport = r
	return &own, r
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] calls.
func (r *recorder) CloseIdleConnections() {
	if b, ok := r.next.(bounded); ok {
		(&http.Client{Transport: b.next}).CloseIdleConnections()
	}
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		var err error
		sent, err = io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	began := r.now()
	resp, err := r.next.RoundTrip(req.WithContext(r.traced(req.Context())))
	var body []byte
	if err == nil {
		var readErr error
		body, readErr = io.ReadAll(resp.Body)
		resp.Body.Close()
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{readErr}))
	}
	r.keep(req, sent, resp, body, r.now().Sub(began))
	return resp, err
}

// failing is the end of a body: an error, or nothing.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

func (r *recorder) keep(req *http.Request, sent []byte, resp *http.Response, body []byte, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = r.secrets.sent(req, sent).came(body)
	c := recorded{to: req.URL, TrialCall: vault.TrialCall{Request: r.secrets.showRequest(req, sent), Answer: "no answer", Took: took}}
	if resp != nil {
		c.status = resp.StatusCode
		c.Answer = r.secrets.showAnswer(resp.StatusCode, resp.Header, body)
	}
	r.calls = append(r.calls, c)
	all, _ := object(body)
	if token, ok := all["access_token"].(string); ok && token != "" {
		r.issued.AccessToken = vault.NewSecret(token)
	}
	if token, ok := all["refresh_token"].(string); ok && token != "" {
		r.issued.RefreshToken = vault.NewSecret(token)
	}
}

// traced notes how the first connection comes about.
func (r *recorder) traced(ctx context.Context) context.Context {
	var lookup, connect, handshake time.Time
	locked := func(fn func(*way)) {
		r.mu.Lock()
		defer r.mu.Unlock()
		fn(&r.way)
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { lookup = r.now() },
		DNSDone: func(info httptrace.DNSDoneInfo) {
			locked(func(w *way) {
				w.lookup, w.lookupErr = r.now().Sub(lookup), info.Err
				for _, ip := range info.Addrs {
					if addr, ok := netip.AddrFromSlice(ip.IP); ok {
						w.addresses = append(w.addresses, addr.Unmap())
					}
				}
			})
		},
		ConnectStart: func(string, string) { locked(func(*way) { connect = r.now() }) },
		ConnectDone: func(_, _ string, err error) {
			locked(func(w *way) { w.connect, w.connectErr = r.now().Sub(connect), err })
		},
		TLSHandshakeStart: func() { handshake = r.now() },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			locked(func(w *way) {
				w.tls, w.tlsErr = r.now().Sub(handshake), err
				if err == nil {
					w.state = &state
				}
			})
		},
	})
}

// take are the calls since they were last taken.
func (r *recorder) take() []recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

func (r *recorder) mask(text string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.secrets.mask(text)
}

// hide adds to what is to be seen nowhere.
func (r *recorder) hide(values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = r.secrets.add(values...)
}

func (r *recorder) tokens() vault.TokenSet {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.issued
}

func (r *recorder) connected() way {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.way
}
