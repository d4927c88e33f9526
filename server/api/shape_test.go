package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/server/api"
	"sallyport/vault"
)

func TestClientDefaultsFollowItsKind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, method, grants string }{
		{"", "client_secret_post", "[authorization_code refresh_token]"},
		{"regular_web", "client_secret_post", "[authorization_code refresh_token]"},
		{"spa", "none", "[authorization_code refresh_token]"},
		{"native", "none", "[authorization_code refresh_token]"},
		{"non_interactive", "client_secret_post", "[client_credentials]"},
		{"resource_server", "client_secret_post", "[]"},
	} {
		c := api.Client{ClientID: "a", Name: new("A")}
		if tt.kind != "" {
			c.AppType = &tt.kind
		}
		if tt.method != "none" {
			c.ClientSecret = api.NewSecret(appSecret)
		}
		r, err := c.Record(vault.Client{})
		if err != nil || r.AuthMethod != tt.method || fmt.Sprint(r.GrantTypes) != tt.grants || !r.Rotate || !r.FirstParty || r.Conformant {
			t.Errorf("%q: %+v, %v", tt.kind, r, err)
		}
	}
}

func TestRefreshTokenLifetimes(t *testing.T) {
	t.Parallel()
	const lifetime, idle = 2592000 * time.Second, 1296000 * time.Second
	for _, tt := range []struct {
		json           string
		lifetime, idle time.Duration // from 0, 0
	}{
		{`{}`, 0, 0},
		{`{"expiration_type":"expiring"}`, lifetime, idle},
		{`{"expiration_type":"expiring","infinite_idle_token_lifetime":true}`, lifetime, 0},
		{`{"expiration_type":"non-expiring","token_lifetime":60,"idle_token_lifetime":60}`, 0, 0},
		{`{"infinite_token_lifetime":false}`, lifetime, 0},
		{`{"infinite_token_lifetime":true,"token_lifetime":31557600,"leeway":0}`, 0, 0},
		{`{"token_lifetime":60}`, time.Minute, 0},
		{`{"expiration_type":"expiring","idle_token_lifetime":60}`, lifetime, time.Minute},
	} {
		c := api.Client{RefreshToken: new(api.RefreshToken)}
		if err := json.Unmarshal([]byte(tt.json), c.RefreshToken); err != nil {
			t.Fatal(err)
		}
		old := vault.Client{ID: "a", Name: "A", AuthMethod: "none", AppType: "spa", IDTokenLifetime: time.Hour}
		r, err := c.Record(old)
		if err != nil || r.RefreshLifetime != tt.lifetime || r.RefreshIdle != tt.idle || r.Rotate {
			t.Errorf("%s: %v, %v, %v", tt.json, r.RefreshLifetime, r.RefreshIdle, err)
		}
		again, err := api.ClientOf(r).Record(r)
		if d := cmp.Diff(fmt.Sprint(r), fmt.Sprint(again)); err != nil || d != "" {
			t.Errorf("%s: its own shape changes it: %s, %v", tt.json, d, err)
		}
	}
}

func TestOriginsAreOneList(t *testing.T) {
	t.Parallel()
	a, b := "https://a.example.com", "http://localhost:3000"
	r, err := api.Client{ClientID: "a", Name: new("A"), AppType: new("spa"), WebOrigins: []string{a, b}, AllowedOrigins: []string{b}}.Record(vault.Client{})
	if err != nil || fmt.Sprint(r.Origins) != fmt.Sprint([]string{a, b}) {
		t.Errorf("%v, %v", r.Origins, err)
	}
}

