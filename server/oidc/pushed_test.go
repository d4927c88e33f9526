package oidc_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"sallyport/server/oidc"
	"sallyport/vault"
)

func TestPushedRequests(t *testing.T) {
	t.Parallel()
	form := with(authorization, "client_secret", "new secret")
	token := assertion(t, "ES256")
	for _, tt := range []struct {
		section string
		form    url.Values
		header  string
		method  string
		code    oidc.Code
		words   string
	}{
		{"RFC 9126 2.1: in the body", form, "", "client_secret_post", "", ""},
		{"RFC 9126 2.1: in the header", authorization, basic("app", "new+secret"), "client_secret_basic", "", ""},
		{"RFC 9126 2.1: header alone names the client", with(authorization, "client_id", "-"), basic("app", "new+secret"), "client_secret_basic", "", ""},
		{"RFC 9126 2: public", authorization, "", "none", "", ""},
		{"RFC 9126 2: assertion", with(authorization, "client_assertion", token, "client_assertion_type", oidc.AssertionJWT), "", "private_key_jwt", "", ""},
		{"RFC 9126 2.1 2: request_uri", with(form, "request_uri", "urn:ietf:params:oauth:request_uri:x"), "", "", oidc.InvalidRequest, "must not be pushed"},
		{"RFC 9126 2.1 2: request_uri, empty", with(form, "request_uri", ""), "", "", oidc.InvalidRequest, "must not be pushed"},
		{"RFC 6749 2.3: one method", form, basic("app", "new+secret"), "", oidc.InvalidRequest, "in two ways"},
		{"RFC 6749 2.3: one client", authorization, basic("other", "s"), "", oidc.InvalidRequest, "not the one of the Authorization header"},
		{"RFC 6749 3.2: once", with(form, "+client_id", "app"), "", "", oidc.InvalidRequest, "client_id is sent 2 times"},
		{"bounds", with(form, "request", strings.Repeat("x", 16385)), "", "", oidc.InvalidRequest, "request is too long"},
	} {
		t.Run(tt.section, func(t *testing.T) {
			r, err := oidc.ParsePushedRequest(tt.form, tt.header)
			want(t, err, tt.code, tt.words)
			if err != nil {
				return
			}
			if r.AuthMethod != tt.method || r.ClientID != "app" || r.Params.Encode() != authorization.Encode() {
				t.Errorf("got %s, %s, %s", r.AuthMethod, r.ClientID, r.Params.Encode())
			}
			if s := fmt.Sprintf("%+v", r); strings.Contains(s, "new secret") || strings.Contains(s, token) {
				t.Errorf("prints a secret: %s", s)
			}
			// section 2.1, number 3: as any other authorization request
			a, err := oidc.ParseAuthorizationRequest(r.Params)
			if err != nil || oidc.CheckAuthorizationRequest(public, a) != nil {
				t.Errorf("got %v", err)
			}
		})
	}
	r, err := oidc.ParsePushedRequest(values("client_id", "app", "request", "e30.e30.x"), "")
	if err != nil || r.Object != "e30.e30.x" || r.Params.Has("request") { // RFC 9126, section 3
		t.Errorf("got %+v, %v", r, err)
	}
	signs := public
	signs.RequireSignedRequest = true
	want(t, oidc.CheckPushedRequest(signs, r), "", "")
	want(t, oidc.CheckPushedRequest(signs, oidc.PushedRequest{}), oidc.InvalidRequest, "must sign")
	want(t, oidc.CheckPushedRequest(public, oidc.PushedRequest{}), "", "")
	if raw, _ := json.Marshal(oidc.PushedResponse{RequestURI: oidc.RequestURI("x"), ExpiresIn: 30}); string(raw) != `{"request_uri":"urn:ietf:params:oauth:request_uri:x","expires_in":30}` {
		t.Errorf("RFC 9126, section 2.2: %s", raw)
	}
}

