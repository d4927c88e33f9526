package connections_test

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport/connections"
	"sallyport/vault"
)

// plain is the provider as one that knows no OpenID Connect, and a connection to
// it with more options.
func plain(t *testing.T, options ...string) (*op, vault.Connection) {
	t.Helper()
	p := startOP(t)
	p.answer = func(m map[string]any) { delete(m, "id_token") }
	p.userinfo = map[string]any{"id": 42, "login": "ada", "name": "Ada", "contact": map[string]any{"email": "ada@example.com", "verified": true}}
	c := p.connection
	c.Strategy, c.Scopes = "oauth2", []string{"read", "write"}
	c.Options = map[string]string{
		"authorizationURL": p.URL + "/authorize?tenant=1", "tokenURL": p.URL + "/token", "userInfoURL": p.URL + "/userinfo",
		"profile.id": "/id", "profile.username": "/login", "profile.name": "/name", "profile.email": "/contact/email", "profile.email_verified": "/contact/verified",
	}
	for i := 0; i < len(options); i += 2 {
		c.Options[options[i]] = options[i+1]
	}
	return p, c
}

func TestOAuth2ProviderSignsIn(t *testing.T) {
	t.Parallel()
	p, c := plain(t)
	provider := p.provider(t, c)
	u, err := url.Parse(authCodeURL(t, provider, login()))
	if err != nil {
		t.Fatal(err)
	}
	if q := u.Query(); q.Get("tenant") != "1" || q.Get("scope") != "read write" || q.Get("code_challenge_method") != "S256" || q.Has("nonce") || q.Has("prompt") {
		t.Errorf("%s", u)
	}
	i, ts := p.signIn(t, provider)
	if i.UserID != "42" || i.Subject != p.URL+"|42" || i.Profile.Username != "ada" || i.Profile.Email != "ada@example.com" || !i.Profile.EmailVerified {
		t.Errorf("identity %+v", i)
	}
	if fresh, err := provider.Refresh(t.Context(), ts); err != nil || fresh.RefreshToken == ts.RefreshToken {
		t.Errorf("%+v, %v", fresh, err)
	}
	if form := p.form("/token"); form.Get("client_secret") != "the-secret" || p.headers["/userinfo"].Get("Authorization") == "" {
		t.Errorf("%v", form)
	}
}

