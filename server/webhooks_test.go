package server_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/connections"
	"sallyport/connections/simulator"
	"sallyport/server"
	"sallyport/vault"
)

// message is a request to a webhook, as its receiver sees it.
type message struct {
	id, signature string
	at            time.Time
	body          []byte

	Type      string
	Timestamp time.Time
	Data      map[string]any
}

// receiver is somebody's endpoint.
type receiver struct {
	t      *testing.T
	url    string
	secret string
	mu     sync.Mutex
	got    []message
	answer func(http.ResponseWriter) // nil is 200
}

// receiver starts an endpoint, of which the gateway has a webhook.
func (g *gateway) receiver(name string, types ...vault.MessageType) *receiver {
	g.t.Helper()
	secret := vault.NewWebhookSecret()
	r := &receiver{t: g.t, secret: secret.Reveal()}
	running := httptest.NewServer(r)
	g.t.Cleanup(running.Close)
	r.url = running.URL + "/hook?token=of-the-receiver"
	g.put(func(tx *vault.Tx) error {
		return tx.Webhooks.Put(vault.Webhook{Name: name, URL: r.url, Types: types, Secret: secret, Enabled: true, Created: tx.Now()})
	})
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	seconds, err2 := strconv.ParseInt(req.Header.Get("webhook-timestamp"), 10, 64)
	m := message{id: req.Header.Get("webhook-id"), signature: req.Header.Get("webhook-signature"), at: time.Unix(seconds, 0), body: body}
	if err3 := json.Unmarshal(body, &m); err != nil || err2 != nil || err3 != nil || req.Method != "POST" || req.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%v %v %v: %s %v %s", err, err2, err3, req.Method, req.Header, body)
	}
	r.mu.Lock()
	r.got = append(r.got, m)
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		answer(w)
	}
}

// answers has it answer otherwise from now on.
func (r *receiver) answers(status int, headers ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = func(w http.ResponseWriter) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
	}
}

// messages are what came since it was asked last.
func (r *receiver) messages() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

// only is the one message that came, signed by the receiver's secret.
func (r *receiver) only() message {
	r.t.Helper()
	got := r.messages()
	if len(got) != 1 {
		r.t.Fatalf("%d messages came: %+v", len(got), got)
	}
	if signatures := strings.Split(got[0].signature, " "); !slices.Contains(signatures, signed(r.t, r.secret, got[0])) {
		r.t.Errorf("not signed: %s", got[0].signature)
	}
	return got[0]
}

