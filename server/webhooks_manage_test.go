package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport/connections/simulator"
	"sallyport/vault"
)

// TestWebhooksAreManaged: made, changed, tried and deleted by the management API.
func TestWebhooksAreManaged(t *testing.T) {
	t.Parallel()
	g := start(t)
	r := g.receiver("other")
	token := g.manager("update:webhooks", "read:webhooks")
	make := `{"name":"ops","url":"` + r.url + `","types":["grant.ended"],"description":"Pages somebody"}`
	a := g.call(token, "POST", "api/v2/webhooks", make)
	r.secret = a.str("secret")
	if a.status != 201 || !strings.HasPrefix(r.secret, "whsec_") || a.json["enabled"] != true || a.json["waiting"] != 0.0 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := g.call(token, "POST", "api/v2/webhooks", make); a.status != 409 || a.str("errorCode") != "webhook_exists" {
		t.Errorf("%d %s", a.status, a.body)
	}
	for body, want := range map[string]string{
		`{"types":["grant.dead"]}`:    "types[0]: is unknown: the types are grant.ended, ",
		`{"secret":"whsec_c2hvcnQ="}`: "secret: should be whsec_ and 24 to 64 random bytes",
		`{"urls":[]}`:                 "unknown field",
		`{"name":"another"}`:          "name: cannot be changed",
	} {
		if a := g.call(token, "PATCH", "api/v2/webhooks/ops", body); a.status != 400 || !strings.Contains(a.str("message"), want) || strings.Contains(string(a.body), "c2hvcnQ") {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	id := g.call(token, "POST", "api/v2/webhooks/ops/test", "").str("message_id")
	g.send()
	if m := r.only(); m.id != id || m.Type != "webhook.test" {
		t.Errorf("%+v", m)
	}
	shown := list(t, g.call(token, "GET", "api/v2/webhooks/ops/deliveries?state=delivered", ""))
	if len(shown) != 1 || shown[0]["message_id"] != id || shown[0]["status"] != 200.0 || shown[0]["payload"].(map[string]any)["type"] != "webhook.test" {
		t.Errorf("%v", shown)
	}
	if a := g.call(token, "POST", "api/v2/webhooks/ops/replay", `{"message_id":"`+id+`"}`); a.status != 202 {
		t.Errorf("%d %s", a.status, a.body)
	}
	g.send()
	if m := r.only(); m.id != id {
		t.Errorf("%+v", m)
	}
	for _, bad := range []struct {
		path, body string
		status     int
	}{
		{"ops/replay", `{}`, 400}, {"ops/replay", `{"message_id":"msg_1","since":"2026-11-22T00:00:00Z"}`, 400}, {"ops/replay", `{"message_id":"msg_1"}`, 404},
		{"ops/replay", `{"since":"2026-11-22T00:00:00Z","states":["lost"]}`, 400}, {"nowhere/replay", `{"message_id":"msg_1"}`, 404}, {"nowhere/test", "", 404},
		{"ops/rotate-secret", `{"overlap":-1}`, 400},
	} {
		if a := g.call(token, "POST", "api/v2/webhooks/"+bad.path, bad.body); a.status != bad.status {
			t.Errorf("%s %s: %d %s", bad.path, bad.body, a.status, a.body)
		}
	}
	if a := g.call(token, "DELETE", "api/v2/webhooks/ops", ""); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.call(token, "GET", "api/v2/webhooks/ops", ""); a.status != 404 || a.str("errorCode") != "inexistent_webhook" {
		t.Errorf("%d %s", a.status, a.body)
	}
	g.put(func(tx *vault.Tx) error {
		for d, err := range tx.DeliveriesOf("ops") {
			t.Errorf("left: %+v %v", d, err)
		}
		return nil
	})
	if a := g.call(g.manager("read:webhooks"), "POST", "api/v2/webhooks", make); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestFailingConnectionIsTold once, by the probe and by refreshes that nobody
// answers, and so is that it is well again.
func TestFailingConnectionIsTold(t *testing.T) {
	t.Parallel()
	g := start(t)
	r := g.receiver("ops", vault.ConnectionFailing, vault.ConnectionRecovered)
	probe := func() {
		t.Helper()
		g.clock.forward(7 * time.Hour)
		if err := g.server.ProbeNow(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.send()
	}
	probe()
	g.change(func(c *vault.Connection) { c.ClientSecret = vault.NewSecret("wrong") })
	probe()
	if m := r.only(); m.Type != "connection.failing" || m.Data["connection"] != "salesforce" || m.Data["reason"] != "credentials_refused" || m.Data["message"] == "" || m.Data["action"] == "" {
		t.Errorf("%s", m.body)
	}
	probe()
	g.salesforce.Fail("token", http.StatusServiceUnavailable, "", "") // which tells nothing
	probe()
	if got := r.messages(); len(got) > 0 {
		t.Errorf("%+v", got)
	}
	g.change(func(c *vault.Connection) { c.ClientSecret = vault.NewSecret("consumer-secret") })
	probe()
	if m := r.only(); m.Type != "connection.recovered" || m.Data["reason"] != "credentials_refused" || m.Data["since"] == m.Data["until"] {
		t.Errorf("%s", m.body)
	}
}

func TestSilentProviderIsTold(t *testing.T) {
	t.Parallel()
	g := start(t)
	r := g.receiver("ops", vault.ConnectionFailing, vault.ConnectionRecovered)
	token := g.signIn(ada())
	other := g.another(t)
	g.clock.forward(3 * time.Hour)
	g.trigger("bad-gateway", simulator.Target{Times: 5})
	for range 5 {
		g.exchange(token.RefreshToken)
		g.clock.forward(20 * time.Second)
	}
	for range 2 {
		g.send()
		if err := other.SendNow(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if m := r.only(); m.Type != "connection.failing" || m.Data["reason"] != "no_answer" {
		t.Errorf("%s", m.body)
	}
	g.clock.forward(time.Minute)
	if a := g.exchange(token.RefreshToken); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	g.send()
	if m := r.only(); m.Type != "connection.recovered" || m.Data["reason"] != "no_answer" {
		t.Errorf("%s", m.body)
	}
}

// TestChangesOfKeysAndAccountsAreTold.
func TestChangesOfKeysAndAccountsAreTold(t *testing.T) {
	t.Parallel()
	g := start(t)
	r := g.receiver("ops")
	only := func(kind string) message {
		t.Helper()
		g.send()
		m := r.only()
		if m.Type != kind {
			t.Errorf("%s, want %s", m.body, kind)
		}
		return m
	}
	p := ada()
	token := g.signIn(p)
	user := g.subject(token)
	if m := only("account.connected"); m.Data["user_id"] != user || m.Data["account_id"] == "" {
		t.Errorf("%s", m.body)
	}
	g.signIn(p)
	g.send()
	if got := r.messages(); len(got) > 0 {
		t.Errorf("an account that was connected is told of: %+v", got)
	}
	manager := g.manager("delete:users", "create:signing_keys", "update:connections")
	if a := g.call(manager, "POST", "api/v2/keys/signing/rotate", ""); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if m := only("key.rotated"); m.Data["kind"] != "signing" || m.Data["key_id"] == "" || m.Data["alg"] != "RS256" || m.Data["signs_from"] == nil {
		t.Errorf("%s", m.body)
	}
	if err := g.vault.Rekey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.vault.Reseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m := only("key.rotated"); m.Data["kind"] != "data" || m.Data["key_id"] == "" {
		t.Errorf("%s", m.body)
	}
	if a := g.call(manager, "DELETE", "api/v2/users/"+user, ""); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if m := only("account.disconnected"); m.Data["user_id"] != user {
		t.Errorf("%s", m.body)
	}
	if a := g.call(manager, "POST", "api/v2/connections/salesforce/disconnect", `{"all":true}`); a.status != 202 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if m := only("connection.disconnected"); m.Data["connection"] != "salesforce" {
		t.Errorf("%s", m.body)
	}
}
