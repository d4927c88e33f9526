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
	"net"
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
	"awskms":  openAWS,
	"azurekv": openAzure, "azurekv+http": openAzure,
	"gcpkms":  openGoogle,
	"hcvault": openTransit, "hcvault+http": openTransit,
	"openbao": openTransit, "openbao+http": openTransit,
}

// Open opens the key that a URI names. It asks nobody.
func Open(uri string) (Key, error) {
	u, err := url.Parse(strings.Replace(uri, "://arn:", ":///arn:", 1)) // whose colons are of no port
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

// purpose is what ciphertexts are bound to where a service can: it decrypts no
// root key as anything else, and nothing else as a root key, and a policy can allow
// root keys alone.
const purpose = "sallyport root key"

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
	req, err := request(ctx, address, header, body)
	if err != nil {
		return err
	}
	return ask(req, to, refused)
}

func request(ctx context.Context, address string, header http.Header, body any) (*http.Request, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header = header.Clone()
	if req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

func ask(req *http.Request, to any, refused func(status int, answer []byte) error) error {
	status, answer, err := send(req)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return refused(status, answer)
	}
	if err := json.Unmarshal(answer, to); err != nil {
		return fmt.Errorf("%s does not answer as a key management service does: check the key's URI", req.URL.Host)
	}
	return nil
}

// send sends a request, and reads the answer, which may be a refusal.
func send(req *http.Request) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(req.Context(), answerTime)
	defer cancel()
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		var failed *url.Error // whose URL may have a token in its query
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return 0, nil, fmt.Errorf("%w: %s: %w", ErrUnavailable, req.URL.Host, err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %s: %w", ErrUnavailable, req.URL.Host, err)
	}
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		return 0, nil, fmt.Errorf("%w: %s says %s", ErrUnavailable, req.URL.Host, resp.Status)
	}
	return resp.StatusCode, answer, nil
}

// client follows no redirect, which would take the plaintext and the credentials
// with it.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// checkEndpoint finds fault with the URL of a service that the plaintext would go to
// in the clear.
func checkEndpoint(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%s is no https URL", address)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s: http is for localhost alone", address)
	}
	return nil
}

// oneLine is what a service says, for a line of an error.
func oneLine(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// errNotSealed reports that a ciphertext is none of the service's.
var errNotSealed = errors.New("not a whole root key: what stands after the URI is not what the key management service made of it")
