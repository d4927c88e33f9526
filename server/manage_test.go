package server_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

// manager is an access token of the management API, with all its scopes.
func (g *gateway) manager(scopes ...string) string {
	g.t.Helper()
	g.put(func(tx *vault.Tx) error {
		return tx.ClientGrants.Put(vault.ClientGrant{ID: "cgr_m", Client: "app", Audience: g.issuer + "api/v2/", Scopes: []string{
			"read:clients", "update:clients", "update:client_keys", "read:grants", "delete:grants", "read:signing_keys", "create:signing_keys", "read:backups", "read:logs", "update:store", "update:vault_keys",
			"read:connections", "update:connections", "read:users", "delete:users", "read:federated_connections_tokens", "delete:federated_connections_tokens",
			"read:webhooks", "update:webhooks"}})
	})
	a := g.post("oauth/token", "grant_type", "client_credentials", "client_id", "app", "client_secret", appSecret,
		"audience", g.issuer+"api/v2/", "scope", strings.Join(scopes, " "))
	if a.status != 200 {
		g.t.Fatalf("%d %s", a.status, a.body)
	}
	return a.str("access_token")
}

// call calls an API of the gateway's own.
func (g *gateway) call(token, method, path, body string) answer {
	g.t.Helper()
	kind := ""
	if body != "" {
		kind = "application/json"
	}
	req := g.request(method, path, kind, body)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return g.do(req)
}

