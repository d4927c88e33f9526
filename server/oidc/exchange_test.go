package oidc_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

const (
	accessToken  = "urn:ietf:params:oauth:token-type:access_token"
	refreshToken = "urn:ietf:params:oauth:token-type:refresh_token"
	federated    = "http://auth0.com/oauth/token-type/federated-connection-access-token"
)

// The two shapes, with all that may stand in them.
var (
	rfcForm = values("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token", "st",
		"subject_token_type", accessToken, "requested_token_type", accessToken, "audience", "salesforce",
		"login_hint", "005x", "scope", "api id", "min_ttl", "60", "rejected_token", "old")
	auth0Form = values("grant_type", "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
		"subject_token", "st", "subject_token_type", refreshToken, "requested_token_type", federated, "connection", "salesforce",
		"login_hint", "005x", "scope", "api id", "min_ttl", "60", "rejected_token", "old")
)

func parseExchange(t *testing.T, form url.Values) (oidc.ExchangeRequest, error) {
	r, err := oidc.ParseTokenRequest(form, "")
	if err != nil {
		return oidc.ExchangeRequest{}, err
	}
	return oidc.ParseExchange(r)
}

func TestExchangesOfBothShapesMeanTheSame(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		form               url.Values
		shape              oidc.Shape
		subject, requested string
	}{
		{rfcForm, oidc.ShapeRFC8693, accessToken, accessToken},
		{with(rfcForm, "requested_token_type", "-"), oidc.ShapeRFC8693, accessToken, accessToken}, // RFC 8693, 2.1
		{with(rfcForm, "subject_token_type", refreshToken), oidc.ShapeRFC8693, refreshToken, accessToken},
		{with(rfcForm, "connection", "salesforce"), oidc.ShapeRFC8693, accessToken, accessToken},
		{auth0Form, oidc.ShapeAuth0, refreshToken, federated},
		{with(auth0Form, "subject_token_type", accessToken), oidc.ShapeAuth0, accessToken, federated},
		{with(auth0Form, "audience", "https://api"), oidc.ShapeAuth0, refreshToken, federated}, // is no target there
	} {
		x, err := parseExchange(t, tt.form)
		if err != nil || x.Shape != tt.shape || x.SubjectToken.Reveal() != "st" || x.SubjectTokenType != tt.subject ||
			x.RequestedTokenType != tt.requested || x.Connection != "salesforce" || x.LoginHint != "005x" ||
			oidc.FormatScopes(x.Scopes) != "api id" || x.MinTTL != time.Minute || x.Rejected.Reveal() != "old" {
			t.Errorf("%s: got %+v, %v", tt.form, x, err)
		}
	}
	for _, form := range []url.Values{rfcForm, auth0Form} {
		x, err := parseExchange(t, with(form, "login_hint", "-", "scope", "-", "min_ttl", "-", "rejected_token", "-"))
		if err != nil || x.LoginHint != "" || x.Scopes != nil || x.MinTTL != 0 || !x.Rejected.IsZero() {
			t.Errorf("the least: got %+v, %v", x, err)
		}
	}
}

