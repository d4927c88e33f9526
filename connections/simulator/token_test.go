package simulator_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/connections/simulator"
)

// names are the fields of a JSON object, in their order.
func names(t *testing.T, object string) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(object))
	var list []string
	for depth := 0; ; {
		token, err := d.Token()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatalf("%v: %s", err, object)
		}
		switch token := token.(type) {
		case json.Delim:
			depth += map[json.Delim]int{'{': 1, '}': -1}[token]
		case string:
			list = append(list, token)
			if _, err := d.Token(); err != nil { // the value
				t.Fatal(err)
			}
		}
	}
}

func TestTokenResponseHasTheseFieldsAndNoOthers(t *testing.T) {
	for _, test := range []struct {
		name    string
		scope   string
		app     func(*simulator.App)
		code    string
		refresh string
	}{
		{
			name: "rotating", scope: "openid api refresh_token",
			code:    "access_token refresh_token signature scope id_token instance_url id token_type issued_at",
			refresh: "access_token refresh_token signature scope id_token instance_url id token_type issued_at",
		},
		{
			name: "not rotating", scope: "api refresh_token", app: func(a *simulator.App) { a.NoRotation = true },
			code:    "access_token refresh_token signature scope instance_url id token_type issued_at",
			refresh: "access_token signature scope instance_url id token_type issued_at",
		},
		{
			name: "no refresh token", scope: "api",
			code: "access_token signature scope instance_url id token_type issued_at",
		},
		{
			name: "full is openid too", scope: "full", app: func(a *simulator.App) { a.Scopes = []string{"full"} },
			code: "access_token signature scope id_token instance_url id token_type issued_at",
		},
		{
			name: "JWT", scope: "api", app: func(a *simulator.App) { a.JWTAccessTokens = true },
			code: "access_token signature scope instance_url id token_type issued_at",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := start(t, func(_ *simulator.Salesforce, a *simulator.App) {
				if test.app != nil {
					test.app(a)
				}
			})
			r := o.token(redemption(o.browser().authorize(request("scope", test.scope)).Get("code")))
			if got := names(t, r.body); !slices.Equal(got, strings.Fields(test.code)) {
				t.Errorf("code: %v", got)
			}
			if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Content-Type") != asJSON {
				t.Errorf("headers: %v", r.Header)
			}
			if test.refresh != "" {
				var set tokenSet
				_ = json.Unmarshal([]byte(r.body), &set)
				r := o.token(refreshment(set.RefreshToken))
				if got := names(t, r.body); !slices.Equal(got, strings.Fields(test.refresh)) {
					t.Errorf("refresh: %v", got)
				}
			}
		})
	}
}

func TestTokenShapes(t *testing.T) {
	o := start(t)
	set := o.signIn()
	for _, test := range []struct{ got, want string }{
		{set.AccessToken, `^00DSa000000sim1![A-Za-z0-9._]{96}$`},
		{set.RefreshToken, `^5Aep861[A-Za-z0-9._]{80}$`},
		{set.ID, "^" + regexp.QuoteMeta(o.url) + `/id/00DSa000000sim1MAA/005Sa000000adaLIAQ$`},
		{set.InstanceURL, "^" + regexp.QuoteMeta(o.url) + "$"},
		{set.TokenType, `^Bearer$`},
		{set.IssuedAt, `^1772366400000$`},
	} {
		if !regexp.MustCompile(test.want).MatchString(test.got) {
			t.Errorf("%s does not match %s", test.got, test.want)
		}
	}
}

func TestSignatureIsOfIdentityURLAndTime(t *testing.T) {
	o := start(t)
	set := o.signIn()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(set.ID + set.IssuedAt))
	if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); set.Signature != want {
		t.Errorf("got %s, want %s", set.Signature, want)
	}
}

func TestURLNamesWhereSalesforceIs(t *testing.T) {
	o := start(t, func(s *simulator.Salesforce, _ *simulator.App) { s.URL = "https://acme.my.salesforce.example" })
	set := o.signIn()
	if set.InstanceURL != "https://acme.my.salesforce.example" || !strings.HasPrefix(set.ID, set.InstanceURL+"/id/00D") {
		t.Errorf("%+v", set)
	}
}

func TestCodeIsRedeemedOnceAndItsReplayRevokesWhatItBrought(t *testing.T) {
	o := start(t)
	form := redemption(o.browser().authorize(request()).Get("code"))
	set := o.tokenSet(form)
	o.refused(o.token(form), "invalid_grant", "expired authorization code")
	if o.alive(set.AccessToken) {
		t.Error("the access token lives")
	}
	o.refused(o.token(refreshment(set.RefreshToken)), "invalid_grant", "expired access/refresh token")
}

