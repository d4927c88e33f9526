package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/server/api"
	"sallyport/vault"
)

func TestExportIsAFile(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, example)
	want := `# Secrets are not exported. Before this file is applied, set
#   SALESFORCE_CLIENT_SECRET
#   SAMPLE_APP_CLIENT_SECRET
connections:
  - name: salesforce
    strategy: salesforce
    display_name: Salesforce
    options:
      client_id: "3MVG9…"
      client_secret: ${SALESFORCE_CLIENT_SECRET}
      scope: [openid, api, refresh_token, offline_access]
      login_url: "https://login.salesforce.com"
    authentication:
      active: true
    connected_accounts:
      active: true
    administrators:
      active: false
    enabled_clients: [sample-app]
clients:
  - client_id: sample-app
    client_secret: ${SAMPLE_APP_CLIENT_SECRET}
    name: Sample application
    app_type: regular_web
    is_first_party: true
    oidc_conformant: false
    callbacks: ["http://localhost:8082/callback"]
    allowed_logout_urls: ["http://localhost:8082/"]
    grant_types:
      - authorization_code
      - refresh_token
      - "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
    token_endpoint_auth_method: client_secret_post
    refresh_token:
      rotation_type: rotating
      expiration_type: expiring
      leeway: 30
      token_lifetime: 2592000
      idle_token_lifetime: 1296000
      infinite_token_lifetime: false
      infinite_idle_token_lifetime: false
    jwt_configuration:
      alg: RS256
      lifetime_in_seconds: 36000
    signed_request_object:
      required: false
    require_pushed_authorization_requests: false
    require_proof_of_possession: false
    compliance_level: none
resourceServers:
  - identifier: "https://api.example.com/"
    name: Example
    scopes:
      - value: "read:things"
        description: Read things
      - value: "write:things"
    signing_alg: RS256
    token_lifetime: 3600
    allow_offline_access: true
clientGrants:
  - client_id: sample-app
    audience: "https://api.example.com/"
    scope: ["read:things"]
  - client_id: sample-app
    audience: "https://login.example.com/api/v2/"
    scope: ["read:users"]
webhooks: []
`
	if d := cmp.Diff(want, export(t, v)); d != "" {
		t.Error(d)
	}
}

// odd are texts that YAML or the substitution would read as something else.
var odd = []string{
	"", " ", "~", "null", "true", "No", "12", "0x1f", "1e3", ".inf", "2001-01-01", "- a", "a: b", "a #b", "#a", "a:", "[a", "{a}", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a",
	`"`, `'`, `\`, `\x24{HOST}`, "${HOST}", "$${HOST}", "${", "##HOST##", "###HOST###", "@@HOST@@", "@@@HOST@@@", "a\nb\n", "\n", "\t", "\r", "é…", "🙂", "\u0085", "\u2028", "\uFEFFa", "\x00", "\x7f", "<<", "?", "? a", "---", "...", "=", ",", "a, b", "x y ", "\U000E0001",
}

func TestExportAppliedChangesNothing(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, example)
	if err := v.Update(t.Context(), func(tx *vault.Tx) error {
		metadata := make(map[string]string)
		var scopes []vault.Scope
		for i, s := range odd {
			metadata[s+"k"], metadata["k"+s] = s, "v"+s
			scopes = append(scopes, vault.Scope{Value: strings.Repeat("s", i+1), Description: s})
		}
		for _, c := range []vault.Client{
			{ID: "sample_app", Name: "Same variable", AuthMethod: "client_secret_basic", SecretHashes: []string{vault.Hash(appSecret)}, AppType: "resource_server", API: "gone"},
			{ID: "9 Lives ${HOST}", Name: "${HOST} & <co>", Description: "a: b", AuthMethod: "none", AppType: "native", RedirectURIs: []string{"app:/cb?x=@@HOST@@"},
				Origins: []string{"https://app.example.com"}, Metadata: metadata, RefreshLifetime: time.Hour, IDTokenLifetime: time.Minute},
		} {
			if err := tx.Clients.Put(c); err != nil {
				return err
			}
		}
		if err := tx.ResourceServers.Put(vault.ResourceServer{Identifier: "urn:x", ID: "x", Scopes: scopes}); err != nil {
			return err
		}
		if err := tx.ClientGrants.Put(vault.ClientGrant{ID: "g", Client: "gone", Audience: "gone too", Scopes: []string{"x"}}); err != nil {
			return err
		}
		return tx.Connections.Put(vault.Connection{
			Name: "other", ID: "con_x", Strategy: "oidc", ClientSecret: vault.NewSecret("canary ${HOST}"), Clients: []string{"gone"},
			Upstream: map[string]vault.UpstreamParam{"a b": {Value: "true"}, "e": {}, "p": {Alias: "login_hint"}},
			Options:  map[string]string{"pkce": "true", "lifetime": "12", "signing_password": "canary-option"},
		})
	}); err != nil {
		t.Fatal(err)
	}
	out := export(t, v)
	silent(t, "export", out)
	if out != export(t, v) {
		t.Error("two exports differ")
	}
	set := map[string]string{"OTHER_CLIENT_SECRET": "canary ${HOST}", "OTHER_SIGNING_PASSWORD": "canary-option", "SAMPLE_APP_CLIENT_SECRET_2": appSecret}
	lookup := func(name string) (string, bool) {
		if s, ok := set[name]; ok {
			return s, ok
		}
		return env(name)
	}
	tenant, err := api.Parse("export.yaml", []byte(out), lookup)
	if err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	view(t, v, func(tx *vault.Tx) error {
		plan, err := tenant.Plan(tx, nil)
		if !plan.Empty() {
			t.Errorf("plan: %s", plan)
		}
		return err
	})
}

func TestExportMakesTheSameElsewhere(t *testing.T) {
	t.Parallel()
	first, second := newVault(t), newVault(t)
	mustApply(t, first, example)
	mustApply(t, second, export(t, first))
	if d := cmp.Diff(export(t, first), export(t, second)); d != "" {
		t.Error(d)
	}
}
