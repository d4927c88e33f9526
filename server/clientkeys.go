package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// A client's published keys are fetched again after a while, and sooner if a
// signature does not fit them, but never more often than jwksLeast: tokens with
// made-up key IDs must not make the gateway fetch for ever.
const (
	jwksMost  = 10 * time.Minute
	jwksLeast = time.Minute
)

// jwksCache keeps the JWK Sets that clients publish.
type jwksCache struct {
	mu   sync.Mutex
	sets map[string]*jwksEntry // by URI
}

type jwksEntry struct {
	mu      sync.Mutex // held while it is fetched
	body    []byte
	err     error
	fetched time.Time
}

func (c *jwksCache) entry(uri string) *jwksEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sets == nil {
		c.sets = map[string]*jwksEntry{}
	}
	if c.sets[uri] == nil {
		c.sets[uri] = &jwksEntry{}
	}
	return c.sets[uri]
}

// withClientKeys runs fn with the keys of a client, and once more with new ones
// if it fails and they may have changed.
func (s *Server) withClientKeys(ctx context.Context, client vault.Client, fn func(*oidc.ClientKeys) error) error {
	if client.JWKSURI == "" {
		keys, err := oidc.ParseClientKeys(client.Keys, nil, s.Now())
		if err != nil {
			return err
		}
		return fn(keys)
	}
	var err error
	for _, atMost := range []time.Duration{jwksMost, jwksLeast} {
		body, fetchErr := s.clientJWKS(ctx, client.JWKSURI, atMost)
		if fetchErr != nil {
			return &oidc.Error{Code: oidc.InvalidClient, Description: "The client's jwks_uri cannot be read. Check that it answers, and that the gateway may reach it.", Err: fetchErr}
		}
		keys, parseErr := oidc.ParseClientKeys(client.Keys, body, s.Now())
		if parseErr != nil {
			return &oidc.Error{Code: oidc.InvalidClient, Description: parseErr.Error()}
		}
		if err = fn(keys); err == nil {
			return nil
		}
	}
	return err
}

// clientJWKS is the JWK Set at a URI, at most so old.
func (s *Server) clientJWKS(ctx context.Context, uri string, atMost time.Duration) ([]byte, error) {
	e := s.jwksSets.entry(uri)
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := s.Now(); e.fetched.IsZero() || now.Sub(e.fetched) > atMost {
		e.fetched = now
		body, err := s.fetchJWKS(ctx, uri)
		if err == nil || e.body == nil {
			e.body, e.err = body, err
		} // else the last good one does for another while
	}
	return e.body, e.err
}

func (s *Server) fetchJWKS(ctx context.Context, uri string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, oidc.MaxJWKS+1))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("jwks_uri: status %s", resp.Status)
	case len(body) > oidc.MaxJWKS:
		return nil, errors.New("jwks_uri: longer than 256 KiB")
	}
	return body, nil
}
