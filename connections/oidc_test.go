package connections_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"sallyport/connections"
	"sallyport/vault"
)

func TestOpenIDProviderSignsIn(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	provider := p.open(t)
	there, err := url.Parse(authCodeURL(t, provider, login()))
	if err != nil {
		t.Fatal(err)
	}
	q := there.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "the-client", "redirect_uri": issuer + "login/callback", "state": "the-state", "nonce": "the-nonce",
		"code_challenge_method": "S256", "scope": "openid profile email offline_access",
	} {
		if q.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, q.Get(name), want)
		}
	}
	i, ts := p.signIn(t, provider)
	if i.Subject != p.URL+"|the-user" || i.UserID != "the-user" || !i.Qualified || i.Profile.Email != "ada@example.com" || !i.Profile.EmailVerified {
		t.Errorf("identity %+v", i)
	}
	if ts.RefreshToken.IsZero() || strings.Join(ts.Scopes, " ") != "openid email" || time.Until(ts.Expires) > 6*time.Minute || time.Until(ts.Expires) < 4*time.Minute {
		t.Errorf("token set %+v", ts)
	}
	if form := p.form("/token"); form.Get("code") != "the-code" || len(form.Get("code_verifier")) != 50 || form.Get("redirect_uri") != issuer+"login/callback" {
		t.Errorf("token request %v", form)
	}
	fresh, err := provider.Refresh(t.Context(), ts)
	if err != nil || fresh.RefreshToken == ts.RefreshToken || p.form("/token").Get("scope") != "" {
		t.Errorf("%+v, %v", fresh, err)
	}
	if n := p.requests("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("the metadata was fetched %d times", n)
	}
}

// TestClientAuthenticates in each way that there is.
func TestClientAuthenticates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method    string
		supported []string
		basic     bool
		params    []string // of the form, besides the grant's
	}{
		{"client_secret_basic", nil, true, nil},
		{"client_secret_post", nil, false, []string{"client_id", "client_secret"}},
		{"none", nil, false, []string{"client_id"}},
		{"", nil, true, nil}, // OpenID Connect Discovery 1.0, section 3
		{"", []string{"client_secret_post", "private_key_jwt"}, false, []string{"client_id", "client_secret"}},
		{"", []string{"client_secret_post", "client_secret_basic"}, true, nil},
	} {
		p := startOP(t)
		p.metadata = func(m map[string]any) {
			if tt.supported != nil {
				m["token_endpoint_auth_methods_supported"] = tt.supported
			}
		}
		p.signIn(t, p.open(t, "token_endpoint_auth_method", tt.method))
		form, header := p.form("/token"), p.headers["/token"]
		id, secret, basic := (&http.Request{Header: header}).BasicAuth()
		if basic != tt.basic || basic && (id != "the-client" || secret != "the-secret") {
			t.Errorf("%s %v: basic %v %q %q", tt.method, tt.supported, basic, id, secret)
		}
		for _, name := range []string{"client_id", "client_secret", "client_assertion"} {
			if form.Has(name) != slices.Contains(tt.params, name) {
				t.Errorf("%s %v: %v", tt.method, tt.supported, form)
			}
		}
	}
}

