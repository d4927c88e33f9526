package connections_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/connections"
	"sallyport/connections/simulator"
	"sallyport/vault"
)

// certificates are made once for all tests, since RSA takes its time.
var certificates = sync.OnceValue(func() (list [2]vault.Certificate) {
	for i := range list {
		c, err := connections.NewCertificate("salesforce", time.Now().Add(time.Duration(i)*time.Second))
		if err != nil {
			panic(err)
		}
		list[i] = c
	}
	return list
})

func uploaded(c vault.Certificate) *x509.Certificate {
	block, _ := pem.Decode([]byte(c.PEM))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	return cert
}

// asserting is an org whose app has the first certificate, and a connection
// with a grant that signs by it.
func asserting(t *testing.T, grant string, change func(*simulator.App)) *org {
	t.Helper()
	o := start(t, func(a *simulator.App) {
		a.Certificate, a.FreshAccessTokens, a.Connected = uploaded(certificates()[0]), true, grant == "saml2_bearer"
		if change != nil {
			change(a)
		}
	})
	o.connection.Options["token_grant"] = grant
	o.connection.Certificates = []vault.Certificate{certificates()[0]}
	o.provider = o.open(t, o.connection)
	return o
}

func refresh(t *testing.T, p connections.Provider, old vault.TokenSet) vault.TokenSet {
	t.Helper()
	ts, err := p.Refresh(t.Context(), old)
	if err != nil {
		var e *connections.Error
		if errors.As(err, &e) {
			t.Fatalf("%v: %s", err, e.Description)
		}
		t.Fatal(err)
	}
	return ts
}

func TestPoint24UserIsAskedForByAssertion(t *testing.T) {
	t.Parallel()
	for _, grant := range []string{"jwt_bearer", "saml2_bearer"} {
		t.Run(grant, func(t *testing.T) {
			t.Parallel()
			o := asserting(t, grant, nil)
			_, ts := o.signIn(t)
			if ts.AccessToken.IsZero() || !ts.RefreshToken.IsZero() || ts.Params["username"] != "ada@example.com" {
				t.Errorf("at sign-in: %+v", ts)
			}
			fresh := refresh(t, o.provider, ts)
			if fresh.AccessToken.IsZero() || fresh.AccessToken == ts.AccessToken || !fresh.RefreshToken.IsZero() || !slices.Contains(fresh.Scopes, "api") ||
				fresh.Params["instance_url"] != o.url || time.Until(fresh.Expires) < time.Hour {
				t.Errorf("asserted: %+v", fresh)
			}
			if o.Requests("token:refresh_token") != 0 {
				t.Error("a refresh token was shown")
			}
		})
	}
}

func TestConnectionHasTokensOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*org){
		"client credentials": func(o *org) { o.connection.Options["token_grant"] = "client_credentials" },
		"a fixed user":       func(o *org) { o.connection.Options["token_user"] = "grace@example.com" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := asserting(t, "jwt_bearer", func(a *simulator.App) { a.RunAs, a.Preauthorized = "grace@example.com", true })
			change(o)
			ts := refresh(t, o.open(t, o.connection), vault.TokenSet{Identity: "salesforce|"})
			if grace := simulator.DefaultUsers()[1]; ts.AccessToken.IsZero() || !strings.HasSuffix(ts.Params["id"], grace.ID) ||
				ts.Params["basis"] != connections.Basis(o.connection) || !connections.OfClients(o.connection) {
				t.Errorf("%+v", ts)
			}
		})
	}
}

// TestTokensOfItsOwnAreOfTheConnectionsOrg, where it is for one alone.
func TestTokensOfItsOwnAreOfTheConnectionsOrg(t *testing.T) {
	t.Parallel()
	o := asserting(t, "client_credentials", func(a *simulator.App) { a.RunAs = "grace@example.com" })
	for org, ok := range map[string]bool{simulator.DefaultOrgID: true, "00Dxx0000000001": false} {
		o.connection.Options["org_id"] = org
		_, err := o.open(t, o.connection).Refresh(t.Context(), vault.TokenSet{Identity: "salesforce|"})
		var e *connections.Error
		if ok != (err == nil) || !ok && (!errors.As(err, &e) || e.Kind != connections.Misconfigured || !strings.Contains(e.Description, "org_id")) {
			t.Errorf("%s: %v", org, err)
		}
	}
}

