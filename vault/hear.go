package vault

import (
	"context"
	"slices"
	"sync"
)

// topicSettings is told when a record changes that instances may keep a copy of.
const topicSettings = "settings"

// settings are the buckets of such records.
var settings = []string{"clients", "connections", "resourceservers", "clientgrants", "keys", "branding"}

// topicOf is told when a refresh of an account's token set is over. Listeners
// learn a hash.
func topicOf(identity string) string { return "refreshed " + Hash(identity) }

// Hear listens to what other instances tell, until ctx ends. Without it, what
// they do is found by looking.
func (v *Vault) Hear(ctx context.Context) {
	v.store.Hear(ctx, func(topic string) {
		if topic == topicSettings || topic == "" {
			v.copies.begin()
		}
		v.heard.ring(topic)
	})
}

// Changes returns a channel that gets a value after clients, connections, APIs,
// signing keys or the branding were changed, by any instance, while [Vault.Hear] listens.
// Whoever has it calls stop in the end.
func (v *Vault) Changes() (changed <-chan struct{}, stop func()) { return v.heard.wait(topicSettings) }

// bell wakes those who wait for a topic. Its zero value is ready.
type bell struct {
	mu      sync.Mutex
	waiting map[string][]chan struct{}
}

// wait returns a channel that gets a value when the topic is rung, and keeps one
// that nobody was there for.
func (b *bell) wait(topic string) (rung <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = map[string][]chan struct{}{}
	}
	b.waiting[topic] = append(b.waiting[topic], c)
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		rest := slices.DeleteFunc(b.waiting[topic], func(w chan struct{}) bool { return w == c })
		if b.waiting[topic] = rest; len(rest) == 0 {
			delete(b.waiting, topic)
		}
	}
}

// ring wakes those who wait for a topic; for "", all.
func (b *bell) ring(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for waited, list := range b.waiting {
		if topic != "" && topic != waited {
			continue
		}
		for _, c := range list {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}
}
