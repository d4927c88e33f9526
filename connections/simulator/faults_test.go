package simulator_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sallyport/connections/simulator"
)

// admin asks the admin API.
func (o *org) admin(method, path string) response {
	o.t.Helper()
	server := httptest.NewServer(o.Admin())
	defer server.Close()
	r, err := http.NewRequestWithContext(o.t.Context(), method, server.URL+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return o.do(server.Client(), r)
}

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

// faults are what each fault does on the wire. Ada has signed in, but where the
// orgs of host_test.go are needed.
var faults = map[string]func(o *org, set tokenSet){
	"refresh-held": func(o *org, set tokenSet) {
		o.begin("refresh-held", "for=1s")
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
	"dpop-nonce": func(o *org, set tokenSet) {
		o.begin("dpop-nonce")
		r := o.refresh(set)
		o.refused(r, "use_dpop_nonce", "authorization server requires nonce in DPoP proof")
		holder := newHolder()
		ask := func(nonce string) response {
			req := o.request("POST", "/services/oauth2/token", refreshment(set.RefreshToken))
			req.Header.Set("DPoP", holder.proof(req, o.now.Now(), nonce))
			return o.do(o.client(nil), req)
		}
		if again := ask("wrong"); again.StatusCode != 400 || again.Header.Get("DPoP-Nonce") != r.Header.Get("DPoP-Nonce") {
			o.t.Errorf("%v %s", again.Header, again.body)
		}
		var bound tokenSet
		if err := json.Unmarshal([]byte(ask(r.Header.Get("DPoP-Nonce")).body), &bound); err != nil || bound.TokenType != "DPoP" {
			o.t.Errorf("%v %+v", err, bound)
		}
		o.expect(o.api(bound), 401, asJSON, sessionExpired)
		req := o.request("GET", "/services/data/v65.0/limits", nil)
		req.Header.Set("Authorization", "DPoP "+bound.AccessToken)
		req.Header.Set("DPoP", holder.proof(req, o.now.Now(), ""))
		if r := o.do(o.client(nil), req); r.StatusCode != 200 {
			o.t.Errorf("with a proof: %d %s", r.StatusCode, r.body)
		}
		req.Header.Set("DPoP", newHolder().proof(req, o.now.Now(), ""))
		o.expect(o.do(o.client(nil), req), 401, asJSON, sessionExpired)
	},

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

	"maintenance": func(o *org, set tokenSet) { o.unlooked(set, "maintenance", 503) },
	"bad-gateway": func(o *org, set tokenSet) { o.unlooked(set, "bad-gateway", 502) },
	"slow": func(o *org, set tokenSet) {
		o.begin("slow", "for=200ms")
		asked := time.Now()
		if o.tokenSet(refreshment(set.RefreshToken)); time.Since(asked) < 200*time.Millisecond {
			o.t.Error("answered at once")
		}
	},
	"answer-truncated": func(o *org, set tokenSet) {
		o.begin("answer-truncated")
		r := o.refresh(set)
		if r.StatusCode != 200 || !strings.HasPrefix(r.body, `{"access_token":"`) || json.Valid([]byte(r.body)) {
			o.t.Errorf("%d %s", r.StatusCode, r.body)
		}
		o.dead(set)
	},
	"answer-empty": func(o *org, set tokenSet) {
		o.begin("answer-empty")
		o.expect(o.refresh(set), 200, asJSON, "")
		o.dead(set)
	},
	"answer-is-html": func(o *org, set tokenSet) {
		o.begin("answer-is-html")
		if r := o.refresh(set); r.StatusCode != 200 || r.Header.Get("Content-Type") != asHTML || !strings.HasPrefix(r.body, "<!doctype html>") {
			o.t.Errorf("%d %s", r.StatusCode, r.body)
		}
		o.dead(set)
	},

	"domain-renamed": func(o *org, set tokenSet) {
		o.begin("domain-renamed", "org=acme")
		r := o.get("/h/acme/services/data/v65.0/query?q=SELECT+Id+FROM+Account", "")
		if r.StatusCode != 301 || r.Header.Get("Location") != o.url+"/h/renamedacme/services/data/v65.0/query?q=SELECT+Id+FROM+Account" {
			o.t.Errorf("%d %v", r.StatusCode, r.Header)
		}
		o.begin("domain-renamed")
		next := o.tokenSet(refreshment(set.RefreshToken))
		if next.InstanceURL != o.url+"/h/renamed" || !o.at("/h/renamed").alive(next.AccessToken) {
			o.t.Errorf("%+v", next)
		}
		if r := o.api(next); r.StatusCode != 301 || r.Header.Get("Location") != o.url+"/h/renamed/services/data/v65.0/limits" {
			o.t.Errorf("%d %v", r.StatusCode, r.Header)
		}
	},
	"issuer-is-login": func(o *org, _ tokenSet) {
		o.begin("issuer-is-login")
		set := o.at("/h/acme").signInAs("mary@acme.example", "somerville")
		if claims := o.at("/h/login.salesforce").claimsOf(set.IDToken); claims["iss"] != o.url+"/h/login.salesforce" {
			o.t.Errorf("%v", claims)
		}
	},
	"issuer-is-my-domain": func(o *org, _ tokenSet) {
		o.begin("issuer-is-my-domain", "org=acme")
		set := o.at("/h/login.salesforce").signInAs("mary@acme.example", "somerville")
		if claims := o.at("/h/acme").claimsOf(set.IDToken); claims["iss"] != o.url+"/h/acme" {
			o.t.Errorf("%v", claims)
		}
		o.end("issuer-is-my-domain")
		set = o.at("/h/login.salesforce").tokenSet(refreshment(set.RefreshToken))
		if claims := o.at("/h/login.salesforce").claimsOf(set.IDToken); claims["iss"] != o.url+"/h/login.salesforce" {
			o.t.Errorf("%v", claims)
		}
	},
	"clock-ahead": func(o *org, set tokenSet) {
		o.begin("clock-ahead")
		if claims := o.claimsOf(o.tokenSet(refreshment(set.RefreshToken)).IDToken); claims["iat"] != float64(noon+300) {
			o.t.Errorf("%v", claims)
		}
	},
	"clock-behind": func(o *org, set tokenSet) {
		o.begin("clock-behind", "for=10m")
		set = o.tokenSet(refreshment(set.RefreshToken))
		if claims := o.claimsOf(set.IDToken); claims["iat"] != float64(noon-600) {
			o.t.Errorf("%v", claims)
		}
		o.end("clock-behind")
		if claims := o.claimsOf(o.tokenSet(refreshment(set.RefreshToken)).IDToken); claims["iat"] != float64(noon) {
			o.t.Errorf("%v", claims)
		}
	},

	"keys-rotated": func(o *org, set tokenSet) {
		before := o.publishedKeys()
		for _, kid := range []string{"268", "270", "272", "274"} {
			o.begin("keys-rotated")
			set = o.tokenSet(refreshment(set.RefreshToken))
			if header, _ := o.verify(set.IDToken); header.KeyID != kid || slices.Contains(before, kid) {
				o.t.Errorf("kid %s, before %v", header.KeyID, before)
			}
			if after := o.publishedKeys(); len(after) != len(before) {
				o.t.Errorf("published: %v", after)
			}
		}
	},
	"key-not-published": func(o *org, set tokenSet) {
		o.begin("key-not-published")
		set = o.tokenSet(refreshment(set.RefreshToken))
		if parsed, err := jose.ParseSigned(set.IDToken, []jose.SignatureAlgorithm{jose.RS256}); err != nil || slices.Contains(o.publishedKeys(), parsed.Signatures[0].Header.KeyID) {
			o.t.Errorf("%v", err)
		}
		o.begin("keys-rotated")
		o.verify(o.tokenSet(refreshment(set.RefreshToken)).IDToken)
	},
	"wrong-at-hash":  func(o *org, set tokenSet) { o.wrongClaim(set, "wrong-at-hash", "at_hash", "AAAAAAAAAAAAAAAAAAAAAA") },
	"wrong-audience": func(o *org, set tokenSet) { o.wrongClaim(set, "wrong-audience", "aud", "3MVG9.another") },
	"wrong-issuer": func(o *org, set tokenSet) {
		o.wrongClaim(set, "wrong-issuer", "iss", "https://login.salesforce.example")
	},
	"wrong-user": func(o *org, set tokenSet) {
		o.wrongClaim(set, "wrong-user", "sub", "https://login.salesforce.com/id/00D000000000000EAA/005000000000000AAA")
	},
	"wrong-nonce": func(o *org, _ tokenSet) {
		o.begin("wrong-nonce")
		if claims := o.claimsOf(o.signIn("nonce", "n-1").IDToken); claims["nonce"] != "another" {
			o.t.Errorf("%v", claims)
		}
	},
	"token-format-toggled": func(o *org, set tokenSet) {
		o.begin("token-format-toggled")
		if set = o.tokenSet(refreshment(set.RefreshToken)); strings.Count(set.AccessToken, ".") != 2 || strings.Contains(set.AccessToken, "!") {
			o.t.Errorf("opaque: %s", set.AccessToken)
		}
		o.begin("token-format-toggled")
		if set = o.tokenSet(refreshment(set.RefreshToken)); !strings.HasPrefix(set.AccessToken, "00DSa000000sim1!") {
			o.t.Errorf("JWT: %s", set.AccessToken)
		}
	},

	"session-invalid": func(o *org, set tokenSet) { o.refusesAPI(set, "session-invalid", 401, sessionExpired) },
	"session-not-for-rest": func(o *org, set tokenSet) {
		o.refusesAPI(set, "session-not-for-rest", 401, `[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]`)
	},
	"app-not-attached": func(o *org, set tokenSet) {
		o.refusesAPI(set, "app-not-attached", 401, `[{"message":"Connected app is not attached to Agent","errorCode":"INVALID_SESSION_ID"}]`)
	},
	"request-limit": func(o *org, set tokenSet) {
		o.refusesAPI(set, "request-limit", 403, `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`)
	},
	"api-disabled": func(o *org, set tokenSet) {
		o.refusesAPI(set, "api-disabled", 403, `[{"message":"API is disabled for this org.","errorCode":"API_DISABLED_FOR_ORG"}]`)
	},
}

// unlooked is an answer in the place of Salesforce's, which did nothing.
func (o *org) unlooked(set tokenSet, fault string, status int) {
	o.t.Helper()
	o.begin(fault, "times=2", "endpoint=token:refresh_token")
	for range 2 {
		if r := o.refresh(set); r.StatusCode != status || r.Header.Get("Content-Type") != asHTML || r.Header.Get("Retry-After") != "" {
			o.t.Errorf("%d %v", r.StatusCode, r.Header)
		}
	}
	o.tokenSet(refreshment(set.RefreshToken))
}

func (o *org) wrongClaim(set tokenSet, fault, claim, value string) {
	o.t.Helper()
	o.begin(fault)
	set = o.tokenSet(refreshment(set.RefreshToken))
	if claims := o.claimsOf(set.IDToken); claims[claim] != value {
		o.t.Errorf("%v", claims)
	}
	if claims := o.claimsOf(o.tokenSet(refreshment(set.RefreshToken)).IDToken); claims[claim] == value {
		o.t.Error("wrong twice")
	}
}

func (o *org) refusesAPI(set tokenSet, fault string, status int, body string) {
	o.t.Helper()
	o.begin(fault)
	o.expect(o.get("/services/data/v65.0/chatter/users/me", set.AccessToken), status, asJSON, body)
	if !o.alive(set.AccessToken) {
		o.t.Error("the session is gone")
	}
}

func (o *org) publishedKeys() (kids []string) {
	o.t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(o.get("/id/keys", "").body), &set); err != nil {
		o.t.Fatal(err)
	}
	for _, k := range set.Keys {
		kids = append(kids, k.KeyID)
	}
	return kids
}

// holder has a key of which it makes DPoP proofs.
type holder struct{ *ecdsa.PrivateKey }

func newHolder() holder {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return holder{key}
}

func (h holder) proof(r *http.Request, now time.Time, nonce string) string {
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: h.PrivateKey}, options)
	if err != nil {
		panic(err)
	}
	claims := map[string]any{"jti": "1", "htm": r.Method, "htu": "http://" + r.URL.Host + r.URL.Path, "iat": now.Unix(), "nonce": nonce}
	if _, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	proof, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return proof
}

