package connections_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
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

// The tests here are named for what a gateway before Salesforce must get right,
// point by point; others with such names stand where their subject is.

// between puts a handler between the gateway and the simulated Salesforce, and
// opens the connection by it. The handler answers, or returns false.
func (o *org) between(t *testing.T, c vault.Connection, handle func(http.ResponseWriter, *http.Request) bool) connections.Provider {
	t.Helper()
	far, err := url.Parse(o.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(far)
	near := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !handle(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(near.Close)
	o.Salesforce.URL = near.URL
	c.Options = map[string]string{"login_url": near.URL}
	return o.open(t, c)
}

func TestPoint02NoDiscoveryIsNeeded(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	_, ts := o.signIn(t)
	if _, err := o.provider.Refresh(t.Context(), ts); err != nil || o.Requests("discovery") != 0 {
		t.Errorf("%v, discovery was asked %d times", err, o.Requests("discovery"))
	}
}

func TestPoint03VerifierAndSecretAreBothSent(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	var mu sync.Mutex
	var form url.Values
	p := o.between(t, o.connection, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/services/oauth2/token" {
			body, _ := httputil.DumpRequest(r, true)
			_, sent, _ := strings.Cut(string(body), "\r\n\r\n")
			mu.Lock()
			form, _ = url.ParseQuery(sent)
			mu.Unlock()
		}
		return false
	})
	u, err := url.Parse(authCodeURL(t, p, login()))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if u.Query().Get(name) == "" {
			t.Errorf("the authorization request lacks %s", name)
		}
	}
	if _, _, err := p.Exchange(t.Context(), login(), o.code(t, p, login()).Get("code")); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if form.Get("code_verifier") == "" || form.Get("client_secret") != "secret" || u.Query().Get("code_challenge_method") != "S256" {
		t.Errorf("sent %v", form)
	}
}

// TestPoint04KeysAreReadOnceAndAgainForOneThatIsUnknown hides the key in use from
// the first who reads.
func TestPoint04KeysAreReadOnceAndAgainForOneThatIsUnknown(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	var mu sync.Mutex
	read := 0
	p := o.between(t, o.connection, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/id/keys" {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		if read++; read == 1 {
			fmt.Fprint(w, `{"keys":[]}`)
			return true
		}
		return false
	})
	signIn := func() error {
		_, _, err := p.Exchange(t.Context(), login(), o.code(t, p, login()).Get("code"))
		return err
	}
	var upstream *connections.Error
	if err := signIn(); !errors.As(err, &upstream) || upstream.Kind != connections.Untrusted {
		t.Errorf("without the key: %v", err)
	}
	for range 3 {
		if err := signIn(); err != nil {
			t.Errorf("with it: %v", err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if read != 2 {
		t.Errorf("the keys were read %d times", read)
	}
}

func TestPoint08WhatWithholdsTheRefreshTokenIsNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		asked, granted []string
		says           string
	}{
		{[]string{"api"}, []string{"api"}, "does not ask"},
		{[]string{"full"}, []string{"full"}, "does not include"},
		{nil, []string{"api"}, "OAuth Scopes"},
		{[]string{"api", "refresh_token"}, []string{"api"}, "OAuth Scopes"},
		{[]string{"api", "offline_access"}, []string{"api", "openid"}, "offline_access"},
		{nil, []string{"api", "refresh_token"}, "Refresh Token Policy"},
		{nil, []string{"api", "offline_access"}, "Refresh Token Policy"},
	} {
		for _, strategy := range []string{"salesforce", "salesforce-sandbox", "salesforce-community"} {
			c := vault.Connection{Strategy: strategy, Scopes: tt.asked}
			if got := connections.NotRenewable(c, tt.granted); !strings.Contains(got, tt.says) {
				t.Errorf("%v granted %v: %s", tt.asked, tt.granted, got)
			}
		}
	}
	if got := connections.NotRenewable(vault.Connection{Strategy: "another"}, nil); got == "" {
		t.Error("of others, nothing is said")
	}
}