// privateKey is a P-256 key, and its PEM.
func privateKey(t *testing.T) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// TestH29AssertionIsForTheIssuerAlone reads what private_key_jwt signs: its
// audience is one string, and it is good once and for a minute.
func TestH29AssertionIsForTheIssuerAlone(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	key, text := privateKey(t)
	provider := p.open(t, "private_key", text, "kid", "kid-1")
	seen := map[string]bool{}
	_, ts := p.signIn(t, provider)
	for range 2 {
		form := p.form("/token")
		if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Has("client_secret") || form.Get("client_id") != "the-client" {
			t.Errorf("form %v", form)
		}
		token, err := jwt.ParseSigned(form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		var claims map[string]any
		if err := token.Claims(key.Public(), &claims); err != nil {
			t.Fatal(err)
		}
		lifetime := claims["exp"].(float64) - claims["iat"].(float64)
		if claims["aud"] != p.URL || claims["iss"] != "the-client" || claims["sub"] != "the-client" || lifetime > 60 || seen[claims["jti"].(string)] || token.Headers[0].KeyID != "kid-1" {
			t.Errorf("claims %v", claims)
		}
		seen[claims["jti"].(string)] = true
		if _, err := provider.Refresh(t.Context(), ts); err != nil {
			t.Fatal(err)
		}
	}
}

// TestH10IDTokenThatIsNotThisLoginsIsRefused spoils the ID token in each way
// that OpenID Connect Core 1.0, section 3.1.3.7, names.
func TestH10IDTokenThatIsNotThisLoginsIsRefused(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	p.metadata = func(m map[string]any) { delete(m, "userinfo_endpoint") } // the ID token alone is to tell
	provider := p.open(t)
	for name, spoil := range map[string]func(map[string]any){
		"no nonce":               func(c map[string]any) { delete(c, "nonce") },
		"another nonce":          func(c map[string]any) { c["nonce"] = "another" },
		"another at_hash":        func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" },
		"another audience":       func(c map[string]any) { c["aud"] = "another" },
		"several, none may":      func(c map[string]any) { c["aud"] = []string{"the-client", "another"} },
		"several, another may":   func(c map[string]any) { c["aud"], c["azp"] = []string{"the-client", "another"}, "another" },
		"one, another may":       func(c map[string]any) { c["azp"] = "another" },
		"another issuer":         func(c map[string]any) { c["iss"] = "https://evil.example" },
		"the issuer and a slash": func(c map[string]any) { c["iss"] = p.URL + "/" },
		"expired":                func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
		"not good yet":           func(c map[string]any) { c["nbf"] = time.Now().Add(time.Hour).Unix() },
		"no subject":             func(c map[string]any) { delete(c, "sub") },
		"an odd subject":         func(c map[string]any) { c["sub"] = "ada\x00" },
		"a long subject":         func(c map[string]any) { c["sub"] = strings.Repeat("x", 256) },
	} {
		p.set(func() { p.claims = spoil })
		if _, _, err := provider.Exchange(t.Context(), login(), "the-code"); !kind(err, connections.Untrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.set(func() {
		p.claims = nil
		p.answer = func(m map[string]any) {
			m["id_token"] = "eyJhbGciOiJub25lIn0." + strings.Split(m["id_token"].(string), ".")[1] + "."
		}
	})
	if _, _, err := provider.Exchange(t.Context(), login(), "the-code"); !kind(err, connections.Untrusted) {
		t.Errorf("unsigned: %v", err)
	}
	p.set(func() { p.answer = func(m map[string]any) { delete(m, "id_token") } })
	if _, _, err := provider.Exchange(t.Context(), login(), "the-code"); !kind(err, connections.Misconfigured) {
		t.Errorf("no ID token: %v", err)
	}
	p.set(func() { p.userinfo = map[string]any{"sub": "the-user"} })
	p.set(func() {
		p.answer, p.claims = nil, func(c map[string]any) { c["aud"], c["azp"] = []string{"the-client", "another"}, "the-client" }
	})
	if _, _, err := provider.Exchange(t.Context(), login(), "the-code"); err != nil {
		t.Errorf("several audiences, of which we may: %v", err)
	}
}

// kind reports whether an error is one of a kind.
func kind(err error, k connections.Kind) bool {
	var e *connections.Error
	return errors.As(err, &e) && e.Kind == k
}

// TestH11SubjectThatChangesIsNotKept changes the user between the ID token and
// the user info, and on a refresh.
func TestH11SubjectThatChangesIsNotKept(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	provider := p.open(t)
	_, ts := p.signIn(t, provider)
	for name, spoil := range map[string]func(map[string]any){
		"another user":     func(c map[string]any) { c["sub"] = "another" },
		"another issuer":   func(c map[string]any) { c["iss"] = "https://evil.example" },
		"another audience": func(c map[string]any) { c["aud"] = "another" },
	} {
		p.set(func() { p.claims = spoil })
		var refusal *vault.Refusal
		if _, err := provider.Refresh(t.Context(), ts); !errors.As(err, &refusal) || !refusal.Quarantine {
			t.Errorf("refresh with %s: %v", name, err)
		}
	}
	for claim, kept := range map[string]bool{"azp": false, "nonce": false, "unknown": true} {
		p.set(func() { p.claims = func(c map[string]any) { c[claim] = "another" } })
		if fresh, err := provider.Refresh(t.Context(), ts); err != nil || fresh.IDToken.IsZero() == kept {
			t.Errorf("refresh with another %s: %v", claim, err)
		}
	}
	p.set(func() { p.claims = func(c map[string]any) { delete(c, "nonce") } })
	if fresh, err := provider.Refresh(t.Context(), ts); err != nil || fresh.IDToken.IsZero() {
		t.Errorf("refresh as it should be (section 12.2): %v", err)
	}
	p.set(func() { p.answer = func(m map[string]any) { m["id_token"] = "nonsense" } })
	if fresh, err := provider.Refresh(t.Context(), ts); err != nil || !fresh.IDToken.IsZero() {
		t.Errorf("refresh with what is no ID token: %v", err)
	}
	p.set(func() { p.claims, p.answer = nil, nil })
	for _, sub := range []any{"another", nil, 12, []string{"the-user"}} {
		p.set(func() { p.userinfo = map[string]any{"sub": sub, "email": "eve@example.com"} })
		if _, _, err := provider.Exchange(t.Context(), login(), "the-code"); !kind(err, connections.Untrusted) {
			t.Errorf("user info of %v: %v", sub, err)
		}
	}
}

// TestUserInfoIsForTheProfileAlone: without it, the ID token says who it is.
func TestUserInfoIsForTheProfileAlone(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	p.handle["/userinfo"] = answering(http.StatusInternalServerError, "text/html", "<html>")
	p.claims = func(c map[string]any) { c["name"] = "Ada of the token" }
	if i, _ := p.signIn(t, p.open(t)); i.UserID != "the-user" || i.Profile.Name != "Ada of the token" {
		t.Errorf("%+v", i)
	}
}

// TestH02AnswerOfAnotherProviderIsRefused: the iss of an authorization response
// is compared (RFC 9207, section 2.4).
func TestH02AnswerOfAnotherProviderIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		advertised bool
		iss        string
		ok         bool
	}{
		{true, "URL", true}, {true, "", false}, {true, "https://evil.example", false}, {true, "URL/", false},
		{false, "URL", true}, {false, "", true}, {false, "https://evil.example", false},
	} {
		p := startOP(t)
		p.metadata = func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = tt.advertised }
		err := p.open(t).(connections.AnswerChecker).CheckAnswer(t.Context(), strings.Replace(tt.iss, "URL", p.URL, 1))
		if (err == nil) != tt.ok || err != nil && !kind(err, connections.Untrusted) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

// TestH13IdentityIsTheIssuersSubject: an e-mail address, however it is vouched
// for, makes nobody anybody else; nor does leading the connection elsewhere.
func TestH13IdentityIsTheIssuersSubject(t *testing.T) {
	t.Parallel()
	p, other := startOP(t), startOP(t)
	before, _ := p.signIn(t, p.open(t))
	for _, verified := range []any{false, nil, "true", "false", 0, 1, "yes"} {
		p.set(func() {
			p.claims = func(c map[string]any) { c["sub"] = "eve" }
			p.userinfo = map[string]any{"sub": "eve", "email": "ada@example.com", "email_verified": verified}
		})
		i, _ := p.signIn(t, p.open(t))
		if i.Key() == before.Key() || i.Profile.EmailVerified {
			t.Errorf("email_verified %v: %+v", verified, i)
		}
	}
	if i, _ := p.signIn(t, p.open(t, "issuer", other.URL)); i.Key() == before.Key() || i.UserID != before.UserID {
		t.Errorf("the same subject at another issuer: %+v", i)
	}
}

// TestH14EmailThatReadsInTwoWaysIsNone.
func TestH14EmailThatReadsInTwoWaysIsNone(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	for email, want := range map[string]string{
		"ada@example.com": "ada@example.com", "ada+tag@example.com": "ada+tag@example.com", "Ada@Example.COM": "Ada@Example.COM",
		"ada@evil.example@example.com": "", "ada@example.com.": "", `"ada@evil.example"@example.com`: "", "ada@example.com\x00.evil.example": "",
		"ada@exаmple.com" /* Cyrillic */ : "", "ada@example.com\u200b": "", "ada @example.com": "", "@example.com": "", "ada@": "", "ada": "",
		"ada@example.com,eve@evil.example": "", "<ada@example.com>": "", "ada@[127.0.0.1]": "",
	} {
		p.set(func() {
			p.userinfo = map[string]any{"sub": "the-user", "email": email, "email_verified": true}
		})
		if i, _ := p.signIn(t, p.open(t)); i.Profile.Email != want || i.Profile.EmailVerified != (want != "") {
			t.Errorf("%q: %+v", email, i.Profile)
		}
	}
}

// TestH12ErrorsOfTheProviderAreMadeFit to be shown.
func TestH12ErrorsOfTheProviderAreMadeFit(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	provider := p.open(t)
	for _, text := range []string{"<script>alert(1)</script>", "\u202egnp.exe", strings.Repeat("x", 64<<10), "a\r\nSet-Cookie: b", "\xff\xfe", "\x1b[31m"} {
		e := provider.Denied("server_error", text)
		if e.Kind != connections.Unavailable || len(e.Description) > 1000 || strings.ContainsAny(e.Description, "\r\n\x1b\u202e") || !utf8.ValidString(e.Description) {
			t.Errorf("%.30q: %+v", text, e)
		}
	}
	if e := provider.Denied("access_denied", ""); e.Kind != connections.Denied {
		t.Errorf("%+v", e)
	}
	if e := provider.Denied("invalid_scope", "no"); e.Kind != connections.Misconfigured {
		t.Errorf("%+v", e)
	}
}

// TestH47MetadataOfAnotherIsRefused, and says what is wrong with it.
func TestH47MetadataOfAnotherIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil func(m map[string]any)
		says  string
	}{
		"another issuer":         {func(m map[string]any) { m["issuer"] = "https://evil.example" }, "issuer"},
		"the issuer and a slash": {func(m map[string]any) { m["issuer"] = m["issuer"].(string) + "/" }, "issuer"},
		"no issuer":              {func(m map[string]any) { delete(m, "issuer") }, "issuer"},
		"a foreign token endpoint": {func(m map[string]any) { m["token_endpoint"] = "https://evil.example/token" },
			"token_endpoint is at evil.example"},
		"foreign keys":              {func(m map[string]any) { m["jwks_uri"] = "https://evil.example/jwks" }, "jwks_uri is at evil.example"},
		"a foreign user info":       {func(m map[string]any) { m["userinfo_endpoint"] = "https://evil.example/" }, "userinfo_endpoint"},
		"a foreign logout":          {func(m map[string]any) { m["end_session_endpoint"] = "https://evil.example/" }, "end_session_endpoint"},
		"another loopback address":  {func(m map[string]any) { m["token_endpoint"] = "http://127.0.0.2/token" }, "token_endpoint"},
		"a plain token endpoint":    {func(m map[string]any) { m["token_endpoint"] = "http://evil.example/token" }, "token_endpoint"},
		"no token endpoint":         {func(m map[string]any) { delete(m, "token_endpoint") }, "token_endpoint"},
		"no keys":                   {func(m map[string]any) { delete(m, "jwks_uri") }, "jwks_uri"},
		"a password in an endpoint": {func(m map[string]any) { m["token_endpoint"] = "https://a:b@127.0.0.1/" }, "token_endpoint"},
		"no code flow":              {func(m map[string]any) { m["response_types_supported"] = []string{"id_token"} }, "response_types_supported"},
		"shared keys alone":         {func(m map[string]any) { m["id_token_signing_alg_values_supported"] = []string{"HS256", "none"} }, "id_token_signing_alg"},
	} {
		p := startOP(t)
		p.metadata = tt.spoil
		_, err := p.open(t).AuthCodeURL(t.Context(), login(), "s")
		var e *connections.Error
		if !errors.As(err, &e) || e.Kind != connections.Misconfigured || !strings.Contains(e.Description, tt.says) || !strings.Contains(e.Description, p.URL+"/.well-known/openid-configuration") {
			t.Errorf("%s: %v", name, err)
		}
		if p.requests("/token") != 0 {
			t.Errorf("%s: the token endpoint was asked", name)
		}
	}
}

