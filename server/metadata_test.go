package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"sallyport/vault"
)

// TestEachCapabilityOfTheMetadataWorks reads the metadata, and does each thing
// that it names. A member that is not known here is a promise without a test.
func TestEachCapabilityOfTheMetadataWorks(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.update(func(c *vault.Client) { c.GrantTypes = append(c.GrantTypes, exchangeGrant, deviceGrant) })
	metadata := g.get(".well-known/openid-configuration").json
	list := func(name string) (values []string) {
		all, _ := metadata[name].([]any)
		for _, v := range all {
			values = append(values, v.(string))
		}
		if len(values) == 0 {
			t.Errorf("%s is empty", name)
		}
		return values
	}
	each := func(name string, works func(value string) bool) func() {
		return func() {
			for _, value := range list(name) {
				if !works(value) {
					t.Errorf("%s: %s does not work\n%s", name, value, g.log)
				}
			}
		}
	}
	flag := func(name string, want bool) func() {
		return func() {
			if metadata[name] != want {
				t.Errorf("%s is %v", name, metadata[name])
			}
		}
	}
	endpoint := func(name, path string) func() {
		return func() {
			if metadata[name] != g.issuer+path || g.get(path).status == 404 {
				t.Errorf("%s is %v", name, metadata[name])
			}
		}
	}
	authenticates := func(path, token string) func(string) bool {
		return func(method string) bool { return g.authenticatesBy(method, "ES256", path, token) }
	}
	signs := func(path, token string) func(string) bool {
		return func(alg string) bool { return g.authenticatesBy("private_key_jwt", alg, path, token) }
	}
	refresh, tested := g.signIn(ada()).RefreshToken, map[string]bool{}
	for name, check := range map[string]func(){
		"issuer": func() {
			if metadata["issuer"] != g.issuer {
				t.Errorf("issuer is %v", metadata["issuer"])
			}
		},
		"authorization_endpoint":                endpoint("authorization_endpoint", "authorize"),
		"token_endpoint":                        endpoint("token_endpoint", "oauth/token"),
		"userinfo_endpoint":                     endpoint("userinfo_endpoint", "userinfo"),
		"jwks_uri":                              endpoint("jwks_uri", ".well-known/jwks.json"),
		"revocation_endpoint":                   endpoint("revocation_endpoint", "oauth/revoke"),
		"introspection_endpoint":                endpoint("introspection_endpoint", "oauth/introspect"),
		"pushed_authorization_request_endpoint": endpoint("pushed_authorization_request_endpoint", "oauth/par"),
		"device_authorization_endpoint":         endpoint("device_authorization_endpoint", "oauth/device/code"),
		"end_session_endpoint":                  endpoint("end_session_endpoint", "oidc/logout"),

		"claims_parameter_supported":                     flag("claims_parameter_supported", true),
		"request_parameter_supported":                    flag("request_parameter_supported", true),
		"request_uri_parameter_supported":                flag("request_uri_parameter_supported", false),
		"authorization_response_iss_parameter_supported": flag("authorization_response_iss_parameter_supported", true),
		"backchannel_logout_supported":                   flag("backchannel_logout_supported", true), // TestClientIsToldThatItsSessionHasEnded
		"backchannel_logout_session_supported":           flag("backchannel_logout_session_supported", true),

		"subject_types_supported":  each("subject_types_supported", func(s string) bool { return s == "public" }),
		"response_types_supported": each("response_types_supported", func(s string) bool { return s == "code" }),
		"code_challenge_methods_supported": each("code_challenge_methods_supported", func(s string) bool {
			return s == "S256" && g.visit(ada()).Get("code") != ""
		}),
		"ui_locales_supported": each("ui_locales_supported", func(locale string) bool {
			_, body := g.public("/account?ui_locales=" + locale)
			return strings.Contains(body, `<html lang="`+locale+`"`)
		}),
		"scopes_supported": each("scopes_supported", func(scope string) bool {
			granted, _ := g.signIn(ada(), oauth2.SetAuthURLParam("scope", "openid "+scope)).Extra("scope").(string)
			return strings.Contains(granted, scope)
		}),
		"claims_supported": each("claims_supported", func(claim string) bool {
			raw, _ := g.signIn(ada()).Extra("id_token").(string)
			return strings.Contains(string(decode(t, raw, 1)), `"`+claim+`":`)
		}),
		"response_modes_supported": each("response_modes_supported", func(mode string) bool {
			app, _ := g.application()
			page, err := ada().Visit(app.AuthCodeURL("the-state", oauth2.SetAuthURLParam("response_mode", mode)), callback)
			return err == nil && strings.Contains(page.Body+page.URL.String(), "the-state") && strings.Contains(page.Body+page.URL.String(), "code")
		}),
		"prompt_values_supported": each("prompt_values_supported", func(prompt string) bool {
			p := ada()
			g.signIn(p)
			app, _ := g.application()
			page, err := p.Visit(app.AuthCodeURL("the-state", oauth2.SetAuthURLParam("prompt", prompt)), callback)
			return err == nil && (page.URL.Query().Get("code") != "" || prompt == "consent" && strings.Contains(page.Body, "asks for access"))
		}),
		"grant_types_supported": each("grant_types_supported", func(grant string) bool {
			a := g.post("oauth/token", "grant_type", grant, "client_id", "app", "client_secret", appSecret)
			return a.str("error") != "unsupported_grant_type" && a.str("error") != "unauthorized_client"
		}),
		"id_token_signing_alg_values_supported": each("id_token_signing_alg_values_supported", g.signsIDTokensWith),
		"dpop_signing_alg_values_supported": each("dpop_signing_alg_values_supported", func(alg string) bool {
			return g.prove("oauth/token", newSignerFor(t, alg).proof(g, "POST", "oauth/token", "", "", nil), "grant_type", "client_credentials",
				"client_id", "app", "client_secret", appSecret, "audience", "https://api.example").str("token_type") == "DPoP"
		}),
		"request_object_signing_alg_values_supported": each("request_object_signing_alg_values_supported", func(alg string) bool {
			key := newSignerFor(t, alg)
			g.update(func(c *vault.Client) { c.Keys = []vault.ClientKey{{ID: "k1", Alg: alg, JWK: key.jwk("k1")}} })
			return g.push("request", key.sign("oauth-authz-req+jwt", "k1", false, map[string]any{"iss": "app", "aud": g.issuer, "client_id": "app",
				"redirect_uri": callback, "response_type": "code", "scope": "openid", "exp": g.clock.Now().Add(time.Minute).Unix()})).status == 201
		}),
		"token_endpoint_auth_methods_supported":                    each("token_endpoint_auth_methods_supported", authenticates("oauth/token", "")),
		"revocation_endpoint_auth_methods_supported":               each("revocation_endpoint_auth_methods_supported", authenticates("oauth/revoke", "unknown")),
		"introspection_endpoint_auth_methods_supported":            each("introspection_endpoint_auth_methods_supported", authenticates("oauth/introspect", refresh)),
		"token_endpoint_auth_signing_alg_values_supported":         each("token_endpoint_auth_signing_alg_values_supported", signs("oauth/token", "")),
		"revocation_endpoint_auth_signing_alg_values_supported":    each("revocation_endpoint_auth_signing_alg_values_supported", signs("oauth/revoke", "unknown")),
		"introspection_endpoint_auth_signing_alg_values_supported": each("introspection_endpoint_auth_signing_alg_values_supported", signs("oauth/introspect", refresh)),
	} {
		if _, ok := metadata[name]; !ok {
			t.Errorf("%s is missing", name)
		}
		check()
		tested[name] = true
	}
	for name := range metadata {
		if !tested[name] {
			t.Errorf("%s is promised, and not tested", name)
		}
	}
}

