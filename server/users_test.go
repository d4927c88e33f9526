package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport/connections/simulator"
	"sallyport/vault"
)

// TestDeletedUserLeavesNothing: no record of theirs is left, no token of theirs
// is good, and whoever signs in as the same begins anew.
func TestDeletedUserLeavesNothing(t *testing.T) {
	t.Parallel()
	g := start(t)
	p := ada()
	me, token, graces := g.me(p), g.signIn(p), g.signIn(grace())
	given := g.exchange(token.RefreshToken)
	id := "salesforce|" + simulator.DefaultUsers()[0].ID
	manager, path := g.manager(), "api/v2/users/"+url.PathEscape("salesforce|"+simulator.DefaultUsers()[0].ID)

	u := g.call(manager, "GET", path, "")
	if u.status != 200 || u.str("user_id") != id || u.str("email") != "ada@example.com" || !strings.Contains(string(u.body), `"identities":[{"connection":"salesforce","provider":"salesforce","user_id":"005`) ||
		strings.Contains(string(u.body), "token") {
		t.Fatalf("%d %s", u.status, u.body)
	}
	g.disk.full.Store(true)
	if a := g.call(manager, "DELETE", path, ""); a.status != 503 {
		t.Errorf("H32: while the store fails: %d %s", a.status, a.body)
	}
	g.disk.full.Store(false)
	for range 2 { // again is no error
		if a := g.call(manager, "DELETE", path, ""); a.status != 204 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if a := g.call(manager, "GET", path, ""); a.status != 404 {
		t.Errorf("%d %s", a.status, a.body)
	}
	dead := func(when string) {
		t.Helper()
		for name, a := range map[string]answer{
			"exchange": g.exchange(token.RefreshToken),
			"refresh":  g.post("oauth/token", "grant_type", "refresh_token", "client_id", "app", "client_secret", appSecret, "refresh_token", token.RefreshToken),
			"userinfo": g.get("userinfo", "Authorization", "Bearer "+token.AccessToken),
			"account":  g.call(me, "GET", "me/v1/connected-accounts/accounts", ""),
		} {
			if a.status != 401 && a.status != 403 {
				t.Errorf("%s, %s: %d %s", name, when, a.status, a.body)
			}
		}
	}
	dead("deleted")
	g.work()
	if n := g.salesforce.Grants("consumer-key"); g.query(given) != 401 || n > 2 { // the first sign-in's goes by and by
		t.Errorf("at Salesforce her token is answered %d, and %d grants live on", g.query(given), n)
	}
	g.put(func(tx *vault.Tx) error {
		for x, err := range tx.TokenSets.All("") {
			if err != nil || strings.Contains(x.Identity, simulator.DefaultUsers()[0].ID) {
				t.Errorf("a token set is left: %s, %v", x.Identity, err)
			}
		}
		for x, err := range tx.Grants.All("") {
			if err != nil || x.User == id {
				t.Errorf("a grant is left: %v", err)
			}
		}
		for x, err := range tx.Sessions.All("") {
			if err != nil || x.User == id {
				t.Errorf("a session is left: %v", err)
			}
		}
		for x, err := range tx.Identities.All("") {
			if err != nil || x.User == id {
				t.Errorf("an identity is left: %v", err)
			}
		}
		for x, err := range tx.AccessTokens.All("") {
			if err != nil || x.User == id {
				t.Errorf("an access token is left: %v", err)
			}
		}
		return nil
	})
	if a := g.exchange(graces.RefreshToken); a.status != 200 || g.query(a) != 200 {
		t.Errorf("another user: %d %s", a.status, a.body)
	}
	anew := g.signIn(p)
	dead("signed in anew")
	if a := g.exchange(anew.RefreshToken); a.status != 200 {
		t.Errorf("signed in anew: %d %s", a.status, a.body)
	}
}

func TestUsersAreFoundExactlyAndInPages(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.signIn(ada())
	g.signIn(grace())
	g.put(func(tx *vault.Tx) error {
		for n := range 5 {
			if err := tx.Users.Put(vault.User{ID: fmt.Sprint("z|", n), Profile: vault.Profile{Email: fmt.Sprintf("z%d@example.com", n)}}); err != nil {
				return err
			}
		}
		return nil
	})
	manager := g.manager()
	for q, want := range map[string]int{
		"": 7, `email:"ada@example.com"`: 1, `email:ADA@example.com`: 1, `email:"ada@example.co"`: 0, `username:"grace@example.com"`: 1,
		`user_id:"z|3"`: 1, "identities.user_id:" + simulator.DefaultUsers()[0].ID: 1,
	} {
		if got := list(t, g.call(manager, "GET", "api/v2/users?q="+url.QueryEscape(q), "")); len(got) != want {
			t.Errorf("%s: %d users", q, len(got))
		}
	}
	if got := list(t, g.call(manager, "GET", "api/v2/users?per_page=3&page=2", "")); len(got) != 1 || got[0]["user_id"] != "z|4" {
		t.Errorf("the last page: %v", got)
	}
	if a := g.call(manager, "GET", "api/v2/users?per_page=2&include_totals=true", ""); a.json["total"] != 7.0 || len(a.json["users"].([]any)) != 2 {
		t.Errorf("%s", a.body)
	}
	seen, from := 0, ""
	for range 3 {
		a := g.call(manager, "GET", "api/v2/users?take=3&from="+url.QueryEscape(from), "")
		seen += len(a.json["users"].([]any))
		from = a.str("next")
	}
	if seen != 7 || from != "" {
		t.Errorf("by cursor: %d users, then %q", seen, from)
	}
	for _, query := range []string{"q=email:*", "q=name:ada", "q=email:a+OR+email:b", "per_page=101", "page=-1", "take=0"} {
		if a := g.call(manager, "GET", "api/v2/users?"+query, ""); a.status != 400 {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}

// TestAdministratorDisconnectsOneAccount by Auth0's endpoint of token sets.
func TestAdministratorDisconnectsOneAccount(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	manager, user := g.manager(), "api/v2/users/"+url.PathEscape("salesforce|"+simulator.DefaultUsers()[0].ID)
	sets := list(t, g.call(manager, "GET", user+"/federated-connections-tokensets", ""))
	if len(sets) != 1 || sets[0]["connection"] != "salesforce" || sets[0]["scope"] == "" {
		t.Fatalf("%v", sets)
	}
	if a := g.call(manager, "GET", user+"/connected-accounts", ""); a.status != http.StatusOK || !strings.Contains(string(a.body), sets[0]["id"].(string)) {
		t.Errorf("%d %s", a.status, a.body)
	}
	path := user + "/federated-connections-tokensets/" + sets[0]["id"].(string)
	if a := g.call(manager, "DELETE", path, ""); a.status != 204 || a.header.Get("X-Sallyport-Revocation") != "revoked" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	if a := g.exchange(token.RefreshToken); a.str("reason") != "not_connected" || g.salesforce.Grants("consumer-key") != 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.call(manager, "DELETE", path, ""); a.status != 204 {
		t.Errorf("again: %d %s", a.status, a.body)
	}
}