// TestForeignHostsThatAreNamedAreTrusted, and those below them.
func TestForeignHostsThatAreNamedAreTrusted(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	p.metadata = func(m map[string]any) { m["userinfo_endpoint"] = "https://api.elsewhere.example/me" }
	for hosts, ok := range map[string]bool{"elsewhere.example": true, "a.example api.Elsewhere.example": true, "where.example": false, "other.elsewhere.example": false} {
		if _, err := p.open(t, "foreign_hosts", hosts).AuthCodeURL(t.Context(), login(), "s"); (err == nil) != ok {
			t.Errorf("%s: %v", hosts, err)
		}
	}
}

// TestDiscoveryURLMayStandForTheIssuer, with or without a slash at its end.
func TestDiscoveryURLMayStandForTheIssuer(t *testing.T) {
	t.Parallel()
	for _, slash := range []string{"", "/"} {
		p := startOP(t)
		p.metadata = func(m map[string]any) { m["issuer"] = p.URL + slash }
		p.claims = func(c map[string]any) { c["iss"] = p.URL + slash }
		provider := p.open(t, "issuer", "", "discovery_url", p.URL+"/.well-known/openid-configuration")
		if i, _ := p.signIn(t, provider); i.Subject != p.URL+slash+"|the-user" {
			t.Errorf("%+v", i)
		}
	}
}