// TestPoint09ExpiryIsNeverUnlikely tries what token responses say of it, with
// how long the token is then taken to live.
func TestPoint09ExpiryIsNeverUnlikely(t *testing.T) {
	t.Parallel()
	jwt := func(exp any) string {
		claims, err := json.Marshal(map[string]any{"exp": exp})
		if err != nil {
			t.Fatal(err)
		}
		return "e30." + base64.RawURLEncoding.EncodeToString(claims) + ".c2ln"
	}
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	const setting = 10 * time.Minute
	for name, tt := range map[string]struct {
		token     string
		expiresIn any
		exp       any // of introspection; nil: it fails
		want      time.Duration
	}{
		"expires_in":                   {"opaque", 900, in(time.Hour), 15 * time.Minute},
		"expires_in as text":           {"opaque", "900", in(time.Hour), 15 * time.Minute},
		"expires_in before the JWT's":  {jwt(in(time.Hour)), 900, nil, 15 * time.Minute},
		"expires_in is 0":              {jwt(in(time.Hour)), 0, nil, time.Hour},
		"expires_in is negative":       {jwt(in(time.Hour)), -1, nil, time.Hour},
		"expires_in is for ever":       {jwt(in(time.Hour)), 1 << 40, nil, time.Hour},
		"a JWT":                        {jwt(in(30 * time.Minute)), nil, in(time.Hour), 30 * time.Minute},
		"a JWT that has expired":       {jwt(in(-time.Hour)), nil, in(time.Hour), time.Hour},
		"a JWT in milliseconds":        {jwt(time.Now().Add(time.Hour).UnixMilli()), nil, in(time.Hour), time.Hour},
		"a JWT with exp as text":       {jwt("soon"), nil, in(time.Hour), time.Hour},
		"a JWT without exp":            {"e30.e30.c2ln", nil, in(time.Hour), time.Hour},
		"introspection":                {"opaque", nil, in(2 * time.Hour), 2 * time.Hour},
		"introspection says 0":         {"opaque", nil, 0, setting},
		"introspection says the past":  {"opaque", nil, in(-time.Hour), setting},
		"introspection says 1970":      {"opaque", nil, 1, setting},
		"introspection in millisecond": {"opaque", nil, time.Now().Add(time.Hour).UnixMilli(), setting},
		"introspection fails":          {"opaque", nil, nil, setting},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := start(t, nil)
			_, ts := o.signIn(t)
			o.Tamper("token", func(m map[string]any) {
				m["access_token"] = tt.token
				if tt.expiresIn != nil {
					m["expires_in"] = tt.expiresIn
				}
			})
			if tt.exp == nil {
				o.Fail("introspect", 503, "", "")
			}
			o.Tamper("introspect", func(m map[string]any) {
				m["active"] = true
				m["exp"] = tt.exp
			})
			fresh, err := o.provider.Refresh(t.Context(), ts)
			if got := time.Until(fresh.Expires); err != nil || got < tt.want-time.Minute || got > tt.want+time.Minute {
				t.Errorf("expires in %v, want about %v; %v", got, tt.want, err)
			}
		})
	}
}

// TestPoint18RevocationOfWhatIsOverIsDone revokes a refresh token, twice.
func TestPoint18RevocationOfWhatIsOverIsDone(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	_, ts := o.signIn(t)
	revoker := o.provider.(connections.Revoker)
	for range 2 {
		if err := revoker.Revoke(t.Context(), ts); err != nil {
			t.Errorf("Revoke = %v", err)
		}
	}
	if _, err := o.provider.Refresh(t.Context(), ts); !errors.Is(err, vault.ErrReauthorize) {
		t.Errorf("Refresh = %v", err)
	}
	for _, status := range []int{500, 503, 404} {
		o.Fail("revoke", status, "", "")
		if err := revoker.Revoke(t.Context(), ts); err == nil {
			t.Errorf("status %d is taken for done", status)
		}
	}
}

