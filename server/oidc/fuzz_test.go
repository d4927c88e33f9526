package oidc_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// protocolError fails a test whose error is not one that a client may get.
func protocolError(t *testing.T, err error) {
	t.Helper()
	var e *oidc.Error
	if err != nil && (!errors.As(err, &e) || e.Code == "" || e.Description == "" || len(e.Description) > 1000 || e.Status() < 400) {
		t.Errorf("got %#v", err)
	}
}

func FuzzAuthorizationRequest(f *testing.F) {
	f.Add(authorization.Encode())
	f.Add(with(authorization, "+redirect_uri", "https://evil.example", "max_age", "-1", "prompt", "none login").Encode())
	f.Add("client_id=app&redirect_uri=http://127.0.0.1:80@evil.example/loop&scope=%22")
	f.Fuzz(func(t *testing.T, query string) {
		params, _ := url.ParseQuery(query)
		r, err := oidc.ParseAuthorizationRequest(params)
		protocolError(t, err)
		if err == nil && (r.ClientID == "" || r.RedirectURI == "") {
			t.Error("passes without a client or a redirect URI")
		}
		if err == nil {
			err = oidc.CheckAuthorizationRequest(public, r)
			protocolError(t, err)
		}
		if err == nil && r.CodeChallenge == "" {
			t.Error("a public client passes without PKCE")
		}
		if uri := oidc.CheckRedirectURI(public, r.RedirectURI); uri != nil {
			protocolError(t, uri)
			return
		}
		var e *oidc.Error
		if !errors.As(err, &e) {
			e = &oidc.Error{Code: oidc.ServerError}
		}
		for _, s := range []string{oidc.AuthorizationResponse(issuer, r.AuthorizationRequest, "c"), oidc.ErrorResponse(issuer, r.AuthorizationRequest, e)} {
			u, err := url.Parse(s)
			if err != nil || u.Host != "app.example.com" || u.Query().Get("state") != r.State || u.Query().Get("iss") != issuer || len(u.Query()["state"]) > 1 {
				t.Errorf("goes to %q", s)
			}
		}
	})
}

// Only what is registered passes; of loopback addresses, with any port.
func FuzzRedirectURI(f *testing.F) {
	native := public
	native.AppType = "native"
	native.RedirectURIs = []string{"http://127.0.0.1/loop?x", "http://[::1]:80/loop"}
	f.Add("http://127.0.0.1:80@evil.example/loop?x")
	f.Add("http://127.0.0.1:80/loop?x")
	f.Fuzz(func(t *testing.T, uri string) {
		if err := oidc.CheckRedirectURI(native, uri); err != nil {
			protocolError(t, err)
			return
		}
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "http" || u.User != nil || u.Path != "/loop" || u.Fragment != "" ||
			!(u.Hostname() == "127.0.0.1" && u.RawQuery == "x" || u.Hostname() == "::1" && u.RawQuery == "") {
			t.Errorf("%q passes", uri)
		}
	})
}

func FuzzTokenRequest(f *testing.F) {
	f.Add(rfcForm.Encode(), basic("app", "new+secret"))
	f.Add(auth0Form.Encode(), "")
	f.Add("grant_type=authorization_code&code=c&client_id=app&client_secret=s", "Basic Og==")
	f.Add("grant_type=refresh_token", "bearer x")
	f.Fuzz(func(t *testing.T, body, header string) {
		form, _ := url.ParseQuery(body)
		r, err := oidc.ParseTokenRequest(form, header)
		protocolError(t, err)
		if err != nil {
			return
		}
		if (r.AuthMethod == "none") != (r.ClientSecret.IsZero() && r.ClientAssertion.IsZero()) || r.GrantType == "" {
			t.Errorf("got %+v", r)
		}
		if !utf8.ValidString(r.ClientID + r.LoginHint + r.Audience + r.ClientSecret.Reveal()) {
			t.Error("passes on what is not UTF-8")
		}
		protocolError(t, oidc.CheckGrantType(confidential, r))
		if oidc.CheckClient(confidential, r.Credentials) == nil && r.ClientSecret.Reveal() != "new secret" && r.ClientSecret.Reveal() != "old secret" {
			t.Error("passes without the secret")
		}
		x, err := oidc.ParseExchange(r)
		protocolError(t, err)
		if err == nil && (x.Connection == "" || x.SubjectToken.IsZero() || x.RequestedTokenType == "" || x.MinTTL < 0) {
			t.Errorf("got %+v", x)
		}
	})
}

func FuzzFormFromJSON(f *testing.F) {
	for _, s := range []string{`{"grant_type":"refresh_token","n":1,"t":true,"z":null}`, `{"a":{"b":[]}}`, `{"a":1,"a":2}`, `{"a":"b"}{`, "{\"\\ud800\":1}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		form, err := oidc.FormFromJSON(body)
		protocolError(t, err)
		for name, values := range form {
			if len(values) != 1 || !utf8.ValidString(name+values[0]) {
				t.Errorf("got %q=%q", name, values)
			}
		}
	})
}

func FuzzVerify(f *testing.F) {
	rs, es, ks := signers(f)
	issued := map[string]bool{}
	for _, s := range []string{sign(f, rs, "JWT", good()), sign(f, es, "JWT", good())} {
		issued[s[:strings.LastIndexByte(s, '.')]] = true // encodings of a signature may differ
		f.Add(s)
	}
	f.Add("..")
	f.Add(encode(map[string]any{"alg": "none", "kid": rs.ID(), "typ": "JWT"}) + "." + encode(good()) + ".")
	f.Fuzz(func(t *testing.T, token string) {
		err := ks.Verify(token, []string{"JWT"}, issuer, now, &oidc.TokenClaims{})
		if err == nil && !issued[token[:strings.LastIndexByte(token, '.')]] {
			t.Errorf("%q passes", token)
		}
		if _, err := ks.VerifyHint(token, issuer); err == nil && !issued[token[:strings.LastIndexByte(token, '.')]] {
			t.Errorf("%q passes as a hint", token)
		}
		r := oidc.AuthorizationRequest{IDTokenHint: vault.NewSecret(token)}
		r.ClientID = "app"
		user, err := ks.HintedUser(r, issuer)
		protocolError(t, err)
		if user != "" && user != "u" {
			t.Errorf("%q is of %q", token, user)
		}
	})
}

func FuzzRefreshToken(f *testing.F) {
	f.Add("v1.id.secret")
	f.Add("v1..")
	f.Fuzz(func(t *testing.T, s string) {
		id, secret, ok := oidc.ParseRefreshToken(s)
		if ok && (oidc.RefreshToken(id, secret) != s || id == "" || secret == "") || !ok && id+secret != "" {
			t.Errorf("%q: got %q, %q, %v", s, id, secret, ok)
		}
	})
}
