package connections

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"sallyport/vault"
)

// TestH42AnswersMeanWhatTheySay is a table of answers of token endpoints: which
// end a grant, which may pass, and after which a refresh token is surely as good
// as before.
func TestH42AnswersMeanWhatTheySay(t *testing.T) {
	t.Parallel()
	const refused Kind = "refused" // a *vault.Refusal
	for _, tt := range []struct {
		request string
		status  int
		body    string
		kind    Kind
		unspent bool
	}{
		// RFC 6749, section 5.2.
		{refreshing, 400, `{"error":"invalid_grant"}`, refused, false},
		{refreshing, 401, `{"error":"invalid_grant","error_description":"gone"}`, refused, false},
		{redeeming, 400, `{"error":"invalid_grant"}`, Expired, false},
		{refreshing, 401, `{"error":"invalid_client"}`, Misconfigured, true},
		{refreshing, 400, `{"error":"invalid_client"}`, Misconfigured, true},
		{refreshing, 400, `{"error":"unauthorized_client"}`, Misconfigured, true},
		{refreshing, 400, `{"error":"unsupported_grant_type"}`, Misconfigured, true},
		{refreshing, 400, `{"error":"invalid_scope"}`, Misconfigured, true},
		{refreshing, 400, `{"error":"invalid_request"}`, Misconfigured, true},
		{refreshing, 400, `{"error":"access_denied"}`, Denied, true},
		{refreshing, 400, `{"error":"temporarily_unavailable"}`, Unavailable, true},
		{refreshing, 400, `{"error":"server_error"}`, Unavailable, true},
		{refreshing, 400, `{"error":"something_new"}`, Unavailable, true},
		// What GitHub and Slack call the same, with status 200.
		{refreshing, 200, `{"error":"bad_refresh_token"}`, refused, false},
		{redeeming, 200, `{"error":"bad_verification_code"}`, Expired, false},
		{refreshing, 200, `{"error":"incorrect_client_credentials"}`, Misconfigured, true},
		{refreshing, 200, `{"ok":false,"error":"invalid_refresh_token"}`, refused, false},
		{redeeming, 200, `{"ok":false,"error":"invalid_code"}`, Expired, false},
		{redeeming, 200, `{"ok":false,"error":"bad_redirect_uri"}`, Misconfigured, true},
		{refreshing, 200, `{"ok":false,"error":"ratelimited"}`, RateLimited, true},
		// Too many requests, whatever the body.
		{refreshing, 429, `{"error":"invalid_grant"}`, RateLimited, true},
		{refreshing, 429, `<html>`, RateLimited, true},
		{refreshing, 400, `{"error":"slow_down"}`, RateLimited, true},
		// An answer that says nothing, or is not the authorization server's.
		{refreshing, 500, `{"error":"invalid_grant"}`, Unavailable, false},
		{refreshing, 503, `{"error":"temporarily_unavailable"}`, Unavailable, false},
		{refreshing, 500, ``, Unavailable, false},
		{refreshing, 502, `<html>bad gateway</html>`, Unavailable, false},
		{refreshing, 504, `invalid_grant`, Unavailable, false},
		{refreshing, 400, ``, Unavailable, false},
		{refreshing, 400, `<html>invalid_grant</html>`, Unavailable, false},
		{refreshing, 400, `{"message":"invalid_grant"}`, Unavailable, false},
		{refreshing, 400, `{"error":{"code":"invalid_grant"}}`, Unavailable, false},
		{refreshing, 400, `[{"error":"invalid_grant"}]`, Unavailable, false},
		{refreshing, 400, `{"error":"invalid_grant"`, Unavailable, false},
		{refreshing, 400, `{"error":"invalid_grant"}{}`, Unavailable, false},
		{refreshing, 400, `error=invalid_grant`, Unavailable, false},
		{refreshing, 401, `{"error":""}`, Unavailable, false},
		{refreshing, 403, `<html>blocked by the firewall</html>`, Unavailable, false},
		{refreshing, 404, `not found`, Unavailable, false},
		{refreshing, 302, ``, Unavailable, false},
		{refreshing, 200, `{"ok":true}`, Unavailable, false},
		{revoking, 400, `{"error":"unsupported_token_type"}`, Unavailable, true},
	} {
		err := explain(vault.Connection{Name: "acme"}, failure{request: tt.request, status: tt.status, header: http.Header{}, body: []byte(tt.body)})
		var refusal *vault.Refusal
		var e *Error
		switch {
		case tt.kind == refused && !errors.As(err, &refusal):
			t.Errorf("%+v: %v", tt, err)
		case tt.kind != refused && (!errors.As(err, &e) || e.Kind != tt.kind || errors.Is(err, vault.ErrUnspent) != tt.unspent || errors.Is(err, vault.ErrReauthorize)):
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

func TestRetryAfterIsBounded(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"": time.Minute, "30": 30 * time.Second, "999999": time.Hour, "-1": time.Minute, "0": time.Minute, "Wed, 21 Oct 2026 07:28:00 GMT": time.Minute,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}