// signed is the signature that a message has to have, computed as the
// specification says it, and not as the gateway does.
func signed(t *testing.T, secret string, m message) string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(m.id + "." + strconv.FormatInt(m.at.Unix(), 10) + "."))
	mac.Write(m.body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// send has the gateway send what is due.
func (g *gateway) send() {
	g.t.Helper()
	if err := g.server.SendNow(context.Background()); err != nil {
		g.t.Fatal(err)
	}
}

// deliveries are those of a webhook, and the webhook.
func (g *gateway) deliveries(name string) (list []vault.Delivery, w vault.Webhook) {
	g.t.Helper()
	g.put(func(tx *vault.Tx) (err error) {
		list = nil
		for d, err := range tx.DeliveriesOf(name) {
			if err != nil {
				return err
			}
			list = append(list, d)
		}
		w, err = tx.Webhooks.Get(name)
		return err
	})
	return list, w
}

// tell leaves a message to all webhooks.
func (g *gateway) tell() {
	g.t.Helper()
	id := vault.NewMessageID()
	g.put(func(tx *vault.Tx) error {
		return tx.Notify(vault.Message{ID: id, Type: vault.KeyRotated, Data: vault.KeyMessage{Kind: "data", ID: "0000002a"}})
	})
}

// TestGrantThatEndedIsTold by a message that is kept together with the refusal,
// before anybody sends it, and that says whose account it is and what to do.
func TestGrantThatEndedIsTold(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	r := g.receiver("ops", vault.GrantEnded)
	before := g.tokenSet()
	g.trigger("all-revoked", simulator.Target{})
	g.clock.forward(3 * time.Hour)
	for range 2 {
		if a := g.exchange(token.RefreshToken); a.str("reason") != "reauthorization_required" {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	waiting, _ := g.deliveries("ops")
	if len(waiting) != 1 || waiting[0].State != vault.DeliveryWaits || g.tokenSet().Refusal == nil {
		t.Fatalf("%+v", waiting)
	}
	g.send()
	m := r.only()
	if m.Type != "grant.ended" || m.Data["user_id"] != g.subject(token) || m.Data["connection"] != "salesforce" || m.Data["account_id"] != before.ID ||
		m.Data["identity_user_id"] == "" || m.Data["reason"] != "reauthorize" || m.Data["message"] == "" || !strings.Contains(fmt.Sprint(m.Data["action"]), "connect the account again") {
		t.Errorf("%s", m.body)
	}
	if age := g.clock.Now().Sub(m.Timestamp); age < 0 || age > time.Minute || !strings.HasPrefix(m.id, "msg_") || strings.Contains(m.id, ".") {
		t.Errorf("%s of %v", m.id, m.Timestamp)
	}
	for _, secret := range []vault.Secret{before.AccessToken, before.RefreshToken} {
		if strings.Contains(string(m.body), secret.Reveal()) {
			t.Errorf("it has a secret: %s", m.body)
		}
	}
	g.send()
	if again := r.messages(); len(again) > 0 {
		t.Errorf("it came again: %+v", again)
	}
}

func (g *gateway) tokenSet() (ts vault.TokenSet) {
	g.t.Helper()
	g.tokens(func(now *vault.TokenSet) { ts = *now })
	return ts
}

// TestDeliveryIsTriedAgainLaterAndLater by the schedule of the specification,
// under the same ID and a new time, until it arrives.
func TestDeliveryIsTriedAgainLaterAndLater(t *testing.T) {
	t.Parallel()
	g := start(t)
	r := g.receiver("ops")
	r.answers(http.StatusInternalServerError)
	after := g.lastEvent()
	g.tell()
	g.send()
	first := r.only()
	for _, wait := range []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour} {
		g.clock.forward(wait - 2*time.Second)
		g.send()
		if early := r.messages(); len(early) > 0 {
			t.Fatalf("before %v are over: %+v", wait, early)
		}
		g.clock.forward(wait/10 + 2*time.Second)
		g.send()
		m := r.only()
		if m.id != first.id || !m.at.After(first.at) || string(m.body) != string(first.body) {
			t.Errorf("%s at %v: %s", m.id, m.at, m.body)
		}
	}
	list, w := g.deliveries("ops")
	if list[0].Attempts != 6 || list[0].Status != 500 || list[0].Problem != "It answered 500 Internal Server Error." || w.FailingSince.IsZero() {
		t.Errorf("%+v %+v", list[0], w)
	}
	r.answers(http.StatusNoContent)
	g.clock.forward(11 * time.Hour)
	g.send()
	r.only()
	list, w = g.deliveries("ops")
	if list[0].State != vault.Delivered || list[0].Problem != "" || !w.FailingSince.IsZero() {
		t.Errorf("%+v %+v", list[0], w)
	}
	if got := g.types(after); !slices.Equal(got, []string{"sallyport_webhook_failing", "sallyport_webhook_recovered"}) {
		t.Errorf("%v", got)
	}
	if strings.Contains(g.log.String(), "of-the-receiver") {
		t.Error("the log has the URL, in which there may be a secret")
	}
}

// types are those of the events after one that tell of webhooks.
func (g *gateway) types(after string) (list []string) {
	g.t.Helper()
	for _, e := range g.events(after) {
		if strings.HasPrefix(e.Type, "sallyport_webhook_") {
			list = append(list, e.Type)
		}
	}
	return list
}

// TestDeliveryIsGivenUpAfterThreeDays, and its webhook switched off, to which
// nothing has come meanwhile.
func TestDeliveryIsGivenUpAfterThreeDays(t *testing.T) {
	t.Parallel()
	g := start(t)
	r := g.receiver("ops")
	r.answers(http.StatusNotFound)
	after := g.lastEvent()
	g.tell()
	for range 12 {
		g.send()
		g.clock.forward(27 * time.Hour)
	}
	if got := r.messages(); len(got) != 10 {
		t.Errorf("%d attempts", len(got))
	}
	list, w := g.deliveries("ops")
	if list[0].State != vault.DeliveryFails || w.Enabled || !strings.Contains(w.Disabled, "three days. The last time: It answered 404") {
		t.Errorf("%+v %+v", list[0], w)
	}
	if got := g.types(after); !slices.Equal(got, []string{"sallyport_webhook_failing", "sallyport_webhook_delivery_failed", "sallyport_webhook_disabled"}) {
		t.Errorf("%v", got)
	}
}

// TestDeliveryIsNotLostWhenTheGatewayStops while it is being sent, or before.
func TestDeliveryIsNotLostWhenTheGatewayStops(t *testing.T) {
	t.Parallel()
	g := start(t)
	r := g.receiver("ops")
	arrived, release := make(chan bool), make(chan bool)
	r.answer = func(http.ResponseWriter) { arrived <- true; <-release }
	g.tell()
	ctx, stop := context.WithCancel(t.Context())
	sent := make(chan error)
	go func() { sent <- g.server.SendNow(ctx) }()
	<-arrived
	stop()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	close(release)
	first := r.only()
	r.answers(http.StatusOK)
	next := g.another(t)
	if err := next.SendNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m := r.only(); m.id != first.id {
		t.Errorf("%s, and %s before", m.id, first.id)
	}
	list, _ := g.deliveries("ops")
	if list[0].State != vault.Delivered || list[0].Attempts != 1 {
		t.Errorf("%+v", list[0])
	}
}

// TestTwoInstancesSendADeliveryOnce.
func TestTwoInstancesSendADeliveryOnce(t *testing.T) {
	t.Parallel()
	g := start(t)
	r := g.receiver("ops")
	for range 20 {
		g.tell()
	}
	other := g.another(t)
	var both sync.WaitGroup
	for _, s := range []*server.Server{g.server, other} {
		both.Go(func() {
			if err := s.SendNow(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	ids := map[string]int{}
	for _, m := range r.messages() {
		ids[m.id]++
	}
	if len(ids) != 20 || slices.Max(slices.Collect(mapValues(ids))) != 1 {
		t.Errorf("%v", ids)
	}
}

func mapValues(m map[string]int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for _, n := range m {
			if !yield(n) {
				return
			}
		}
	}
}

// TestGoneSwitchesAWebhookOff: nothing more is sent, and what happens meanwhile
// is held until somebody asks for it.
func TestGoneSwitchesAWebhookOff(t *testing.T) {
	t.Parallel()
	g := start(t)
	r := g.receiver("ops")
	r.answers(http.StatusGone)
	g.tell()
	g.send()
	r.only()
	r.answers(http.StatusOK)
	g.tell()
	g.clock.forward(time.Hour)
	g.send()
	list, w := g.deliveries("ops")
	if got := r.messages(); len(got) > 0 || w.Enabled || !strings.Contains(w.Disabled, "410") ||
		list[0].State != vault.DeliveryFails || list[1].State != vault.DeliveryHeld {
		t.Fatalf("%+v %+v %+v", got, w, list)
	}
	token := g.manager("update:webhooks", "read:webhooks")
	since := fmt.Sprintf(`{"since":%q}`, g.clock.Now().Add(-2*time.Hour).Format(time.RFC3339))
	if a := g.call(token, "POST", "api/v2/webhooks/ops/replay", since); a.status != 409 || a.str("errorCode") != "webhook_disabled" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.call(token, "PATCH", "api/v2/webhooks/ops", `{"enabled":true}`); a.status != 200 || a.json["disabled_reason"] != nil {
		t.Errorf("%d %s", a.status, a.body)
	}
	g.send()
	if a := g.call(token, "POST", "api/v2/webhooks/ops/replay", since); a.status != 202 || a.json["replayed"] != 2.0 {
		t.Errorf("%d %s", a.status, a.body)
	}
	g.send()
	if got := r.messages(); len(got) != 2 {
		t.Errorf("%+v", got)
	}
}

// TestWebhookThatAsksToWaitIsLeft: no other message is sent to it either.
func TestWebhookThatAsksToWaitIsLeft(t *testing.T) {
	t.Parallel()
	g := start(t)
	r := g.receiver("ops")
	r.answers(http.StatusServiceUnavailable, "Retry-After", "600")
	g.tell()
	g.send()
	r.only()
	r.answers(http.StatusOK)
	g.tell()
	g.clock.forward(595 * time.Second)
	g.send()
	if got := r.messages(); len(got) > 0 {
		t.Fatalf("%+v", got)
	}
	g.clock.forward(10 * time.Second)
	g.send()
	if got := r.messages(); len(got) != 2 {
		t.Errorf("%+v", got)
	}
}

// TestSlowWebhookKeepsNobodyWaiting.
func TestSlowWebhookKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	g := start(t)
	slow, quick := g.receiver("a-slow"), g.receiver("quick")
	release, arrived := make(chan bool), make(chan bool, 10)
	slow.answer = func(http.ResponseWriter) { <-release }
	quick.answer = func(http.ResponseWriter) { arrived <- true }
	for range 6 { // more than are sent at once
		g.tell()
	}
	done := make(chan error)
	go func() { done <- g.server.SendNow(context.Background()) }()
	for range 6 {
		<-arrived
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := slow.messages(); len(got) != 6 {
		t.Errorf("%d", len(got))
	}
}

// TestBothSecretsSignWhileAWebhooksSecretIsChanged, for a day.
func TestBothSecretsSignWhileAWebhooksSecretIsChanged(t *testing.T) {
	t.Parallel()
	g := start(t)
	r := g.receiver("ops")
	token := g.manager("update:webhooks", "read:webhooks")
	a := g.call(token, "POST", "api/v2/webhooks/ops/rotate-secret", "")
	fresh := a.str("secret")
	if a.status != 200 || !strings.HasPrefix(fresh, "whsec_") || fresh == r.secret || a.json["previous_secret_until"] == nil {
		t.Fatalf("%d %s", a.status, a.body)
	}
	g.tell()
	g.send()
	m := r.only()
	if want := signed(t, fresh, m) + " " + signed(t, r.secret, m); m.signature != want {
		t.Errorf("%s, want %s", m.signature, want)
	}
	g.clock.forward(24*time.Hour + time.Second)
	r.secret = fresh
	g.tell()
	g.send()
	if m := r.only(); m.signature != signed(t, fresh, m) {
		t.Errorf("%s", m.signature)
	}
	if a := g.call(g.manager("read:webhooks"), "GET", "api/v2/webhooks", ""); strings.Contains(string(a.body), "whsec_") {
		t.Errorf("it shows secrets: %s", a.body)
	}
}

// TestH46WebhooksDoNotLeadInside: not by their URL, nor by a redirect.
func TestH46WebhooksDoNotLeadInside(t *testing.T) {
	t.Parallel()
	g := start(t)
	inside := g.receiver("inside", vault.GrantEnded)
	g.tell() // which it does not want
	outside := g.receiver("outside", vault.KeyRotated)
	outside.answers(http.StatusTemporaryRedirect, "Location", inside.url)
	g.tell()
	g.send()
	outside.only()
	list, _ := g.deliveries("outside")
	if got := inside.messages(); len(got) > 0 || !strings.Contains(list[0].Problem, "a redirect, which is not followed") {
		t.Errorf("%+v %+v", got, list)
	}
	guarded, err := server.New(t.Context(), server.Config{Issuer: g.issuer, Vault: g.vault, HTTP: connections.NewHTTPClient([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}),
		Now: g.clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	g.clock.forward(10 * time.Second)
	if err := guarded.SendNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, _ = g.deliveries("outside")
	if got := outside.messages(); len(got) > 0 || list[0].Attempts != 2 || !strings.Contains(list[0].Problem, "--allow-private-upstreams does not name it") ||
		strings.Contains(list[0].Problem, "of-the-receiver") {
		t.Errorf("%+v %+v", got, list)
	}
	token := g.manager("update:webhooks")
	for _, url := range []string{"http://example.com/", "https://user:pass@example.com/", "ftp://localhost/", "https://example.com/#part", "//example.com", ""} {
		a := g.call(token, "POST", "api/v2/webhooks", fmt.Sprintf(`{"name":"bad","url":%q}`, url))
		if a.status != 400 || !strings.Contains(a.str("message"), "url: should be a URL with https") {
			t.Errorf("%s: %d %s", url, a.status, a.body)
		}
	}
}
