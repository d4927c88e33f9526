package oidc_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

func TestTokenRequests(t *testing.T) {
	t.Parallel()
	code := values("grant_type", "authorization_code", "code", "c", "redirect_uri", "https://app.example.com/cb",
		"client_id", "app", "client_secret", "new secret", "code_verifier", verifier)
	for _, tt := range []struct {
		section string
		form    url.Values
		header  string
		method  string // of client authentication
		code    oidc.Code
		words   string
	}{
		{"RFC 6749 2.3.1: in the body", code, "", "client_secret_post", "", ""},
		{"RFC 6749 2.3.1: in the header", with(code, "client_id", "-", "client_secret", "-"), basic("app", "new+secret"), "client_secret_basic", "", ""},
		{"auth0-api-python: header, and client_id", with(code, "client_secret", "-"), basic("app", "new+secret"), "client_secret_basic", "", ""},
		{"RFC 6749 3.2.1: public", with(code, "client_secret", "-"), "", "none", "", ""},
		{"RFC 6749 3.2: empty is omitted", with(code, "client_secret", ""), "", "none", "", ""},
		{"RFC 6749 2.3.1: empty secret in the header", with(code, "client_secret", "-"), basic("app", ""), "none", "", ""},
		{"RFC 7617 2: any case", with(code, "client_secret", "-"), strings.Replace(basic("app", "new+secret"), "Basic", "bASIC", 1), "client_secret_basic", "", ""},
		{"node-auth0: no client_id", with(code, "client_id", "-"), "", "client_secret_post", "", ""},
		{"RFC 6749 3.2: unknown parameters are ignored", with(code, "x", "1", "+x", "2", "auth0Client", "e30"), "", "client_secret_post", "", ""},

		{"RFC 6749 2.3: one method", code, basic("app", "new+secret"), "", oidc.InvalidRequest, "in two ways"},
		{"RFC 6749 2.3: one method", with(code, "client_id", "-"), basic("app", "new+secret"), "", oidc.InvalidRequest, "in two ways"},
		{"RFC 6749 2.3: one method", with(code, "client_assertion", "a", "client_assertion_type", oidc.AssertionJWT), "", "", oidc.InvalidRequest, "in two ways"},
		{"RFC 6749 2.3: one client", with(code, "client_secret", "-"), basic("other", "new+secret"), "", oidc.InvalidRequest, "not the one of the Authorization header"},
		{"RFC 6749 2.3.1: form-urlencoded", with(code, "client_secret", "-"), basic("app", "100%"), "", oidc.InvalidClient, "form-urlencoded"},
		{"RFC 6749 2.3.1: form-urlencoded", with(code, "client_secret", "-"), basic("%", "s"), "", oidc.InvalidClient, "form-urlencoded"},
		{"RFC 7617 2", code, "Basic", "", oidc.InvalidClient, "malformed"},
		{"RFC 7617 2", code, "Basic !", "", oidc.InvalidClient, "malformed"},
		{"RFC 7617 2: no colon", code, "Basic YXBw", "", oidc.InvalidClient, "malformed"},
		{"RFC 7617 2: no client", code, basic("", "new+secret"), "", oidc.InvalidClient, "malformed"},
		{"RFC 7617 2: control characters", code, basic("app%00", "new+secret"), "", oidc.InvalidClient, "malformed"},
		{"bounds", code, basic("app", strings.Repeat("x", 5000)), "", oidc.InvalidClient, "malformed"},
		{"RFC 6749 5.2: unsupported method", code, "Bearer x", "", oidc.InvalidClient, "use Basic"},

		{"RFC 6749 3.2: once", with(code, "+grant_type", "authorization_code"), "", "", oidc.InvalidRequest, "grant_type is sent 2 times"},
		{"RFC 6749 3.2: once", with(code, "+code", "c"), "", "", oidc.InvalidRequest, "code is sent 2 times"},
		{"RFC 6749 3.2: once", with(code, "+client_id", "app"), "", "", oidc.InvalidRequest, "client_id is sent 2 times"},
		{"RFC 6749 3.2: once", with(code, "+client_secret", "new secret"), "", "", oidc.InvalidRequest, "client_secret is sent 2 times"},
		{"RFC 6749 3.2: once", with(code, "+redirect_uri", ""), "", "", oidc.InvalidRequest, "redirect_uri is sent 2 times"},
		{"RFC 6749 3.2: once", with(code, "audience", "a", "+audience", "b"), "", "", oidc.InvalidRequest, "audience is sent 2 times"},
		{"RFC 6749 4.1.3", with(code, "grant_type", "-"), "", "", oidc.InvalidRequest, "Missing required parameter: grant_type"},
		{"RFC 6749 4.1.3", with(code, "code", "-"), "", "", oidc.InvalidRequest, "Missing required parameter: code"},
		{"RFC 6749 3.2: empty is omitted", with(code, "code", ""), "", "", oidc.InvalidRequest, "Missing required parameter: code"},
		{"RFC 6749 6", values("grant_type", "refresh_token"), "", "", oidc.InvalidRequest, "Missing required parameter: refresh_token"},
		{"bounds", with(code, "code", strings.Repeat("x", 16385)), "", "", oidc.InvalidRequest, "code is too long"},
		{"RFC 6749 B", with(code, "code", "\xff"), "", "", oidc.InvalidRequest, "code is not UTF-8"},
	} {
		t.Run(tt.section, func(t *testing.T) {
			r, err := oidc.ParseTokenRequest(tt.form, tt.header)
			want(t, err, tt.code, tt.words)
			if err != nil {
				return
			}
			if r.AuthMethod != tt.method || r.Code.Reveal() != "c" || r.CodeVerifier.Reveal() != verifier {
				t.Errorf("got %+v", r)
			}
			if tt.method != "none" && r.ClientSecret.Reveal() != "new secret" {
				t.Errorf("got the secret %q", r.ClientSecret.Reveal())
			}
			if !strings.HasPrefix(tt.section, "node-auth0") && r.ClientID != "app" {
				t.Errorf("got the client %q", r.ClientID)
			}
			if s := fmt.Sprintf("%v %+v %#v", r, r, r); strings.Contains(s, "new secret") || strings.Contains(s, verifier) {
				t.Errorf("prints a secret: %s", s)
			}
		})
	}
}

