package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// Delivery is a message to a webhook and what came of it.
type Delivery struct {
	Message  string          `json:"message_id"`
	Type     string          `json:"type"`
	State    string          `json:"state"` // "waiting", "delivered", "failed" or "held"
	Created  *time.Time      `json:"created_at,omitempty"`
	Attempts int             `json:"attempts"`
	Last     *time.Time      `json:"last_attempt,omitempty"`
	Next     *time.Time      `json:"next_attempt,omitempty"`
	Status   int             `json:"status,omitempty"` // of the last answer
	Problem  string          `json:"problem,omitempty"`
	Payload  json.RawMessage `json:"payload"`
}

func deliveryOf(d vault.Delivery) Delivery {
	return Delivery{Message: d.Message, Type: string(d.Type), State: string(d.State), Created: utc(d.Created), Attempts: d.Attempts,
		Last: utc(d.Last), Next: utc(d.Next), Status: d.Status, Problem: d.Problem, Payload: d.Body}
}

var deliveryStates = []string{string(vault.DeliveryWaits), string(vault.Delivered), string(vault.DeliveryFails), string(vault.DeliveryHeld)}

// DeliveriesOf are the deliveries of a webhook, the newest first: those in a state,
// or all if it is "".
func DeliveriesOf(ctx context.Context, v *vault.Vault, webhook, state string) (list []Delivery, err error) {
	if state != "" && !slices.Contains(deliveryStates, state) {
		return nil, badQuery("state is " + or(deliveryStates) + ".")
	}
	err = v.View(ctx, func(tx *vault.Tx) error {
		list = []Delivery{}
		if _, err := tx.Webhooks.Get(webhook); err != nil {
			return noWebhook(err)
		}
		for d, err := range tx.DeliveriesOf(webhook) {
			if err != nil {
				return err
			}
			if state == "" || state == string(d.State) {
				list = append(list, deliveryOf(d))
			}
		}
		return nil
	})
	slices.SortStableFunc(list, func(a, b Delivery) int { return b.Created.Compare(*a.Created) })
	return list, err
}

func (a *API) listDeliveries(c echo.Context, _ Caller) error {
	list, err := DeliveriesOf(c.Request().Context(), a.Vault, parameter(c, "name"), c.QueryParam("state"))
	if err != nil {
		return err
	}
	return page(c, "deliveries", list)
}

// Replay says which messages are to be sent again: one, or all since a time that
// have not arrived, or all that are in some states.
type Replay struct {
	Message string     `json:"message_id,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
	States  []string   `json:"states,omitempty"`
}

// matches finds fault with a replay, or returns which deliveries are meant.
func (r Replay) matches() (func(vault.Delivery) bool, error) {
	for i, s := range r.States {
		if !slices.Contains(deliveryStates, s) {
			return nil, invalid(at("states", i) + ": should be " + or(deliveryStates))
		}
	}
	switch {
	case (r.Message == "") == (r.Since == nil):
		return nil, invalid("message_id: should be there, or since, such as 2026-11-22T00:00:00Z, and not both")
	case r.Message != "":
		return func(d vault.Delivery) bool { return d.Message == r.Message }, nil
	}
	return func(d vault.Delivery) bool {
		wanted := slices.Contains(r.States, string(d.State)) || len(r.States) == 0 && d.State != vault.Delivered
		return wanted && !d.Created.Before(*r.Since)
	}, nil
}

var errWebhookDisabled = &Problem{Status: http.StatusConflict, Code: "webhook_disabled", Message: "The webhook is switched off: switch it on first, by enabled."}

// ReplayDeliveries has messages sent to a webhook again, and returns how many.
func ReplayDeliveries(ctx context.Context, v *vault.Vault, e vault.Event, webhook string, r Replay) (n int, err error) {
	match, err := r.matches()
	if err == nil {
		err = v.View(ctx, func(tx *vault.Tx) error { _, err := enabled(tx, webhook); return err })
	}
	if err != nil {
		return 0, err
	}
	n, err = v.Replay(ctx, e, webhook, match)
	switch {
	case err != nil || n > 0:
		return n, err
	case r.Message != "":
		return 0, &Problem{Status: http.StatusNotFound, Code: "inexistent_delivery", Message: "There is no such message to the webhook, or it is no longer kept."}
	}
	return 0, v.Record(ctx, e)
}

// enabled is a webhook, unless it is not there or switched off.
func enabled(tx *vault.Tx, name string) (vault.Webhook, error) {
	w, err := tx.Webhooks.Get(name)
	if err == nil && !w.Enabled {
		return w, errWebhookDisabled
	}
	return w, noWebhook(err)
}

func (a *API) replay(c echo.Context, _ Caller) error {
	var asked Replay
	if err := read(c, &asked); err != nil {
		return err
	}
	name := parameter(c, "name")
	n, err := ReplayDeliveries(c.Request().Context(), a.Vault, a.Event(c, done, vault.Say("webhook", name)), name, asked)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, map[string]int{"replayed": n})
}

// TestWebhook has a message sent to a webhook by which its receiver can be tried,
// and returns its ID.
func TestWebhook(ctx context.Context, v *vault.Vault, e vault.Event, webhook string) (id string, err error) {
	m := vault.Message{ID: vault.NewMessageID(), Type: vault.WebhookTested, Data: vault.TestMessage{Message: "This is a test, and nothing has happened."}}
	return m.ID, v.Update(ctx, func(tx *vault.Tx) error {
		w, err := enabled(tx, webhook)
		if err != nil {
			return err
		}
		if err := tx.Send(w, m); err != nil {
			return err
		}
		return tx.Record(e)
	})
}

func (a *API) testWebhook(c echo.Context, _ Caller) error {
	name := parameter(c, "name")
	id, err := TestWebhook(c.Request().Context(), a.Vault, a.Event(c, done, vault.Say("webhook", name)), name)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, map[string]string{"message_id": id})
}