func TestNextSecretIsGoodForClientCredentials(t *testing.T) {
	t.Parallel()
	o := asserting(t, "client_credentials", func(a *simulator.App) { a.RunAs, a.ConsumerSecret = "grace@example.com", "next" })
	o.connection.Options["client_secret_next"] = "next"
	refresh(t, o.open(t, o.connection), vault.TokenSet{Identity: "salesforce|"})
}

// recorder keeps the forms that are sent through it.
type recorder struct {
	mu    sync.Mutex
	forms []url.Values
	next  http.RoundTripper
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(b))
		if form, err := url.ParseQuery(string(b)); err == nil && form.Has("assertion") {
			r.mu.Lock()
			r.forms = append(r.forms, form)
			r.mu.Unlock()
		}
	}
	return r.next.RoundTrip(req)
}

// TestH30AssertionsAreFreshEachTime, and sent with neither secret nor anything
// else beside them.
func TestH30AssertionsAreFreshEachTime(t *testing.T) {
	t.Parallel()
	o := asserting(t, "jwt_bearer", nil)
	_, ts := o.signIn(t)
	client := connections.NewHTTPClient(loopback())
	sent := &recorder{next: client.Transport}
	client.Transport = sent
	p, err := connections.NewSet(connections.Env{Issuer: issuer, HTTP: client, Now: time.Now}).Provider(o.connection)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for range 5 {
		refresh(t, p, ts)
	}
	for _, form := range sent.forms {
		if len(form) != 2 || form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
			t.Errorf("sent %v", form)
		}
		var claims struct {
			Exp int64
			Jti string
		}
		b, err := base64.RawURLEncoding.DecodeString(strings.Split(form.Get("assertion"), ".")[1])
		if err != nil || json.Unmarshal(b, &claims) != nil || claims.Jti == "" || time.Until(time.Unix(claims.Exp, 0)) > 3*time.Minute {
			t.Errorf("%s: %v", b, err)
		}
		ids[claims.Jti] = true
	}
	if len(ids) != 5 {
		t.Errorf("%d different IDs of 5 assertions", len(ids))
	}
}

// nicknamed has user info name users otherwise than they sign in.
type nicknamed struct{ next http.RoundTripper }

func (n nicknamed) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := n.next.RoundTrip(req)
	if err != nil || !strings.HasSuffix(req.URL.Path, "/userinfo") {
		return resp, err
	}
	b, err := io.ReadAll(resp.Body)
	b = bytes.ReplaceAll(b, []byte(`"preferred_username":"ada@example.com"`), []byte(`"preferred_username":"countess"`))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return resp, err
}

// TestUsernameIsTheOneOfTheIdentityURL: preferred_username may be another.
func TestUsernameIsTheOneOfTheIdentityURL(t *testing.T) {
	t.Parallel()
	o := asserting(t, "jwt_bearer", nil)
	client := connections.NewHTTPClient(loopback())
	client.Transport = nicknamed{client.Transport}
	var err error
	if o.provider, err = connections.NewSet(connections.Env{Issuer: issuer, HTTP: client, Now: time.Now}).Provider(o.connection); err != nil {
		t.Fatal(err)
	}
	identity, ts := o.signIn(t)
	if identity.Profile.Username != "countess" || ts.Params["username"] != "ada@example.com" {
		t.Errorf("%q, asserted as %q", identity.Profile.Username, ts.Params["username"])
	}
	refresh(t, o.provider, ts)
}

