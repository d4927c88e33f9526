package simulator

import (
	"net/http"
	"time"
)

// answerFaults are answers that are none.
var answerFaults = []Fault{
	{Name: "maintenance", Takes: "endpoint, times", Does: "a token request is answered 503 with an HTML page, and not looked at",
		do: onRequests("token", func(s *Salesforce, endpoint string, _ Target) {
			s.Fail(endpoint, http.StatusServiceUnavailable, "", "")
		})},
	{Name: "bad-gateway", Takes: "endpoint, times", Does: "a token request is answered 502 with an HTML page, and not looked at",
		do: onRequests("token", func(s *Salesforce, endpoint string, _ Target) { s.Fail(endpoint, http.StatusBadGateway, "", "") })},
	{Name: "slow", Takes: "endpoint, times, for", Does: "a token request is answered after 30 seconds",
		do: onRequests("token", func(s *Salesforce, endpoint string, t Target) { s.holdFor(endpoint, orElse(t.For, 30*time.Second)) })},
	{Name: "answer-truncated", Takes: "endpoint, times", Does: "a token request is done, and half of the answer sent",
		do: onRequests("token", func(s *Salesforce, endpoint string, _ Target) { s.Truncate(endpoint) })},
	{Name: "answer-empty", Takes: "endpoint, times", Does: "a token request is done, and answered 200 with nothing",
		do: onRequests("token", func(s *Salesforce, endpoint string, _ Target) {
			s.Answer(endpoint, http.StatusOK, "application/json;charset=UTF-8", "")
		})},
	{Name: "answer-is-html", Takes: "endpoint, times", Does: "a token request is done, and answered 200 with an HTML page",
		do: onRequests("token", func(s *Salesforce, endpoint string, _ Target) {
			s.Answer(endpoint, http.StatusOK, "text/html;charset=UTF-8", "<!doctype html><title>Salesforce</title><p>We will be right back.")
		})},
}

// hostFaults are of hosts and issuers.
var hostFaults = []Fault{
	{Name: "domain-renamed", Takes: "org", Does: "the org's My Domain gets a new name, and its instance URL with it; the old one redirects (301)",
		do: func(s *Salesforce, t Target, _ bool) {
			for _, o := range s.orgs() {
				if t.Org == "" || o.MyDomain == t.Org {
					s.RenameDomain(o.MyDomain, "renamed"+o.MyDomain)
				}
			}
		}},
	{Name: "issuer-is-login", Takes: "org", Lasts: true, Does: "ID tokens are from the login host, wherever the user signed in",
		do: onOrgs(func(o *Org, _ Target, on bool) { o.Issuer = issuerIf(on, IssuerLogin) })},
	{Name: "issuer-is-my-domain", Takes: "org", Lasts: true, Does: "ID tokens are from the org's My Domain, wherever the user signed in",
		do: onOrgs(func(o *Org, _ Target, on bool) { o.Issuer = issuerIf(on, IssuerMyDomain) })},
	{Name: "clock-ahead", Takes: "for", Lasts: true, Does: "Salesforce's clock is 5 minutes ahead",
		do: func(s *Salesforce, t Target, on bool) { s.SkewClock(onlyIf(on, orElse(t.For, 5*time.Minute))) }},
	{Name: "clock-behind", Takes: "for", Lasts: true, Does: "Salesforce's clock is 5 minutes behind",
		do: func(s *Salesforce, t Target, on bool) { s.SkewClock(-onlyIf(on, orElse(t.For, 5*time.Minute))) }},
}

// tokenFaults are of tokens and their keys.
var tokenFaults = []Fault{
	{Name: "keys-rotated", Does: "ID tokens are signed with a new key, whose kid nobody has seen",
		do: func(s *Salesforce, _ Target, _ bool) { s.RotateKeys(true) }},
	{Name: "key-not-published", Does: "ID tokens are signed with a new key that is missing from the published ones, until keys are rotated again",
		do: func(s *Salesforce, _ Target, _ bool) { s.RotateKeys(false) }},
	{Name: "wrong-at-hash", Takes: "endpoint, times", Does: "an ID token has the at_hash of another access token",
		do: onRequests("token", withClaim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"))},
	{Name: "wrong-nonce", Takes: "endpoint, times", Does: "an ID token has another nonce than was sent",
		do: onRequests("token:authorization_code", withClaim("nonce", "another"))},
	{Name: "wrong-audience", Takes: "endpoint, times", Does: "an ID token is for another app",
		do: onRequests("token", withClaim("aud", "3MVG9.another"))},
	{Name: "wrong-issuer", Takes: "endpoint, times", Does: "an ID token is from a host that is not Salesforce's",
		do: onRequests("token", withClaim("iss", "https://login.salesforce.example"))},
	{Name: "wrong-user", Takes: "endpoint, times", Does: "an ID token is of another user than the tokens",
		do: onRequests("token", withClaim("sub", "https://login.salesforce.com/id/00D000000000000EAA/005000000000000AAA"))},
	{Name: "token-format-toggled", Takes: "app", Lasts: true, Does: "access tokens that were opaque are JWTs, and the other way round",
		do: onApps(func(_ *Salesforce, a *App, _ Target, _ bool) { a.JWTAccessTokens = !a.JWTAccessTokens })},
}

// apiFaults are refusals of the REST API.
var apiFaults = []Fault{
	{Name: "session-invalid", Takes: "endpoint, times", Does: "the REST API answers 401 INVALID_SESSION_ID, though the access token is alive",
		do: onRequests("rest", refusing(http.StatusUnauthorized, errSession.code, errSession.description))},
	{Name: "session-not-for-rest", Takes: "endpoint, times", Does: "the REST API answers a 401 that no refresh mends: This session is not valid for use with the REST API",
		do: onRequests("rest", refusing(http.StatusUnauthorized, errNotForREST.code, errNotForREST.description))},
	{Name: "app-not-attached", Takes: "endpoint, times", Does: "the REST API answers a 401 that no refresh mends: Connected app is not attached to Agent",
		do: onRequests("rest", refusing(http.StatusUnauthorized, errSession.code, "Connected app is not attached to Agent"))},
	{Name: "request-limit", Takes: "endpoint, times", Does: "the REST API answers 403 REQUEST_LIMIT_EXCEEDED",
		do: onRequests("rest", refusing(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))},
	{Name: "api-disabled", Takes: "endpoint, times", Does: "the REST API answers 403 API_DISABLED_FOR_ORG",
		do: onRequests("rest", refusing(http.StatusForbidden, "API_DISABLED_FOR_ORG", "API is disabled for this org."))},
}

func issuerIf(on bool, i Issuer) Issuer {
	if on {
		return i
	}
	return IssuerHost
}

// withClaim has the ID token of an answer signed anew with another claim.
func withClaim(name, value string) func(*Salesforce, string, Target) {
	return func(s *Salesforce, endpoint string, _ Target) {
		s.Tamper(endpoint, func(answer map[string]any) {
			if token, ok := answer["id_token"].(string); ok {
				answer["id_token"] = s.Resign(token, func(claims map[string]any) { claims[name] = value })
			}
		})
	}
}

func refusing(status int, code, description string) func(*Salesforce, string, Target) {
	return func(s *Salesforce, endpoint string, _ Target) { s.Fail(endpoint, status, code, description) }
}
