package api_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sallyport/server/api"
	"sallyport/vault"
	"sallyport/vault/bolt"
	"sallyport/vault/storetest"
)

// The secrets of the tests' environment: none may be seen anywhere.
const (
	upstreamSecret = "canary-upstream-0123456789"
	appSecret      = "canary-app-0123456789abcdef"
)

var environ = map[string]string{
	"SALESFORCE_CLIENT_SECRET": upstreamSecret,
	"SAMPLE_APP_CLIENT_SECRET": appSecret,
	"SAMPLE_APP_SECRET":        appSecret,
	"HOST":                     "app.example.com",
	"ON":                       "true",
	"MONTH":                    "2592000",
	"CALLBACKS":                `["https://a.example.com/cb", "https://b.example.com/cb"]`,
	"NOT_JSON":                 "canary-not-json",
	"INJECT":                   "x\nis_first_party: false # {",
	"EMPTY":                    "",
	"LATIN1":                   "canary-\xff",
}

func env(name string) (string, bool) {
	value, ok := environ[name]
	return value, ok
}

func newVault(t *testing.T) *vault.Vault {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	v, err := vault.Open(t.Context(), storetest.Lent(storetest.Twice(s)), vault.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// check stands in for the strategies.
func check(c vault.Connection) error {
	if !slices.Contains([]string{"salesforce", "salesforce-sandbox", "oidc"}, c.Strategy) {
		return &vault.Invalid{Field: "strategy", Problem: "should be salesforce, salesforce-sandbox or oidc"}
	}
	for name := range c.Options {
		if !slices.Contains([]string{"login_url", "pkce", "lifetime", "signing_password"}, name) {
			return &vault.Invalid{Field: "options." + name, Problem: "is not an option of " + c.Strategy}
		}
	}
	if c.Options["login_url"] == "bad" {
		return errors.New("cannot use\n" + c.ClientSecret.Reveal())
	}
	return nil
}

func parse(t *testing.T, src string) *api.Tenant {
	t.Helper()
	tenant, err := api.Parse("tenant.yaml", []byte(src), env)
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

// apply parses and applies a file.
func apply(t *testing.T, v *vault.Vault, src string) (plan api.Plan, err error) {
	t.Helper()
	tenant, err := api.Parse("tenant.yaml", []byte(src), env)
	if err != nil {
		return plan, err
	}
	err = v.Update(t.Context(), func(tx *vault.Tx) (err error) { plan, err = tenant.Apply(tx, check); return err })
	return plan, err
}

func mustApply(t *testing.T, v *vault.Vault, src string) api.Plan {
	t.Helper()
	plan, err := apply(t, v, src)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func planOf(t *testing.T, v *vault.Vault, src string) (plan api.Plan) {
	t.Helper()
	tenant := parse(t, src)
	view(t, v, func(tx *vault.Tx) (err error) { plan, err = tenant.Plan(tx, check); return err })
	return plan
}

func view(t *testing.T, v *vault.Vault, fn func(*vault.Tx) error) {
	t.Helper()
	if err := v.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func client(t *testing.T, v *vault.Vault, id string) (c vault.Client) {
	t.Helper()
	view(t, v, func(tx *vault.Tx) (err error) { c, err = tx.Clients.Get(id); return err })
	return c
}

func connection(t *testing.T, v *vault.Vault, name string) (c vault.Connection) {
	t.Helper()
	view(t, v, func(tx *vault.Tx) (err error) { c, err = tx.Connections.Get(name); return err })
	return c
}

func export(t *testing.T, v *vault.Vault) (out string) {
	t.Helper()
	view(t, v, func(tx *vault.Tx) error {
		b, err := api.Export(tx)
		out = string(b)
		return err
	})
	return out
}

// silent fails the test if a text tells a secret.
func silent(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, "canary") {
		t.Errorf("%s tells a secret: %s", what, text)
	}
}

// example is the file that the documentation shows.
const example = `connections:
  - name: salesforce
    strategy: salesforce            # salesforce, salesforce-sandbox, …
    display_name: Salesforce
    options:
      client_id: 3MVG9…
      client_secret: ${SALESFORCE_CLIENT_SECRET}
      login_url: https://login.salesforce.com
      scope: [openid, api, refresh_token, offline_access]
      upstream_params: {}
    authentication: {active: true}
    connected_accounts: {active: true}            # keep its token sets in the vault
    enabled_clients: [sample-app]
clients:
  - client_id: sample-app
    client_secret: ${SAMPLE_APP_SECRET}
    name: Sample application
    app_type: regular_web
    callbacks: [http://localhost:8082/callback]
    allowed_logout_urls: [http://localhost:8082/]
    token_endpoint_auth_method: client_secret_post
    grant_types: [authorization_code, refresh_token, "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"]
resourceServers:
  - identifier: https://api.example.com/
    name: Example
    scopes:
      - {value: "read:things", description: Read things}
      - value: write:things
    token_lifetime: 3600
    allow_offline_access: true
clientGrants:
  - client_id: sample-app
    audience: https://api.example.com/
    scope: [read:things]
  - client_id: sample-app
    audience: https://login.example.com/api/v2/
    scope: [read:users]
`