// TestCertificateIsRotatedWithoutAGap: the new certificate is tried after the
// old one while Salesforce has that, and in its place as soon as it has not.
func TestCertificateIsRotatedWithoutAGap(t *testing.T) {
	t.Parallel()
	o := asserting(t, "jwt_bearer", func(a *simulator.App) { a.Preauthorized = true })
	_, ts := o.signIn(t)
	old, next := certificates()[0], certificates()[1]
	old.Used = time.Now()
	o.connection.Certificates = []vault.Certificate{old}
	o.connection = o.connection.WithCertificate(next)
	var told []string
	set := connections.NewSet(connections.Env{Issuer: issuer, HTTP: connections.NewHTTPClient(loopback()), Now: time.Now,
		Accepted: func(_ context.Context, connection, certificate string) {
			told = append(told, connection+" "+certificate)
		}})
	p, err := set.Provider(o.connection)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() int {
		before := o.Requests("token:urn:ietf:params:oauth:grant-type:jwt-bearer")
		refresh(t, p, ts)
		return o.Requests("token:urn:ietf:params:oauth:grant-type:jwt-bearer") - before
	}
	if n := ask(); n != 1 || len(told) != 0 {
		t.Errorf("before the upload: %d requests, told %v", n, told)
	}
	o.Apps[0].Certificate = uploaded(next)
	if n := ask(); n != 2 || !slices.Equal(told, []string{"salesforce " + next.ID}) {
		t.Errorf("after the upload: %d requests, told %v", n, told)
	}
	o.connection = o.connection.CertificateUsed(next.ID, time.Now())
	if p, err = set.Provider(o.connection); err != nil {
		t.Fatal(err)
	}
	if n := ask(); n != 1 || len(told) != 1 {
		t.Errorf("once it is known to be in use: %d requests, told %v", n, told)
	}
}

// TestH55ClocksMayDifferByAFewMinutes: as far as Salesforce allows, and with a
// word on the clock beyond.
func TestH55ClocksMayDifferByAFewMinutes(t *testing.T) {
	t.Parallel()
	for _, grant := range []string{"jwt_bearer", "saml2_bearer"} {
		t.Run(grant, func(t *testing.T) {
			t.Parallel()
			o := asserting(t, grant, nil)
			_, ts := o.signIn(t)
			for ahead, ok := range map[time.Duration]bool{-2 * time.Minute: true, 2 * time.Minute: true, 10 * time.Minute: false} {
				o.Now = func() time.Time { return time.Now().Add(ahead) }
				_, err := o.provider.Refresh(t.Context(), ts)
				var e *connections.Error
				if ok != (err == nil) || !ok && (!errors.As(err, &e) || e.Kind != connections.Misconfigured || !strings.Contains(e.Description, "clock")) {
					t.Errorf("Salesforce is %v ahead: %v", ahead, err)
				}
			}
		})
	}
}

