package oidc_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sallyport/server/oidc"
	"sallyport/vault"
)

func TestClaimsParameter(t *testing.T) {
	t.Parallel()
	type claims = map[string]oidc.ClaimRequest
	many := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"c%d":null`, i))
		}
		return `{"id_token":{` + strings.Join(list, ",") + `}}`
	}
	for _, tt := range []struct {
		section, raw      string
		idToken, userInfo claims
		words             string // of the error; "" for none
	}{
		{"Core 5.5: none", ``, nil, nil, ""},
		{"Core 5.5: neither", `{}`, nil, nil, ""},
		{"Core 5.5: both", `{"userinfo":{"given_name":{"essential":true},"picture":null},"id_token":{"auth_time":{"essential":true}}}`,
			claims{"auth_time": {Essential: true}}, claims{"given_name": {Essential: true}, "picture": {}}, ""},
		{"Core 5.5: others are ignored", `{"x":1,"id_token":{"email":null}}`, claims{"email": {}}, nil, ""},
		{"Core 5.5: null", `{"id_token":null,"userinfo":null}`, nil, nil, ""},
		{"Core 5.5.1: value", `{"id_token":{"sub":{"value":"u"}}}`, claims{"sub": {Values: []string{"u"}}}, nil, ""},
		{"Core 5.5.1: values", `{"id_token":{"acr":{"values":["a","b"]}}}`, claims{"acr": {Values: []string{"a", "b"}}}, nil, ""},
		{"Core 5.5.1: values that are no strings", `{"id_token":{"x":{"value":1,"values":[null,true,{"y":[]}]}}}`, claims{"x": {}}, nil, ""},
		{"Core 5.5.1: others are ignored", `{"id_token":{"x":{"new":{}}}}`, claims{"x": {}}, nil, ""},
		{"Core 5.5.2: languages", `{"userinfo":{"name#de":null}}`, nil, claims{"name#de": {}}, ""},
		{"Core 5.5: an object", `[]`, nil, nil, "is not a JSON object"},
		{"Core 5.5: an object", `"x"`, nil, nil, "is not a JSON object"},
		{"Core 5.5: JSON", `{"id_token":`, nil, nil, "is not JSON"},
		{"Core 5.5: JSON", `{} {}`, nil, nil, "goes on after"},
		{"Core 5.5: once", `{"id_token":{},"id_token":{}}`, nil, nil, "twice"},
		{"Core 5.5: once", `{"id_token":{"sub":{"value":"a"},"sub":null}}`, nil, nil, "twice"},
		{"Core 5.5: objects", `{"id_token":["email"]}`, nil, nil, "'id_token'"},
		{"Core 5.5: objects", `{"userinfo":"email"}`, nil, nil, "'userinfo'"},
		{"Core 5.5.1: null or an object", `{"id_token":{"email":true}}`, nil, nil, "'email'"},
		{"Core 5.5.1: essential", `{"id_token":{"email":{"essential":"true"}}}`, nil, nil, "'essential'"},
		{"Core 5.5.1: values", `{"id_token":{"email":{"values":"a"}}}`, nil, nil, "'values'"},
		{"bounds", `{"id_token":{"x":"` + strings.Repeat("x", 4096) + `"}}`, nil, nil, "too long"},
		{"bounds", `{"id_token":` + strings.Repeat(`[`, 4000), nil, nil, "claims"},
		{"bounds", many(51), nil, nil, "more than 50 claims"},
	} {
		idToken, userInfo, err := oidc.RequestedClaims(tt.raw)
		if tt.words != "" {
			want(t, err, oidc.InvalidRequest, tt.words)
			if err == nil || idToken != nil || userInfo != nil {
				t.Errorf("%s: got %v, %v", tt.section, idToken, userInfo)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(idToken, tt.idToken) || !reflect.DeepEqual(userInfo, tt.userInfo) {
			t.Errorf("%s: got %v, %v, %v", tt.section, idToken, userInfo, err)
		}
	}
	if idToken, _, err := oidc.RequestedClaims(many(50)); err != nil || len(idToken) != 50 {
		t.Errorf("got %d claims, %v", len(idToken), err)
	}
}

// OpenID Connect Core 1.0, section 5.5: by name what no scope brought.
func TestRequestedClaimsAreGiven(t *testing.T) {
	t.Parallel()
	idToken, userInfo, err := oidc.RequestedClaims(`{"id_token":{"email":{"essential":true},"auth_time":{"essential":true},"sub":{"value":"x"},"iss":{"value":"x"},"acr":null,"unknown":null},"userinfo":{"name":null,"phone_number":{"essential":true}}}`)
	if err != nil {
		t.Fatal(err)
	}
	token := oidc.IDToken{Client: vault.Client{ID: "app"}, User: ada, Scopes: []string{"openid"}, AuthTime: now, Requested: idToken}
	got := oidc.IDTokenClaims(issuer, token, now)
	if got["email"] != "ada@example.com" || got["auth_time"] != now.Unix() || got["sub"] != ada.ID || got["iss"] != issuer || len(got) != 7 {
		t.Errorf("got %v", got)
	}
	info := oidc.UserInfoWith(ada, []string{"openid"}, userInfo, false)
	if len(info) != 2 || info["name"] != "Ada Lovelace" || info["sub"] != ada.ID {
		t.Errorf("got %v", info)
	}
	if got := oidc.UserInfoWith(ada, []string{"email"}, nil, true); !reflect.DeepEqual(got, oidc.UserInfo(ada, []string{"email"}, true)) {
		t.Errorf("got %v", got)
	}
	if got := oidc.UserInfoWith(vault.User{ID: "u"}, nil, userInfo, true); len(got) != 1 { // section 5.3.2: no empty claims
		t.Errorf("got %v", got)
	}
	if scopes := oidc.ClaimScopes(idToken, userInfo); !slices.Equal(scopes, []string{"profile", "email"}) {
		t.Errorf("got %v", scopes)
	}
	if scopes := oidc.ClaimScopes(nil, map[string]oidc.ClaimRequest{"sub": {}, "acr": {}}); len(scopes) != 0 {
		t.Errorf("got %v", scopes)
	}
}

func TestAnswersAreAboutTheUserAskedFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		section, claims, hinted string
		code                    oidc.Code
	}{
		{"anybody", "", "", ""},
		{"Core 3.1.2.1: id_token_hint", "", "u", ""},
		{"Core 3.1.2.1: id_token_hint of another", "", "v", oidc.LoginRequired},
		{"Core 5.5.1: sub", `{"id_token":{"sub":{"value":"u"}}}`, "", ""},
		{"Core 5.5.1: sub, one of several", `{"id_token":{"sub":{"values":["v","u"]}}}`, "", ""},
		{"Core 5.5.1: sub of another", `{"id_token":{"sub":{"value":"v"}}}`, "", oidc.LoginRequired},
		{"Core 5.5.1: sub of another", `{"userinfo":{"sub":{"value":"v"}}}`, "", oidc.LoginRequired},
		{"Core 5.5.1: sub without a value", `{"id_token":{"sub":null}}`, "", ""},
		{"Core 5.5.1: malformed", `[]`, "", oidc.InvalidRequest},
	} {
		err := oidc.CheckUser(vault.AuthorizationRequest{Claims: tt.claims, HintedUser: tt.hinted}, "u")
		t.Run(tt.section, func(t *testing.T) { want(t, err, tt.code, "") })
	}
}

func TestHintsAreVerified(t *testing.T) {
	t.Parallel()
	rs, _, ks := signers(t)
	issued := func(client string) vault.Secret {
		return vault.NewSecret(sign(t, rs, oidc.TypIDToken, oidc.IDTokenClaims(issuer, oidc.IDToken{Client: vault.Client{ID: client}, User: ada}, now)))
	}
	for _, tt := range []struct {
		section string
		hint    vault.Secret
		want    string
		code    oidc.Code
	}{
		{"Core 3.1.2.1: none", vault.Secret{}, "", ""},
		{"Core 3.1.2.1", issued("app"), ada.ID, ""},
		{"another client's", issued("other"), "", oidc.InvalidRequest},
		{"RFC 8725 3.11: an access token", vault.NewSecret(sign(t, rs, oidc.TypAccessToken, good())), "", oidc.InvalidRequest},
		{"forged", vault.NewSecret("e30.e30.x"), "", oidc.InvalidRequest},
	} {
		var r oidc.AuthorizationRequest
		r.ClientID, r.IDTokenHint = "app", tt.hint
		user, err := ks.HintedUser(r, issuer)
		want(t, err, tt.code, "id_token_hint")
		if user != tt.want {
			t.Errorf("%s: got %q", tt.section, user)
		}
		if s := fmt.Sprintf("%+v", r); !tt.hint.IsZero() && strings.Contains(s, tt.hint.Reveal()) {
			t.Errorf("prints the hint: %s", s)
		}
	}
}
