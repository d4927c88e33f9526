package vault_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
)

func TestWebhookKeyIsOf24To64Bytes(t *testing.T) {
	t.Parallel()
	of := func(n int) string {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n)))
	}
	for secret, ok := range map[string]bool{
		of(24): true, of(64): true, of(23): false, of(65): false, "": false, "whsec_": false, strings.TrimPrefix(of(32), "whsec_"): false,
		strings.Replace(of(32), "whsec_", "whsk_", 1): false, strings.TrimRight(of(32), "="): false, of(32) + "\n": false,
	} {
		key, err := vault.WebhookKey(vault.NewSecret(secret))
		if (err == nil) != ok || ok && !strings.HasPrefix(string(key), "kkk") {
			t.Errorf("%q: %v", secret, err)
		}
	}
	if _, err := vault.WebhookKey(vault.NewWebhookSecret()); err != nil {
		t.Error(err)
	}
}

func TestOldSecretOfAWebhookSignsForAWhile(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a, b := vault.NewSecret("a"), vault.NewSecret("b")
	w := vault.Webhook{Secret: a}
	for _, tt := range []struct {
		webhook vault.Webhook
		at      time.Time
		want    []vault.Secret
	}{
		{w, now, []vault.Secret{a}},
		{w.Rotate(b, now, time.Hour), now, []vault.Secret{b, a}},
		{w.Rotate(b, now, time.Hour), now.Add(time.Hour), []vault.Secret{b}},
		{w.Rotate(b, now, 0), now, []vault.Secret{b}},
		{w.Rotate(a, now, time.Hour), now, []vault.Secret{a}},
	} {
		if got := tt.webhook.Secrets(tt.at); !slices.Equal(got, tt.want) {
			t.Errorf("%d secrets, want %d", len(got), len(tt.want))
		}
	}
}

// webhook is one that can be kept.
func webhook(name string, types ...vault.MessageType) vault.Webhook {
	return vault.Webhook{Name: name, URL: "https://" + name + ".example/", Types: types, Secret: vault.NewWebhookSecret(), Enabled: true}
}

// TestMessageIsKeptWithWhatItTellsOf, for each webhook that wants it, or not at all.
func TestMessageIsKeptWithWhatItTellsOf(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	off := webhook("off").Switch(false)
	put(t, v, func(tx *vault.Tx) error {
		return errors.Join(tx.Webhooks.Put(webhook("all")), tx.Webhooks.Put(webhook("all-2", vault.GrantEnded)), tx.Webhooks.Put(off))
	})
	due, stop := v.DeliveriesDue()
	defer stop()
	refused := errors.New("refused")
	notify := func(err error) func(tx *vault.Tx) error {
		return func(tx *vault.Tx) error {
			return errors.Join(tx.Notify(vault.Message{ID: "msg_1", Type: vault.KeyRotated, Data: vault.KeyMessage{Kind: "root", ID: "k"}}), err)
		}
	}
	if err := v.Update(t.Context(), notify(refused)); !errors.Is(err, refused) {
		t.Fatal(err)
	}
	select {
	case <-due:
		t.Error("somebody is woken for nothing")
	default:
	}
	put(t, v, notify(nil))
	<-due
	var got []string
	put(t, v, func(tx *vault.Tx) error {
		got = nil
		for d, err := range tx.Deliveries.All("") {
			if err != nil {
				return err
			}
			got = append(got, fmt.Sprint(d.Webhook, " ", d.Message, " ", d.State, " ", strings.Contains(string(d.Body), `"data":{"kind":"root","key_id":"k"}}`)))
		}
		return nil
	})
	if want := []string{"all msg_1 waiting true", "off msg_1 held true"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// TestDeliveriesAreInTheOrderInWhichTheyAreDue, and those that wait before the
// others.
func TestDeliveriesAreInTheOrderInWhichTheyAreDue(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	now := time.Now()
	at := func(webhook, id string, state vault.DeliveryState, seconds int) vault.Delivery {
		when := now.Add(time.Duration(seconds) * time.Second)
		d := vault.Delivery{Webhook: webhook, Message: id, State: state, Expires: now.Add(time.Hour)}
		if state == vault.DeliveryWaits {
			d.Next = when
		} else {
			d.Settled = when
		}
		return d
	}
	put(t, v, func(tx *vault.Tx) error {
		return errors.Join(tx.Deliveries.Put(at("a", "4", vault.Delivered, 9)), tx.Deliveries.Put(at("a", "3", vault.DeliveryFails, -9)),
			tx.Deliveries.Put(at("a", "2", vault.DeliveryWaits, 7)), tx.Deliveries.Put(at("a", "1", vault.DeliveryWaits, -7)), tx.Deliveries.Put(at("a-b", "0", vault.DeliveryWaits, 0)))
	})
	var got []string
	put(t, v, func(tx *vault.Tx) error {
		got = nil
		for d, err := range tx.DeliveriesOf("a") {
			if err != nil {
				return err
			}
			got = append(got, d.Message)
		}
		return nil
	})
	if !slices.Equal(got, []string{"1", "2", "3", "4"}) {
		t.Errorf("%v", got)
	}
}

// TestDeliveriesAreBounded: what is too much goes, those first that failed most
// often or are the oldest, and all of a webhook that is gone.
func TestDeliveriesAreBounded(t *testing.T) {
	t.Parallel()
	v := open(t, store(t), vault.NewKey())
	now := time.Now()
	const most = 10_000
	put(t, v, func(tx *vault.Tx) error {
		errs := []error{tx.Webhooks.Put(webhook("a"))}
		for i := range most + 3 {
			d := vault.Delivery{Webhook: "a", Message: fmt.Sprintf("w%05d", i), Body: []byte("{}"), Expires: now.Add(time.Hour)}.Again(now.Add(time.Duration(i) * time.Second))
			errs = append(errs, tx.Deliveries.Put(d))
			d.Message = fmt.Sprintf("s%05d", i)
			errs = append(errs, tx.Deliveries.Put(d.Settle(vault.Delivered, now.Add(time.Duration(i)*time.Second))))
		}
		return errors.Join(append(errs, tx.Deliveries.Put(vault.Delivery{Webhook: "gone", Message: "g"}.Again(now)))...)
	})
	dropped, err := v.PruneDeliveries(t.Context())
	if err != nil || dropped != 3 {
		t.Fatalf("%d %v", dropped, err)
	}
	var first, last string
	n := 0
	put(t, v, func(tx *vault.Tx) error {
		n = 0
		for d, err := range tx.Deliveries.All("") {
			if err != nil {
				return err
			}
			if n++; n == most {
				last = d.Message
			} else if n == most+1 {
				first = d.Message
			}
		}
		return nil
	})
	if n != 2*most || last != fmt.Sprintf("w%05d", most-1) || first != "s00003" {
		t.Errorf("%d left: %s, %s", n, last, first)
	}
}