// TestRefusedAssertionsSayWhatToDo is the table of the answers that only grants
// without a refresh token get: whose each is, for users and for a connection's
// own tokens.
func TestRefusedAssertionsSayWhatToDo(t *testing.T) {
	t.Parallel()
	const user = connections.Kind("the user")
	for _, tt := range []struct {
		grant             string
		status            int
		code, description string
		of, own           connections.Kind // for a user's tokens, and for the connection's
		says              string
	}{
		{"jwt_bearer", 400, "invalid_grant", "user hasn't approved this consumer", user, connections.Misconfigured, "Permitted Users"},
		{"jwt_bearer", 400, "invalid_grant", "user not found", user, connections.Misconfigured, "renamed"},
		{"jwt_bearer", 400, "invalid_grant", "user is not admin approved to access this app", connections.Misconfigured, connections.Misconfigured, "permission set"},
		{"jwt_bearer", 400, "invalid_grant", "Audience validation failed", connections.Misconfigured, connections.Misconfigured, "assertion_audience"},
		{"jwt_bearer", 400, "invalid_grant", "audience is invalid", connections.Misconfigured, connections.Misconfigured, "assertion_audience"},
		{"jwt_bearer", 400, "invalid_grant", "invalid assertion", connections.Misconfigured, connections.Misconfigured, "sallyport connections certificate"},
		{"saml2_bearer", 400, "invalid_grant", "Recipient validation failed", connections.Misconfigured, connections.Misconfigured, "login_url"},
		{"saml2_bearer", 400, "unsupported_grant_type", "grant type not supported", connections.Misconfigured, connections.Misconfigured, "External client apps have no SAML bearer flow"},
		{"jwt_bearer", 400, "app_not_found", "External client app is not installed in this org", connections.Misconfigured, connections.Misconfigured, "not installed"},
		{"jwt_bearer", 400, "invalid_client_id", "client identifier invalid", connections.Misconfigured, connections.Misconfigured, "consumer key"},
		{"jwt_bearer", 400, "inactive_user", "user is inactive", connections.Denied, connections.Denied, "Activate the user"},
		{"jwt_bearer", 400, "rate_limit_exceeded", "login rate exceeded", connections.RateLimited, connections.RateLimited, "too often"},
		{"jwt_bearer", 400, "invalid_grant", "something new", connections.Unavailable, connections.Unavailable, "something new"},
		{"jwt_bearer", 503, "", "", connections.Unavailable, connections.Unavailable, ""},
		{"client_credentials", 400, "invalid_grant", "no client credentials user enabled", "", connections.Misconfigured, "Run As"},
		{"client_credentials", 400, "invalid_grant", "no valid scopes defined", "", connections.Misconfigured, "scope"},
		{"client_credentials", 400, "invalid_grant", "request not supported on this domain", "", connections.Misconfigured, "My Domain"},
		{"client_credentials", 400, "invalid_client", "invalid client credentials", "", connections.Misconfigured, "consumer secret"},
	} {
		for _, own := range []bool{false, true} {
			want, name := tt.of, fmt.Sprintf("%s %s %s, own %v", tt.grant, tt.code, tt.description, own)
			if own {
				want = tt.own
			}
			if want == "" {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				o := asserting(t, tt.grant, func(a *simulator.App) { a.Preauthorized, a.RunAs = true, "ada@example.com" })
				ts := vault.TokenSet{Identity: "salesforce|", Params: map[string]string{"username": "ada@example.com"}}
				if own && tt.grant != "client_credentials" {
					o.connection.Options["token_user"] = "ada@example.com"
				}
				o.Fail("token", tt.status, tt.code, tt.description)
				_, err := o.open(t, o.connection).Refresh(t.Context(), ts)
				var refusal *vault.Refusal
				var e *connections.Error
				switch {
				case want == user:
					if !errors.As(err, &refusal) || !strings.Contains(refusal.Why, tt.says) || !strings.Contains(refusal.Why, tt.description) {
						t.Errorf("%v", err)
					}
				case !errors.As(err, &e) || errors.As(err, &refusal) || e.Kind != want || !strings.Contains(e.Description, tt.says):
					t.Errorf("%v: %+v", err, e)
				case (want == connections.Unavailable || want == connections.RateLimited) != (e.RetryAfter > 0):
					t.Errorf("retry after %v", e.RetryAfter)
				}
			})
		}
	}
}

func TestTokenOfAnotherUserIsNotKept(t *testing.T) {
	t.Parallel()
	o := asserting(t, "jwt_bearer", func(a *simulator.App) { a.Preauthorized = true })
	_, ts := o.signIn(t)
	ts.Params["username"] = "grace@example.com" // who has ada's old name since
	var refusal *vault.Refusal
	if _, err := o.provider.Refresh(t.Context(), ts); !errors.As(err, &refusal) || !strings.Contains(refusal.Why, "another user") {
		t.Errorf("%v", err)
	}
}