func TestExchangesAtFault(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		section string
		only    oidc.Shape // "" means both
		changes []string
		code    oidc.Code
		words   string
	}{
		{"RFC 8693 2.1: required", "", []string{"subject_token", "-"}, oidc.InvalidRequest, "parameter: subject_token"},
		{"RFC 8693 2.1: required", "", []string{"subject_token_type", "-"}, oidc.InvalidRequest, "parameter: subject_token_type"},
		{"RFC 8693 3: id_token", "", []string{"subject_token_type", "urn:ietf:params:oauth:token-type:id_token"}, oidc.InvalidRequest, refreshToken},
		{"RFC 8693 3: jwt", "", []string{"subject_token_type", "urn:ietf:params:oauth:token-type:jwt"}, oidc.InvalidRequest, refreshToken},
		{"RFC 8693 3: saml2", "", []string{"subject_token_type", "urn:ietf:params:oauth:token-type:saml2"}, oidc.InvalidRequest, "is not supported"},
		{"RFC 8141 3.1: letter by letter", "", []string{"subject_token_type", "URN:ietf:params:oauth:token-type:access_token"}, oidc.InvalidRequest, "is not supported"},
		{"letter by letter", "", []string{"subject_token_type", accessToken + " "}, oidc.InvalidRequest, "is not supported"},
		{"letter by letter", "", []string{"subject_token_type", "access_token"}, oidc.InvalidRequest, "is not supported"},
		{"RFC 8693 2.1: actor", "", []string{"actor_token", "a", "actor_token_type", accessToken}, oidc.InvalidRequest, "actor_token"},
		{"RFC 8693 2.1: actor", "", []string{"actor_token", "a"}, oidc.InvalidRequest, "actor_token"},
		{"RFC 8693 2.1: type without actor", "", []string{"actor_token_type", accessToken}, oidc.InvalidRequest, "actor_token"},
		{"RFC 6749 3.2: once", "", []string{"+subject_token", "st"}, oidc.InvalidRequest, "subject_token is sent 2 times"},
		{"RFC 6749 3.2: once", "", []string{"+audience", "b", "+audience", "c"}, oidc.InvalidRequest, "audience is sent"},
		{"RFC 6749 3.2: once", "", []string{"+connection", "b", "+connection", "c"}, oidc.InvalidRequest, "connection is sent"},
		{"RFC 6749 3.3", "", []string{"scope", "api \"x\""}, oidc.InvalidScope, "''x''"},
		{"min_ttl", "", []string{"min_ttl", "-1"}, oidc.InvalidRequest, "min_ttl should be"},
		{"min_ttl", "", []string{"min_ttl", "1m"}, oidc.InvalidRequest, "min_ttl should be"},
		{"min_ttl", "", []string{"min_ttl", "1.5"}, oidc.InvalidRequest, "min_ttl should be"},
		{"min_ttl", "", []string{"min_ttl", "86401"}, oidc.InvalidRequest, "from 0 to 86400"},
		{"min_ttl", "", []string{"min_ttl", "18446744073709551616"}, oidc.InvalidRequest, "min_ttl should be"},
		{"bounds", "", []string{"subject_token", strings.Repeat("x", 16385)}, oidc.InvalidRequest, "subject_token is too long"},

		{"RFC 8693 2.1: refresh tokens stay", oidc.ShapeRFC8693, []string{"requested_token_type", refreshToken}, oidc.InvalidRequest, "Supported is " + accessToken},
		{"the other shape's", oidc.ShapeRFC8693, []string{"requested_token_type", federated}, oidc.InvalidRequest, "Supported is " + accessToken},
		{"target", oidc.ShapeRFC8693, []string{"audience", "-"}, oidc.InvalidRequest, "parameter: audience"},
		{"target", oidc.ShapeRFC8693, []string{"audience", "-", "connection", "salesforce"}, oidc.InvalidRequest, "parameter: audience"},
		{"target", oidc.ShapeRFC8693, []string{"audience", strings.Repeat("x", 129)}, oidc.InvalidRequest, "audience is too long"},
		{"two targets", oidc.ShapeRFC8693, []string{"connection", "other"}, oidc.InvalidRequest, "different connections"},
		{"RFC 8693 2.2.2: resource", oidc.ShapeRFC8693, []string{"resource", "https://x.my.salesforce.com"}, oidc.InvalidTarget, "resource is not supported"},

		{"Auth0: required", oidc.ShapeAuth0, []string{"requested_token_type", "-"}, oidc.InvalidRequest, "Supported is " + federated},
		{"Auth0: http, not https", oidc.ShapeAuth0, []string{"requested_token_type", strings.Replace(federated, "http", "https", 1)}, oidc.InvalidRequest, "Supported is " + federated},
		{"the other shape's", oidc.ShapeAuth0, []string{"requested_token_type", accessToken}, oidc.InvalidRequest, "Supported is " + federated},
		{"privileged worker", oidc.ShapeAuth0, []string{"requested_token_type", "http://auth0.com/oauth/token-type/token-vault-access-token"}, oidc.InvalidRequest, "Supported is"},
		{"target", oidc.ShapeAuth0, []string{"connection", "-"}, oidc.InvalidRequest, "parameter: connection"},
		{"target", oidc.ShapeAuth0, []string{"connection", "-", "audience", "salesforce"}, oidc.InvalidRequest, "parameter: connection"},
	} {
		for shape, form := range map[oidc.Shape]url.Values{oidc.ShapeRFC8693: rfcForm, oidc.ShapeAuth0: auth0Form} {
			if tt.only == "" || tt.only == shape {
				_, err := parseExchange(t, with(form, tt.changes...))
				t.Run(tt.section, func(t *testing.T) { want(t, err, tt.code, tt.words) })
			}
		}
	}
	_, err := oidc.ParseExchange(oidc.TokenRequest{GrantType: "refresh_token"})
	want(t, err, oidc.UnsupportedGrantType, "no token exchange")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const auth0 = "Federated connection Refresh Token not found. "
	for _, tt := range []struct {
		reason      oidc.Reason
		class       oidc.Class
		code        oidc.Code // RFC 8693
		status      int
		auth0Code   oidc.Code
		auth0Status int
		begin       string
	}{
		{"not_connected", "user", "invalid_grant", 400, "federated_connection_refresh_token_not_found", 401, auth0},
		{"not_stored", "operator", "invalid_target", 400, "federated_connection_refresh_token_not_found", 401, auth0},
		{"reauthorization_required", "user", "invalid_grant", 400, "federated_connection_refresh_token_not_found", 401, auth0},
		{"insufficient_scope", "user", "invalid_grant", 400, "federated_connection_refresh_token_not_found", 401, auth0},
		{"ambiguous_account", "user", "invalid_grant", 400, "federated_connection_refresh_token_not_found", 401, auth0},
		{"client_not_allowed", "operator", "unauthorized_client", 403, "unauthorized_client", 403, ""},
		{"connection_disabled", "operator", "unauthorized_client", 403, "unauthorized_client", 403, ""},
		{"user_blocked", "operator", "unauthorized_client", 403, "unauthorized_client", 403, ""},
		{"upstream_unavailable", "retry", "temporarily_unavailable", 503, "temporarily_unavailable", 503, ""},
		{"upstream_rate_limited", "retry", "temporarily_unavailable", 503, "temporarily_unavailable", 503, ""},
		{"connection_misconfigured", "operator", "server_error", 502, "server_error", 502, ""},
	} {
		for _, shape := range []oidc.Shape{oidc.ShapeRFC8693, oidc.ShapeAuth0} {
			x := oidc.ExchangeRequest{Shape: shape, Connection: "salesforce"}
			e := x.Refuse(oidc.Refusal{Reason: tt.reason, ReconnectURI: "https://r", RetryAfter: time.Second}, "Why, and what to do.")
			code, status, begin := tt.code, tt.status, ""
			if shape == oidc.ShapeAuth0 {
				code, status, begin = tt.auth0Code, tt.auth0Status, tt.begin
			}
			if e.Code != code || e.Status() != status || e.Description != begin+"Why, and what to do." {
				t.Errorf("%s, %s: got %d %s %q", shape, tt.reason, e.Status(), e.Code, e.Description)
			}
			members, _ := json.Marshal(e.Refusal)
			if want := `{"reason":"` + string(tt.reason) + `","reason_class":"` + string(tt.class) +
				`","connection":"salesforce","missing_scopes":[],"reconnect_uri":"https://r"}`; string(members) != want {
				t.Errorf("%s, %s: got %s", shape, tt.reason, members)
			}
			if e.Refusal.RetryAfter != time.Second {
				t.Errorf("%s, %s: retry after %s", shape, tt.reason, e.Refusal.RetryAfter)
			}
		}
	}
}

