package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

func TestLogoutRequests(t *testing.T) {
	t.Parallel()
	client := &vault.Client{ID: "app", LogoutURIs: []string{"https://app.example.com/bye", "https://app.example.com/bye?a=b"}}
	hint := &oidc.Hint{Subject: "u", SID: "sid", ClientID: "app"}
	session := &vault.Session{User: "u", SID: "sid"}
	const bye = "https://app.example.com/bye"
	for _, tt := range []struct {
		section string
		client  *vault.Client
		r       oidc.LogoutRequest
		hint    *oidc.Hint
		session *vault.Session
		want    oidc.Logout
		words   string // of an error
	}{
		{"2: all is well", client, oidc.LogoutRequest{RedirectURI: bye, ClientID: "app"}, hint, session, oidc.Logout{RedirectTo: bye}, ""},
		{"2: client by the hint", client, oidc.LogoutRequest{RedirectURI: bye}, hint, session, oidc.Logout{RedirectTo: bye}, ""},
		{"3: state is passed back", client, oidc.LogoutRequest{RedirectURI: bye, State: "s t"}, hint, session, oidc.Logout{RedirectTo: bye + "?state=s+t"}, ""},
		{"3: beside the query", client, oidc.LogoutRequest{RedirectURI: bye + "?a=b", State: "s"}, hint, session, oidc.Logout{RedirectTo: bye + "?a=b&state=s"}, ""},
		{"2: nowhere to go", client, oidc.LogoutRequest{State: "s"}, hint, session, oidc.Logout{}, ""},
		{"2: nothing at all", nil, oidc.LogoutRequest{}, nil, session, oidc.Logout{Confirm: true}, ""},
		{"2: nobody is signed in", nil, oidc.LogoutRequest{}, nil, nil, oidc.Logout{}, ""},
		{"6: no hint", client, oidc.LogoutRequest{ClientID: "app", RedirectURI: bye}, nil, session, oidc.Logout{Confirm: true, RedirectTo: bye}, ""},
		{"6: no hint, and nobody", client, oidc.LogoutRequest{ClientID: "app", RedirectURI: bye}, nil, nil, oidc.Logout{RedirectTo: bye}, ""},
		{"2: another user's hint", client, oidc.LogoutRequest{}, &oidc.Hint{Subject: "v", SID: "sid", ClientID: "app"}, session, oidc.Logout{Confirm: true}, ""},
		{"2: another session's hint", client, oidc.LogoutRequest{}, &oidc.Hint{Subject: "u", SID: "old", ClientID: "app"}, session, oidc.Logout{Confirm: true}, ""},
		{"2: a hint of no session", client, oidc.LogoutRequest{}, &oidc.Hint{Subject: "u", ClientID: "app"}, session, oidc.Logout{Confirm: true}, ""},

		{"2: hint of another client", client, oidc.LogoutRequest{ClientID: "app"}, &oidc.Hint{Subject: "u", SID: "sid", ClientID: "other"}, session, oidc.Logout{}, "not the client that the id_token_hint"},
		{"2: unknown client", nil, oidc.LogoutRequest{ClientID: "app"}, nil, session, oidc.Logout{}, "client is unknown"},
		{"2: the wrong record", &vault.Client{ID: "other"}, oidc.LogoutRequest{ClientID: "app"}, nil, session, oidc.Logout{}, "client is unknown"},
		{"3: whose URI?", nil, oidc.LogoutRequest{RedirectURI: bye}, nil, session, oidc.Logout{}, "without saying whose"},
		{"3: whose URI?", client, oidc.LogoutRequest{RedirectURI: bye}, nil, session, oidc.Logout{}, "without saying whose"},
		{"3: not registered", client, oidc.LogoutRequest{RedirectURI: "https://evil.example"}, hint, session, oidc.Logout{}, "'https://evil.example' is not registered"},
		{"3: exactly", client, oidc.LogoutRequest{RedirectURI: bye + "/"}, hint, session, oidc.Logout{}, "not registered"},
		{"3: exactly", client, oidc.LogoutRequest{RedirectURI: bye + "?"}, hint, session, oidc.Logout{}, "not registered"},
		{"3: exactly", client, oidc.LogoutRequest{RedirectURI: "https://APP.example.com/bye"}, hint, session, oidc.Logout{}, "not registered"},
		{"H18", client, oidc.LogoutRequest{RedirectURI: "//evil.example"}, hint, session, oidc.Logout{}, "not registered"},
		{"H18", client, oidc.LogoutRequest{RedirectURI: "/\\evil.example"}, hint, session, oidc.Logout{}, "not registered"},
		{"H18", client, oidc.LogoutRequest{RedirectURI: bye + "@evil.example"}, hint, session, oidc.Logout{}, "not registered"},
	} {
		got, err := oidc.CheckLogoutRequest(tt.client, tt.r, tt.hint, tt.session)
		t.Run(tt.section, func(t *testing.T) {
			if tt.words != "" {
				want(t, err, oidc.InvalidRequest, tt.words)
			} else if err != nil {
				t.Error(err)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestLogoutRequestIsRead(t *testing.T) {
	t.Parallel()
	base := values("id_token_hint", "h", "client_id", "app", "post_logout_redirect_uri", "https://app.example.com/bye", "state", "s", "federated", "", "ui_locales", "de")
	r, err := oidc.ParseLogoutRequest(base)
	if err != nil || r.IDTokenHint.Reveal() != "h" || r.ClientID != "app" || r.RedirectURI != "https://app.example.com/bye" || r.State != "s" {
		t.Errorf("got %+v, %v", r, err)
	}
	for _, name := range []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state"} {
		_, err := oidc.ParseLogoutRequest(with(base, "+"+name, "x"))
		want(t, err, oidc.InvalidRequest, name+" is sent 2 times")
	}
	_, err = oidc.ParseLogoutRequest(with(base, "id_token_hint", strings.Repeat("x", 16385)))
	want(t, err, oidc.InvalidRequest, "too long")
}

func TestHints(t *testing.T) {
	t.Parallel()
	rs, _, ks := signers(t)
	token := func(change oidc.Claims) string {
		claims := oidc.IDTokenClaims(issuer, oidc.IDToken{Client: vault.Client{ID: "app"}, User: ada, SID: "sid"}, now.Add(-time.Hour*1000))
		for name, value := range change {
			claims[name] = value
		}
		return sign(t, rs, oidc.TypIDToken, claims)
	}
	hint, err := ks.VerifyHint(token(nil), issuer) // section 4: expired is good enough
	if err != nil || hint != (oidc.Hint{Subject: ada.ID, SID: "sid", ClientID: "app"}) {
		t.Errorf("got %+v, %v", hint, err)
	}
	for name, s := range map[string]string{
		"another issuer": token(oidc.Claims{"iss": "https://evil.example/"}),
		"two clients":    token(oidc.Claims{"aud": []string{"app", "other"}}),
		"no client":      token(oidc.Claims{"aud": []string{}}),
		"no user":        token(oidc.Claims{"sub": ""}),
		"access token":   sign(t, rs, oidc.TypAccessToken, good()),
		"forged":         token(nil)[:40] + token(oidc.Claims{"sub": "v"})[40:],
		"nothing":        "",
	} {
		if name == "forged" {
			a, b := strings.Split(token(nil), "."), strings.Split(token(oidc.Claims{"sub": "v"}), ".")
			s = a[0] + "." + b[1] + "." + a[2]
		}
		if hint, err := ks.VerifyHint(s, issuer); err == nil || hint != (oidc.Hint{}) {
			t.Errorf("%s: got %+v", name, hint)
		}
	}
}

func TestLogoutTokens(t *testing.T) {
	t.Parallel()
	rs, _, ks := signers(t)
	claims := oidc.LogoutTokenClaims(issuer, vault.LogoutNotice{Client: "app", User: ada.ID, SID: "sid"}, "j", now)
	golden(t, "logout_token.json", claims)
	if _, found := claims["nonce"]; found { // section 2.4: prohibited
		t.Error("has a nonce")
	}
	token := sign(t, rs, oidc.TypLogoutToken, claims)
	if err := ks.Verify(token, []string{oidc.TypLogoutToken}, issuer, now, &oidc.TokenClaims{}); err != nil {
		t.Error(err)
	}
	// RFC 8725, section 3.11: it is nothing else.
	for _, typ := range []string{oidc.TypIDToken, oidc.TypAccessToken} {
		if ks.Verify(token, []string{typ}, issuer, now, &oidc.TokenClaims{}) == nil {
			t.Errorf("passes as %s", typ)
		}
	}
	if _, err := ks.VerifyHint(token, issuer); err == nil {
		t.Error("passes as an id_token_hint")
	}
	if c := oidc.LogoutTokenClaims(issuer, vault.LogoutNotice{Client: "app", SID: "sid"}, "j", now); c["sub"] != nil || c["sid"] != "sid" { // section 2.4: one of the two
		t.Errorf("got %v", c)
	}
}

func TestH18V2Logout(t *testing.T) {
	t.Parallel()
	const bye, other = "https://app.example.com/bye", "https://app.example.com/"
	client := &vault.Client{ID: "app", LogoutURIs: []string{bye, other}}
	for _, tt := range []struct {
		section   string
		client    *vault.Client
		query     string
		federated bool
		want      string
		words     string // of an error
	}{
		{"Auth0: returnTo", client, "client_id=app&returnTo=" + other, false, other, ""},
		{"Auth0: none, the first", client, "client_id=app", false, bye, ""},
		{"Auth0: none registered", &vault.Client{ID: "app"}, "client_id=app", false, "", ""},
		{"Auth0: federated is a flag", client, "client_id=app&federated", true, bye, ""},
		{"nextjs-auth0: federated=", client, "client_id=app&federated=", true, bye, ""},
		{"spa-js: auth0Client", client, "client_id=app&auth0Client=e30", false, bye, ""},
		{"no client, nowhere to go", nil, "", false, "", ""},
		{"no client, somewhere to go", nil, "returnTo=" + bye, false, "", "send client_id"},
		{"unknown client", nil, "client_id=app&returnTo=" + bye, false, "", "unknown"},
		{"another client", &vault.Client{ID: "other", LogoutURIs: client.LogoutURIs}, "client_id=app&returnTo=" + bye, false, "", "unknown"},
		{"not registered", client, "client_id=app&returnTo=https://evil.example/", false, "", "not registered"},
		{"not registered: the path", client, "client_id=app&returnTo=" + bye + "/x", false, "", "not registered"},
		{"not registered: a query", client, "client_id=app&returnTo=" + bye + "%3Fx", false, "", "not registered"},
		{"not registered: a fragment", client, "client_id=app&returnTo=" + bye + "%23x", false, "", "not registered"},
		{"not registered: case", client, "client_id=app&returnTo=HTTPS://app.example.com/bye", false, "", "not registered"},
		{"not registered: relative", client, "client_id=app&returnTo=//evil.example", false, "", "not registered"},
		{"not registered: backslash", client, `client_id=app&returnTo=/\evil.example`, false, "", "not registered"},
		{"not registered: user info", client, "client_id=app&returnTo=https://app.example.com@evil.example/bye", false, "", "not registered"},
		{"once", client, "client_id=app&returnTo=" + bye + "&returnTo=https://evil.example", false, "", "2 times"},
		{"bounds", client, "client_id=app&returnTo=" + strings.Repeat("x", 2049), false, "", "too long"},
		{"control characters", client, "client_id=app&returnTo=" + bye + "%0d%0aSet-Cookie:x", false, "", "control characters"},
	} {
		t.Run(tt.section, func(t *testing.T) {
			params, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			r, err := oidc.ParseV2LogoutRequest(params)
			var l oidc.Logout
			if err == nil {
				l, err = oidc.CheckV2LogoutRequest(tt.client, r)
			}
			if tt.words != "" {
				want(t, err, oidc.InvalidRequest, tt.words)
			} else if err != nil || r.Federated != tt.federated {
				t.Errorf("got %+v, %v", r, err)
			}
			if l != (oidc.Logout{RedirectTo: tt.want}) {
				t.Errorf("got %+v", l)
			}
		})
	}
}