// TestConnectionThatLacksWhatItSignsWithSaysSo, and no request is made.
func TestConnectionThatLacksWhatItSignsWithSaysSo(t *testing.T) {
	t.Parallel()
	o := asserting(t, "jwt_bearer", nil)
	_, ts := o.signIn(t)
	nameless := ts
	nameless.Params = map[string]string{}
	var refusal *vault.Refusal
	if _, err := o.provider.Refresh(t.Context(), nameless); !errors.As(err, &refusal) {
		t.Errorf("without a username: %v", err)
	}
	o.connection.Certificates = nil
	var e *connections.Error
	if _, err := o.open(t, o.connection).Refresh(t.Context(), ts); !errors.As(err, &e) || !strings.Contains(e.Description, "sallyport connections certificate salesforce") {
		t.Errorf("without a certificate: %v", err)
	}
	if n := o.Requests("token:urn:ietf:params:oauth:grant-type:jwt-bearer"); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestTokenGrantThatCannotWorkIsRefusedWithItsField(t *testing.T) {
	t.Parallel()
	type options = map[string]string
	for _, tt := range []struct {
		name    string
		options options
		field   string
	}{
		{"a bearer grant", options{"token_grant": "jwt_bearer"}, ""},
		{"a fixed user", options{"token_grant": "saml2_bearer", "token_user": "bot@acme.com", "assertion_audience": "https://portal.acme.com"}, ""},
		{"the default", options{"token_grant": "authorization_code"}, ""},
		{"unknown", options{"token_grant": "password"}, "options.token_grant"},
		{"a user without a bearer grant", options{"token_user": "bot@acme.com"}, "options.token_user"},
		{"a user of client credentials", options{"token_grant": "client_credentials", "login_url": "https://acme.my.salesforce.com", "token_user": "bot@acme.com"}, "options.token_user"},
		{"an audience without a bearer grant", options{"assertion_audience": "https://acme.com"}, "options.assertion_audience"},
		{"client credentials at My Domain", options{"token_grant": "client_credentials", "login_url": "https://acme.my.salesforce.com"}, ""},
		{"client credentials at the login host", options{"token_grant": "client_credentials"}, "options.login_url"},
		{"client credentials at the login host, named", options{"token_grant": "client_credentials", "login_url": "https://login.salesforce.com/"}, "options.login_url"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := connections.Check(vault.Connection{Name: "salesforce", Strategy: "salesforce", ClientID: "key", ClientSecret: vault.NewSecret("secret"), Options: tt.options})
			var invalid *vault.Invalid
			if tt.field == "" && err != nil || tt.field != "" && (!errors.As(err, &invalid) || invalid.Field != tt.field) {
				t.Errorf("Check = %v", err)
			}
		})
	}
	machine := vault.Connection{Name: "machine", Strategy: "salesforce", ClientID: "key", Options: options{"token_grant": "client_credentials", "login_url": "https://acme.my.salesforce.com"}}
	var invalid *vault.Invalid
	if err := connections.Check(machine); !errors.As(err, &invalid) || invalid.Field != "options.client_secret" {
		t.Errorf("without a secret: %v", err)
	}
	machine.Strategy, machine.ClientSecret, machine.Options["login_url"] = "salesforce-community", vault.NewSecret("secret"), "https://acme.my.site.com"
	if err := connections.Check(machine); !errors.As(err, &invalid) || invalid.Field != "options.login_url" {
		t.Errorf("at a site: %v", err)
	}
}

// TestH36DamagedKeyIsNotQuoted opens a connection whose certificate is damaged,
// and looks for its key in what is said of it.
func TestH36DamagedKeyIsNotQuoted(t *testing.T) {
	t.Parallel()
	o := asserting(t, "jwt_bearer", nil)
	private := o.connection.Certificates[0].PKCS8.Reveal()
	o.connection.Certificates[0].PKCS8 = vault.NewSecret(strings.Replace(private, "MII", "MIA", 1))
	_, err := connections.NewSet(connections.Env{Issuer: issuer, Now: time.Now}).Provider(o.connection)
	said := fmt.Sprintf("%v %+v %#v %+v", err, err, o.connection, o.connection.Certificates)
	for line := range strings.Lines(private) {
		if line = strings.TrimSpace(line); len(line) == 64 && strings.Contains(said, line) {
			t.Errorf("the key is in %s", said)
		}
	}
	if err == nil {
		t.Error("a damaged key was taken")
	}
}