func TestClients(t *testing.T) {
	t.Parallel()
	basicClient := confidential
	basicClient.AuthMethod = "client_secret_basic"
	noHash := vault.Client{ID: "app", AuthMethod: "client_secret_post", SecretHashes: []string{""}}
	secret := func(id, secret, method string) oidc.Credentials {
		return oidc.Credentials{ClientID: id, ClientSecret: vault.NewSecret(secret), AuthMethod: method}
	}
	var seen []string
	for _, tt := range []struct {
		name string
		c    vault.Client
		cr   oidc.Credentials
		ok   bool
	}{
		{"the secret", confidential, secret("app", "new secret", "client_secret_post"), true},
		{"one that is about to go", confidential, secret("app", "old secret", "client_secret_post"), true},
		{"in the header though registered for the body", confidential, secret("app", "new secret", "client_secret_basic"), true},
		{"in the body though registered for the header", basicClient, secret("app", "new secret", "client_secret_post"), true},
		{"public", public, secret("app", "", "none"), true},
		{"wrong secret (RFC 6749 5.2)", confidential, secret("app", "guess", "client_secret_post"), false},
		{"the hash for the secret", confidential, secret("app", vault.Hash("new secret"), "client_secret_post"), false},
		{"no secret (RFC 6749 3.2.1)", confidential, secret("app", "", "none"), false},
		{"another client's ID", confidential, secret("other", "new secret", "client_secret_post"), false},
		{"no ID", confidential, secret("", "new secret", "client_secret_post"), false},
		{"public, with a secret", public, secret("app", "new secret", "client_secret_post"), false},
		{"public, another's ID", public, secret("other", "", "none"), false},
		{"unknown client", vault.Client{}, secret("app", "new secret", "client_secret_post"), false},
		{"unknown client, no ID", vault.Client{}, secret("", "", "none"), false},
		{"an empty hash", noHash, secret("app", "", "none"), false},
		{"an empty hash", noHash, secret("app", "x", "client_secret_post"), false},
	} {
		err := oidc.CheckClient(tt.c, tt.cr)
		if tt.ok != (err == nil) {
			t.Errorf("%s: got %v", tt.name, err)
		}
		var e *oidc.Error
		if errors.As(err, &e) {
			if e.Code != oidc.InvalidClient || e.Status() != 401 || e.Err == nil {
				t.Errorf("%s: got %+v", tt.name, e)
			}
			seen = append(seen, e.Description)
		}
	}
	if seen = slices.Compact(seen); len(seen) != 1 || !strings.HasPrefix(seen[0], "Client authentication failed") {
		t.Errorf("clients can be told apart: %q", seen)
	}
}

