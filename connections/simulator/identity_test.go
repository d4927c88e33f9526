package simulator_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport/connections/simulator"
)

func (o *org) introspection(token string) string {
	o.t.Helper()
	r := o.post("/services/oauth2/introspect", url.Values{"token": {token}, "client_id": {key}, "client_secret": {secret}})
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != asJSON {
		o.t.Errorf("introspect: %d %v", r.StatusCode, r.Header)
	}
	return r.body
}

func TestIntrospection(t *testing.T) {
	o := start(t, func(s *simulator.Salesforce, _ *simulator.App) {
		s.Apps = append(s.Apps, simulator.App{ConsumerKey: "3MVG9second", ConsumerSecret: secret})
	})
	set := o.signIn("scope", "api refresh_token")
	const about = `{"active":true,"scope":"api refresh_token","client_id":"` + key + `","username":"ada@example.com","sub":`
	if got, want := o.introspection(set.AccessToken), about+`"`+set.ID+`","token_type":"access_token","exp":1772373600,"iat":1772366400,"nbf":1772366400}`; got != want {
		t.Errorf("access token\ngot  %s\nwant %s", got, want)
	}
	if got, want := o.introspection(set.RefreshToken), about+`"`+set.ID+`","token_type":"refresh_token","iat":1772366400,"nbf":1772366400}`; got != want {
		t.Errorf("refresh token\ngot  %s\nwant %s", got, want)
	}
	r := o.post("/services/oauth2/introspect", url.Values{"token": {set.AccessToken}, "client_id": {"3MVG9second"}, "client_secret": {secret}})
	o.expect(r, 200, asJSON, `{"active":false}`)
	for _, s := range []string{"", "wrong"} {
		r := o.post("/services/oauth2/introspect", url.Values{"token": {set.AccessToken}, "client_id": {key}, "client_secret": {s}})
		o.expect(r, 401, asJSON, oauthError("invalid_client", "invalid client credentials"))
	}
	if got := o.introspection("unknown"); got != `{"active":false}` {
		t.Error(got)
	}
}

func TestIntrospectionUsesNothing(t *testing.T) {
	o := start(t)
	set := o.signIn()
	o.now.Move(time.Hour)
	o.introspection(set.AccessToken)
	o.now.Move(time.Hour)
	if got := o.introspection(set.AccessToken); got != `{"active":false}` {
		t.Errorf("introspection prolonged the session: %s", got)
	}
	next := o.tokenSet(refreshment(set.RefreshToken))
	if got := o.introspection(set.RefreshToken); got != `{"active":false}` {
		t.Errorf("spent: %s", got)
	}
	if o.Replays() != 0 {
		t.Error("introspecting a spent token counts as a replay")
	}
	o.tokenSet(refreshment(next.RefreshToken))
}

func TestIntrospectionTellsWhenUseHasProlonged(t *testing.T) {
	o := start(t)
	set := o.signIn()
	o.now.Move(time.Hour)
	o.alive(set.AccessToken)
	if got := o.introspection(set.AccessToken); !strings.Contains(got, `"exp":1772377200,`) {
		t.Error(got)
	}
}

func TestRevocation(t *testing.T) {
	o := start(t)
	set := o.signIn()
	gone := "error=invalid_token&error_description=invalid+token"
	o.expect(o.post("/services/oauth2/revoke", url.Values{"token": {set.AccessToken}}), 200, "", "")
	if o.alive(set.AccessToken) {
		t.Error("the access token lives")
	}
	o.expect(o.post("/services/oauth2/revoke", url.Values{"token": {set.AccessToken}}), 400, asForm, gone)
	next := o.tokenSet(refreshment(set.RefreshToken))
	o.expect(o.post("/services/oauth2/revoke", url.Values{"token": {set.RefreshToken}}), 400, asForm, gone)
	o.expect(o.get("/services/oauth2/revoke?token="+next.RefreshToken, ""), 200, "", "")
	if o.alive(next.AccessToken) {
		t.Error("the refresh token's access token lives")
	}
	o.refused(o.token(refreshment(next.RefreshToken)), "invalid_grant", dead)
	o.expect(o.get("/services/oauth2/revoke", ""), 400, asForm, gone)
}

