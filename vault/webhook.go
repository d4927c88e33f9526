package vault

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// Webhook is an endpoint of somebody's that is told what happens, by messages
// that it can verify (Standard Webhooks 1.0.0).
type Webhook struct {
	forever
	Name          string
	URL           string
	Description   string
	Types         []MessageType // that it wants; none means all
	Secret        Secret        // "whsec_…"
	Previous      Secret        // signs beside it
	PreviousUntil time.Time
	Enabled       bool
	Disabled      string    // why the gateway switched it off, for people; "" if that was somebody else
	FailingSince  time.Time // nothing has arrived since; zero if the last did
	PausedUntil   time.Time // nothing is sent before: it has asked for that, or does not keep up
	Created       time.Time
}

func (w Webhook) Key() string { return w.Name }

// Validate finds fault with a webhook that cannot be kept.
func (w Webhook) Validate() error {
	switch {
	case !connectionName.MatchString(w.Name):
		return &Invalid{"name", "should be letters, digits and hyphens, at most 128, not beginning or ending with a hyphen"}
	case w.URL == "" || len(w.URL) > 2048:
		return &Invalid{"url", "is missing, or is longer than 2048 characters"}
	case len(w.Description) > 500:
		return &Invalid{"description", "is longer than 500 characters"}
	}
	for i, t := range w.Types {
		if !slices.Contains(MessageTypes, t) {
			return &Invalid{fmt.Sprintf("types[%d]", i), "is unknown: the types are " + joinTypes(MessageTypes)}
		}
	}
	if _, err := WebhookKey(w.Secret); err != nil {
		return &Invalid{"secret", err.Error()}
	}
	return nil
}

func joinTypes(types []MessageType) string {
	var b strings.Builder
	for i, t := range types {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(t))
	}
	return b.String()
}

// Wants reports whether the webhook is to be told of a type.
func (w Webhook) Wants(t MessageType) bool {
	return len(w.Types) == 0 || slices.Contains(w.Types, t)
}

// Secrets are those that sign now, the newest first.
func (w Webhook) Secrets(now time.Time) []Secret {
	if !w.Previous.IsZero() && now.Before(w.PreviousUntil) {
		return []Secret{w.Secret, w.Previous}
	}
	return []Secret{w.Secret}
}

// Rotate gives the webhook another secret. The one before signs beside it for a
// while, in which its receiver changes.
func (w Webhook) Rotate(to Secret, now time.Time, overlap time.Duration) Webhook {
	w.Previous, w.PreviousUntil, w.Secret = w.Secret, now.Add(overlap), to
	if overlap <= 0 || w.Previous == to {
		w.Previous, w.PreviousUntil = Secret{}, time.Time{}
	}
	return w
}

// Switch switches the webhook on or off. One that is switched on begins anew.
func (w Webhook) Switch(on bool) Webhook {
	if on && !w.Enabled {
		w.FailingSince, w.PausedUntil = time.Time{}, time.Time{}
	}
	w.Enabled, w.Disabled = on, ""
	return w
}

const (
	webhookSecretPrefix = "whsec_"
	leastWebhookKey     = 24 // bytes
	mostWebhookKey      = 64
)

// NewWebhookSecret makes a secret of 32 random bytes.
func NewWebhookSecret() Secret {
	b := make([]byte, 32)
	rand.Read(b)
	return NewSecret(webhookSecretPrefix + base64.StdEncoding.EncodeToString(b))
}

// WebhookKey is the key that a webhook's secret stands for: 24 to 64 bytes
// (Standard Webhooks, "Signature scheme").
func WebhookKey(s Secret) ([]byte, error) {
	text, found := strings.CutPrefix(s.Reveal(), webhookSecretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !found || err != nil || strings.ContainsAny(text, "\r\n") || len(key) < leastWebhookKey || len(key) > mostWebhookKey {
		return nil, errors.New("should be whsec_ and 24 to 64 random bytes in base64: make one with `echo whsec_$(openssl rand -base64 32)`")
	}
	return key, nil
}

// DeliveriesOf yields the deliveries of a webhook: first those that wait, in the
// order in which they are due, and then the others, the oldest first.
func (tx *Tx) DeliveriesOf(webhook string) iter.Seq2[Delivery, error] {
	return func(yield func(Delivery, error) bool) {
		begin := webhook + " "
		for d, err := range tx.Deliveries.All(begin) {
			if err == nil && d.Webhook != webhook || !yield(d, err) {
				return
			}
		}
	}
}