func TestGrantTypes(t *testing.T) {
	t.Parallel()
	withGrants := func(c vault.Client, grants ...string) vault.Client { c.GrantTypes = grants; return c }
	for _, tt := range []struct {
		section string
		c       vault.Client
		grant   string
		code    oidc.Code
		words   string
	}{
		{"RFC 6749 4.1", public, oidc.GrantAuthorizationCode, "", ""},
		{"RFC 6749 6", confidential, oidc.GrantRefreshToken, "", ""},
		{"RFC 6749 5.2", confidential, "password", oidc.UnsupportedGrantType, "Grant type not supported"},
		{"RFC 6749 5.2", confidential, "", oidc.UnsupportedGrantType, "Grant type not supported"},
		{"RFC 6749 5.2: case-sensitive", confidential, "Authorization_Code", oidc.UnsupportedGrantType, ""},
		{"RFC 6749 5.2: listed, but unknown", withGrants(confidential, "password"), "password", oidc.UnsupportedGrantType, ""},
		{"RFC 6749 5.2", withGrants(confidential), oidc.GrantAuthorizationCode, oidc.UnauthorizedClient, "Grant type 'authorization_code' not allowed for the client."},
		{"RFC 6749 5.2", withGrants(confidential, "refresh_token"), oidc.GrantClientCredentials, oidc.UnauthorizedClient, "'client_credentials' not allowed"},
		{"RFC 6749 4.4", confidential, oidc.GrantClientCredentials, "", ""},
		{"RFC 6749 4.4: confidential only", withGrants(public, oidc.GrantClientCredentials), oidc.GrantClientCredentials, oidc.UnauthorizedClient, "keep a secret"},
		{"RFC 8693 2.1", confidential, oidc.GrantTokenExchange, "", ""},
		{"either shape", confidential, oidc.GrantFederated, "", ""},
		{"either shape", withGrants(confidential, oidc.GrantFederated), oidc.GrantTokenExchange, "", ""},
		{"Auth0", withGrants(confidential, "refresh_token"), oidc.GrantFederated, oidc.UnauthorizedClient, "Grant type 'urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token' not allowed for the client."},
		{"Auth0: confidential only", withGrants(public, oidc.GrantFederated), oidc.GrantFederated, oidc.UnauthorizedClient, "keep a secret"},
		{"Auth0: confidential only", withGrants(public, oidc.GrantFederated), oidc.GrantTokenExchange, oidc.UnauthorizedClient, "keep a secret"},
	} {
		err := oidc.CheckGrantType(tt.c, oidc.TokenRequest{GrantType: tt.grant})
		t.Run(tt.section, func(t *testing.T) { want(t, err, tt.code, tt.words) })
		var e *oidc.Error
		if errors.As(err, &e) && e.Code == oidc.UnauthorizedClient {
			exchange := strings.Contains(tt.grant, "token-exchange")
			if e.Status() != 403 || exchange != (e.Refusal != nil) || exchange && e.Refusal.Reason != oidc.ClientNotAllowed {
				t.Errorf("%s: got %d, %+v", tt.section, e.Status(), e.Refusal)
			}
		}
	}
}

func TestRevocationRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		section string
		form    url.Values
		header  string
		code    oidc.Code
		words   string
	}{
		{"RFC 7009 2.1", values("token", "t", "client_id", "app"), "", "", ""},
		{"RFC 7009 2.1", values("token", "t", "token_type_hint", "refresh_token"), basic("app", "s"), "", ""},
		{"RFC 7009 2.2: a hint is a hint", values("token", "t", "client_id", "app", "token_type_hint", "nonsense"), "", "", ""},
		{"RFC 7009 2.1: required", values("client_id", "app"), "", oidc.InvalidRequest, "parameter: token"},
		{"RFC 6749 3.2: once", values("client_id", "app", "token", "t", "token", "u"), "", oidc.InvalidRequest, "token is sent 2 times"},
	} {
		r, err := oidc.ParsePresentedToken(tt.form, tt.header)
		t.Run(tt.section, func(t *testing.T) {
			want(t, err, tt.code, tt.words)
			if err == nil && (r.Token.Reveal() != "t" || r.ClientID != "app") {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestTokenResponseAlwaysHasItsScope(t *testing.T) {
	t.Parallel()
	got, _ := json.Marshal(oidc.TokenResponse{AccessToken: "a", TokenType: "Bearer"})
	if string(got) != `{"access_token":"a","token_type":"Bearer","expires_in":0,"scope":""}` {
		t.Errorf("got %s", got)
	}
}

// Each fault of a redemption is found alone, and in every company.
func TestCodes(t *testing.T) {
	t.Parallel()
	type redemption struct {
		code vault.Code
		r    oidc.TokenRequest
		now  time.Time
	}
	faults := []struct {
		section string
		put     func(*redemption)
	}{
		{"RFC 6749 4.1.3: client", func(x *redemption) { x.r.ClientID = "other" }},
		{"RFC 6749 4.1.3: redirect URI", func(x *redemption) { x.r.RedirectURI += "/" }},
		{"RFC 6749 4.1.2: expired", func(x *redemption) { x.now = x.code.Expires }},
		{"RFC 7636 4.6: verifier", func(x *redemption) { x.r.CodeVerifier = vault.NewSecret(strings.Repeat("x", 43)) }},
	}
	for set := range 1 << len(faults) {
		x := redemption{
			code: vault.Code{
				Request: vault.AuthorizationRequest{ClientID: "app", RedirectURI: "https://app.example.com/cb", CodeChallenge: challenge},
				Expires: now.Add(time.Minute),
			},
			r: oidc.TokenRequest{
				Credentials: oidc.Credentials{ClientID: "app"}, RedirectURI: "https://app.example.com/cb", CodeVerifier: vault.NewSecret(verifier),
			},
			now: now,
		}
		var name []string
		for i, f := range faults {
			if set&(1<<i) != 0 {
				f.put(&x)
				name = append(name, f.section)
			}
		}
		err := oidc.CheckCode(x.code, x.r, x.now)
		if set == 0 {
			want(t, err, "", "")
			continue
		}
		var e *oidc.Error
		if !errors.As(err, &e) || e.Code != oidc.InvalidGrant || e.Status() != 403 {
			t.Errorf("%s: got %v", strings.Join(name, ", "), err)
		}
	}

	for _, tt := range []struct {
		section, challenge, verifier, uri, words string
		ok                                       bool
	}{
		{section: "RFC 7636 4.6", challenge: challenge, verifier: verifier, ok: true},
		{section: "without PKCE", ok: true},
		{section: "RFC 7636 4.6: no verifier", challenge: challenge, words: "code_verifier is missing"},
		{section: "RFC 9700 2.1.1: downgrade", verifier: verifier, words: "was not expected"},
		{section: "RFC 7636 4.6: the challenge for the verifier", challenge: challenge, verifier: challenge, words: "Failed to verify code verifier"},
		{section: "RFC 7636 4.1: 42", challenge: oidc.S256(strings.Repeat("x", 42)), verifier: strings.Repeat("x", 42), words: "Failed to verify"},
		{section: "RFC 7636 4.1: 43", challenge: oidc.S256(strings.Repeat("x", 43)), verifier: strings.Repeat("x", 43), ok: true},
		{section: "RFC 7636 4.1: 128", challenge: oidc.S256(strings.Repeat("~", 128)), verifier: strings.Repeat("~", 128), ok: true},
		{section: "RFC 7636 4.1: 129", challenge: oidc.S256(strings.Repeat("x", 129)), verifier: strings.Repeat("x", 129), words: "Failed to verify"},
		{section: "RFC 7636 4.1: unreserved", challenge: oidc.S256(strings.Repeat("+", 43)), verifier: strings.Repeat("+", 43), words: "Failed to verify"},
		{section: "Core 3.1.3.2: no redirect URI", challenge: challenge, verifier: verifier, uri: "-", words: "redirect_uri is not the one"},
	} {
		uri := "https://app.example.com/cb"
		code := vault.Code{Request: vault.AuthorizationRequest{ClientID: "app", RedirectURI: uri, CodeChallenge: tt.challenge}, Expires: now.Add(time.Minute)}
		if tt.uri == "-" {
			uri = ""
		}
		err := oidc.CheckCode(code, oidc.TokenRequest{
			Credentials: oidc.Credentials{ClientID: "app"}, RedirectURI: uri, CodeVerifier: vault.NewSecret(tt.verifier),
		}, now)
		t.Run(tt.section, func(t *testing.T) {
			if tt.ok {
				want(t, err, "", "")
			} else {
				want(t, err, oidc.InvalidGrant, tt.words)
			}
		})
	}
	// To a thief, a code of another client's is like one that does not exist.
	var unknown, others *oidc.Error
	errors.As(oidc.CodeError(nil), &unknown)
	errors.As(oidc.CheckCode(vault.Code{Request: vault.AuthorizationRequest{ClientID: "app"}, Expires: now.Add(1)},
		oidc.TokenRequest{Credentials: oidc.Credentials{ClientID: "thief"}}, now), &others)
	if unknown.Description != others.Description || !strings.HasPrefix(unknown.Description, "Invalid authorization code") {
		t.Errorf("got %q and %q", unknown.Description, others.Description)
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	base := vault.Grant{ID: "g", Client: "app", Scopes: []string{"openid", "email", "read:x"}, Created: now.Add(-time.Hour)}
	client := vault.Client{ID: "app", RefreshIdle: 2 * time.Hour, RefreshLifetime: 10 * time.Hour}
	for _, tt := range []struct {
		section string
		g       func(*vault.Grant)
		scope   string
		code    oidc.Code
		words   string // or the scopes
	}{
		{"RFC 6749 6: all", nil, "", "", "openid email read:x"},
		{"RFC 6749 6: fewer", nil, "read:x openid", "", "read:x openid"},
		{"RFC 6749 6: others besides are passed over", nil, "openid write:x", "", "openid"},
		{"RFC 6749 6: others", nil, "write:x", oidc.InvalidScope, "'write:x' was not granted"},
		{"RFC 6749 6: others", nil, "OPENID", oidc.InvalidScope, ""},
		{"RFC 6749 10.4: another client", func(g *vault.Grant) { g.Client = "other" }, "", oidc.InvalidGrant, "Unknown or invalid refresh token."},
		{"RFC 6749 10.4: before scopes are told", func(g *vault.Grant) { g.Client = "other" }, "write:x", oidc.InvalidGrant, "Unknown or invalid refresh token."},
		{"expired", func(g *vault.Grant) { g.Expires = now }, "", oidc.InvalidGrant, "Unknown or invalid refresh token."},
		{"not yet", func(g *vault.Grant) { g.Expires = now.Add(1) }, "", "", "openid email read:x"},
		{"never used", func(g *vault.Grant) { g.Created = now.Add(-2 * time.Hour) }, "", oidc.InvalidGrant, "Unknown or invalid refresh token."},
		{"used in time", func(g *vault.Grant) { g.Created = now.Add(-9 * time.Hour); g.Used = now.Add(-time.Hour) }, "", "", "openid email read:x"},
		{"idle", func(g *vault.Grant) { g.Created = now.Add(-9 * time.Hour); g.Used = now.Add(-2 * time.Hour) }, "", oidc.InvalidGrant, "Unknown or invalid refresh token."},
		{"too old", func(g *vault.Grant) { g.Created = now.Add(-10 * time.Hour); g.Used = now }, "", oidc.InvalidGrant, "Unknown or invalid refresh token."},
	} {
		g := base
		if tt.g != nil {
			tt.g(&g)
		}
		scopes, err := oidc.CheckGrant(g, client, oidc.TokenRequest{Scopes: oidc.ParseScopes(tt.scope)}, now)
		t.Run(tt.section, func(t *testing.T) {
			want(t, err, tt.code, tt.words)
			if err == nil && oidc.FormatScopes(scopes) != tt.words {
				t.Errorf("got %q, want %q", scopes, tt.words)
			}
			var e *oidc.Error
			if errors.As(err, &e) && e.Code == oidc.InvalidGrant && (e.Status() != 403 || e.Description != tt.words) {
				t.Errorf("got %d %q", e.Status(), e.Description)
			}
		})
	}
	if _, err := oidc.CheckGrant(vault.Grant{Client: "app", Created: now.AddDate(-9, 0, 0)}, vault.Client{ID: "app"}, oidc.TokenRequest{}, now); err != nil {
		t.Errorf("a grant without limits: %v", err)
	}
}

func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	id, secret, ok := oidc.ParseRefreshToken(oidc.RefreshToken("grant-ID_1", "SECRET"))
	if id != "grant-ID_1" || secret != "SECRET" || !ok {
		t.Errorf("got %q, %q, %v", id, secret, ok)
	}
	for _, s := range []string{"", "v1", "v1.", "v1.a", "v1.a.", "v1..b", "v1..", "v2.a.b", "V1.a.b", "a.b", "v1.a.b.c", "v1.a.b.", " v1.a.b",
		"v1.a.b\n", "v1.a/.b", "v1.a.b=", "v1.\x00.b", "v1.a.é", "v1.a." + strings.Repeat("x", 512)} {
		if id, secret, ok := oidc.ParseRefreshToken(s); ok || id != "" || secret != "" {
			t.Errorf("%.20q: got %q, %q", s, id, secret)
		}
	}
	if !oidc.Matches(vault.Hash("s"), "s") || oidc.Matches(vault.Hash("s"), "t") || oidc.Matches("", "") || oidc.Matches("s", "s") {
		t.Error("Matches does not")
	}
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	api := &vault.ResourceServer{Identifier: "https://api"}
	grant := &vault.ClientGrant{Client: "app", Audience: "https://api", Scopes: []string{"read:x", "write:x"}}
	for _, tt := range []struct {
		section  string
		api      *vault.ResourceServer
		g        *vault.ClientGrant
		audience string
		scope    string
		code     oidc.Code
		words    string // or the scopes
	}{
		{"RFC 6749 4.4.2: all", api, grant, "https://api", "", "", "read:x write:x"},
		{"RFC 6749 4.4.2: fewer", api, grant, "https://api", "write:x", "", "write:x"},
		{"no scopes at all", api, &vault.ClientGrant{Client: "app", Audience: "https://api"}, "https://api", "", "", ""},
		{"outside of the grant", api, grant, "https://api", "write:x delete:x", oidc.AccessDenied, "'delete:x'"},
		{"Auth0: no audience", nil, nil, "", "", oidc.AccessDenied, "No audience parameter was provided"},
		{"Auth0: no such API", nil, nil, "https://x", "", oidc.AccessDenied, "Service not enabled within domain: https://x"},
		{"Auth0: no such API", nil, grant, "https://api", "", oidc.AccessDenied, "Service not enabled within domain: https://api"},
		{"Auth0: no grant", api, nil, "https://api", "", oidc.AccessDenied, `Client is not authorized to access "https://api".`},
		{"another client's grant", api, &vault.ClientGrant{Client: "other", Audience: "https://api"}, "https://api", "", oidc.AccessDenied, "Client is not authorized"},
		{"another API's grant", api, &vault.ClientGrant{Client: "app", Audience: "https://b"}, "https://api", "", oidc.AccessDenied, "Client is not authorized"},
		{"another API", api, grant, "https://api/", "", oidc.AccessDenied, "Service not enabled within domain: https://api/"},
	} {
		scopes, err := oidc.CheckClientCredentials(confidential, tt.api, tt.g, oidc.TokenRequest{Audience: tt.audience, Scopes: oidc.ParseScopes(tt.scope)})
		t.Run(tt.section, func(t *testing.T) {
			want(t, err, tt.code, tt.words)
			if err == nil && oidc.FormatScopes(scopes) != tt.words {
				t.Errorf("got %q, want %q", scopes, tt.words)
			}
			var e *oidc.Error
			if errors.As(err, &e) && e.Status() != 403 {
				t.Errorf("got status %d", e.Status())
			}
		})
	}
}

// TestTokenResponseIsTheJSONOfItsFields holds what is written by hand against the
// library.
func TestTokenResponseIsTheJSONOfItsFields(t *testing.T) {
	t.Parallel()
	for _, r := range []oidc.TokenResponse{
		{},
		{AccessToken: "a.b-c_d", TokenType: "Bearer", ExpiresIn: 7199, Scope: "openid api"},
		{AccessToken: `"\<>&`, TokenType: "\n\x00", ExpiresIn: -1, Scope: "é", Account: "\xff\u2028"},
		{"access", "DPoP", 60, "scope", "issued", "refresh", "id_token", "instance", "api_instance", "id", "connection", "account"},
	} {
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.JSON(); string(got) != string(want) {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