// TestH48UselessMetadataIsBounded answers discovery in each way that says
// nothing, and has other connections work meanwhile.
func TestH48UselessMetadataIsBounded(t *testing.T) {
	t.Parallel()
	good := startOP(t)
	for name, tt := range map[string]struct {
		handle http.HandlerFunc
		kind   connections.Kind
	}{
		"HTML":  {answering(200, "text/html", "<html>Down for maintenance</html>"), connections.Unavailable},
		"empty": {answering(200, "", ""), connections.Unavailable},
		"503":   {answering(503, "text/plain", "down"), connections.Unavailable},
		"404":   {answering(404, "text/plain", "nothing"), connections.Misconfigured},
		"huge":  {answering(200, "application/json", `{"issuer":"`+strings.Repeat("x", 2<<20)+`"}`), connections.Unavailable},
		"loop":  {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, connections.Misconfigured},
		"slow":  {nil, connections.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startOP(t)
			stop := make(chan struct{})
			t.Cleanup(func() { close(stop) })
			if tt.handle == nil {
				tt.handle = func(http.ResponseWriter, *http.Request) { <-stop }
			}
			p.handle["/.well-known/openid-configuration"] = tt.handle
			set := connections.NewSet(connections.Env{Issuer: issuer, HTTP: connections.NewHTTPClient(loopback()), Now: time.Now})
			bad, err := set.Provider(p.connection)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			answered := make(chan error)
			go func() {
				_, err := bad.AuthCodeURL(ctx, login(), "s")
				answered <- err
			}()
			c := good.connection
			c.Name = "good"
			other, err := set.Provider(c)
			if err != nil {
				t.Fatal(err)
			}
			good.signIn(t, other)
			if err := <-answered; !kind(err, tt.kind) {
				t.Errorf("%v", err)
			}
			_, err = bad.Refresh(ctx, vault.TokenSet{RefreshToken: vault.NewSecret("rt")})
			if !errors.Is(err, vault.ErrUnspent) {
				t.Errorf("Refresh = %v", err)
			}
		})
	}
}

