package simulator_test

import (
	"testing"
)

func TestClientMayAuthenticateByAssertion(t *testing.T) {
	o := start(t, certified)
	for _, test := range []struct {
		name   string
		signer signer
		change map[string]any
		status int
	}{
		{"good", signers()[0], nil, 200},
		{"token endpoint", signers()[0], map[string]any{"aud": o.url + "/services/oauth2/token"}, 200},
		{"another's key", signers()[1], nil, 400},
		{"of a user", signers()[0], map[string]any{"sub": "ada@example.com"}, 400},
		{"expired", signers()[0], map[string]any{"exp": noon - 180}, 400},
		{"for somebody else", signers()[0], map[string]any{"aud": "https://login.example.com"}, 400},
	} {
		form := redemption(o.browser().authorize(request()).Get("code"))
		form.Del("client_secret")
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		claims := o.claims(map[string]any{"sub": key})
		for name, value := range test.change {
			claims[name] = value
		}
		form.Set("client_assertion", test.signer.assertion(claims))
		if r := o.token(form); r.StatusCode != test.status || test.status == 400 && r.body != oauthError("invalid_client", "invalid client credentials") {
			t.Errorf("%s: %d %s", test.name, r.StatusCode, r.body)
		}
	}
	form := redemption("x")
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	o.refused(o.token(form), "invalid_client", "invalid client credentials")
	form.Set("client_assertion", signers()[0].assertion(o.claims(map[string]any{"iss": "3MVG9other", "sub": "3MVG9other"})))
	o.refused(o.token(form), "invalid_client_id", "client identifier invalid")
}
