package connections

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// keysEvery is the time between two requests for a provider's keys.
const keysEvery = time.Minute

// keysClient is the HTTP client by which go-oidc asks for a provider's keys: at
// once whenever it meets a key that it does not know, which anybody could make it
// do as often as they like.
func (o *openID) keysClient() *http.Client {
	c := *o.env.HTTP
	c.Transport = o.keys
	return &c
}

// pacedKeys lets a request for keys through once a minute. Before that, the
// answer is the one of the last time.
type pacedKeys struct {
	next http.RoundTripper
	now  func() time.Time

	mu     sync.Mutex
	asked  time.Time
	header http.Header
	body   []byte
	err    error
}

func (k *pacedKeys) RoundTrip(r *http.Request) (*http.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	wait := keysEvery
	if k.err != nil {
		wait = rememberedBad
	}
	if now := k.now(); k.asked.IsZero() || now.Sub(k.asked) >= wait {
		k.header, k.body, k.err = k.ask(r)
		k.asked = now
	}
	if k.err != nil {
		return nil, k.err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Header: k.header.Clone(), Request: r,
		Body: io.NopCloser(bytes.NewReader(k.body)), ContentLength: int64(len(k.body)),
	}, nil
}

// failed is why there are no keys, if the last request for them failed.
func (k *pacedKeys) failed() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

func (k *pacedKeys) ask(r *http.Request) (http.Header, []byte, error) {
	resp, err := k.next.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	body, err := read(resp)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New("keys: status " + resp.Status)
	}
	return resp.Header, body, err
}
