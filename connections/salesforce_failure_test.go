package connections

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
)

// TestH42Point28AnswersOfSalesforceAreToldApart is the table of what an answer means.
// Nothing ends a grant but a clear word of Salesforce's, and whatever is unknown
// may pass.
func TestH42Point28AnswersOfSalesforceAreToldApart(t *testing.T) {
	t.Parallel()
	const (
		asJSON = "application/json;charset=UTF-8"
		asForm = "application/x-www-form-urlencoded"
		asPage = "text/html;charset=UTF-8"
		asText = "text/plain;charset=UTF-8"
	)
	oauth := func(code, description string) string {
		return fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, description)
	}
	rest := func(code, message string) string {
		return fmt.Sprintf(`[{"message":%q,"errorCode":%q}]`, message, code)
	}
	for _, tt := range []struct {
		asked  string
		status int
		media  string
		body   string
		kind   Kind
		says   string // part of the cause or the cure
	}{
		// The token endpoint, on a refresh.
		{refreshing, 400, asJSON, oauth("invalid_grant", "expired access/refresh token"), Dead, "Refresh Token Policy"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "Expired Access/Refresh Token"), Dead, "connect again"},
		{refreshing, 400, asJSON, oauth("INVALID_GRANT", "EXPIRED ACCESS/REFRESH TOKEN"), Dead, "keeps five"},
		{refreshing, 400, asForm, "error=invalid_grant&error_description=expired%20access%2Frefresh%20token", Dead, "used twice"},
		{refreshing, 400, "", "error=invalid_grant&error_description=expired+access%2Frefresh+token", Dead, "connect again"},
		{refreshing, 401, asJSON, oauth("invalid_grant", "expired access/refresh token"), Dead, "connect again"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "user hasn't approved this consumer"), Dead, "taken back"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "user hasn’t approved this consumer"), Dead, "taken back"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "token request is already being processed"), Unavailable, "under way"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "Token request is already being processed"), Unavailable, "under way"},
		{refreshing, 400, asForm, "error=invalid_grant&error_description=token+request+is+already+being+processed", Unavailable, "under way"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "expired authorization code"), Unavailable, "2024"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "Expired Authorization Code"), Unavailable, "2024"},
		{refreshing, 400, asJSON, oauth("invalid_grant", ""), Unavailable, "finds out"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "something new"), Unavailable, "finds out"},
		{refreshing, 400, asJSON, `{"error":"invalid_grant"}`, Unavailable, "finds out"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "ip restricted or invalid login hours"), Misconfigured, "IP Relaxation"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "IP restricted or invalid login hours"), Misconfigured, "Network Access"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "invalid login hours"), Misconfigured, "Login Hours"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "user is not admin approved to access this app"), Misconfigured, "Permitted Users"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "request not supported on this domain"), Misconfigured, "My Domain"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "authentication failure"), Misconfigured, "salesforce-sandbox"},
		{refreshing, 400, asJSON, oauth("invalid_grant", "login rate exceeded"), RateLimited, "3,600"},
		{refreshing, 400, asJSON, oauth("invalid_client_id", "client identifier invalid"), Misconfigured, "ten minutes"},
		{refreshing, 400, "", "error=invalid_client_id&error_description=client%20identifier%20invalid", Misconfigured, "consumer key"},
		{refreshing, 400, asJSON, oauth("invalid_client", "invalid client credentials"), Misconfigured, "consumer secret"},
		{refreshing, 401, asJSON, oauth("invalid_client", "invalid client credentials"), Misconfigured, "Consumer Key and Secret"},
		{refreshing, 400, asJSON, oauth("invalid_client_credentials", ""), Misconfigured, "consumer secret"},
		{refreshing, 400, asJSON, oauth("inactive_user", "user is inactive"), Denied, "Setup, Users"},
		{refreshing, 400, asJSON, oauth("inactive_org", "organization is locked"), Misconfigured, "suspended"},
		{refreshing, 400, asJSON, oauth("rate_limit_exceeded", "number of logins exceeded"), RateLimited, "Login History"},
		{refreshing, 400, asJSON, oauth("app_not_found", "External client app is not installed in this org"), Misconfigured, "Install it"},
		{refreshing, 400, asJSON, oauth("client_blocked", ""), Misconfigured, "Unblock"},
		{refreshing, 400, asJSON, oauth("unauthorized_client", ""), Misconfigured, "Flow Enablement"},
		{refreshing, 400, asJSON, oauth("unsupported_grant_type", "grant type not supported"), Misconfigured, "Flow Enablement"},
		{refreshing, 400, asJSON, oauth("invalid_scope", ""), Misconfigured, "OAuth Scopes"},
		{refreshing, 400, asJSON, oauth("use_dpop_nonce", ""), Misconfigured, "DPoP"},
		{refreshing, 400, asJSON, oauth("invalid_request", "malformed request"), Unavailable, maybeLost},
		{refreshing, 400, asJSON, oauth("authorization_pending", ""), Unavailable, maybeLost},
		{refreshing, 400, asJSON, oauth("brand_new_error", "expired access/refresh token"), Unavailable, maybeLost},
		{refreshing, 400, asJSON, oauth("(private address)", ""), Unavailable, maybeLost},

		// The same endpoint, when it has no answer of its own.
		{refreshing, 200, asJSON, oauth("invalid_grant", "expired access/refresh token"), Unavailable, maybeLost},
		{refreshing, 418, asJSON, oauth("invalid_grant", "expired access/refresh token"), Unavailable, maybeLost},
		{refreshing, 500, asJSON, oauth("invalid_grant", "expired access/refresh token"), Unavailable, "maintenance"},
		{refreshing, 502, asPage, "<html>Bad gateway</html>", Unavailable, "maintenance"},
		{refreshing, 503, asPage, "<html>Down for maintenance</html>", Unavailable, "maintenance"},
		{refreshing, 503, "", "", Unavailable, "maintenance"},
		{refreshing, 504, asText, "upstream timed out", Unavailable, "maintenance"},
		{refreshing, 429, asJSON, oauth("invalid_grant", "expired access/refresh token"), RateLimited, "too often"},
		{refreshing, 301, "", "", Unavailable, "renamed"},
		{refreshing, 307, asPage, "<html>Moved</html>", Unavailable, "renamed"},
		{refreshing, 404, asPage, "<html>Not found</html>", Unavailable, "site's path"},
		{refreshing, 400, asPage, "<html>expired access/refresh token</html>", Unavailable, "web page"},
		{refreshing, 400, asJSON, "<html>invalid_grant</html>", Unavailable, "web page"},
		{refreshing, 400, asJSON, `{"error":"invalid_grant","error_description":"expired access/refr`, Unavailable, maybeLost},
		{refreshing, 400, asJSON, "", Unavailable, maybeLost},
		{refreshing, 400, asJSON, "null", Unavailable, maybeLost},
		{refreshing, 400, asJSON, `{"error":["invalid_grant"],"error_description":"expired access/refresh token"}`, Unavailable, maybeLost},
		{refreshing, 400, asJSON, "[]", Unavailable, maybeLost},
		{refreshing, 400, asForm, "error=%zz", Unavailable, maybeLost},
		{refreshing, 400, asText, "\xff\xfe\x00", Unavailable, maybeLost},
		{refreshing, 403, asText, "Forbidden", Unavailable, maybeLost},

		// On a code.
		{redeeming, 400, asJSON, oauth("invalid_grant", "expired authorization code"), Expired, "15 minutes"},
		{redeeming, 400, asJSON, oauth("invalid_grant", "invalid authorization code"), Expired, "Start again"},
		{redeeming, 400, asJSON, oauth("invalid_grant", "something new"), Expired, "Start again"},
		{redeeming, 400, asJSON, oauth("invalid_grant", "expired access/refresh token"), Expired, "Start again"},
		{redeeming, 400, asJSON, oauth("invalid_grant", "missing required code verifier"), Untrusted, "PKCE"},
		{redeeming, 400, asJSON, oauth("invalid_request", "invalid code verifier"), Untrusted, "another sign-in"},
		{redeeming, 400, asJSON, oauth("invalid_request", "malformed"), Misconfigured, "OAuth Settings"},
		{redeeming, 400, asJSON, oauth("redirect_uri_mismatch", "redirect_uri must match configuration"), Misconfigured, "character for character"},
		{redeeming, 400, asJSON, oauth("invalid_client_id", "client identifier invalid"), Misconfigured, "installed there"},
		{redeeming, 503, asPage, "<html></html>", Unavailable, "maintenance"},

		// On an assertion.
		{asserting, 400, asJSON, oauth("invalid_grant", "Audience validation failed"), Misconfigured, "https://login.salesforce.com"},
		{asserting, 400, asJSON, oauth("invalid_grant", "audience is invalid"), Misconfigured, "https://test.salesforce.com"},
		{asserting, 400, asJSON, oauth("invalid_grant", "invalid assertion"), Misconfigured, "certificate"},
		{asserting, 400, asJSON, oauth("invalid_grant", "no client credentials user enabled"), Misconfigured, "Run As"},
		{asserting, 400, asJSON, oauth("invalid_grant", "no valid scopes defined"), Misconfigured, "OAuth Scopes"},

		// Introspection, user info and REST.
		{introspecting, 401, asJSON, oauth("invalid_client", "invalid client credentials"), Misconfigured, "consumer secret"},
		{calling, 401, asJSON, rest("INVALID_SESSION_ID", "Session expired or invalid"), Unavailable, "rejected_token"},
		{calling, 401, asJSON, rest("INVALID_SESSION_ID", "This session is not valid for use with the REST API"), Misconfigured, "Do not refresh"},
		{calling, 401, asJSON, rest("INVALID_SESSION_ID", "Connected app is not attached to Agent"), Misconfigured, "Do not refresh"},
		{calling, 403, asJSON, rest("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), RateLimited, "Do not refresh"},
		{calling, 403, asJSON, rest("API_DISABLED_FOR_ORG", ""), Misconfigured, "Do not refresh"},
		{calling, 403, asJSON, rest("API_CURRENTLY_DISABLED", ""), Misconfigured, "Do not refresh"},
		{calling, 403, asText, "Bad_OAuth_Token", Unavailable, "rejected_token"},
		{calling, 401, asJSON, `{"errors":[{"message":"Invalid token"}]}`, Misconfigured, "JWTs are for REST"},

		// Pages of the authorization endpoint, should one be read.
		{authorizing, 400, asPage, "<p>OAUTH_APP_BLOCKED : this app is blocked by admin</p>", Misconfigured, "Unblock"},
		{authorizing, 400, "", "error=invalid_request&error_description=missing%20required%20code%20challenge", Misconfigured, "PKCE"},
	} {
		f, code, _ := classify(reply{asked: tt.asked, status: tt.status, contentType: tt.media, body: []byte(tt.body)})
		if f.Kind != tt.kind || !strings.Contains(f.Cause+" "+f.Cure, tt.says) {
			t.Errorf("%s: %d %s %s = %s %q: %s %s", tt.asked, tt.status, tt.media, tt.body, f.Kind, code, f.Cause, f.Cure)
		}
		if (f.RetryAfter == 0) == (f.Kind == Unavailable && tt.asked != calling || f.Kind == RateLimited) {
			t.Errorf("%s: retry after %v", tt.body, f.RetryAfter)
		}
	}
}

