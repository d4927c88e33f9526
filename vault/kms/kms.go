// Package kms has a key management service keep the key that the root key is
// encrypted under. The service is asked when a root key is made and when a
// gateway starts, and never for a request or a record: while it is away, gateways
// that run go on.
package kms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Key is a key in a key management service, which never leaves it.
type Key interface {
	// Encrypt returns what [Key.Decrypt] takes: one word, without spaces.
	Encrypt(ctx context.Context, plain []byte) (sealed string, err error)
	Decrypt(ctx context.Context, sealed string) (plain []byte, err error)
}

// services open keys, by the scheme of their URIs.
var services = map[string]func(*url.URL) (Key, error){
	"hcvault": openTransit, "hcvault+http": openTransit,
	"openbao": openTransit, "openbao+http": openTransit,
}

// Open opens the key that a URI names. It asks nobody.
func Open(uri string) (Key, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, errors.New("it is no URI of a key")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the URI of a key has a host and a path, and nothing else: credentials come from the environment")
	}
	open, ok := services[u.Scheme]
	if !ok {
		return nil, fmt.Errorf("%s is of no key management service that is known: its URI should begin with %s", uri, schemes())
	}
	return open(u)
}

func schemes() string {
	var list []string
	for scheme := range services {
		if !strings.HasSuffix(scheme, "+http") {
			list = append(list, scheme+"://")
		}
	}
	slices.Sort(list)
	return strings.Join(list, " or ")
}

// ErrUnavailable reports that the service did not answer, or not to the purpose,
// which may pass. What it refuses is another error.
var ErrUnavailable = errors.New("the key management service does not answer")

// answerTime is how long a service may take to answer.
const answerTime = 10 * time.Second

// mostAnswer is the longest answer that is read, in bytes.
const mostAnswer = 1 << 20

// post sends a JSON body to a service, and reads its answer into to. Where that is
// a refusal, refused says what to do about it.
func post(ctx context.Context, address string, header http.Header, body, to any, refused func(status int, answer []byte) error) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header = header.Clone()
	req.Header.Set("Content-Type", "application/json")
	// A redirect would take the plaintext and the credentials with it.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		if err := json.Unmarshal(answer, to); err != nil {
			return fmt.Errorf("%s does not answer as a key management service does: check the key's URI", req.URL.Host)
		}
		return nil
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s says %s", ErrUnavailable, req.URL.Host, resp.Status)
	}
	return refused(resp.StatusCode, answer)
}