func TestEachFaultDoesOnTheWireWhatItSays(t *testing.T) {
	t.Parallel()
	for _, f := range simulator.Faults() {
		t.Run(f.Name, func(t *testing.T) {
			check, ok := faults[f.Name]
			if !ok {
				t.Fatal("not tested")
			}
			o := start(t, orgs)
			check(o, o.signIn())
		})
	}
	if len(faults) != len(simulator.Faults()) {
		t.Errorf("%d faults, %d tests", len(simulator.Faults()), len(faults))
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

func TestAdminRefusesWhatThereIsNot(t *testing.T) {
	o := start(t)
	for _, test := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"POST", "/faults/earthquake", 404, `there is no fault \"earthquake\": the faults are refresh-held, response-lost, `},
		{"POST", "/faults/user-revoked?user=nobody@example.com", 400, `there is no user \"nobody@example.com\"`},
		{"POST", "/faults/app-blocked?app=3MVG9other", 400, `there is no app \"3MVG9other\"`},
		{"POST", "/faults/org-suspended?org=acme", 400, `there is no org \"acme\"`},
		{"POST", "/faults/maintenance?endpoint=tokens", 400, `there is no endpoint \"tokens\"`},
		{"POST", "/faults/maintenance?times=0", 400, "times is"},
		{"POST", "/faults/slow?for=soon", 400, "for is"},
		{"POST", "/faults/slow?duration=1s", 400, `there is no parameter \"duration\"`},
		{"DELETE", "/faults/maintenance", 400, "does not last"},
		{"GET", "/journal?after=x", 400, "after is"},
		{"GET", "/nothing", 404, ""},
	} {
		if r := o.admin(test.method, test.path); r.StatusCode != test.status || !strings.Contains(r.body, test.says) {
			t.Errorf("%s %s: %d %s", test.method, test.path, r.StatusCode, r.body)
		}
	}
}