// TestH42FailuresOfTheNetworkLoseNothing is the table of what keeps an answer
// from coming.
func TestH42FailuresOfTheNetworkLoseNothing(t *testing.T) {
	t.Parallel()
	post := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://login.salesforce.com/services/oauth2/token", Err: err}
	}
	s := &salesforceOrg{connection: vault.Connection{Name: "salesforce"}}
	for _, tt := range []struct {
		err     error
		kind    Kind
		unspent bool
		says    string
	}{
		{post(context.DeadlineExceeded), Unavailable, false, "in time"},
		{post(context.Canceled), Unavailable, false, "broke off"},
		{post(&net.DNSError{IsNotFound: true}), Unavailable, true, "renamed"},
		{post(&net.DNSError{IsTimeout: true}), Unavailable, false, "could not be reached"},
		{post(&net.OpError{Op: "dial", Err: errors.New("connection refused")}), Unavailable, false, "port 443"},
		{post(&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}), Unavailable, false, "broke off"},
		{post(&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}}}), Misconfigured, true, "certificate"},
		{post(fmt.Errorf("%w: 10.0.0.1", errPrivate)), Misconfigured, true, "--allow-private-upstreams"},
		{errors.New("oauth2: cannot parse json: unexpected end"), Unavailable, false, maybeLost},
	} {
		for _, asked := range []string{redeeming, refreshing, introspecting} {
			var e *Error
			if err := s.explain(tt.err, asked); !errors.As(err, &e) || e.Kind != tt.kind || errors.Is(err, vault.ErrUnspent) != tt.unspent ||
				errors.Is(err, vault.ErrReauthorize) || !strings.Contains(e.Description, tt.says) {
				t.Errorf("%s: %v = %#v", asked, tt.err, err)
			}
		}
	}
}

