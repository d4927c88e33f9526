package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

func TestIntrospectionRequests(t *testing.T) {
	t.Parallel()
	form := values("token", "t", "client_id", "app", "client_secret", "new secret")
	for _, tt := range []struct {
		section string
		form    url.Values
		header  string
		code    oidc.Code
		words   string
	}{
		{"RFC 7662 2.1", form, "", "", ""},
		{"RFC 7662 2.1: in the header", values("token", "t"), basic("app", "new+secret"), "", ""},
		{"RFC 7662 2.1: a hint", with(form, "token_type_hint", "access_token"), "", "", ""},
		{"RFC 7662 2.1: an unknown hint is ignored", with(form, "token_type_hint", "x", "+token_type_hint", "y"), "", "", ""},
		{"RFC 7662 2.1: token", with(form, "token", "-"), "", oidc.InvalidRequest, "parameter: token"},
		{"RFC 6749 3.2: once", with(form, "+token", "t"), "", oidc.InvalidRequest, "token is sent 2 times"},
		{"RFC 6749 2.3: one method", form, basic("app", "new+secret"), oidc.InvalidRequest, "in two ways"},
		{"bounds", with(form, "token", strings.Repeat("x", 16385)), "", oidc.InvalidRequest, "token is too long"},
		{"RFC 7662 2.1: not with another token", values("token", "t"), "Bearer x", oidc.InvalidClient, "use Basic"},
	} {
		t.Run(tt.section, func(t *testing.T) {
			r, err := oidc.ParsePresentedToken(tt.form, tt.header)
			want(t, err, tt.code, tt.words)
			if err == nil && (r.Token.Reveal() != "t" || oidc.CheckClient(confidential, r.Credentials) != nil) {
				t.Errorf("got %+v", r)
			}
		})
	}
	want(t, oidc.CheckIntrospection(confidential), "", "")
	want(t, oidc.CheckIntrospection(asserting), "", "")
	want(t, oidc.CheckIntrospection(public), oidc.InvalidClient, "authentication failed") // RFC 7662, section 4
}

func TestIntrospectionTellsWhoseBusinessItIs(t *testing.T) {
	t.Parallel()
	rs, _, ks := signers(t)
	jwt := func(a oidc.AccessToken) (c oidc.TokenClaims) {
		token := sign(t, rs, oidc.TypAccessToken, oidc.AccessTokenClaims(issuer, a, now))
		if err := ks.Verify(token, []string{oidc.TypAccessToken}, issuer, now, &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	forAPI := jwt(oidc.AccessToken{ClientID: "app", Subject: "u", Audience: "https://api", Scopes: []string{"openid", "read:x"}, SID: "sid", ID: "g.r", DPoPKey: "k"})
	forMachine := jwt(oidc.AccessToken{ClientID: "app", Audience: "https://api", Scopes: []string{"read:x"}, ID: "r", Lifetime: time.Hour})
	opaque := vault.AccessToken{Client: "app", User: "u", Scopes: []string{"openid"}, Expires: now.Add(time.Hour)}
	bound := opaque
	bound.DPoPKey = "k"
	grant := vault.Grant{ID: "g", Client: "app", User: "u", SID: "sid", Scopes: []string{"openid", "offline_access"}, Audience: "https://api",
		Created: now.Add(-time.Hour), AuthTime: now.Add(-time.Hour), Expires: now.Add(time.Hour), DPoPKey: "k"}
	app := vault.Client{ID: "app"}
	api := vault.Client{ID: "api", API: "https://api"}
	other := vault.Client{ID: "other", API: "https://other"}
	const inactive = `{"active":false}`
	for _, tt := range []struct {
		section string
		got     oidc.Introspection
		want    string
	}{
		{"RFC 7662 2.2: JWT, its client", oidc.IntrospectJWT(app, issuer, forAPI), `{"active":true,"scope":"openid read:x","client_id":"app","token_type":"DPoP","exp":1795435200,"iat":1795348800,"sub":"u","aud":["https://api","https://login.example.com/userinfo"],"iss":"https://login.example.com/","jti":"g.r","sid":"sid","cnf":{"jkt":"k"}}`},
		{"RFC 7662 2.2: JWT, its API", oidc.IntrospectJWT(api, issuer, forMachine), `{"active":true,"scope":"read:x","client_id":"app","token_type":"Bearer","exp":1795352400,"iat":1795348800,"sub":"app@clients","aud":["https://api"],"iss":"https://login.example.com/","jti":"r"}`},
		{"RFC 7662 2.2: JWT, another API", oidc.IntrospectJWT(other, issuer, forAPI), inactive},
		{"RFC 7662 2.2: JWT, a client of no API", oidc.IntrospectJWT(vault.Client{ID: "x"}, issuer, forAPI), inactive},
		{"RFC 7662 2.2: JWT, nobody", oidc.IntrospectJWT(vault.Client{}, issuer, oidc.TokenClaims{}), inactive},
		{"RFC 7662 2.2: opaque, its client", oidc.IntrospectAccessToken(app, issuer, opaque, now), `{"active":true,"scope":"openid","client_id":"app","token_type":"Bearer","exp":1795352400,"sub":"u","aud":["https://login.example.com/userinfo"],"iss":"https://login.example.com/"}`},
		{"RFC 9449 6.2: opaque, bound", oidc.IntrospectAccessToken(app, issuer, bound, now), `{"active":true,"scope":"openid","client_id":"app","token_type":"DPoP","exp":1795352400,"sub":"u","aud":["https://login.example.com/userinfo"],"iss":"https://login.example.com/","cnf":{"jkt":"k"}}`},
		{"RFC 7662 2.2: opaque, another", oidc.IntrospectAccessToken(api, issuer, opaque, now), inactive},
		{"RFC 7662 4: opaque, expired", oidc.IntrospectAccessToken(app, issuer, opaque, now.Add(time.Hour)), inactive},
		{"RFC 7662 2.2: opaque, nobody", oidc.IntrospectAccessToken(vault.Client{}, issuer, vault.AccessToken{}, now), inactive},
		{"RFC 7662 2.2: refresh token, its client", oidc.IntrospectRefreshToken(app, issuer, grant, now), `{"active":true,"scope":"openid offline_access","client_id":"app","exp":1795352400,"iat":1795345200,"sub":"u","aud":["https://api"],"iss":"https://login.example.com/","sid":"sid","auth_time":1795345200,"cnf":{"jkt":"k"}}`},
		{"RFC 7662 2.2: refresh token, its API", oidc.IntrospectRefreshToken(api, issuer, grant, now), inactive},
		{"RFC 7662 4: refresh token, expired", oidc.IntrospectRefreshToken(app, issuer, grant, now.Add(time.Hour)), inactive},
		{"RFC 7662 4: refresh token, unused", oidc.IntrospectRefreshToken(vault.Client{ID: "app", RefreshIdle: time.Minute}, issuer, grant, now), inactive},
		{"RFC 7662 2.2: refresh token, nobody", oidc.IntrospectRefreshToken(vault.Client{}, issuer, vault.Grant{}, now), inactive},
		{"RFC 7662 2.2: what is unknown", oidc.Introspection{}, inactive},
	} {
		if got := text(tt.got); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.section, got, tt.want)
		}
	}
}
