package oidc_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"sallyport/server/oidc"
	"sallyport/vault"
)

func TestRedirects(t *testing.T) {
	t.Parallel()
	fault := &oidc.Error{Code: oidc.InvalidScope, Description: "no \"x\"\r\né & more", Err: url.InvalidHostError("for the log")}
	for _, tt := range []struct{ uri, state, code, fault string }{
		{"https://app.example.com/cb", "s t&u", // RFC 6749, 4.1.2; RFC 9207, 2
			"https://app.example.com/cb?code=c%2Fd&state=s+t%26u&iss=https%3A%2F%2Flogin.example.com%2F",
			"https://app.example.com/cb?error=invalid_scope&error_description=no+%27x%27%3F%3F%3F+%26+more&state=s+t%26u&iss=https%3A%2F%2Flogin.example.com%2F"},
		{"https://app.example.com/cb", "", // no state was sent, and none comes back
			"https://app.example.com/cb?code=c%2Fd&iss=https%3A%2F%2Flogin.example.com%2F",
			"https://app.example.com/cb?error=invalid_scope&error_description=no+%27x%27%3F%3F%3F+%26+more&iss=https%3A%2F%2Flogin.example.com%2F"},
		{"https://app.example.com/cb?a=%2f&b", "s", // RFC 6749, 3.1.2: the query is retained
			"https://app.example.com/cb?a=%2f&b&code=c%2Fd&state=s&iss=https%3A%2F%2Flogin.example.com%2F",
			"https://app.example.com/cb?a=%2f&b&error=invalid_scope&error_description=no+%27x%27%3F%3F%3F+%26+more&state=s&iss=https%3A%2F%2Flogin.example.com%2F"},
		{"com.example.app:/cb?", "s", // RFC 8252, 7.1
			"com.example.app:/cb?code=c%2Fd&state=s&iss=https%3A%2F%2Flogin.example.com%2F",
			"com.example.app:/cb?error=invalid_scope&error_description=no+%27x%27%3F%3F%3F+%26+more&state=s&iss=https%3A%2F%2Flogin.example.com%2F"},
	} {
		r := vault.AuthorizationRequest{RedirectURI: tt.uri, State: tt.state}
		if got := oidc.AuthorizationResponse(issuer, r, "c/d"); got != tt.code {
			t.Errorf("got  %s\nwant %s", got, tt.code)
		}
		if got := oidc.ErrorResponse(issuer, r, fault); got != tt.fault {
			t.Errorf("got  %s\nwant %s", got, tt.fault)
		}
	}
}

func TestResponseModes(t *testing.T) {
	t.Parallel()
	fault := &oidc.Error{Code: oidc.LoginRequired, Description: "Login \"required\""}
	code := []oidc.Param{{Name: "code", Value: "c/d"}, {Name: "state", Value: "s&"}, {Name: "iss", Value: issuer}}
	refused := []oidc.Param{{Name: "error", Value: "login_required"}, {Name: "error_description", Value: "Login 'required'"}, {Name: "state", Value: "s&"}, {Name: "iss", Value: issuer}}
	const query, faulty = "code=c%2Fd&state=s%26&iss=https%3A%2F%2Flogin.example.com%2F", "error=login_required&error_description=Login+%27required%27&state=s%26&iss=https%3A%2F%2Flogin.example.com%2F"
	const cb = "https://app.example.com:8443/cb?a=b"
	for _, tt := range []struct {
		section, mode, uri string
		got                string // mode
		before             string // the parameters in the URL
		origin             string
	}{
		{"RFC 6749 4.1.2", "", cb, "query", cb + "&", ""},
		{"Multiple Response Types 2.1", "query", cb, "query", cb + "&", ""},
		{"Multiple Response Types 2.1", "fragment", cb, "fragment", cb + "#", ""},
		{"RFC 8252 7.1", "fragment", "com.example.app:/cb", "fragment", "com.example.app:/cb#", ""},
		{"Form Post 2", "form_post", cb, "form_post", "", ""},
		{"Auth0", "web_message", cb, "web_message", "", "https://app.example.com:8443"},
		{"Auth0: loopback", "web_message", "http://127.0.0.1:5173/", "web_message", "", "http://127.0.0.1:5173"},
		{"Auth0: no window", "web_message", "com.example.app:/cb", "query", "com.example.app:/cb?", ""},
		{"no such mode", "jwt", cb, "query", cb + "&", ""},
	} {
		r := vault.AuthorizationRequest{RedirectURI: tt.uri, State: "s&", ResponseMode: tt.mode}
		for _, answer := range []struct {
			got    oidc.Response
			params []oidc.Param
			query  string
		}{{oidc.CodeResponse(issuer, r, "c/d"), code, query}, {oidc.FaultResponse(issuer, r, fault), refused, faulty}} {
			expected := oidc.Response{Mode: tt.got, RedirectURI: tt.uri, Params: answer.params, Origin: tt.origin}
			if tt.before != "" {
				expected.URL = tt.before + answer.query
			}
			if !reflect.DeepEqual(answer.got, expected) {
				t.Errorf("%s:\ngot  %+v\nwant %+v", tt.section, answer.got, expected)
			}
		}
	}
	none := oidc.CodeResponse(issuer, vault.AuthorizationRequest{RedirectURI: cb, ResponseMode: "form_post"}, "c")
	if len(none.Params) != 2 { // RFC 6749, section 4.1.2: state if it was there
		t.Errorf("got %+v", none.Params)
	}
	for mode, before := range map[string]string{"fragment": cb + "#", "form_post": cb + "&", "web_message": cb + "&"} {
		got := oidc.AuthorizationResponse(issuer, vault.AuthorizationRequest{RedirectURI: cb, ResponseMode: mode}, "c")
		if !strings.HasPrefix(got, before+"code=c&") {
			t.Errorf("%s: got %s", mode, got)
		}
	}
}
