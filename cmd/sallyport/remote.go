package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// remote is a gateway that runs, as its management API shows it.
type remote struct {
	gateway, clientID string
	token             string
}

func (r *remote) flags(f *pflag.FlagSet) {
	text(f, &r.gateway, "gateway", "", "URL of a gateway that runs, to ask it instead of opening its store")
	text(f, &r.clientID, "client-id", "", "client that may use its management API; its secret is in SALLYPORT_CLIENT_SECRET")
}

// callTime is how long a gateway may take to answer.
const callTime = 30 * time.Second

// signIn gets an access token with a scope of the management API (RFC 6749,
// section 4.4).
func (r *remote) signIn(ctx context.Context, scope string) error {
	gateway, err := checkIssuer(r.gateway)
	if err != nil {
		return &wrongUsage{strings.Replace(err.Error(), "--issuer", "--gateway", 1)}
	}
	secret := os.Getenv("SALLYPORT_CLIENT_SECRET")
	if r.clientID == "" || secret == "" {
		return &wrongUsage{"--gateway needs a client that may use its management API: give --client-id, and its secret in SALLYPORT_CLIENT_SECRET"}
	}
	r.gateway = gateway
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {r.clientID}, "client_secret": {secret},
		"audience": {r.gateway + "api/v2/"}, "scope": {scope}}
	var granted struct {
		AccessToken string `json:"access_token"`
	}
	if err := r.do(ctx, "POST", "oauth/token", "application/x-www-form-urlencoded", []byte(form.Encode()), &granted); err != nil {
		return fmt.Errorf("sign in to %s: %w", r.gateway, err)
	}
	r.token = granted.AccessToken
	return nil
}

// call calls the management API with a JSON body, and reads the answer into to.
func (r *remote) call(ctx context.Context, method, path string, body, to any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return r.do(ctx, method, "api/v2/"+path, "application/json", b, to)
}

func (r *remote) do(ctx context.Context, method, path, kind string, body []byte, to any) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, r.gateway+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return refusalOf(resp.Status, b)
	}
	if to == nil {
		return nil
	}
	if err := json.Unmarshal(b, to); err != nil {
		return errors.New("its answer is not what a gateway answers: is --gateway right?")
	}
	return nil
}

// refusalOf is what a gateway says of a request that it refuses.
func refusalOf(status string, body []byte) error {
	var said struct {
		Description string `json:"error_description"` // of the token endpoint
		Message     string `json:"message"`           // of the management API
	}
	json.Unmarshal(body, &said)
	for _, why := range []string{said.Description, said.Message} {
		if why != "" {
			return errors.New(why)
		}
	}
	return fmt.Errorf("it answered %s, and not as a gateway does: is --gateway right?", status)
}
