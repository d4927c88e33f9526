package oidc_test

import (
	"reflect"
	"testing"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

var ada = vault.User{
	ID: "salesforce|005x",
	Profile: vault.Profile{
		Name: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace", Nickname: "ada", Username: "ada@org.example",
		Email: "ada@example.com", EmailVerified: true, Picture: "https://img.example/ada", Locale: "en_GB", Zoneinfo: "Europe/London",
	},
	Updated: now.Add(-time.Hour),
}

func TestClaims(t *testing.T) {
	t.Parallel()
	token := oidc.IDToken{
		Client: vault.Client{ID: "app"}, User: ada, Scopes: []string{"openid", "profile", "email"}, Nonce: "n", SID: "sid",
		AuthTime: now.Add(-time.Minute), AccessToken: "jHkWEdUXMU1BwAsC4vtUsZwnvTvpg", Extra: oidc.Claims{"instance_url": "https://x.my.salesforce.com"},
	}
	conformant := token
	conformant.Client.Conformant = true
	conformant.Client.IDTokenLifetime = time.Minute
	for _, tt := range []struct {
		file   string
		claims oidc.Claims
	}{
		{"id_token.json", oidc.IDTokenClaims(issuer, token, now)},
		{"id_token_conformant.json", oidc.IDTokenClaims(issuer, conformant, now)},
		{"id_token_least.json", oidc.IDTokenClaims(issuer, oidc.IDToken{Client: vault.Client{ID: "app"}, User: ada}, now)},
		{"access_token.json", oidc.AccessTokenClaims(issuer, oidc.AccessToken{
			ClientID: "app", Subject: ada.ID, Audience: "https://api", Scopes: []string{"openid", "read:x"}, SID: "sid", ID: oidc.TokenID("g", "r")}, now)},
		{"access_token_client.json", oidc.AccessTokenClaims(issuer, oidc.AccessToken{
			ClientID: "app", Audience: "https://api", Scopes: []string{"read:x"}, ID: "r", Lifetime: time.Hour}, now)},
		{"userinfo.json", oidc.UserInfo(ada, []string{"openid", "profile", "email"}, false)},
		{"userinfo_conformant.json", oidc.UserInfo(ada, []string{"openid", "profile", "email"}, true)},
	} {
		golden(t, tt.file, tt.claims)
	}
}

func TestAudiences(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		section  string
		subject  string
		audience string
		scopes   []string
		want     any
	}{
		{"RFC 9068 2.2: an API", "u", "https://api", []string{"read:x"}, "https://api"},
		{"Auth0: and userinfo", "u", "https://api", []string{"openid"}, []string{"https://api", issuer + "userinfo"}},
		{"no API", "u", "", []string{"openid"}, issuer + "userinfo"},
		{"userinfo as the API", "u", issuer + "userinfo", []string{"openid"}, issuer + "userinfo"},
		{"a client has no user info", "", "https://api", []string{"openid"}, "https://api"},
	} {
		got := oidc.AccessTokenClaims(issuer, oidc.AccessToken{ClientID: "app", Subject: tt.subject, Audience: tt.audience, Scopes: tt.scopes}, now)["aud"]
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.section, got, tt.want)
		}
	}
}

// What an identity provider or a setting adds to an ID token cannot pass for
// the gateway's word.
func TestExtraClaimsReplaceNone(t *testing.T) {
	t.Parallel()
	extra := oidc.Claims{"instance_url": "https://x"}
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "auth_time", "nonce", "sid", "at_hash", "c_hash", "azp", "acr", "amr",
		"email", "email_verified", "name", "updated_at", "events"} {
		extra[name] = "forged"
	}
	claims := oidc.IDTokenClaims(issuer, oidc.IDToken{Client: vault.Client{ID: "app"}, User: ada, Extra: extra}, now)
	for name, value := range claims {
		if value == "forged" {
			t.Errorf("%s is forged", name)
		}
	}
	if claims["instance_url"] != "https://x" {
		t.Error("instance_url is missing")
	}
}

func TestUserInfoTellsWhatScopesAllow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		section string
		user    vault.User
		scopes  []string
		want    int // claims
	}{
		{"Core 5.4: nothing but sub", ada, []string{"openid", "read:x"}, 1},
		{"Core 5.4: profile", ada, []string{"openid", "profile"}, 10},
		{"Core 5.4: email", ada, []string{"openid", "email"}, 3},
		{"Core 5.3.2: no empty claims", vault.User{ID: "u"}, []string{"openid", "profile", "email"}, 1},
	} {
		claims := oidc.UserInfo(tt.user, tt.scopes, false)
		if len(claims) != tt.want || claims["sub"] != tt.user.ID {
			t.Errorf("%s: got %v", tt.section, claims)
		}
	}
	u := ada
	u.Profile.EmailVerified = false
	if v := oidc.UserInfo(u, []string{"email"}, false)["email_verified"]; v != false {
		t.Errorf("email_verified is %v", v)
	}
}

func TestTokenIDCarriesItsGrant(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{oidc.TokenID("g", "r"): "g", "r": "", "": "", ".r": ""} {
		if got := oidc.GrantOf(id); got != want {
			t.Errorf("%q: got %q", id, got)
		}
	}
}