func TestCodeRefusals(t *testing.T) {
	for _, test := range []struct {
		name        string
		parameter   string // that is changed
		value       string
		code        string
		description string
	}{
		{"unknown code", "code", "aPrxNothing==", "invalid_grant", "invalid authorization code"},
		{"no code", "code", "", "invalid_grant", "invalid authorization code"},
		{"other redirect", "redirect_uri", "https://gateway.example/other?x=1", "redirect_uri_mismatch", "redirect_uri must match configuration"},
		{"no redirect", "redirect_uri", "", "redirect_uri_mismatch", "redirect_uri must match configuration"},
		{"unknown client", "client_id", "3MVG9other", "invalid_client_id", "client identifier invalid"},
		{"wrong secret", "client_secret", "guess", "invalid_client", "invalid client credentials"},
		{"no secret", "client_secret", "", "invalid_client", "invalid client credentials"},
		{"another app's code", "client_id", "3MVG9second", "invalid_grant", "invalid authorization code"},
		{"no grant type", "grant_type", "", "unsupported_grant_type", "grant type not supported"},
		{"password", "grant_type", "password", "unsupported_grant_type", "grant type not supported"},
		{"device", "grant_type", "device", "unsupported_grant_type", "grant type not supported"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := start(t, func(s *simulator.Salesforce, _ *simulator.App) {
				s.Apps = append(s.Apps, simulator.App{ConsumerKey: "3MVG9second", ConsumerSecret: secret})
			})
			form := redemption(o.browser().authorize(request()).Get("code"))
			form.Set(test.parameter, test.value)
			o.refused(o.token(form), test.code, test.description)
		})
	}
}

func TestCodeLivesFifteenMinutes(t *testing.T) {
	o := start(t)
	b := o.browser()
	form := redemption(b.authorize(request()).Get("code"))
	o.now.Move(15*time.Minute - time.Second)
	o.tokenSet(form)
	form = redemption(b.authorize(request()).Get("code"))
	o.now.Move(15 * time.Minute)
	o.refused(o.token(form), "invalid_grant", "expired authorization code")
}

func TestCodeIsSpentByAFailedRequestToo(t *testing.T) {
	o := start(t)
	form := redemption(o.browser().authorize(request()).Get("code"))
	form.Set("redirect_uri", "https://gateway.example/wrong")
	o.refused(o.token(form), "redirect_uri_mismatch", "redirect_uri must match configuration")
	form.Set("redirect_uri", callback)
	o.refused(o.token(form), "invalid_grant", "expired authorization code")
}

func TestPKCE(t *testing.T) {
	challengeOf := func(verifier string) string {
		sum := sha256.Sum256([]byte(verifier))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	good, long := strings.Repeat("v", 43), strings.Repeat("v", 171)
	for _, test := range []struct {
		name                        string
		challenge, method, verifier string
		code, description           string
	}{
		{"S256", challengeOf(good), "S256", good, "", ""},
		{"no method", challengeOf(good), "", good, "", ""},
		{"171 characters", challengeOf(long), "", long, "", ""},
		{"no verifier", challengeOf(good), "S256", "", "invalid_grant", "missing required code verifier"},
		{"wrong verifier", challengeOf(good), "S256", long, "invalid_request", "invalid code verifier"},
		{"challenge sent plain", good, "S256", good, "invalid_request", "invalid code verifier"},
		{"verifier without challenge", "", "", good, "invalid_request", "invalid code verifier"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := start(t, func(_ *simulator.Salesforce, a *simulator.App) { a.RequirePKCE = test.challenge != "" })
			q := o.browser().authorize(request("code_challenge", test.challenge, "code_challenge_method", test.method))
			form := redemption(q.Get("code"))
			form.Set("code_verifier", test.verifier)
			if test.code == "" {
				o.tokenSet(form)
			} else {
				o.refused(o.token(form), test.code, test.description)
			}
		})
	}
}