// TestQuirks are those that providers have.
func TestQuirks(t *testing.T) {
	t.Parallel()
	t.Run("scopes and PKCE", func(t *testing.T) {
		t.Parallel()
		p, c := plain(t, "scope_param", "user_scope", "scope_separator", ",", "pkce_enabled", "false")
		provider := p.provider(t, c)
		u, _ := url.Parse(authCodeURL(t, provider, login()))
		if q := u.Query(); q.Get("user_scope") != "read,write" || q.Has("scope") || q.Has("code_challenge") {
			t.Errorf("%s", u)
		}
		if p.signIn(t, provider); p.form("/token").Has("code_verifier") {
			t.Error("a verifier was sent")
		}
	})
	t.Run("a token in a part of the answer", func(t *testing.T) {
		t.Parallel()
		p, c := plain(t, "token_at", "/authed_user", "token_type", "user")
		p.answer = func(m map[string]any) {
			user := maps.Clone(m)
			user["token_type"], user["scope"] = "user", "read,write"
			clear(m)
			m["ok"], m["authed_user"] = true, user
		}
		provider := p.provider(t, c)
		_, ts := p.signIn(t, provider)
		if ts.RefreshToken.IsZero() || strings.Join(ts.Scopes, " ") != "read write" {
			t.Errorf("%+v", ts)
		}
		p.set(func() { p.answer = func(m map[string]any) { m["token_type"] = "user" } }) // a refresh has it at the top
		if _, err := provider.Refresh(t.Context(), ts); err != nil {
			t.Error(err)
		}
	})
	t.Run("an answer that is a form", func(t *testing.T) {
		t.Parallel()
		p, c := plain(t)
		p.handle["/token"] = answering(200, "application/x-www-form-urlencoded", "access_token=at&token_type=bearer&scope=read%2Cwrite&expires_in=28800")
		_, ts := p.signIn(t, p.provider(t, c))
		if strings.Join(ts.Scopes, " ") != "read write" || time.Until(ts.Expires) < 7*time.Hour {
			t.Errorf("%+v", ts)
		}
	})
	t.Run("no expires_in", func(t *testing.T) {
		t.Parallel()
		p, c := plain(t, "access_token_lifetime", "31536000")
		p.answer = func(m map[string]any) { delete(m, "expires_in"); delete(m, "scope") }
		_, ts := p.signIn(t, p.provider(t, c))
		if time.Until(ts.Expires) < 364*24*time.Hour || strings.Join(ts.Scopes, " ") != "read write" {
			t.Errorf("%+v", ts)
		}
	})
	t.Run("e-mail addresses elsewhere", func(t *testing.T) {
		t.Parallel()
		p, c := plain(t)
		c.Options["emailsURL"] = p.URL + "/emails"
		p.handle["/emails"] = answering(200, "application/json", `[{"email":"old@example.com","primary":false,"verified":true},{"email":"new@example.com","primary":true,"verified":false}]`)
		if i, _ := p.signIn(t, p.provider(t, c)); i.Profile.Email != "new@example.com" || i.Profile.EmailVerified {
			t.Errorf("%+v", i.Profile)
		}
		p.set(func() { p.handle["/emails"] = answering(403, "application/json", `{}`) })
		p.signIn(t, p.provider(t, c))
	})
	t.Run("an account of an organization", func(t *testing.T) {
		t.Parallel()
		p, c := plain(t, "profile.org", "/team")
		p.set(func() { p.userinfo = map[string]any{"id": "b/c", "team": "a"} })
		one, _ := p.signIn(t, p.provider(t, c))
		p.set(func() { p.userinfo = map[string]any{"id": "c", "team": "a/b"} })
		two, _ := p.signIn(t, p.provider(t, c))
		if one.Key() == two.Key() || one.Org != "a" || one.UserID != "b/c" {
			t.Errorf("%+v, %+v", one, two)
		}
	})
	t.Run("user info by introspection", func(t *testing.T) {
		t.Parallel()
		p, c := plain(t, "userInfoMethod", "introspection", "profile.id", "/user_id")
		c.Options["userInfoURL"] = p.URL + "/introspect"
		p.handle["/introspect"] = answering(200, "application/json", `{"active":true,"user_id":7}`)
		if i, _ := p.signIn(t, p.provider(t, c)); i.UserID != "7" || p.form("/introspect").Get("client_secret") != "the-secret" {
			t.Errorf("%+v", i)
		}
		p.set(func() { p.handle["/introspect"] = answering(200, "application/json", `{"active":false,"user_id":7}`) })
		if _, _, err := p.provider(t, c).Exchange(t.Context(), login(), "c"); !kind(err, connections.Unavailable) {
			t.Errorf("%v", err)
		}
	})
}