func TestOtherRefusals(t *testing.T) {
	t.Parallel()
	rfc := oidc.ExchangeRequest{Shape: oidc.ShapeRFC8693, Connection: "salesforce"}
	auth0 := oidc.ExchangeRequest{Shape: oidc.ShapeAuth0, Connection: "salesforce"}
	cause := errors.New("for the log")
	for _, tt := range []struct {
		section string
		e       *oidc.Error
		code    oidc.Code
		status  int
		words   string
		reason  oidc.Reason
	}{
		{"subject token", rfc.RefuseSubject(cause), oidc.InvalidGrant, 400, "subject token", ""},
		{"subject token", auth0.RefuseSubject(cause), oidc.InvalidGrant, 401, "subject token", ""},
		{"RFC 8693 2.2.2", rfc.RefuseConnection(), oidc.InvalidTarget, 400, "'salesforce'", ""},
		{"no such connection", auth0.RefuseConnection(), oidc.InvalidRequest, 400, "'salesforce'", ""},
		{"login_hint", rfc.RefuseLoginHint(), oidc.InvalidGrant, 400, "login_hint", oidc.NotConnected},
		{"login_hint", auth0.RefuseLoginHint(), oidc.UserNotFound, 401, "Identity User not found. ", oidc.NotConnected},
	} {
		want(t, tt.e, tt.code, tt.words)
		if tt.e.Status() != tt.status {
			t.Errorf("%s: got status %d", tt.section, tt.e.Status())
		}
		if (tt.e.Refusal == nil) != (tt.reason == "") || tt.e.Refusal != nil && (tt.e.Refusal.Reason != tt.reason || tt.e.Refusal.Class != oidc.ForUser) {
			t.Errorf("%s: got %+v", tt.section, tt.e.Refusal)
		}
	}
}

func TestExchangeHoldsNoReadableSecret(t *testing.T) {
	t.Parallel()
	x := oidc.ExchangeRequest{SubjectToken: vault.NewSecret("hidden"), Rejected: vault.NewSecret("hidden")}
	if b, err := json.Marshal(x); err == nil {
		t.Errorf("marshals to %s", b)
	}
}
