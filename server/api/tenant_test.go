package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/server/api"
	"sallyport/vault"
)

func TestExampleApplies(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	plan := mustApply(t, v, example)
	var names []string
	for _, c := range plan.Changes {
		names = append(names, c.Action+" "+c.Kind+" "+c.Name)
	}
	want := []string{
		"create resource_server https://api.example.com/", "create client sample-app", "create connection salesforce",
		"create client_grant sample-app for https://api.example.com/", "create client_grant sample-app for https://login.example.com/api/v2/",
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	c := client(t, v, "sample-app")
	if c.SecretHashes[0] != vault.Hash(appSecret) || !c.FirstParty || c.Conformant || !c.Rotate || c.RefreshLifetime != 2592000*time.Second ||
		c.RefreshIdle != 1296000*time.Second || len(c.GrantTypes) != 3 || c.RedirectURIs[0] != "http://localhost:8082/callback" {
		t.Errorf("client: %+v", c)
	}
	s := connection(t, v, "salesforce")
	if s.ClientSecret.Reveal() != upstreamSecret || s.ClientID != "3MVG9…" || !s.Active || !s.TokenVault || !s.Allows("sample-app") ||
		s.Options["login_url"] != "https://login.salesforce.com" || len(s.Scopes) != 4 || len(s.ID) != 20 || !strings.HasPrefix(s.ID, "con_") {
		t.Errorf("connection: %+v", s)
	}
	view(t, v, func(tx *vault.Tx) error {
		r, err := tx.ResourceServers.Get("https://api.example.com/")
		if err != nil || len(r.ID) != 24 || len(r.Scopes) != 2 || r.TokenLifetime != time.Hour || !r.AllowOfflineAccess {
			t.Errorf("resource server: %+v, %v", r, err)
		}
		g, err := tx.ClientGrants.Get(vault.ClientGrantKey("sample-app", "https://api.example.com/"))
		if err != nil || len(g.ID) != 20 || !strings.HasPrefix(g.ID, "cgr_") || !slices.Equal(g.Scopes, []string{"read:things"}) {
			t.Errorf("client grant: %+v, %v", g, err)
		}
		return nil
	})
	silent(t, "plan", plan.String())
}

func TestNothingIsLeftToDoAfterApply(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, example)
	before := connection(t, v, "salesforce")
	for _, plan := range []api.Plan{planOf(t, v, example), mustApply(t, v, example)} {
		if !plan.Empty() || plan.String() != "no changes\n" {
			t.Errorf("plan: %s", plan)
		}
		if b, _ := json.Marshal(plan); string(b) != `{"changes":[]}` {
			t.Errorf("JSON: %s", b)
		}
	}
	if after := connection(t, v, "salesforce"); after.ID != before.ID {
		t.Error("the connection has another ID")
	}
}

func TestPlanChangesNothing(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	if plan := planOf(t, v, example); plan.Empty() {
		t.Error("nothing to do")
	}
	if out := export(t, v); out != "connections: []\nclients: []\nresourceServers: []\nclientGrants: []\nwebhooks: []\n" {
		t.Errorf("stored: %s", out)
	}
}

func TestDriftIsShown(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, example)
	if err := v.Update(t.Context(), func(tx *vault.Tx) error {
		c, err := tx.Clients.Get("sample-app")
		if err != nil {
			return err
		}
		c.RedirectURIs, c.AppType = []string{"https://evil.example.com/"}, "native"
		c.SecretHashes = []string{vault.Hash("another secret of theirs")}
		if err := tx.Clients.Put(c); err != nil {
			return err
		}
		s, err := tx.Connections.Get("salesforce")
		if err != nil {
			return err
		}
		s.ClientSecret, s.TokenVault = vault.NewSecret("canary-old"), false
		delete(s.Options, "login_url")
		s.Upstream = map[string]vault.UpstreamParam{"screen_name": {Alias: "login_hint"}}
		return tx.Connections.Put(s)
	}); err != nil {
		t.Fatal(err)
	}
	plan := planOf(t, v, example)
	want := `~ client sample-app
    app_type: native → regular_web
    callbacks: ["https://evil.example.com/"] → ["http://localhost:8082/callback"]
    client_secret: (secret, changed)
~ connection salesforce
    options.login_url: (none) → "https://login.salesforce.com"
    connected_accounts.active: false → true
    options.upstream_params.screen_name.alias: login_hint → (none)
    options.client_secret: (secret, changed)
0 to create, 2 to update
`
	if d := cmp.Diff(want, plan.String()); d != "" {
		t.Error(d)
	}
	b, err := json.Marshal(plan)
	if err != nil || !strings.Contains(string(b), `{"field":"connected_accounts.active","old":"false","new":"true"}`) {
		t.Errorf("JSON: %s, %v", b, err)
	}
	silent(t, "plan", plan.String()+string(b))
	mustApply(t, v, example)
	if plan := planOf(t, v, example); !plan.Empty() {
		t.Errorf("after apply: %s", plan)
	}
}

