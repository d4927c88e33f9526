package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/connections"
	"sallyport/server/api"
	"sallyport/vault"
)

// other are connections in the shapes of auth0-deploy-cli: an OpenID Provider, a
// custom social connection, and one that Auth0 knows by name.
const other = `
connections:
  - name: acme
    strategy: oidc
    options:
      type: back_channel
      discovery_url: https://login.acme.example/.well-known/openid-configuration
      issuer: https://login.acme.example
      client_id: acme-client
      client_secret: acme-client-secret
      scope: openid profile email
      token_endpoint_auth_method: client_secret_post
      connection_settings: {pkce: auto}
  - name: forge
    strategy: oauth2
    options:
      client_id: forge-client
      client_secret: forge-client-secret
      authorizationURL: https://forge.example/authorize
      tokenURL: https://forge.example/token
      userInfoURL: https://forge.example/user
      scope: [read, write]
      pkce_enabled: true
      authParams: {audience: api.forge.example}
      profile: {id: /id, email: /contact/email, name: /name}
  - name: github
    strategy: github
    options: {client_id: github-client, client_secret: github-client-secret}
`

// applyReal applies a file with the check of the strategies that there are.
func applyReal(t *testing.T, v *vault.Vault, src string) error {
	t.Helper()
	tenant, err := api.Parse("tenant.yaml", []byte(src), env)
	if err != nil {
		return err
	}
	return v.Update(t.Context(), func(tx *vault.Tx) error {
		_, err := tenant.Apply(tx, connections.Check)
		return err
	})
}

func TestOtherProvidersAreReadInAuth0sShapes(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	if err := applyReal(t, v, other); err != nil {
		t.Fatal(err)
	}
	view(t, v, func(tx *vault.Tx) error {
		acme, err := tx.Connections.Get("acme")
		if err != nil || fmt.Sprint(acme.Scopes) != "[openid profile email]" || acme.Options["connection_settings.pkce"] != "auto" || acme.Options["type"] != "back_channel" {
			t.Errorf("%+v, %v", acme, err)
		}
		forge, err := tx.Connections.Get("forge")
		if err != nil || forge.Options["profile.email"] != "/contact/email" || forge.Options["pkce_enabled"] != "true" || forge.Upstream["audience"].Value != "api.forge.example" {
			t.Errorf("%+v, %v", forge, err)
		}
		return nil
	})
	out := export(t, v)
	for _, want := range []string{
		"      connection_settings:\n        pkce: auto\n", "      profile:\n        email: \"/contact/email\"\n        id: \"/id\"\n        name: \"/name\"\n",
		"      upstream_params:\n        audience:\n          value: api.forge.example\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	again, err := api.Parse("export.yaml", []byte(out), func(name string) (string, bool) {
		return strings.ToLower(strings.ReplaceAll(strings.Replace(name, "_CLIENT_SECRET", "-client-secret", 1), "_", "-")), true
	})
	if err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	view(t, v, func(tx *vault.Tx) error {
		plan, err := again.Plan(tx, nil)
		if !plan.Empty() {
			t.Errorf("plan: %s", plan)
		}
		return err
	})
	second := newVault(t)
	if err := applyReal(t, second, strings.NewReplacer("${ACME_CLIENT_SECRET}", "acme-client-secret", "${FORGE_CLIENT_SECRET}", "forge-client-secret", "${GITHUB_CLIENT_SECRET}", "github-client-secret").Replace(out)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(out, export(t, second)); d != "" {
		t.Error(d)
	}
}

// TestPartOfAnOptionIsFaultedAtItsPlace, by the path that the file has.
func TestPartOfAnOptionIsFaultedAtItsPlace(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	for _, tt := range []struct{ old, new, want string }{
		{"email: /contact/email", "email: [a]", "tenant.yaml:25:26: connections[1].options.profile.email: should be text"},
		{"email: /contact/email", "email: contact", "tenant.yaml:25:26: connections[1].options.profile.email: should be a JSON Pointer"},
		{"profile: {id: /id, email: /contact/email, name: /name}", "scripts: {fetchUserProfile: \"function (token, ctx, cb) {}\"}",
			"tenant.yaml:25:17: connections[1].options.scripts.fetchUserProfile: is code, and the gateway runs none: give the userInfoURL"},
		{"type: back_channel", "type: front_channel", "tenant.yaml:6:7: connections[0].options.type: should be back_channel"},
	} {
		if err := applyReal(t, v, strings.Replace(other, tt.old, tt.new, 1)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.new, err)
		}
	}
}

// TestOptionsAreJSON: an option that is an object is kept by its members, and a
// null says nothing.
func TestOptionsAreJSON(t *testing.T) {
	t.Parallel()
	var o api.Options
	const src = `{"client_id":"id","issuer":"https://x","jwks_uri":null,"profile":{"id":"/id","name":"/name"},"upstream_params":{"a.b":{"value":"c"}}}`
	if err := json.Unmarshal([]byte(src), &o); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(o.Strategy) != "map[issuer:https://x profile.id:/id profile.name:/name]" {
		t.Errorf("%v", o.Strategy)
	}
	b, err := json.Marshal(o)
	if want := `{"client_id":"id","issuer":"https://x","profile":{"id":"/id","name":"/name"},"upstream_params":{"a.b":{"value":"c"}}}`; err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}