func TestPushedRequestsAreBoundToKeys(t *testing.T) {
	t.Parallel()
	a := &oidc.Proof{Thumbprint: "a"}
	asks := func(key string) (r oidc.AuthorizationRequest) { r.DPoPKey = key; return r }
	for _, tt := range []struct {
		section string
		r       oidc.AuthorizationRequest
		p       *oidc.Proof
		want    string
		code    oidc.Code
	}{
		{"RFC 9449 10.1: neither", asks(""), nil, "", ""},
		{"RFC 9449 10.1: dpop_jkt", asks("a"), nil, "a", ""},
		{"RFC 9449 10.1: proof", asks(""), a, "a", ""},
		{"RFC 9449 10.1: both", asks("a"), a, "a", ""},
		{"RFC 9449 10.1: two keys", asks("b"), a, "", oidc.InvalidDPoPProof},
	} {
		got, err := oidc.CheckPushedKey(tt.r, tt.p)
		want(t, err, tt.code, "")
		if got != tt.want {
			t.Errorf("%s: got %q", tt.section, got)
		}
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	good := oidc.RequestURI("bwc4JK-ESC0w8acc191e-Y1LTC2")
	pushes, signs, fapi := public, public, asserting
	pushes.RequirePAR, signs.RequireSignedRequest, fapi.FAPI = true, true, true
	for _, tt := range []struct {
		section string
		client  vault.Client
		params  url.Values
		code    oidc.Code
		words   string
	}{
		{"RFC 6749 4.1.1", public, authorization, "", ""},
		{"RFC 9126 4", public, values("client_id", "app", "request_uri", good), "", ""},
		{"RFC 9101 6.3: the rest is ignored", public, with(authorization, "request_uri", good, "+state", "t"), "", ""},
		{"RFC 9101 5", public, values("client_id", "app", "request", "e30.e30.x"), "", ""},
		{"RFC 9101 5: client_id", public, values("request_uri", good), oidc.InvalidRequest, "parameter: client_id"},
		{"RFC 9101 5: client_id", public, values("request", "e30.e30.x"), oidc.InvalidRequest, "parameter: client_id"},
		{"RFC 9101 5: not both", public, values("client_id", "app", "request_uri", good, "request", "e30.e30.x"), oidc.InvalidRequest, "both sent"},
		{"RFC 6749 3.1: once", public, values("client_id", "app", "request_uri", good, "request_uri", good), oidc.InvalidRequest, "request_uri is sent 2 times"},
		{"Core 6.2: elsewhere", public, values("client_id", "app", "request_uri", "https://app.example.com/r"), oidc.RequestURINotSupported, "push it first"},
		{"Core 6.2: elsewhere", public, values("client_id", "app", "request_uri", "file:///etc/passwd"), oidc.RequestURINotSupported, ""},
		{"RFC 9126 2.2: case", public, values("client_id", "app", "request_uri", strings.ToUpper(good)), oidc.RequestURINotSupported, ""},
		{"RFC 9126 2.2: nothing", public, values("client_id", "app", "request_uri", oidc.RequestURI("")), oidc.InvalidRequestURI, ""},
		{"RFC 9126 2.2: what is not ours", public, values("client_id", "app", "request_uri", oidc.RequestURI("a/../b")), oidc.InvalidRequestURI, ""},
		{"bounds", public, values("client_id", "app", "request_uri", oidc.RequestURI(strings.Repeat("x", 129))), oidc.InvalidRequestURI, ""},

		{"RFC 9126 6: required", pushes, authorization, oidc.InvalidRequest, "must push"},
		{"RFC 9126 6: required", pushes, values("client_id", "app", "request", "e30.e30.x"), oidc.InvalidRequest, "must push"},
		{"RFC 9126 6: required", pushes, values("client_id", "app", "request_uri", good), "", ""},
		{"RFC 9126 6: an empty one is omitted", pushes, with(authorization, "request_uri", ""), oidc.InvalidRequest, "must push"},
		{"FAPI 2.0 5.3.2.2", fapi, authorization, oidc.InvalidRequest, "must push"},
		{"FAPI 2.0 5.3.2.2", fapi, values("client_id", "app", "request_uri", good), "", ""},
		{"RFC 9101 10.5: required", signs, authorization, oidc.InvalidRequest, "must sign"},
		{"RFC 9101 10.5: required", signs, values("client_id", "app", "request", "e30.e30.x"), "", ""},
		{"RFC 9101 10.5: checked when it was pushed", signs, values("client_id", "app", "request_uri", good), "", ""},
	} {
		t.Run(tt.section, func(t *testing.T) {
			r, err := oidc.ParseReference(tt.params)
			if err == nil {
				err = oidc.CheckReference(tt.client, r)
			}
			want(t, err, tt.code, tt.words)
			if err == nil && (r.ClientID != "app" || r.RequestURI != tt.params.Get("request_uri") || r.Object != tt.params.Get("request")) {
				t.Errorf("got %+v", r)
			}
		})
	}
	if e := oidc.RequestURIError(nil); e.Status() != 400 || e.Code != oidc.InvalidRequestURI {
		t.Errorf("got %+v", e)
	}
}
