package vault

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"
)

// Message is something that happened, for the webhooks that want to hear of it.
type Message struct {
	ID   string // "msg_…", the same for all webhooks, attempts and replays
	Type MessageType
	Data any // of the type's, for JSON; without a secret
}

// MessageType says what happened. A message of one type has always the same data.
type MessageType string

const (
	GrantEnded             MessageType = "grant.ended"             // [AccountMessage]
	AccountConnected       MessageType = "account.connected"       // [AccountMessage]
	AccountDisconnected    MessageType = "account.disconnected"    // [AccountMessage]
	ConnectionFailing      MessageType = "connection.failing"      // [ConnectionMessage]
	ConnectionRecovered    MessageType = "connection.recovered"    // [ConnectionMessage]
	ConnectionDisconnected MessageType = "connection.disconnected" // [DisconnectionMessage]
	KeyRotated             MessageType = "key.rotated"             // [KeyMessage]
	WebhookTested          MessageType = "webhook.test"            // [TestMessage]
)

// MessageTypes are those that a webhook can choose from.
var MessageTypes = []MessageType{GrantEnded, AccountConnected, AccountDisconnected, ConnectionFailing, ConnectionRecovered, ConnectionDisconnected, KeyRotated}

// AccountMessage is the data of what happened to a connected account.
type AccountMessage struct {
	User       string `json:"user_id,omitempty"` // "" if it is the connection's own
	Connection string `json:"connection"`
	Account    string `json:"account_id"`                 // "cac_…"
	Subject    string `json:"identity_user_id,omitempty"` // the user's at the identity provider
	Reason     string `json:"reason,omitempty"`           // for programs
	Message    string `json:"message,omitempty"`          // for people, without a secret
	Action     string `json:"action,omitempty"`           // what to do about it
}

// ConnectionMessage is the data of how a connection is.
type ConnectionMessage struct {
	Connection string     `json:"connection"`
	Reason     Reason     `json:"reason"`
	Message    string     `json:"message,omitempty"`
	Action     string     `json:"action,omitempty"`
	Since      time.Time  `json:"since"`
	Until      *time.Time `json:"until,omitempty"`
}

// DisconnectionMessage is the data of a connection of which all accounts were
// disconnected at once. There are no messages of the single ones.
type DisconnectionMessage struct {
	Connection string `json:"connection"`
	Action     string `json:"action"`
}

// KeyMessage is the data of a key that was changed.
type KeyMessage struct {
	Kind string     `json:"kind"`                 // "signing", "data" or "root"
	ID   string     `json:"key_id"`               // of the new one
	Alg  string     `json:"alg,omitempty"`        // of a key that signs
	From *time.Time `json:"signs_from,omitempty"` // of a key that signs; it is published at once
}

// TestMessage is the data of a message that somebody asked for.
type TestMessage struct {
	Message string `json:"message"`
}

// NewMessageID makes the ID of a message. It has no full stop, so that what is
// signed can be read in one way only.
func NewMessageID() string { return "msg_" + rand.Text() }

// Notify has the webhooks told that want to hear of a message: it leaves a
// delivery for each, which is kept if the transaction is. For those that are
// switched off it is held.
func (tx *Tx) Notify(m Message) error {
	for w, err := range tx.Webhooks.All("") {
		if err != nil {
			return err
		}
		if !w.Wants(m.Type) {
			continue
		}
		if err := tx.Send(w, m); err != nil {
			return err
		}
	}
	return nil
}

// Send leaves a delivery of a message to a webhook.
func (tx *Tx) Send(w Webhook, m Message) error {
	body, err := json.Marshal(struct {
		Type      MessageType `json:"type"`
		Timestamp string      `json:"timestamp"`
		Data      any         `json:"data"`
	}{m.Type, tx.now.UTC().Format("2006-01-02T15:04:05.000Z07:00"), m.Data})
	if err != nil {
		return fmt.Errorf("vault: write a message of %s: %w", m.Type, err)
	}
	d := Delivery{Webhook: w.Name, Message: m.ID, Type: m.Type, Body: body, Created: tx.now}.Again(tx.now)
	if !w.Enabled {
		d = d.Settle(DeliveryHeld, tx.now)
	}
	if err := tx.Deliveries.Put(d); err != nil {
		return err
	}
	return tx.RingDeliveries()
}

// RingDeliveries has whoever sends deliveries look for some, once the
// transaction is kept.
func (tx *Tx) RingDeliveries() error {
	tx.due = true
	return tx.kv.Tell(topicDeliveries)
}

// topicDeliveries is told when there may be deliveries to send.
const topicDeliveries = "deliveries"

// DeliveriesDue returns a channel that gets a value after a message was left for
// a webhook, by any instance, while [Vault.Hear] listens. Whoever has it calls
// stop in the end.
func (v *Vault) DeliveriesDue() (due <-chan struct{}, stop func()) {
	return v.heard.wait(topicDeliveries)
}
