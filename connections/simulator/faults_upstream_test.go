package simulator_test

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// upstreamFaults are what each fault of answers, hosts, tokens and the REST API
// does on the wire.
var upstreamFaults = map[string]func(o *org, set tokenSet){
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
		if parsed, err := jose.ParseSignedCompact(set.IDToken, []jose.SignatureAlgorithm{jose.RS256}); err != nil || slices.Contains(o.publishedKeys(), parsed.Signatures[0].Header.KeyID) {
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