func TestRevocationByScript(t *testing.T) {
	o := start(t)
	at := func(token, callback string) string {
		return "/services/oauth2/revoke?" + url.Values{"token": {token}, "callback": {callback}}.Encode()
	}
	token := o.signIn().AccessToken
	const script = "application/javascript;charset=UTF-8"
	o.expect(o.get(at(token, "my.cb"), ""), 200, script, "my.cb({});")
	o.expect(o.get(at(token, "my.cb"), ""), 200, script, `my.cb({"error":"invalid_token"});`)
	o.expect(o.get(at(token, "alert(1)//"), ""), 400, asForm, "error=invalid_token&error_description=invalid+token")
}

func TestSharedAccessTokenDiesWithOneRevocation(t *testing.T) {
	o := start(t)
	first, second := o.signIn(), o.signIn()
	o.post("/services/oauth2/revoke", url.Values{"token": {first.RefreshToken}})
	if o.alive(second.AccessToken) {
		t.Error("alive")
	}
	o.tokenSet(refreshment(second.RefreshToken))
}

func TestUserInfo(t *testing.T) {
	o := start(t)
	set := o.signIn("scope", "openid")
	byPOST := o.post("/services/oauth2/userinfo", url.Values{"access_token": {set.AccessToken}})
	r := o.get("/services/oauth2/userinfo", set.AccessToken)
	if r.body != byPOST.body {
		t.Errorf("POST: %s", byPOST.body)
	}
	var info map[string]any
	if err := json.Unmarshal([]byte(r.body), &info); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"sub": set.ID, "user_id": "005Sa000000adaLIAQ", "organization_id": "00DSa000000sim1MAA", "preferred_username": "ada@example.com",
		"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.com", "email_verified": true,
		"active": true, "updated_at": "2026-01-05T09:30:00Z", "utcOffset": 0.0,
	} {
		if info[name] != want {
			t.Errorf("%s: got %v", name, info[name])
		}
	}
	if urls := info["urls"].(map[string]any); urls["rest"] != o.url+"/services/data/v{version}/" || urls["custom_domain"] != o.url {
		t.Errorf("urls: %v", urls)
	}
}

func TestIdentityURL(t *testing.T) {
	o := start(t)
	set := o.signIn()
	path := strings.TrimPrefix(set.ID, o.url)
	r := o.get(path, set.AccessToken)
	var id map[string]any
	if err := json.Unmarshal([]byte(r.body), &id); err != nil {
		t.Fatal(err)
	}
	if id["id"] != set.ID || id["username"] != "ada@example.com" || id["display_name"] != "Ada Lovelace" || id["asserted_user"] != true {
		t.Error(r.body)
	}
	o.expect(o.get("/"+path, set.AccessToken), 200, asJSON, r.body) // two slashes
	o.expect(o.get("/id/00DSa000000sim1/005Sa000000adaL", set.AccessToken), 200, asJSON, r.body)
	o.expect(o.post(path, url.Values{"access_token": {set.AccessToken}}), 200, asJSON, r.body)
	o.expect(o.get("/id/00DSa000000sim2MAA/005Sa000000adaLIAQ", set.AccessToken), 403, asText, "Wrong_Org")
	o.expect(o.get("/id/00DSa000000sim1MAA/005Sa000000graHIAQ", set.AccessToken), 404, asText, "Bad_Id")
}

func TestIdentityEndpointsRefuseTokensWith403AndAWord(t *testing.T) {
	o := start(t)
	for _, path := range []string{"/services/oauth2/userinfo", "/id/00DSa000000sim1MAA/005Sa000000adaLIAQ", "//id/00DSa000000sim1MAA/005Sa000000adaLIAQ"} {
		o.expect(o.get(path, ""), 403, asText, "Missing_OAuth_Token")
		o.expect(o.get(path, "00D!nothing"), 403, asText, "Bad_OAuth_Token")
	}
	token := o.signIn("scope", "refresh_token").AccessToken
	o.expect(o.get("/services/oauth2/userinfo", token), 403, asText, "Bad_OAuth_Token")
}

func TestUsersWithoutIDsGetSome(t *testing.T) {
	o := start(t, func(s *simulator.Salesforce, _ *simulator.App) {
		s.Users = []simulator.User{{Username: "ada@example.com", Password: simulator.DefaultUsers()[0].Password}}
	})
	id := o.signIn().ID
	if last := id[strings.LastIndex(id, "/")+1:]; len(last) != 18 || !strings.HasPrefix(last, "005") {
		t.Error(id)
	}
}