func TestAdminForgetsFaultsThatWait(t *testing.T) {
	o := start(t)
	o.begin("maintenance", "times=3")
	if r := o.admin("GET", "/counts"); !strings.Contains(r.body, `"waiting":3`) {
		t.Error(r.body)
	}
	o.admin("DELETE", "/faults")
	o.signIn()
}

func TestAdminListsFaults(t *testing.T) {
	o := start(t)
	var list []simulator.Fault
	if err := json.Unmarshal([]byte(o.admin("GET", "/faults").body), &list); err != nil || len(list) != len(simulator.Faults()) || list[0].Does == "" {
		t.Errorf("%v %v", err, list)
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

func TestAdminIsNotForPagesOfOtherSites(t *testing.T) {
	o := start(t)
	r := httptest.NewRequest("POST", "/faults/all-revoked", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	if o.Admin().ServeHTTP(w, r); w.Code != 403 {
		t.Errorf("%d", w.Code)
	}
}

func TestJournalIsInOrderAndHasNoSecrets(t *testing.T) {
	o := start(t, orgs)
	set := o.signIn("nonce", "n-1")
	o.refresh(set)
	o.at("/h/acme").api(set)
	r := o.request("POST", "/services/oauth2/introspect", url.Values{"token": {set.AccessToken}})
	r.SetBasicAuth(key, secret)
	o.do(o.client(nil), r)
	var asked []string
	for _, e := range o.Journal() {
		asked = append(asked, e.Endpoint)
		if e.Status == 0 || e.Time.Unix() != noon {
			t.Errorf("%+v", e)
		}
	}
	want := "authorize login authorize:resume consent authorize:resume token:authorization_code token:refresh_token limits introspect"
	if got := strings.Join(asked, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	answer := o.admin("GET", "/journal?after=5").body
	for _, want := range []string{`[{"number":6,`, `"host":"/h/acme"`, `"error":"INVALID_SESSION_ID"`, `"client":"` + key + `"`, `"grant_type":"refresh_token"`, `"refresh_token":"…"`} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %s in %s", want, answer)
		}
	}
	everything := o.admin("GET", "/journal").body
	for _, not := range []string{secret, set.AccessToken, set.RefreshToken, "n-1", "s t+1", "engine-of-1843", "aPrx"} {
		if strings.Contains(everything, not) {
			t.Errorf("%s in %s", not, everything)
		}
	}
	if r := o.admin("GET", "/counts"); !strings.Contains(r.body, `"token:refresh_token":1`) || !strings.Contains(r.body, `"replays":0`) {
		t.Error(r.body)
	}
}
