package simulator_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/connections/simulator"
)

// begin makes a fault happen by name; query is that of the admin API.
func (o *org) begin(name string, query ...string) {
	o.t.Helper()
	if r := o.admin("POST", "/faults/"+name+"?"+strings.Join(query, "&")); r.StatusCode != 204 || r.body != "" {
		o.t.Fatalf("begin %s: %d %s", name, r.StatusCode, r.body)
	}
}

func (o *org) end(name string) {
	o.t.Helper()
	if r := o.admin("DELETE", "/faults/"+name); r.StatusCode != 204 {
		o.t.Fatalf("end %s: %d %s", name, r.StatusCode, r.body)
	}
}

func (o *org) refresh(set tokenSet) response {
	o.t.Helper()
	return o.token(refreshment(set.RefreshToken))
}

// api is a request to the REST API.
func (o *org) api(set tokenSet) response {
	o.t.Helper()
	return o.get("/services/data/v65.0/limits", set.AccessToken)
}

// dead is what is said of a refresh token that is no longer good.
func (o *org) dead(set tokenSet) {
	o.t.Helper()
	o.refused(o.refresh(set), "invalid_grant", "expired access/refresh token")
}

const sessionExpired = `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`

// faults are what each fault of grants, apps, users and orgs does on the wire.
// Ada has signed in to the org at the root.
var faults = map[string]func(o *org, set tokenSet){
	"refresh-held": func(o *org, set tokenSet) {
		o.begin("refresh-held", "for=4s") // time enough for the other, however busy the machine is
		answers := make(chan response, 2)
		for range 2 {
			go func() { answers <- o.refresh(set) }()
		}
		first, second := <-answers, <-answers
		o.refused(first, "invalid_grant", "token request is already being processed")
		if second.StatusCode != 200 {
			o.t.Errorf("the one that was held: %s", second.body)
		}
	},
	"response-lost": func(o *org, set tokenSet) {
		o.begin("response-lost")
		if r, err := o.client(nil).Do(o.request("POST", "/services/oauth2/token", refreshment(set.RefreshToken))); err == nil {
			r.Body.Close()
			o.t.Error("answered")
		}
		o.dead(set)
		if o.Replays() != 1 || o.alive(set.AccessToken) {
			o.t.Error("the token was not spent")
		}
	},
	"token-used-elsewhere": func(o *org, set tokenSet) {
		o.begin("token-used-elsewhere", "user=ada@example.com")
		o.dead(set)
		o.expect(o.api(set), 401, asJSON, sessionExpired)
	},
	"busy-in-old-words": func(o *org, set tokenSet) {
		o.begin("busy-in-old-words")
		entered, release := o.Hold("token:refresh_token")
		defer release()
		done := make(chan response)
		go func() { done <- o.refresh(set) }()
		<-entered
		o.refused(o.refresh(set), "invalid_grant", "expired authorization code")
		release()
		<-done
	},
	"refresh-expired": func(o *org, set tokenSet) {
		o.begin("refresh-expired", "app="+key)
		o.dead(set)
		o.end("refresh-expired")
		o.tokenSet(refreshment(set.RefreshToken))
	},
	"refresh-unused": func(o *org, set tokenSet) {
		o.begin("refresh-unused")
		o.now.Move(30*24*time.Hour - time.Second)
		set = o.tokenSet(refreshment(set.RefreshToken))
		o.now.Move(30 * 24 * time.Hour)
		if got := o.introspection(set.RefreshToken); got != `{"active":false}` {
			o.t.Errorf("introspection: %s", got)
		}
		o.dead(set)
	},
	"refresh-lifetime": func(o *org, set tokenSet) {
		o.begin("refresh-lifetime", "for=2h")
		o.now.Move(2*time.Hour - time.Second)
		set = o.tokenSet(refreshment(set.RefreshToken))
		o.now.Move(time.Second)
		o.dead(set)
	},

	"approvals-evicted": func(o *org, set tokenSet) {
		o.begin("approvals-evicted")
		o.dead(set)
	},
	"user-revoked": func(o *org, set tokenSet) {
		o.begin("user-revoked", "user=grace@example.com")
		set = o.tokenSet(refreshment(set.RefreshToken))
		o.begin("user-revoked", "user=Ada@example.com")
		o.dead(set)
		o.expect(o.api(set), 401, asJSON, sessionExpired)
	},
	"app-revoked": func(o *org, set tokenSet) {
		o.begin("app-revoked", "app="+key)
		o.dead(set)
	},
	"all-revoked": func(o *org, set tokenSet) {
		o.begin("all-revoked")
		o.dead(set)
	},
	"shared-token-revoked": func(o *org, set tokenSet) {
		newer := o.signIn()
		if newer.AccessToken != set.AccessToken {
			o.t.Error("the grants share no access token")
		}
		o.begin("shared-token-revoked")
		o.expect(o.api(set), 401, asJSON, sessionExpired)
		o.dead(newer)
		if again := o.tokenSet(refreshment(set.RefreshToken)); !o.alive(again.AccessToken) {
			o.t.Error("the older grant is gone too")
		}
	},
	"sessions-ended": func(o *org, set tokenSet) {
		if got := o.introspection(set.AccessToken); !strings.HasPrefix(got, `{"active":true,`) {
			o.t.Error(got)
		}
		o.begin("sessions-ended")
		o.expect(o.api(set), 401, asJSON, sessionExpired)
		o.expect(o.get("/services/oauth2/userinfo", set.AccessToken), 403, asText, "Bad_OAuth_Token")
		o.tokenSet(refreshment(set.RefreshToken))
	},
	"sandbox-refreshed": func(o *org, _ tokenSet) {
		h := o.at("/h/acme--uat")
		set := h.signInAs("mary@acme.example.uat", "somerville")
		o.begin("sandbox-refreshed")
		h.dead(set)
		h.expect(h.api(set), 401, asJSON, sessionExpired)
		a, b := strings.Split(set.ID, "/"), strings.Split(h.signInAs("mary@acme.example.uat", "somerville").ID, "/")
		if n := len(a); a[n-1] != b[n-1] || a[n-2] == b[n-2] {
			o.t.Errorf("%s and then %s", a, b)
		}
	},

	"secret-applied": func(o *org, set tokenSet) {
		o.begin("secret-applied", "app="+key)
		for range 2 {
			o.refused(o.refresh(set), "invalid_client", "invalid client credentials")
			o.dead(set)
		}
		o.now.Move(10 * time.Minute)
		o.dead(set)
		o.dead(set)
		b := o.browser()
		o.tokenSet(redemption(b.authorize(request()).Get("code")))
		if !slices.Equal(b.pages, []string{"/sim/login"}) {
			o.t.Errorf("what was approved is forgotten: %v", b.pages)
		}
	},
	"app-not-known-yet": func(o *org, set tokenSet) {
		o.begin("app-not-known-yet", "app="+key)
		o.refused(o.refresh(set), "invalid_client_id", "client identifier invalid")
		o.expect(o.get(authorizePath(request()), ""), 400, "", "error=invalid_client_id&error_description=client%20identifier%20invalid")
		o.now.Move(10 * time.Minute)
		o.tokenSet(refreshment(set.RefreshToken))
	},
	"app-blocked": func(o *org, set tokenSet) {
		o.begin("app-blocked")
		if q := o.browser().authorize(request()); q.Get("error") != "OAUTH_APP_BLOCKED" || q.Get("error_description") != "this app is blocked by admin" {
			o.t.Errorf("%v", q)
		}
		o.refused(o.refresh(set), "client_blocked", "this app is blocked by admin")
		o.end("app-blocked")
		o.tokenSet(refreshment(set.RefreshToken))
	},
	"app-uninstalled": func(o *org, set tokenSet) {
		o.begin("app-uninstalled")
		o.refused(o.refresh(set), "app_not_found", "External client app is not installed in this org")
		b := o.browser()
		if r := b.login(b.get(authorizePath(request()))); r.StatusCode != 400 || !strings.Contains(r.body, "OAUTH_EC_APP_NOT_FOUND") {
			o.t.Errorf("%d %s", r.StatusCode, r.body)
		}
	},
	"scopes-withheld": func(o *org, _ tokenSet) {
		o.begin("scopes-withheld")
		if set := o.signIn("scope", "api refresh_token offline_access"); set.RefreshToken != "" || set.Scope != "api" {
			o.t.Errorf("%+v", set)
		}
	},
	"assertions-once": func(o *org, _ tokenSet) {
		form := jwtBearer(signers()[0].assertion(o.claims(nil)))
		o.tokenSet(form)
		o.begin("assertions-once")
		o.tokenSet(form)
		o.refused(o.token(form), "invalid_grant", "invalid assertion")
		o.tokenSet(jwtBearer(signers()[0].assertion(o.claims(map[string]any{"jti": "2"}))))
	},
	"dpop-nonce": (*org).boundToKey,

	"user-inactive": func(o *org, set tokenSet) {
		o.begin("user-inactive", "user=ada@example.com")
		o.refused(o.refresh(set), "inactive_user", "user is inactive")
		o.expect(o.api(set), 401, asJSON, sessionExpired)
	},
	"org-suspended": func(o *org, set tokenSet) {
		o.begin("org-suspended")
		o.refused(o.refresh(set), "inactive_org", "org is inactive")
		if q := o.browser().authorize(request()); q.Get("error") != "inactive_org" {
			o.t.Errorf("%v", q)
		}
	},
	"ip-restricted": func(o *org, set tokenSet) {
		o.begin("ip-restricted")
		o.refused(o.refresh(set), "invalid_grant", "ip restricted or invalid login hours")
		if q := o.browser().authorize(request()); q.Get("error") != "invalid_grant" || q.Get("error_description") != "IP restricted or invalid login hours" {
			o.t.Errorf("%v", q)
		}
		o.end("ip-restricted")
		o.tokenSet(refreshment(set.RefreshToken))
	},
	"login-rate": func(o *org, set tokenSet) {
		o.begin("login-rate", "user=ada@example.com")
		o.refused(o.refresh(set), "rate_limit_exceeded", "login rate exceeded")
		if q := o.browser().authorize(request()); q.Get("error") != "rate_limit_exceeded" || q.Get("error_description") != "number of logins exceeded" {
			o.t.Errorf("%v", q)
		}
		o.now.Move(time.Hour)
		o.tokenSet(refreshment(set.RefreshToken))
	},
}