func TestClientMayAuthenticateByBasicAndSendParts(t *testing.T) {
	o := start(t)
	code := func() string { return o.browser().authorize(request()).Get("code") }
	for _, password := range []string{secret, url.QueryEscape(secret)} {
		form := redemption(code())
		form.Del("client_id")
		form.Del("client_secret")
		r := o.request("POST", "/services/oauth2/token", form)
		r.SetBasicAuth(url.QueryEscape(key), password)
		if resp := o.do(o.client(nil), r); resp.StatusCode != 200 {
			t.Errorf("Basic: %d %s", resp.StatusCode, resp.body)
		}
	}
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for name, values := range redemption(code()) {
		_ = parts.WriteField(name, values[0])
	}
	_ = parts.Close()
	r := o.request("POST", "/services/oauth2/token", nil)
	r.Body, r.ContentLength = io.NopCloser(&body), int64(body.Len())
	r.Header.Set("Content-Type", parts.FormDataContentType())
	if resp := o.do(o.client(nil), r); resp.StatusCode != 200 {
		t.Errorf("multipart: %d %s", resp.StatusCode, resp.body)
	}
}

func TestSecretIsOptionalWhereTheAppSaysSo(t *testing.T) {
	o := start(t, func(_ *simulator.Salesforce, a *simulator.App) { a.SecretOptionalWeb = true })
	form := redemption(o.browser().authorize(request()).Get("code"))
	form.Del("client_secret")
	set := o.tokenSet(form)
	form = refreshment(set.RefreshToken)
	form.Del("client_secret")
	o.refused(o.token(form), "invalid_client", "invalid client credentials")
	o.Apps[0].SecretOptionalRefresh = true
	form.Set("client_secret", "wrong")
	o.refused(o.token(form), "invalid_client", "invalid client credentials")
	form.Del("client_secret")
	o.tokenSet(form)
}

func TestTokenEndpointAnswersPOSTOnly(t *testing.T) {
	o := start(t)
	o.refused(o.get("/services/oauth2/token?"+refreshment("x").Encode(), ""), "invalid_request", "must use HTTP POST")
}

func TestMalformedBody(t *testing.T) {
	o := start(t)
	r := o.request("POST", "/services/oauth2/token", url.Values{})
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader("a=%zz")), 5
	o.refused(o.do(o.client(nil), r), "invalid_request", "malformed request")
}

func TestFormats(t *testing.T) {
	o := start(t)
	form := func(format string) url.Values {
		f := refreshment("5Aep861nothing")
		if format != "" {
			f.Set("format", format)
		}
		return f
	}
	const (
		xml     = `<?xml version="1.0" encoding="UTF-8"?><OAuth><error>invalid_grant</error><error_description>expired access/refresh token</error_description></OAuth>`
		encoded = "error=invalid_grant&error_description=expired+access%2Frefresh+token"
	)
	plain := oauthError("invalid_grant", "expired access/refresh token")
	for _, test := range []struct{ format, accept, contentType, body string }{
		{"", "", asJSON, plain},
		{"json", "application/xml", asJSON, plain},
		{"xml", "", "application/xml;charset=UTF-8", xml},
		{"", "application/xml", "application/xml;charset=UTF-8", xml},
		{"urlencoded", "application/json", asForm, encoded},
		{"", "text/plain, application/x-www-form-urlencoded;q=0.9", asForm, encoded},
		{"", "*/*", asJSON, plain},
	} {
		r := o.request("POST", "/services/oauth2/token", form(test.format))
		if test.accept != "" {
			r.Header.Set("Accept", test.accept)
		}
		o.expect(o.do(o.client(nil), r), 400, test.contentType, test.body)
	}
	f := redemption(o.browser().authorize(request("scope", "api")).Get("code"))
	f.Set("format", "urlencoded")
	q, err := url.ParseQuery(o.token(f).body)
	if err != nil || q.Get("scope") != "api" || q.Get("token_type") != "Bearer" {
		t.Errorf("%v %v", q, err)
	}
}

func TestSameOpaqueTokenWhileItLives(t *testing.T) {
	o := start(t)
	first, second := o.signIn(), o.signIn()
	if first.AccessToken != second.AccessToken || first.RefreshToken == second.RefreshToken {
		t.Errorf("%+v\n%+v", first, second)
	}
	if o.signIn("scope", "api").AccessToken == first.AccessToken {
		t.Error("the same for other scopes")
	}
	o.ExpireSessions()
	if o.alive(first.AccessToken) {
		t.Error("alive after ExpireSessions")
	}
	if third := o.tokenSet(refreshment(first.RefreshToken)); third.AccessToken == first.AccessToken || !o.alive(third.AccessToken) {
		t.Errorf("after expiry: %+v", third)
	}
	o.Apps[0].FreshAccessTokens = true
	if a, b := o.signIn(), o.signIn(); a.AccessToken == b.AccessToken {
		t.Error("the same with FreshAccessTokens")
	}
}
