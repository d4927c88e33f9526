package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"sallyport/server/oidc"
)

// operation is a request to repeat.
type operation struct {
	name    string
	server  *child
	request func() []byte
}

// operations are those that are measured; the first is the floor.
func operations(bare, gateway *child, accounts int) []operation {
	exchange := func() []byte {
		i := rand.IntN(accounts)
		return post("/oauth/token", url.Values{
			"grant_type": {oidc.GrantFederated}, "client_id": {benchClient}, "client_secret": {benchSecret},
			"subject_token": {oidc.RefreshToken(grantID(i), grantSecret(i))}, "subject_token_type": {oidc.URNRefreshToken},
			"requested_token_type": {oidc.URIFederatedAccessToken}, "connection": {"salesforce"},
		})
	}
	return []operation{
		{"bare Echo, the same form", bare, exchange},
		{"exchange from the vault", gateway, exchange},
		{"metadata", gateway, func() []byte { return []byte("GET /.well-known/openid-configuration HTTP/1.1\r\nHost: bench\r\n\r\n") }},
	}
}

func post(path string, form url.Values) []byte {
	body := form.Encode()
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// result is what a round measured.
type result struct {
	cpu      float64 // microseconds a request
	rate     float64 // requests a second
	p50, p99 float64 // milliseconds
}

// load repeats an operation for a while over some connections.
func load(op operation, connections int, length time.Duration) (result, error) {
	before, err := op.server.ask("cpu")
	if err != nil {
		return result{}, err
	}
	began := time.Now()
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			took, err := repeat(op, began.Add(length))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(began)
	after, err := op.server.ask("cpu")
	if err != nil || failed != nil || len(all) == 0 {
		return result{}, fmt.Errorf("%d requests answered: %v %v", len(all), failed, err)
	}
	slices.Sort(all)
	at := func(p float64) float64 { return float64(all[int(p*float64(len(all)-1))].Microseconds()) / 1000 }
	return result{
		cpu:  float64(after-before) / 1000 / float64(len(all)),
		rate: float64(len(all)) / elapsed.Seconds(),
		p50:  at(0.5), p99: at(0.99),
	}, nil
}

// repeat sends requests over one connection, one after another.
func repeat(op operation, until time.Time) (took []time.Duration, err error) {
	conn, err := net.Dial("tcp", op.server.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for time.Now().Before(until) {
		request := op.request()
		began := time.Now()
		if _, err := conn.Write(request); err != nil {
			return took, err
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return took, err
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return took, err
		}
		if resp.StatusCode != http.StatusOK {
			return took, fmt.Errorf("status %d: %s", resp.StatusCode, body)
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}