func TestEachFaultDoesOnTheWireWhatItSays(t *testing.T) {
	t.Parallel()
	for _, f := range simulator.Faults() {
		t.Run(f.Name, func(t *testing.T) {
			check, ok := faults[f.Name]
			if !ok {
				check, ok = upstreamFaults[f.Name]
			}
			if !ok {
				t.Fatal("not tested")
			}
			o := start(t, orgs)
			check(o, o.signIn())
		})
	}
	if n := len(faults) + len(upstreamFaults); n != len(simulator.Faults()) {
		t.Errorf("%d faults, %d tests", len(simulator.Faults()), n)
	}
}

func TestFaultsOfGrantsWaitForOne(t *testing.T) {
	o := start(t)
	if err := o.TriggerLater("user-revoked", simulator.Target{}); err != nil {
		t.Fatal(err)
	}
	o.token(redemption("unknown"))
	o.dead(o.signIn())
	o.tokenSet(refreshment(o.signIn().RefreshToken))
	if err := o.TriggerLater("maintenance", simulator.Target{}); err != nil {
		t.Fatal(err)
	}
	if r := o.token(redemption("unknown")); r.StatusCode != 503 {
		t.Errorf("%d", r.StatusCode)
	}
}

func TestDocsListEachFault(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range simulator.Faults() {
		if !strings.Contains(string(docs), "| `"+f.Name+"` | "+f.Does+" |") {
			t.Errorf("docs/simulator.md does not list %s as %q", f.Name, f.Does)
		}
	}
}