// TestFailuresCanAllHappen holds the table of failures against itself: each is
// found by its own signs, so none stands behind one that hides it.
func TestFailuresCanAllHappen(t *testing.T) {
	t.Parallel()
	for _, f := range SalesforceFailures {
		if found, ok := find(f.Asked, f.Code, f.Says); !ok || found != f {
			t.Errorf("%s %s %q is hidden behind %s %s %q", f.Asked, f.Code, f.Says, found.Asked, found.Code, found.Says)
		}
		if f.Code != strings.ToLower(f.Code) || f.Says != strings.ToLower(f.Says) {
			t.Errorf("%s %q would never be found: it is not in lower case", f.Code, f.Says)
		}
		for _, sentence := range []string{f.Cause, f.Cure} {
			if !strings.HasSuffix(sentence, ".") && !strings.HasSuffix(sentence, ")") {
				t.Errorf("%s: %q is no sentence", f.Code, sentence)
			}
		}
	}
}

// TestLoginRateIsWaitedOut: Salesforce blocks a user for an hour.
func TestLoginRateIsWaitedOut(t *testing.T) {
	t.Parallel()
	for _, description := range []string{"number of logins exceeded", "login rate exceeded"} {
		for _, code := range []string{"rate_limit_exceeded", "invalid_grant"} {
			if f, _ := find(refreshing, code, description); f.RetryAfter != time.Hour {
				t.Errorf("%s %s: %v", code, description, f.RetryAfter)
			}
		}
	}
}
