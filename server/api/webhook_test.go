package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/server/api"
	"sallyport/vault"
)

const (
	webhookSecret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	anotherSecret = "whsec_NTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
)

// TestWebhookBecomesWhatTheShapeSays, and keeps the rest.
func TestWebhookBecomesWhatTheShapeSays(t *testing.T) {
	t.Parallel()
	now := time.Now()
	made, err := api.Webhook{Name: "ops", URL: new("https://ops.example/"), Types: []string{"grant.ended", "grant.ended"}, Secret: api.NewSecret(webhookSecret)}.Record(vault.Webhook{}, now)
	if err != nil || !made.Enabled || !slices.Equal(made.Types, []vault.MessageType{vault.GrantEnded}) || !made.Created.Equal(now) || len(made.Secrets(now)) != 1 {
		t.Fatalf("%+v %v", made, err)
	}
	failing := made
	failing.Enabled, failing.Disabled, failing.FailingSince, failing.PausedUntil = false, "It answered 410.", now, now.Add(time.Hour)
	for name, tt := range map[string]struct {
		old  vault.Webhook
		to   api.Webhook
		want func(vault.Webhook) bool
	}{
		"nothing":         {failing, api.Webhook{Name: "ops"}, func(w vault.Webhook) bool { return w.Disabled == failing.Disabled && w.FailingSince.Equal(now) }},
		"all types":       {made, api.Webhook{Types: []string{}}, func(w vault.Webhook) bool { return w.Wants(vault.KeyRotated) && w.URL == made.URL }},
		"the same secret": {made, api.Webhook{Secret: api.NewSecret(webhookSecret)}, func(w vault.Webhook) bool { return len(w.Secrets(now)) == 1 }},
		"another secret": {made, api.Webhook{Secret: api.NewSecret(anotherSecret)}, func(w vault.Webhook) bool {
			return len(w.Secrets(now.Add(23*time.Hour))) == 2 && len(w.Secrets(now.Add(25*time.Hour))) == 1 && w.Secret.Reveal() == anotherSecret
		}},
		"on": {failing, api.Webhook{Enabled: new(true)}, func(w vault.Webhook) bool {
			return w.Enabled && w.Disabled == "" && w.FailingSince.IsZero() && w.PausedUntil.IsZero()
		}},
		"off": {made, api.Webhook{Enabled: new(false)}, func(w vault.Webhook) bool { return !w.Enabled && w.Disabled == "" }},
	} {
		if got, err := tt.to.Record(tt.old, now); err != nil || !tt.want(got) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

// TestWebhooksAreInTheTenantFile, which makes them, changes them, and is exported
// without their secrets.
func TestWebhooksAreInTheTenantFile(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	file := "webhooks: [{name: ops, url: https://ops.example/hook, types: [grant.ended], secret: " + webhookSecret + "}]"
	if plan := mustApply(t, v, file).String(); !strings.Contains(plan, "+ webhook ops") || strings.Contains(plan, "whsec_") {
		t.Error(plan)
	}
	if plan := mustApply(t, v, file); !plan.Empty() {
		t.Errorf("again: %s", plan)
	}
	plan := mustApply(t, v, strings.Replace(file, webhookSecret, anotherSecret, 1)).String()
	if !strings.Contains(plan, "~ webhook ops") || !strings.Contains(plan, "secret: (secret, changed)") || strings.Contains(plan, "whsec_") {
		t.Error(plan)
	}
	if out := export(t, v); !strings.Contains(out, "#   OPS_SECRET\n") || !strings.Contains(out, "secret: ${OPS_SECRET}") || strings.Contains(out, "whsec_") {
		t.Error(out)
	}
}