func list(t *testing.T, a answer) (list []map[string]any) {
	t.Helper()
	if err := json.Unmarshal(a.body, &list); a.status != 200 || err != nil {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return list
}

// allowed has Ada allow the application, which is somebody else's, and returns
// its tokens.
func (g *gateway) allowed(options ...oauth2.AuthCodeOption) *oauth2.Token {
	g.t.Helper()
	p := ada()
	_, interaction := g.asked(p, options...)
	q, _ := g.decide(p, interaction, "allow")
	app, _ := g.application()
	token, err := app.Exchange(g.t.Context(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		g.t.Fatal(err)
	}
	return token
}

// TestConsentThatIsTakenBackEndsWhatItBrought: at once, in every use (H33), and
// for good, also if the user allows the application anew.
func TestConsentThatIsTakenBackEndsWhatItBrought(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.thirdParty()
	token := g.allowed()
	manager := g.manager()

	grants := list(t, g.call(manager, "GET", "api/v2/grants?user_id="+url.QueryEscape(g.subject(token)), ""))
	if len(grants) != 1 || grants[0]["clientID"] != "app" || grants[0]["user_id"] != g.subject(token) {
		t.Fatalf("%v", grants)
	}
	if len(list(t, g.call(manager, "GET", "api/v2/grants?user_id=salesforce", ""))) != 0 {
		t.Error("a user whose ID another's begins with has that one's grants")
	}
	uses := map[string]func() answer{
		"exchange": func() answer { return g.exchange(token.RefreshToken) },
		"userinfo": func() answer { return g.get("userinfo", "Authorization", "Bearer "+token.AccessToken) },
		"refresh": func() answer {
			return g.post("oauth/token", "grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret, "refresh_token", token.RefreshToken)
		},
	}
	if a := uses["exchange"](); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	id := grants[0]["id"].(string)
	if a := g.call(manager, "DELETE", "api/v2/grants/"+id, ""); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	refused := func(when string) {
		for name, use := range uses {
			if a := use(); a.status != 401 && a.status != 403 {
				t.Errorf("%s, %s: %d %s", name, when, a.status, a.body)
			}
		}
		introspected := g.post("oauth/introspect", "client_id", "app", "client_secret", appSecret, "token", token.RefreshToken)
		if introspected.json["active"] != false {
			t.Errorf("introspection, %s: %s", when, introspected.body)
		}
	}
	refused("taken back")
	if a := g.call(manager, "DELETE", "api/v2/grants/"+id, ""); a.status != 404 || a.str("errorCode") != "inexistent_grant" {
		t.Errorf("taken back twice: %d %s", a.status, a.body)
	}
	anew := g.allowed()
	refused("and given anew")
	if a := g.exchange(anew.RefreshToken); a.status != 200 {
		t.Errorf("the new one: %d %s", a.status, a.body)
	}
	if a := g.call(manager, "DELETE", "api/v2/grants?user_id="+url.QueryEscape(g.subject(anew)), ""); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.exchange(anew.RefreshToken); a.status != 401 {
		t.Errorf("all of the user's taken back: %d %s", a.status, a.body)
	}
}

func (g *gateway) subject(token *oauth2.Token) string {
	g.t.Helper()
	return g.get("userinfo", "Authorization", "Bearer "+token.AccessToken).str("sub")
}

// TestUsersTakeBackTheirOwnConsents by an application of theirs, and nobody
// else's.
func TestUsersTakeBackTheirOwnConsents(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.thirdParty()
	token := g.allowed()
	mine := oauth2.SetAuthURLParam("audience", g.issuer+"me/")
	scopes := oauth2.SetAuthURLParam("scope", "openid read:me:grants delete:me:grants")
	g.put(func(tx *vault.Tx) error { // so that what follows asks nothing
		c, err := tx.Clients.Get("app")
		c.FirstParty = true
		if err != nil {
			return err
		}
		return tx.Clients.Put(c)
	})
	me, other := g.signIn(ada(), mine, scopes), g.signIn(grace(), mine, scopes)

	grants := list(t, g.call(me.AccessToken, "GET", "me/v1/grants", ""))
	if len(grants) != 1 || len(list(t, g.call(other.AccessToken, "GET", "me/v1/grants", ""))) != 0 {
		t.Fatalf("%v", grants)
	}
	id := grants[0]["id"].(string)
	a := g.call(other.AccessToken, "DELETE", "me/v1/grants/"+id, "")
	if a.status != 404 || a.str("detail") == "" || a.json["status"] != float64(404) || a.str("title") != "Not Found" {
		t.Errorf("somebody else takes it back: %d %s", a.status, a.body)
	}
	if a := g.exchange(token.RefreshToken); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.call(me.AccessToken, "DELETE", "me/v1/grants/"+id, ""); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.exchange(token.RefreshToken); a.status != 401 {
		t.Errorf("taken back: %d %s", a.status, a.body)
	}
}

// TestH28TokensForOthersDoNotManage shows the gateway's own APIs each token that
// is not for them.
func TestH28TokensForOthersDoNotManage(t *testing.T) {
	t.Parallel()
	g := start(t)
	manager, reader := g.manager(), g.manager("read:clients")
	signedIn := g.signIn(ada())
	mine := g.signIn(ada(), oauth2.SetAuthURLParam("audience", g.issuer+"me/"), oauth2.SetAuthURLParam("scope", "openid read:me:grants"))
	forAPI := g.post("oauth/token", "grant_type", "client_credentials", "client_id", "app", "client_secret", appSecret, "audience", "https://api.example").str("access_token")
	for _, tt := range []struct {
		name, token, method, path string
		status                    int
		code                      string
	}{
		{"no token", "", "GET", "api/v2/clients", 401, "invalid_token"},
		{"an opaque token", signedIn.AccessToken, "GET", "api/v2/clients", 401, "invalid_token"},
		{"an ID token", signedIn.Extra("id_token").(string), "GET", "api/v2/clients", 401, "invalid_token"},
		{"a refresh token", signedIn.RefreshToken, "GET", "api/v2/clients", 401, "invalid_token"},
		{"a token for another API", forAPI, "GET", "api/v2/clients", 401, "invalid_token"},
		{"a token for the user's account", mine.AccessToken, "GET", "api/v2/clients", 401, "invalid_token"},
		{"without the scope", reader, "GET", "api/v2/grants", 403, "insufficient_scope"},
		{"without the scope to change", reader, "POST", "api/v2/clients/app/rotate-secret", 403, "insufficient_scope"},
		{"a client at a user's account", manager, "GET", "me/v1/grants", 401, ""},
		{"with the scope", reader, "GET", "api/v2/clients", 200, ""},
		{"no such path", manager, "GET", "api/v2/nothing", 404, "invalid_request"},
	} {
		a := g.call(tt.token, tt.method, tt.path, "")
		if a.status != tt.status || a.str("errorCode") != tt.code {
			t.Errorf("%s: %d %s", tt.name, a.status, a.body)
		}
		if a.status == 401 && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: no challenge: %v", tt.name, a.header)
		}
	}
	// Who can sign in must not have the scopes of those who run the gateway.
	if q := g.visit(ada(), oauth2.SetAuthURLParam("audience", g.issuer+"api/v2/"), oauth2.SetAuthURLParam("scope", "openid read:clients")); q.Get("code") != "" || q.Get("error") != "access_denied" {
		t.Errorf("a user asks for the management API: %v", q)
	}
	g.put(func(tx *vault.Tx) error { return tx.Clients.Delete("app") })
	if a := g.call(reader, "GET", "api/v2/clients", ""); a.status != 401 {
		t.Errorf("of a client that is gone: %d", a.status)
	}
}

// TestH37ManagementTokensAreBoundToKeys that their clients have (RFC 9449).
func TestH37ManagementTokensAreBoundToKeys(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.manager()
	key := newSigner(t)
	a := g.prove("oauth/token", key.proof(g, "POST", "oauth/token", "", "", nil), "grant_type", "client_credentials", "client_id", "app", "client_secret", appSecret, "audience", g.issuer+"api/v2/")
	token := a.str("access_token")
	if a.str("token_type") != "DPoP" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	call := func(scheme, proof string) answer {
		req := g.request("GET", "api/v2/clients", "", "")
		req.Header.Set("Authorization", scheme+" "+token)
		if proof != "" {
			req.Header.Set("DPoP", proof)
		}
		return g.do(req)
	}
	if a := call("Bearer", ""); a.status != 401 {
		t.Errorf("as a bearer token: %d", a.status)
	}
	if a := call("DPoP", ""); a.status != 401 || a.str("errorCode") != "invalid_dpop_proof" {
		t.Errorf("without a proof: %d %s", a.status, a.body)
	}
	if a := call("DPoP", newSigner(t).proof(g, "GET", "api/v2/clients", "", token, nil)); a.status != 401 {
		t.Errorf("by another key: %d %s", a.status, a.body)
	}
	good := key.proof(g, "GET", "api/v2/clients", "", token, nil)
	if a := call("DPoP", good); a.status != 200 {
		t.Errorf("by its key: %d %s", a.status, a.body)
	}
	if a := call("DPoP", good); a.status != 401 {
		t.Errorf("by the same proof again: %d", a.status)
	}
}

func TestSecretsAreChangedByTheAPI(t *testing.T) {
	t.Parallel()
	g := start(t)
	manager := g.manager()
	g.put(func(tx *vault.Tx) error {
		c, err := tx.Clients.Get("other")
		c.AppType = "regular_web"
		return errors.Join(err, tx.Clients.Put(c))
	})
	works := func(secret string) bool {
		return g.post("oauth/introspect", "client_id", "other", "client_secret", secret, "token", "x").status == 200
	}
	first := appSecret + "-of-another"
	a := g.call(manager, "POST", "api/v2/clients/other/rotate-secret", `{"keep_previous":true}`)
	second := a.str("client_secret")
	if a.status != 200 || len(second) < 40 || a.str("client_id") != "other" || !works(first) || !works(second) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := g.call(manager, "PATCH", "api/v2/clients/other", `{"client_secret_previous":"","name":"Another"}`); a.status != 200 || a.str("name") != "Another" || works(first) || !works(second) {
		t.Errorf("the one before lives on: %d %s", a.status, a.body)
	}
	weaker := g.manager("read:clients", "update:clients")
	for _, body := range []string{`{"client_secret":"a-secret-of-my-own-choice"}`, `{"client_secret_previous":"a-secret-of-my-own-choice"}`, `{"token_endpoint_auth_method":"none"}`,
		`{"jwks_uri":"https://keys.example/"}`, `{"client_authentication_methods":{}}`} {
		if a := g.call(weaker, "PATCH", "api/v2/clients/other", body); a.status != 403 || a.str("errorCode") != "insufficient_scope" {
			t.Errorf("%s with update:clients alone: %d %s", body, a.status, a.body)
		}
	}
	if a := g.call(weaker, "PATCH", "api/v2/clients/other", `{"description":"d"}`); a.status != 200 {
		t.Errorf("with update:clients: %d %s", a.status, a.body)
	}
	a = g.call(manager, "POST", "api/v2/clients/other/rotate-secret", "")
	if works(second) || !works(a.str("client_secret")) {
		t.Error("without keep_previous")
	}
	if strings.Contains(string(g.call(manager, "GET", "api/v2/clients/other", "").body), "secret\":") {
		t.Error("a secret is shown")
	}
	for body, want := range map[string]string{
		`{"callbacks":["http://x.example/*"]}`: "wildcard",
		`{"callbacks":"x"}`:                    "callbacks",
		`{"nonsense":1}`:                       "nonsense",
		`{"client_id":"app"}`:                  "cannot be changed",
		`{`:                                    "EOF",
		`{} {}`:                                "more after",
	} {
		if a := g.call(manager, "PATCH", "api/v2/clients/other", body); a.status != 400 || !strings.Contains(a.str("message"), want) {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	if a := g.call(manager, "PATCH", "api/v2/clients/nobody", `{}`); a.status != 404 || a.str("errorCode") != "inexistent_client" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.call(manager, "POST", "api/v2/clients/spa/rotate-secret", ""); a.status != 400 {
		t.Errorf("a public client gets a secret: %d %s", a.status, a.body)
	}
}

// TestH52PagesAreNumbers, and what is none is refused.
func TestH52PagesAreNumbers(t *testing.T) {
	t.Parallel()
	g := start(t)
	manager := g.manager()
	all := list(t, g.call(manager, "GET", "api/v2/clients", ""))
	var paged []map[string]any
	for _, page := range []string{"0", "1"} {
		paged = append(paged, list(t, g.call(manager, "GET", "api/v2/clients?per_page=2&page="+page, ""))...)
	}
	same := func(a, b map[string]any) bool { return a["client_id"] == b["client_id"] }
	if len(all) != 4 || !slices.EqualFunc(all, paged, same) {
		t.Errorf("%v, %v", all, paged)
	}
	a := g.call(manager, "GET", "api/v2/clients?include_totals=true&per_page=3&page=1", "")
	if a.json["total"] != 4.0 || a.json["start"] != 3.0 || a.json["limit"] != 3.0 || len(a.json["clients"].([]any)) != 1 {
		t.Errorf("%s", a.body)
	}
	for _, query := range []string{"page=-1", "page=x", "page=99999999999", "per_page=0", "per_page=101", "page=1'--"} {
		if a := g.call(manager, "GET", "api/v2/clients?"+query, ""); a.status != 400 || a.str("errorCode") != "invalid_query_string" {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	for _, id := range []string{"x", "!", url.PathEscape("../../keys"), strings.Repeat("A", 5000)} {
		if a := g.call(manager, "DELETE", "api/v2/grants/"+id, ""); a.status != 404 {
			t.Errorf("%.20s: %d %s", id, a.status, a.body)
		}
	}
}

// TestSigningKeysAreChangedByTheAPI of a gateway that goes on serving.
func TestSigningKeysAreChangedByTheAPI(t *testing.T) {
	t.Parallel()
	g := start(t)
	manager := g.manager()
	before := list(t, g.call(manager, "GET", "api/v2/keys/signing", ""))
	if a := g.call(manager, "POST", "api/v2/keys/signing/rotate", ""); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	after := list(t, g.call(manager, "GET", "api/v2/keys/signing", ""))
	if len(before) != 1 || len(after) != 2 || after[0]["next"] != true || after[1]["current"] != true || after[1]["kid"] != before[0]["kid"] {
		t.Fatalf("%v", after)
	}
	if strings.Contains(string(g.get(".well-known/jwks.json").body), after[0]["kid"].(string)) == false {
		t.Error("the next key is not published")
	}
	g.clock.forward(25 * time.Hour)
	manager = g.manager()
	if kid := kidOf(t, manager); kid != after[0]["kid"] {
		t.Errorf("signed with %s", kid)
	}
	for _, body := range []string{`{"after":-1}`, `{"after":"soon"}`, `{"after":99999999999999}`, `{"before":1}`} {
		if a := g.call(manager, "POST", "api/v2/keys/signing/rotate", body); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}

func kidOf(t *testing.T, token string) any {
	t.Helper()
	var header map[string]any
	if err := json.Unmarshal(decode(t, token, 0), &header); err != nil {
		t.Fatal(err)
	}
	return header["kid"]
}