// signsIDTokensWith has the application ask for an algorithm.
func (g *gateway) signsIDTokensWith(alg string) bool {
	g.update(func(c *vault.Client) { c.IDTokenAlg = alg })
	g.work()
	raw, _ := g.signIn(ada()).Extra("id_token").(string)
	g.update(func(c *vault.Client) { c.IDTokenAlg = "" })
	provider, err := goidc.NewProvider(context.Background(), g.issuer)
	if err != nil {
		return false
	}
	_, err = provider.Verifier(&goidc.Config{ClientID: "app", SupportedSigningAlgs: []string{alg}}).Verify(context.Background(), raw)
	return err == nil
}

// authenticatesBy has a client authenticate at an endpoint: one that is made for
// it.
func (g *gateway) authenticatesBy(method, alg, path, token string) bool {
	key := newSignerFor(g.t, alg)
	client := vault.Client{ID: "by " + method, Name: "By", AuthMethod: method, GrantTypes: []string{"refresh_token"}}
	pairs := []string{"client_id", client.ID, "grant_type", "refresh_token", "refresh_token", "v1.unknown.token", "token", token}
	header := ""
	switch method {
	case "client_secret_basic", "client_secret_post":
		client.SecretHashes = []string{vault.Hash(appSecret)}
		if method == "client_secret_post" {
			pairs = append(pairs, "client_secret", appSecret)
		} else {
			header = "Basic"
		}
	case "private_key_jwt":
		client.Keys = []vault.ClientKey{{ID: "k1", Alg: alg, JWK: key.jwk("k1")}}
		pairs = append(pairs, "client_assertion", key.assertion(g, map[string]any{"iss": client.ID, "sub": client.ID}),
			"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	}
	g.put(func(tx *vault.Tx) error { return tx.Clients.Put(client) })
	req := g.request("POST", path, "application/x-www-form-urlencoded", form(pairs...).Encode())
	if header != "" {
		req.SetBasicAuth("by+client_secret_basic", appSecret)
	}
	a := g.do(req)
	if path == "oauth/token" {
		return a.status == 403 && a.str("error") == "invalid_grant" // it is the client, and its token unknown
	}
	return a.status == 200
}