func TestWhatTheFileDoesNotMentionStays(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, example)
	c, s := client(t, v, "sample-app"), connection(t, v, "salesforce")
	plan := mustApply(t, v, `
clients: [{client_id: sample-app, description: New}]
connections: [{name: salesforce, options: {pkce: true, lifetime: 3600, login_url: ""}}]
`)
	if len(plan.Changes) != 2 {
		t.Errorf("plan: %s", plan)
	}
	c.Description = "New"
	s.Options = map[string]string{"pkce": "true", "lifetime": "3600"}
	if d := cmp.Diff(fmt.Sprint(c), fmt.Sprint(client(t, v, "sample-app"))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(fmt.Sprint(s), fmt.Sprint(connection(t, v, "salesforce"))); d != "" {
		t.Error(d)
	}
	if connection(t, v, "salesforce").ClientSecret.Reveal() != upstreamSecret {
		t.Error("the secret is gone")
	}
}

func TestEmptyListsAreKept(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, example)
	mustApply(t, v, "clients: [{client_id: sample-app, callbacks: [], grant_types: []}]\nconnections: [{name: salesforce, enabled_clients: []}]")
	if c := client(t, v, "sample-app"); len(c.RedirectURIs)+len(c.GrantTypes) > 0 || len(c.LogoutURIs) != 1 {
		t.Errorf("client: %+v", c)
	}
	if s := connection(t, v, "salesforce"); len(s.Clients) > 0 || len(s.Scopes) != 4 {
		t.Errorf("connection: %+v", s)
	}
}

func TestApplyIsAllOrNothing(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	_, err := apply(t, v, strings.Replace(example, "scope: [read:things]", "scope: [read:nothing]", 1))
	if err == nil || !strings.Contains(err.Error(), "clientGrants[0].scope[0]: read:nothing is no scope of https://api.example.com/: it has read:things, write:things") {
		t.Errorf("Apply = %v", err)
	}
	if plan := planOf(t, v, example); len(plan.Changes) != 5 {
		t.Errorf("something was kept: %s", plan)
	}
}

func TestEnabledClients(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	const file = "connections: [{name: salesforce, strategy: salesforce, enabled_clients: [%s]}]\nclients:\n- {client_id: mobile, name: Phone, app_type: native}\n"
	mustApply(t, v, "clients: [{client_id: stored, name: Stored, app_type: spa}]")
	_, err := apply(t, v, fmt.Sprintf(file, "mobile, stored, nobody"))
	if err == nil || err.Error() != "tenant.yaml:1:90: connections[0].enabled_clients[2]: there is no client nobody: name a client of this file or one that is stored, by its client_id" {
		t.Errorf("Apply = %v", err)
	}
	_, err = apply(t, v, fmt.Sprintf(file, "Phone"))
	if err == nil || !strings.Contains(err.Error(), "write the client's client_id, mobile, instead of its name") {
		t.Errorf("Apply = %v", err)
	}
	mustApply(t, v, fmt.Sprintf(file, "mobile, stored"))
	if err := v.Update(t.Context(), func(tx *vault.Tx) error { return tx.Clients.Delete("stored") }); err != nil {
		t.Fatal(err)
	}
	mustApply(t, v, export(t, v)) // what is stored may name a client that is gone
}

func TestScopeIsListOrString(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	for _, scope := range []string{"[openid, api]", "openid api", `" openid  api "`, "[openid api]", "\n        - openid\n        - api"} {
		mustApply(t, v, "connections:\n  - name: c\n    strategy: oidc\n    options:\n      scope: "+scope+"\n")
		if got := connection(t, v, "c").Scopes; !slices.Equal(got, []string{"openid", "api"}) {
			t.Errorf("scope %s = %q", scope, got)
		}
	}
}

func TestSecretIsComparedByItsHash(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, example)
	rotate := func(hashes ...string) {
		t.Helper()
		if err := v.Update(t.Context(), func(tx *vault.Tx) error {
			c, err := tx.Clients.Get("sample-app")
			c.SecretHashes = hashes
			if err != nil {
				return err
			}
			return tx.Clients.Put(c)
		}); err != nil {
			t.Fatal(err)
		}
	}
	rotate(vault.Hash("the next secret of theirs"), vault.Hash(appSecret))
	if plan := planOf(t, v, example); !plan.Empty() {
		t.Errorf("the file's secret is one of two: %s", plan)
	}
	rotate(vault.Hash("the next secret of theirs"), vault.Hash("the one after that"))
	mustApply(t, v, example)
	if c := client(t, v, "sample-app"); !slices.Equal(c.SecretHashes, []string{vault.Hash(appSecret)}) {
		t.Errorf("%d secrets are good", len(c.SecretHashes))
	}
}