// TestMetadataIsSharedAndKeptForAWhile counts the requests for it.
func TestMetadataIsSharedAndKeptForAWhile(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	provider := p.open(t)
	const path = "/.well-known/openid-configuration"
	begin := func() error {
		_, err := provider.AuthCodeURL(t.Context(), login(), "s")
		return err
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := begin(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := p.requests(path); n != 1 {
		t.Errorf("50 callers fetched it %d times", n)
	}
	p.clock.forward(2 * time.Hour)
	p.set(func() { p.handle[path] = answering(503, "text/plain", "down") })
	for range 50 {
		if err := begin(); err != nil {
			t.Errorf("what was known for two hours: %v", err)
		}
	}
	if n := p.requests(path); n != 2 {
		t.Errorf("a provider that is down was asked %d times", n-1)
	}
	p.clock.forward(24 * time.Hour)
	if err := begin(); !kind(err, connections.Unavailable) {
		t.Errorf("what was known for a day: %v", err)
	}
	p.set(func() { delete(p.handle, path) })
	if err := begin(); err == nil {
		t.Error("asked again at once")
	}
	p.clock.forward(time.Minute)
	if err := begin(); err != nil {
		t.Errorf("a provider that is back: %v", err)
	}
}

// TestH49UnknownKeysAreAskedForOnceAMinute shows a thousand ID tokens with keys
// that nobody has, and then one that was signed with a new key.
func TestH49UnknownKeysAreAskedForOnceAMinute(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	provider := p.open(t)
	p.signIn(t, provider)
	key := p.key
	p.set(func() {
		p.handle["/token"] = func(w http.ResponseWriter, _ *http.Request) {
			forged := &op{key: key, kid: rand.Text()}
			answering(200, "application/json", `{"access_token":"at","token_type":"Bearer","id_token":"`+forged.sign(map[string]any{"iss": p.URL})+`"}`)(w, nil)
		}
	})
	for range 1000 {
		if _, _, err := provider.Exchange(t.Context(), login(), "the-code"); !kind(err, connections.Untrusted) {
			t.Fatal(err)
		}
	}
	if n := p.requests("/jwks"); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
	p.set(func() { delete(p.handle, "/token") })
	p.rotate("two")
	p.clock.forward(time.Minute)
	p.signIn(t, provider)
	if n := p.requests("/jwks"); n != 2 {
		t.Errorf("the keys were fetched %d times", n)
	}
}

// TestKeysThatCannotBeHadMayPass: the ID token is not to blame.
func TestKeysThatCannotBeHadMayPass(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	p.handle["/jwks"] = answering(503, "text/html", "<html>")
	provider := p.open(t)
	if _, _, err := provider.Exchange(t.Context(), login(), "the-code"); !kind(err, connections.Unavailable) {
		t.Errorf("%v", err)
	}
	p.set(func() { delete(p.handle, "/jwks") })
	p.clock.forward(time.Minute)
	p.signIn(t, provider)
}

func TestSignOutEndsTheSessionThere(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	if there := p.open(t).(connections.SignOuter).SignOutURL(t.Context(), vault.TokenSet{}, "https://app.example/"); there != "" {
		t.Errorf("a provider without: %s", there)
	}
	p.metadata = func(m map[string]any) { m["end_session_endpoint"] = p.URL + "/end?tenant=1" }
	there := p.open(t).(connections.SignOuter).SignOutURL(t.Context(), vault.TokenSet{IDToken: vault.NewSecret("the-id-token")}, "https://app.example/")
	u, err := url.Parse(there)
	if err != nil || u.Query().Get("tenant") != "1" || u.Query().Get("id_token_hint") != "the-id-token" || u.Query().Get("client_id") != "the-client" ||
		u.Query().Get("post_logout_redirect_uri") != "https://app.example/" {
		t.Errorf("%s, %v", there, err)
	}
}