func TestClientThatBecomesPublicForgetsItsSecrets(t *testing.T) {
	t.Parallel()
	old := vault.Client{ID: "a", Name: "A", AppType: "regular_web", AuthMethod: "client_secret_post", SecretHashes: []string{"h"}}
	r, err := api.Client{TokenEndpointAuthMethod: new("none")}.Record(old)
	if err != nil || len(r.SecretHashes) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAnotherStrategyBeginsWithoutOptions(t *testing.T) {
	t.Parallel()
	old := vault.Connection{Name: "c", Strategy: "oidc", ClientID: "id", Options: map[string]string{"issuer": "x"}}
	r, err := api.Connection{Strategy: new("salesforce"), Options: &api.Options{Strategy: map[string]string{"login_url": "y"}}}.Record(old)
	if err != nil || fmt.Sprint(r.Options) != "map[login_url:y]" || r.ClientID != "id" || old.Options["issuer"] != "x" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRecordDoesNotChangeTheOldOne(t *testing.T) {
	t.Parallel()
	old := vault.Connection{Name: "c", Strategy: "oidc", Options: map[string]string{"issuer": "x"}}
	if _, err := (api.Connection{Options: &api.Options{Strategy: map[string]string{"issuer": ""}}}).Record(old); err != nil || old.Options["issuer"] != "x" {
		t.Errorf("%+v, %v", old, err)
	}
}

func TestInvalidFieldHasItsNameInTheShape(t *testing.T) {
	t.Parallel()
	var invalid *vault.Invalid
	_, err := api.Client{ClientID: "a", Name: new("A"), ClientSecret: api.NewSecret("short")}.Record(vault.Client{})
	if !errors.As(err, &invalid) || invalid.Field != "client_secret" {
		t.Errorf("Record = %v", err)
	}
}

func TestShapesAreJSON(t *testing.T) {
	t.Parallel()
	const src = `{"name":"c","strategy":"oidc","options":{"client_id":"id","issuer":"https://x","lifetime":3600,"pkce":true,"scope":"a b","upstream_params":{"p":{"alias":"login_hint"}}},` +
		`"authentication":{"active":false},"enabled_clients":[]}`
	var c api.Connection
	if err := json.Unmarshal([]byte(src), &c); err != nil {
		t.Fatal(err)
	}
	r, err := c.Record(vault.Connection{ID: "con_1"})
	if err != nil || r.ID != "con_1" || r.Active || fmt.Sprint(r.Scopes) != "[a b]" || fmt.Sprint(r.Options) != "map[issuer:https://x lifetime:3600 pkce:true]" {
		t.Fatalf("%+v, %v", r, err)
	}
	b, err := json.Marshal(api.ConnectionOf(r))
	want := `{"name":"c","strategy":"oidc","options":{"client_id":"id","issuer":"https://x","lifetime":"3600","pkce":"true","scope":["a","b"],"upstream_params":{"p":{"alias":"login_hint"}}},` +
		`"authentication":{"active":false},"connected_accounts":{"active":false},"administrators":{"active":false},"enabled_clients":[]}`
	if d := cmp.Diff(want, string(b)); err != nil || d != "" {
		t.Errorf("%s, %v", d, err)
	}
	for _, bad := range []string{`{"options":{"a":[]}}`, `{"options":{"scope":1}}`, `{"options":{"client_secret":["canary"]}}`, `{"enabled_clients":"a"}`} {
		if err := json.Unmarshal([]byte(bad), &c); err == nil {
			t.Errorf("%s was read", bad)
		} else {
			silent(t, "error", err.Error())
		}
	}
}

func TestShapesShowNoSecret(t *testing.T) {
	t.Parallel()
	c := api.ClientOf(vault.Client{ID: "a", SecretHashes: []string{"canary-hash"}})
	s := api.ConnectionOf(vault.Connection{Name: "c", ClientSecret: vault.NewSecret("canary")})
	b, err := json.Marshal([]any{c, s})
	if err != nil || c.ClientSecret != nil || s.Options.ClientSecret != nil {
		t.Errorf("%s, %v", b, err)
	}
	secret := struct{ S *api.Secret }{api.NewSecret("canary")}
	if b, err := json.Marshal(secret); err == nil {
		t.Errorf("marshalled as %s", b)
	}
	silent(t, "print", string(b)+fmt.Sprintf("%v %+v %#v %s %v", secret, secret, *secret.S, secret.S, []api.Secret{*secret.S}))
}

func TestPlanSaysWhatHappens(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	plan := mustApply(t, v, "clients: [{client_id: \"a\\eb\", name: A, app_type: spa}]\nconnections: [{name: c, strategy: oidc, options: {client_secret: \"${SALESFORCE_CLIENT_SECRET}\", signing_password: canary-option}}]")
	out := plan.String()
	silent(t, "plan", out)
	for _, want := range []string{"+ client \"a\\x1bb\"\n", "    token_endpoint_auth_method: none\n", "+ connection c\n", "    options.client_secret: (secret)\n", "    options.signing_password: (secret)\n", "2 to create, 0 to update\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
