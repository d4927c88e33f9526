package vault

import (
	"fmt"
	"time"
)

// Delivery is a message to one webhook: to be sent, or what came of that.
type Delivery struct {
	Webhook  string
	Message  string // ID
	Type     MessageType
	Body     []byte // JSON, sent as it is each time
	Created  time.Time
	State    DeliveryState
	Attempts int
	Next     time.Time // attempt, while it waits
	Settled  time.Time // when it ceased to wait
	Last     time.Time // attempt
	Status   int       // of the last answer; 0 if there was none
	Problem  string    // of the last attempt, for people
	Expires  time.Time
}

// DeliveryState is what has become of a delivery.
type DeliveryState string

const (
	DeliveryWaits DeliveryState = "waiting"   // for its next attempt
	Delivered     DeliveryState = "delivered" // it was answered with success
	DeliveryFails DeliveryState = "failed"    // and is not tried any more
	DeliveryHeld  DeliveryState = "held"      // its webhook was switched off: it is sent if somebody asks for that
)

// deliveryLife is how long deliveries are kept: until then they can be sent again.
const deliveryLife = 14 * 24 * time.Hour

// Key is the delivery's place in the order of its webhook's: those that wait come
// first, by when they are due, and then the others, by when that was settled.
func (d Delivery) Key() string {
	if d.State == DeliveryWaits {
		return fmt.Sprintf("%s 0 %020d %s", d.Webhook, d.Next.UnixNano(), d.Message)
	}
	return fmt.Sprintf("%s 1 %020d %s", d.Webhook, d.Settled.UnixNano(), d.Message)
}

func (d Delivery) ExpiresAt() time.Time { return d.Expires }

// Again is the delivery when it is to be sent anew, with all attempts before it.
func (d Delivery) Again(now time.Time) Delivery {
	d.State, d.Attempts, d.Next, d.Settled = DeliveryWaits, 0, now, time.Time{}
	d.Expires = now.Add(deliveryLife)
	return d
}

// Settle is the delivery when it waits no longer.
func (d Delivery) Settle(to DeliveryState, now time.Time) Delivery {
	d.State, d.Next, d.Settled = to, time.Time{}, now
	return d
}

// Replace keeps a delivery in place of what it was.
func (tx *Tx) Replace(old, now Delivery) error {
	if old.Key() != now.Key() {
		if err := tx.Deliveries.Delete(old.Key()); err != nil {
			return err
		}
	}
	return tx.Deliveries.Put(now)
}