// TestH13AccountWithoutAnIDIsNobodys.
func TestH13AccountWithoutAnIDIsNobodys(t *testing.T) {
	t.Parallel()
	p, c := plain(t)
	for _, id := range []any{nil, "", false, true, []string{"42"}, map[string]any{"id": 42}, "a\nb", strings.Repeat("x", 256)} {
		p.set(func() {
			p.userinfo = map[string]any{"id": id, "contact": map[string]any{"email": "ada@example.com", "verified": true}}
		})
		if i, _, err := p.provider(t, c).Exchange(t.Context(), login(), "c"); !kind(err, connections.Untrusted) {
			t.Errorf("%v: %+v, %v", id, i, err)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"a list": answering(200, "application/json", `[{"id":42}]`), "HTML": answering(200, "text/html", `<html>`), "401": answering(401, "application/json", `{"id":42}`),
		"a refusal with status 200": answering(200, "application/json", `{"ok":false,"id":42}`),
	} {
		p.set(func() { p.handle["/userinfo"] = answer })
		if _, _, err := p.provider(t, c).Exchange(t.Context(), login(), "c"); !kind(err, connections.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnansweredRefreshIsNotShownAgainBlindly: whether a refresh token is still
// good is known by the connection's word, or by introspection that it trusts, or
// not at all.
func TestUnansweredRefreshIsNotShownAgainBlindly(t *testing.T) {
	t.Parallel()
	p, c := plain(t)
	ts := vault.TokenSet{RefreshToken: vault.NewSecret("rt")}
	active := func(options ...string) (bool, error) {
		changed := c
		changed.Options = maps.Clone(c.Options)
		for i := 0; i < len(options); i += 2 {
			changed.Options[options[i]] = options[i+1]
		}
		return p.provider(t, changed).(vault.Introspector).Introspect(t.Context(), ts)
	}
	for _, options := range [][]string{nil, {"refresh_tokens", "single_use"}, {"introspectionURL", p.URL + "/introspect"}, {"trust_introspection", "true"}} {
		if _, err := active(options...); !errors.Is(err, vault.ErrReauthorize) || p.requests("/introspect") != 0 {
			t.Errorf("%v: %v", options, err)
		}
	}
	if good, err := active("refresh_tokens", "reusable"); !good || err != nil {
		t.Errorf("reusable: %v, %v", good, err)
	}
	for body, want := range map[string]string{`{"active":true}`: "true", `{"active":false}`: "false", `{}`: "error", `<html>`: "error", `{"active":"true"}`: "error"} {
		p.set(func() { p.handle["/introspect"] = answering(200, "application/json", body) })
		good, err := active("introspectionURL", p.URL+"/introspect", "trust_introspection", "true")
		if good != (want == "true") || (err != nil) != (want == "error") || errors.Is(err, vault.ErrReauthorize) {
			t.Errorf("%s: %v, %v", body, good, err)
		}
	}
	if form := p.form("/introspect"); form.Get("token") != "rt" || form.Get("token_type_hint") != "refresh_token" || form.Get("client_secret") != "the-secret" {
		t.Errorf("%v", form)
	}
}

func TestGrantIsRevoked(t *testing.T) {
	t.Parallel()
	p, c := plain(t)
	if _, ok := p.provider(t, c).(connections.Revoker); ok {
		t.Error("what may end the newer grant, too, is done unasked")
	}
	c.Options["revocationURL"], c.Options["revoke_unused"] = p.URL+"/revoke", "true"
	revoke := func(ts vault.TokenSet) error { return p.provider(t, c).(connections.Revoker).Revoke(t.Context(), ts) }
	both := vault.TokenSet{RefreshToken: vault.NewSecret("rt"), AccessToken: vault.NewSecret("at")}
	p.handle["/revoke"] = answering(200, "", "")
	if err := revoke(both); err != nil || p.form("/revoke").Get("token") != "rt" || p.form("/revoke").Get("token_type_hint") != "refresh_token" {
		t.Errorf("%v, %v", err, p.form("/revoke"))
	}
	if err := revoke(vault.TokenSet{AccessToken: vault.NewSecret("at")}); err != nil || p.form("/revoke").Get("token") != "at" {
		t.Errorf("%v, %v", err, p.form("/revoke"))
	}
	p.set(func() { p.handle["/revoke"] = answering(503, "", "") })
	if err := revoke(both); !kind(err, connections.Unavailable) {
		t.Errorf("%v", err)
	}
	delete(c.Options, "revocationURL")
	if err := revoke(both); !kind(err, connections.Misconfigured) {
		t.Errorf("%v", err)
	}
}

// TestTokenOfAnotherTypeIsNotUsed: as a bearer token it would be worthless.
func TestTokenOfAnotherTypeIsNotUsed(t *testing.T) {
	t.Parallel()
	p, c := plain(t)
	p.answer = func(m map[string]any) { m["token_type"] = "DPoP" }
	if _, _, err := p.provider(t, c).Exchange(t.Context(), login(), "c"); !kind(err, connections.Untrusted) {
		t.Errorf("%v", err)
	}
}

// TestConnectionThatCouldNotWorkIsRefused names the field that is wrong.
func TestConnectionThatCouldNotWorkIsRefused(t *testing.T) {
	t.Parallel()
	_, pem := privateKey(t)
	openid := vault.Connection{Name: "c", Strategy: "oidc", ClientID: "id", ClientSecret: vault.NewSecret("s"), Options: map[string]string{"issuer": "https://login.example"}}
	plain := vault.Connection{Name: "c", Strategy: "oauth2", ClientID: "id", ClientSecret: vault.NewSecret("s"), Options: map[string]string{
		"authorizationURL": "https://a.example", "tokenURL": "https://a.example/token", "userInfoURL": "https://a.example/me", "profile.id": "/id"}}
	entra := vault.Connection{Name: "c", Strategy: "waad", ClientID: "id", ClientSecret: vault.NewSecret("s"), Options: map[string]string{"tenant_id": "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"}}
	for _, c := range []vault.Connection{openid, plain, entra} {
		if err := connections.Check(c); err != nil {
			t.Errorf("%s as it should be: %v", c.Strategy, err)
		}
	}
	for _, tt := range []struct {
		c             vault.Connection
		option, value string
		field         string
	}{
		{openid, "issuer", "", "options.issuer"},
		{openid, "issuer", "http://login.example", "options.issuer"},
		{openid, "issuer", "login.example", "options.issuer"},
		{openid, "discovery_url", "ftp://login.example", "options.discovery_url"},
		{openid, "type", "front_channel", "options.type"},
		{openid, "connection_settings.pkce", "disabled", "options.connection_settings.pkce"},
		{openid, "token_endpoint_auth_method", "client_secret_jwt", "options.token_endpoint_auth_method"},
		{openid, "token_endpoint_auth_method", "private_key_jwt", "options.private_key"},
		{openid, "private_key", "nonsense", "options.private_key"},
		{openid, "private_key", strings.Replace(pem, "M", "N", 1), "options.private_key"},
		{openid, "refresh_tokens", "rotating", "options.refresh_tokens"},
		{openid, "trust_introspection", "yes", "options.trust_introspection"},
		{openid, "access_token_lifetime", "1", "options.access_token_lifetime"},
		{openid, "login_url", "https://x", "options.login_url"},
		{plain, "tokenURL", "", "options.tokenURL"},
		{plain, "userInfoURL", "http://a.example/me", "options.userInfoURL"},
		{plain, "profile.id", "", "options.profile.id"},
		{plain, "profile.id", "id", "options.profile.id"},
		{plain, "token_at", "authed_user", "options.token_at"},
		{plain, "scope_param", "state", "options.scope_param"},
		{plain, "pkce_enabled", "no", "options.pkce_enabled"},
		{plain, "userInfoMethod", "PUT", "options.userInfoMethod"},
		{plain, "private_key", pem, "options.issuer"},
		{plain, "scripts.fetchUserProfile", "function (at, ctx, cb) {}", "options.scripts.fetchUserProfile"},
		{entra, "tenant_id", "", "options.tenant_id"},
		{entra, "tenant_id", "a/b", "options.tenant_id"},
	} {
		tt.c.Options = maps.Clone(tt.c.Options)
		tt.c.Options[tt.option] = tt.value
		var invalid *vault.Invalid
		if err := connections.Check(tt.c); !errors.As(err, &invalid) || invalid.Field != tt.field {
			t.Errorf("%s %s=%.20q: %v", tt.c.Strategy, tt.option, tt.value, err)
		} else if strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("the error quotes the key: %v", err)
		}
	}
}
