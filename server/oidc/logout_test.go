package oidc_test

import (
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