// TestPoint21TwoSecretsServeWhileOneIsChanged has Salesforce accept the old, the
// new, and neither.
func TestPoint21TwoSecretsServeWhileOneIsChanged(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		at string
		ok bool
	}{{"old", true}, {"new", true}, {"another", false}} {
		o := start(t, func(a *simulator.App) { a.ConsumerSecret = tt.at })
		c := o.connection
		c.ClientSecret, c.Options = vault.NewSecret("old"), map[string]string{"login_url": o.url, "client_secret_next": "new"}
		p := o.open(t, c)
		i, ts, err := p.Exchange(t.Context(), login(), o.code(t, p, login()).Get("code"))
		if (err == nil) != tt.ok {
			t.Errorf("%s: sign-in: %v", tt.at, err)
		}
		if !tt.ok {
			continue
		}
		ts.Identity = i.Key()
		if active, err := p.(vault.Introspector).Introspect(t.Context(), ts); err != nil || !active {
			t.Errorf("%s: introspection: %v, %v", tt.at, active, err)
		}
		if _, err := p.Refresh(t.Context(), ts); err != nil {
			t.Errorf("%s: refresh: %v", tt.at, err)
		}
		if o.Replays() != 0 {
			t.Errorf("%s: %d replays", tt.at, o.Replays())
		}
	}
}

// TestPoint29RedirectsOfAGetAreFollowedToTheOrgAlone has the login host send user
// info on, and the token endpoint too.
func TestPoint29RedirectsOfAGetAreFollowedToTheOrgAlone(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string // what reached another host
	evil := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Method+" "+r.Header.Get("Authorization"))
	}))
	t.Cleanup(evil.Close)
	for _, tt := range []struct {
		name, path string
		to         func(org string) string
		user       string // of the user who comes out
		fails      bool
	}{
		{"user info, to the org", "/services/oauth2/userinfo", func(org string) string { return org + "/moved/services/oauth2/userinfo" }, "Ada Lovelace", false},
		{"user info, elsewhere", "/services/oauth2/userinfo", func(string) string { return evil.URL }, "", false},
		{"user info, in a circle", "/services/oauth2/userinfo", func(org string) string { return org + "/services/oauth2/userinfo" }, "", false},
		{"a code, to the org", "/services/oauth2/token", func(org string) string { return org + "/moved/services/oauth2/token" }, "", true},
		{"a code, elsewhere", "/services/oauth2/token", func(string) string { return evil.URL }, "", true},
	} {
		o := start(t, nil)
		p := o.between(t, o.connection, func(w http.ResponseWriter, r *http.Request) bool {
			if rest, ok := strings.CutPrefix(r.URL.Path, "/moved"); ok {
				r.URL.Path = rest
				return false
			}
			if r.URL.Path == tt.path {
				http.Redirect(w, r, tt.to("http://"+r.Host), http.StatusTemporaryRedirect)
				return true
			}
			return false
		})
		i, _, err := p.Exchange(t.Context(), login(), o.code(t, p, login()).Get("code"))
		if (err != nil) != tt.fails || i.Profile.Name != tt.user && tt.user != "" {
			t.Errorf("%s: %+v, %v", tt.name, i.Profile, err)
		}
		var upstream *connections.Error
		if tt.fails && (!errors.As(err, &upstream) || upstream.Kind != connections.Unavailable || !strings.Contains(upstream.Description, "renamed")) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if slices.Sort(seen); len(seen) != 0 {
		t.Errorf("another host got %q", seen)
	}
}

// TestPoint30TokenTypeIsBearerOrItFails in any case of letters.
func TestPoint30TokenTypeIsBearerOrItFails(t *testing.T) {
	t.Parallel()
	for kind, ok := range map[string]bool{"Bearer": true, "bearer": true, "BEARER": true, "DPoP": false, "dpop": false, "mac": false} {
		o := start(t, nil)
		_, ts := o.signIn(t)
		o.Tamper("token", func(m map[string]any) { m["token_type"] = kind })
		_, err := o.provider.Refresh(t.Context(), ts)
		var upstream *connections.Error
		if ok && err != nil || !ok && (!errors.As(err, &upstream) || upstream.Kind != connections.Untrusted || !strings.Contains(upstream.Description, kind)) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
