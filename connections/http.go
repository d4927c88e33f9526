package connections

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync/atomic"
	"time"

	"code.dny.dev/ssrf"
)

const (
	upstreamTimeout = 10 * time.Second
	upstreamMost    = 1 << 20 // bytes of an answer
)

// NewHTTPClient returns the client that reaches identity providers. It dials
// public addresses and those allowed, as they are after name resolution, so
// that no name can lead it inside; it follows no redirect and uses no proxy,
// and an answer that is too slow or too long is an error. How slow is the client's
// Timeout alone, so that a copy can have another.
func NewHTTPClient(allowed []netip.Prefix) *http.Client {
	var v4, v6 []netip.Prefix
	for _, p := range allowed {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	guard := ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second, Control: guard.Safe}
	return &http.Client{
		Timeout: upstreamTimeout,
		Transport: bounded{&http.Transport{
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    5 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConnsPerHost:    16,
			IdleConnTimeout:        60 * time.Second,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// errPrivate is the reason of a refused dial, in words that name the cure.
var errPrivate = errors.New("the address is private, loopback or link-local, and --allow-private-upstreams does not name it")

// bounded cuts answers off, as an error, that are longer than any should be.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if errors.Is(err, ssrf.ErrProhibitedIP) {
		return nil, fmt.Errorf("%w: %w", errPrivate, err)
	}
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, upstreamMost)
	}
	return resp, err
}

// unsent returns a context and a function that tells, once a request made with
// it has failed, whether the request surely never left.
func unsent(ctx context.Context) (context.Context, func() bool) {
	var wrote atomic.Bool
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { wrote.Store(true) },
	}), func() bool { return !wrote.Load() }
}

// read reads an answer to its end.
func read(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}
