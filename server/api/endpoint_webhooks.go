package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// WebhookState is a webhook and how it is.
type WebhookState struct {
	Webhook
	Disabled      string     `json:"disabled_reason,omitempty"` // if the gateway switched it off
	FailingSince  *time.Time `json:"failing_since,omitempty"`
	PausedUntil   *time.Time `json:"paused_until,omitempty"`
	PreviousUntil *time.Time `json:"previous_secret_until,omitempty"` // that it signs
	Waiting       int        `json:"waiting"`                         // deliveries
	Created       *time.Time `json:"created_at,omitempty"`
}

func webhookStateOf(tx *vault.Tx, r vault.Webhook) (s WebhookState, err error) {
	s = WebhookState{Webhook: WebhookOf(r), Disabled: r.Disabled, FailingSince: utc(r.FailingSince), Created: utc(r.Created)}
	if tx.Now().Before(r.PausedUntil) {
		s.PausedUntil = utc(r.PausedUntil)
	}
	if len(r.Secrets(tx.Now())) > 1 {
		s.PreviousUntil = utc(r.PreviousUntil)
	}
	for d, err := range tx.DeliveriesOf(r.Name) {
		if err != nil {
			return s, err
		}
		if d.State != vault.DeliveryWaits {
			break
		}
		s.Waiting++
	}
	return s, nil
}

// WebhooksOf are the webhooks of a vault, by name.
func WebhooksOf(ctx context.Context, v *vault.Vault) (list []WebhookState, err error) {
	err = v.View(ctx, func(tx *vault.Tx) error {
		list = []WebhookState{}
		for r, err := range tx.Webhooks.All("") {
			if err != nil {
				return err
			}
			s, err := webhookStateOf(tx, r)
			if err != nil {
				return err
			}
			list = append(list, s)
		}
		return nil
	})
	return list, err
}

// noWebhook is the error of a request for a webhook that is not there, if err is
// that.
func noWebhook(err error) error {
	return NotFound(err, "inexistent_webhook", "There is no webhook of this name.")
}

func (a *API) listWebhooks(c echo.Context, _ Caller) error {
	list, err := WebhooksOf(c.Request().Context(), a.Vault)
	if err != nil {
		return err
	}
	return page(c, "webhooks", list)
}

func (a *API) getWebhook(c echo.Context, _ Caller) error {
	var shown WebhookState
	err := a.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		r, err := tx.Webhooks.Get(parameter(c, "name"))
		if err != nil {
			return noWebhook(err)
		}
		shown, err = webhookStateOf(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shown)
}

// withSecret is a webhook with its new secret, which is shown this once.
type withSecret struct {
	WebhookState
	Secret string `json:"secret,omitempty"`
}

// makeWebhook makes a webhook, with a new secret if the body has none.
func (a *API) makeWebhook(c echo.Context, _ Caller) error {
	var asked Webhook
	if err := read(c, &asked); err != nil {
		return err
	}
	var shown withSecret
	if asked.Secret == nil {
		fresh := vault.NewWebhookSecret()
		asked.Secret, shown.Secret = &Secret{fresh}, fresh.Reveal()
	}
	err := a.putWebhook(c, asked.Name, &shown.WebhookState, func(tx *vault.Tx) (vault.Webhook, error) {
		_, err := tx.Webhooks.Get(asked.Name)
		if found, err := vault.Exists(err); err != nil {
			return vault.Webhook{}, err
		} else if found {
			return vault.Webhook{}, &Problem{Status: http.StatusConflict, Code: "webhook_exists", Message: "There is a webhook of this name already."}
		}
		return asked.Record(vault.Webhook{}, tx.Now())
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, shown)
}

// changeWebhook changes what the body mentions, and nothing else.
func (a *API) changeWebhook(c echo.Context, _ Caller) error {
	var change Webhook
	if err := read(c, &change); err != nil {
		return err
	}
	name := parameter(c, "name")
	if change.Name != "" && change.Name != name {
		return invalid("name: cannot be changed: make another webhook")
	}
	var shown WebhookState
	err := a.putWebhook(c, name, &shown, func(tx *vault.Tx) (vault.Webhook, error) {
		old, err := tx.Webhooks.Get(name)
		if err != nil {
			return old, noWebhook(err)
		}
		return change.Record(old, tx.Now())
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shown)
}

// rotateWebhookSecret gives a webhook a new secret, which is shown this once. The
// one before signs beside it for a day, or as many seconds as "overlap" says.
func (a *API) rotateWebhookSecret(c echo.Context, _ Caller) error {
	var asked struct {
		Overlap *int64 `json:"overlap"` // seconds
	}
	if err := read(c, &asked); err != nil {
		return err
	}
	overlap := webhookOverlap
	if asked.Overlap != nil {
		overlap = time.Duration(*asked.Overlap) * time.Second
		if *asked.Overlap < 0 || *asked.Overlap > 30*86400 {
			return invalid("overlap: should be a number of seconds from 0 to 2592000")
		}
	}
	name, fresh := parameter(c, "name"), vault.NewWebhookSecret()
	shown := withSecret{Secret: fresh.Reveal()}
	err := a.putWebhook(c, name, &shown.WebhookState, func(tx *vault.Tx) (vault.Webhook, error) {
		old, err := tx.Webhooks.Get(name)
		if err != nil {
			return old, noWebhook(err)
		}
		return old.Rotate(fresh, tx.Now(), overlap), nil
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shown)
}

// putWebhook keeps what change makes of a webhook, and shows it.
func (a *API) putWebhook(c echo.Context, name string, shown *WebhookState, change func(*vault.Tx) (vault.Webhook, error)) error {
	err := a.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		r, err := change(tx)
		if err != nil {
			return err
		}
		if err := errors.Join(tx.Webhooks.Put(r), tx.RingDeliveries(), tx.Record(a.Event(c, done, vault.Say("webhook", name)))); err != nil {
			return err
		}
		*shown, err = webhookStateOf(tx, r)
		return err
	})
	var fault *vault.Invalid
	if errors.As(err, &fault) {
		return invalid(fault.Error())
	}
	return err
}

func (a *API) deleteWebhook(c echo.Context, _ Caller) error {
	name := parameter(c, "name")
	err := a.Vault.DeleteWebhook(c.Request().Context(), a.Event(c, done, vault.Say("webhook", name)), name)
	if errors.Is(err, vault.ErrNotFound) {
		return c.NoContent(http.StatusNoContent) // as Auth0's
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
