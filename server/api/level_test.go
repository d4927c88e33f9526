package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/vault"
)

func TestSecurityOfClients(t *testing.T) {
	t.Parallel()
	signs := "signed_request_object: {required: true, credentials: [{pem: " + fmt.Sprintf("%q", ecPEM) + "}]}"
	for _, tt := range []struct {
		fields string
		plan   string // what it says
		is     func(vault.Client) bool
	}{
		{"description: none of it", "refresh_token.leeway: 30", func(c vault.Client) bool {
			return c.RefreshLeeway == 30*time.Second && c.IDTokenAlg == "" && !c.RequirePAR && !c.RequireDPoP && !c.RequireSignedRequest && !c.FAPI && c.BackchannelLogoutURI == ""
		}},
		{"refresh_token: {leeway: 0}", "refresh_token.leeway: 0", func(c vault.Client) bool { return c.RefreshLeeway == 0 }},
		{"refresh_token: {leeway: 300}", "refresh_token.leeway: 300", func(c vault.Client) bool { return c.RefreshLeeway == 5*time.Minute }},
		{"jwt_configuration: {alg: RS256}", "jwt_configuration.alg: RS256", func(c vault.Client) bool { return c.IDTokenAlg == "" }},
		{"jwt_configuration: {alg: PS256}", "jwt_configuration.alg: PS256", func(c vault.Client) bool { return c.IDTokenAlg == "PS256" }},
		{"jwt_configuration: {alg: ES256}", "jwt_configuration.alg: ES256", func(c vault.Client) bool { return c.IDTokenAlg == "ES256" }},
		{"jwt_configuration: {alg: EdDSA}", "jwt_configuration.alg: EdDSA", func(c vault.Client) bool { return c.IDTokenAlg == "EdDSA" }},
		{"require_pushed_authorization_requests: true", "require_pushed_authorization_requests: true", func(c vault.Client) bool { return c.RequirePAR }},
		{"require_proof_of_possession: true", "require_proof_of_possession: true", func(c vault.Client) bool { return c.RequireDPoP }},
		{signs, "signed_request_object.required: true", func(c vault.Client) bool {
			return c.RequireSignedRequest && len(c.Keys) == 1 && c.Keys[0].JWK == ecJWK && c.AuthMethod == "client_secret_post"
		}},
		{"compliance_level: none", "compliance_level: none", func(c vault.Client) bool { return !c.FAPI }},
		{"oidc_logout: {backchannel_logout_urls: [https://app.example.com/logout]}", `oidc_logout.backchannel_logout_urls: ["https://app.example.com/logout"]`,
			func(c vault.Client) bool { return c.BackchannelLogoutURI == "https://app.example.com/logout" }},
		{"oidc_logout: {backchannel_logout_urls: [\"http://[::1]:3000/logout\"]}", "oidc_logout", func(c vault.Client) bool { return c.BackchannelLogoutURI == "http://[::1]:3000/logout" }},
		{"oidc_logout: {backchannel_logout_urls: []}", "", func(c vault.Client) bool { return c.BackchannelLogoutURI == "" }},
	} {
		t.Run(tt.fields, func(t *testing.T) {
			t.Parallel()
			v := newVault(t)
			plan := mustApply(t, v, "clients: [{client_id: sample-app, name: App, client_secret: ${SAMPLE_APP_SECRET}, "+tt.fields+"}]")
			c := client(t, v, "sample-app")
			if !tt.is(c) || !strings.Contains(plan.String(), tt.plan+"\n") && !strings.Contains(plan.String(), tt.plan+".") {
				t.Errorf("%+v\n%s", c, plan)
			}
			out := export(t, v)
			if plan := planOf(t, v, out); !plan.Empty() {
				t.Errorf("%s\n%s", plan, out)
			}
			elsewhere := newVault(t)
			mustApply(t, elsewhere, out)
			if d := cmp.Diff(out, export(t, elsewhere)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSecurityOfClientsStays(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, `clients: [{client_id: app, name: App, compliance_level: fapi2_sp_pkj_dpop, jwks: {keys: [`+edJWK+`]}, refresh_token: {leeway: 7},
  require_pushed_authorization_requests: true, require_proof_of_possession: true, signed_request_object: {required: true}, oidc_logout: {backchannel_logout_urls: [https://a/]}}]`)
	before := client(t, v, "app")
	if !before.FAPI || before.IDTokenAlg != "PS256" || !before.RequirePAR || !before.RequireDPoP || !before.RequireSignedRequest {
		t.Errorf("client: %+v", before)
	}
	mustApply(t, v, "clients: [{client_id: app, refresh_token: {}, jwt_configuration: {}, signed_request_object: {}, oidc_logout: {}, client_authentication_methods: {}, description: New}]")
	after := client(t, v, "app")
	before.Description = "New"
	if d := cmp.Diff(fmt.Sprint(before), fmt.Sprint(after)); d != "" {
		t.Error(d)
	}
	if plan := planOf(t, v, export(t, v)); !plan.Empty() {
		t.Error(plan)
	}
	plan := mustApply(t, v, `clients: [{client_id: app, compliance_level: none, jwt_configuration: {alg: RS256}, require_pushed_authorization_requests: false,
  require_proof_of_possession: false, signed_request_object: {required: false}, oidc_logout: {backchannel_logout_urls: []}}]`)
	want := `~ client app
    jwt_configuration.alg: PS256 → RS256
    signed_request_object.required: true → false
    require_pushed_authorization_requests: true → false
    require_proof_of_possession: true → false
    compliance_level: fapi2_sp_pkj_dpop → none
    oidc_logout.backchannel_logout_urls: ["https://a/"] → (none)
0 to create, 1 to update
`
	if d := cmp.Diff(want, plan.String()); d != "" {
		t.Error(d)
	}
}

func TestLevelWantsWhatItCannotDoWithout(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, "clients: [{client_id: app, name: App, "+credential(rsaPEM)+"}]")
	for _, tt := range []struct{ fields, want string }{
		{"compliance_level: fapi2_sp_pkj_dpop", "tenant.yaml:1:11: clients[0].jwt_configuration.alg: should be PS256, ES256 or EdDSA"},
		{"compliance_level: fapi2_sp_pkj_dpop, jwt_configuration: {alg: ES256}", "tenant.yaml:1:28: clients[0].compliance_level: has no use for a key that is stored for RS256"},
	} {
		if _, err := apply(t, v, "clients: [{client_id: app, "+tt.fields+"}]"); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("Apply = %v", err)
		}
	}
	mustApply(t, v, "clients: [{client_id: app, compliance_level: fapi2_sp_pkj_dpop, jwt_configuration: {alg: ES256}, "+credential(rsaPEM, "alg: PS256")+"}]")
}

func TestAlgorithmOfResourceServers(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	for _, tt := range []struct{ alg, kept string }{{"RS256", ""}, {"PS256", "PS256"}, {"ES256", "ES256"}, {"EdDSA", "EdDSA"}, {"RS256", ""}} {
		plan := mustApply(t, v, "resourceServers: [{identifier: urn:x, signing_alg: "+tt.alg+"}]")
		view(t, v, func(tx *vault.Tx) error {
			r, err := tx.ResourceServers.Get("urn:x")
			if r.Alg != tt.kept || !strings.Contains(plan.String(), "signing_alg: ") || !strings.Contains(plan.String(), tt.alg+"\n") {
				t.Errorf("%s: %+v\n%s", tt.alg, r, plan)
			}
			return err
		})
		mustApply(t, v, "resourceServers: [{identifier: urn:x}]")
		if plan := planOf(t, v, export(t, v)); !plan.Empty() {
			t.Error(plan)
		}
	}
}
