package server

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sallyport/vault"
)

// webhookTimeout is how long an endpoint may take to answer (Standard Webhooks,
// "Request timeouts": 15 to 30 seconds).
const webhookTimeout = 20 * time.Second

// signMessage signs a message by each secret (Standard Webhooks, "Signature
// scheme" and "Webhook headers"): HMAC-SHA256 of ID, time in seconds and body, with
// full stops between.
func signMessage(secrets []vault.Secret, id string, at time.Time, body []byte) (string, error) {
	var list []string
	for _, s := range secrets {
		key, err := vault.WebhookKey(s)
		if err != nil {
			return "", err
		}
		h := hmac.New(sha256.New, key)
		fmt.Fprintf(h, "%s.%d.%s", id, at.Unix(), body)
		list = append(list, "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	}
	return strings.Join(list, " "), nil
}

// reply is what came of an attempt to deliver a message.
type reply struct {
	status int           // 0 if nothing was answered
	after  time.Duration // that it asks to wait, or 0
	err    error         // why nothing was answered
}

// ok reports whether the message has arrived ("Delivery success and failure").
func (r reply) ok() bool { return r.status >= 200 && r.status <= 299 }

// gone reports whether the endpoint wants no more messages.
func (r reply) gone() bool { return r.status == http.StatusGone }

// busy reports whether the endpoint does not keep up, and is to be spared other
// messages, too.
func (r reply) busy() bool {
	switch r.status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// problem is what went wrong, for people. It does not have the URL, in which
// receivers may keep a secret.
func (r reply) problem() string {
	switch {
	case r.ok():
		return ""
	case r.gone():
		return "It answered 410: it wants no more messages."
	case r.status >= 300 && r.status <= 399:
		return fmt.Sprintf("It answered %d, a redirect, which is not followed: enter the URL that it leads to.", r.status)
	case r.status != 0:
		return fmt.Sprintf("It answered %d %s.", r.status, http.StatusText(r.status))
	case errors.Is(r.err, context.DeadlineExceeded):
		return fmt.Sprintf("It did not answer within %d seconds.", int(webhookTimeout.Seconds()))
	}
	return "It could not be reached: " + vault.Said(r.err.Error()).String() + "."
}

// post sends a delivery to its webhook.
func (s *Server) post(ctx context.Context, w vault.Webhook, d vault.Delivery) reply {
	now := s.Now()
	signature, err := signMessage(w.Secrets(now), d.Message, now, d.Body)
	if err != nil {
		return reply{err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(d.Body))
	if err != nil {
		return reply{err: errors.New("its URL cannot be read")}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Sallyport")
	req.Header.Set("webhook-id", d.Message)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	resp, err := s.webhookHTTP.Do(req)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err
		}
		return reply{err: err}
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	return reply{status: resp.StatusCode, after: retryAfter(resp.Header.Get("Retry-After"), now)}
}

// retryAfter is how long an answer asks to wait (RFC 9110, section 10.2.3), a day
// at most; 0 if it does not say.
func retryAfter(value string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(value); err == nil {
		wait = time.Duration(min(seconds, 86400)) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), 24*time.Hour)
}
