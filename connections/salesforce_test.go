package connections_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/connections"
	"sallyport/connections/simulator"
	"sallyport/connections/simulator/simtest"
	"sallyport/vault"
)

const issuer = "https://gateway.example/"

// org is a simulated Salesforce, and a connection to it.
type org struct {
	*simulator.Salesforce
	url        string
	connection vault.Connection
	provider   connections.Provider
}

var madeKeys sync.Once // the simulated orgs share theirs

func start(t *testing.T, change func(*simulator.App)) *org {
	t.Helper()
	sf := &simulator.Salesforce{Apps: []simulator.App{{
		ConsumerKey: "key", ConsumerSecret: "secret", Callbacks: []string{issuer + "login/callback"}, RequirePKCE: true,
	}}}
	if change != nil {
		change(&sf.Apps[0])
	}
	server := httptest.NewServer(sf)
	t.Cleanup(server.Close)
	madeKeys.Do(func() { // which takes longer than a request may, on a busy machine
		if resp, err := http.Get(server.URL + "/id/keys"); err == nil {
			resp.Body.Close()
		}
	})
	o := &org{Salesforce: sf, url: server.URL, connection: vault.Connection{
		Name: "salesforce", Strategy: "salesforce", ClientID: "key", ClientSecret: vault.NewSecret("secret"), Options: map[string]string{"login_url": server.URL},
	}}
	o.provider = o.open(t, o.connection)
	return o
}

func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func (o *org) open(t *testing.T, c vault.Connection) connections.Provider {
	t.Helper()
	set := connections.NewSet(connections.Env{Issuer: issuer, HTTP: connections.NewHTTPClient(loopback()), Now: time.Now})
	p, err := set.Provider(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func login() vault.Login {
	return vault.Login{Nonce: "the-nonce", Verifier: vault.NewSecret(strings.Repeat("v", 50))}
}

// authCodeURL is where a login begins at a provider.
func authCodeURL(t *testing.T, p connections.Provider, l vault.Login) string {
	t.Helper()
	there, err := p.AuthCodeURL(t.Context(), l, "the-state")
	if err != nil {
		t.Fatal(err)
	}
	return there
}

// code walks a login at Salesforce and returns what came back.
func (o *org) code(t *testing.T, p connections.Provider, l vault.Login) url.Values {
	t.Helper()
	ada := simulator.DefaultUsers()[0]
	page, err := simtest.NewPerson(ada.Username, ada.Password).Visit(authCodeURL(t, p, l), issuer)
	if err != nil {
		t.Fatal(err)
	}
	query := page.URL.Query()
	if query.Get("state") != "the-state" {
		t.Fatalf("came back as %s, status %d: %s", page.URL, page.Status, page.Body)
	}
	return query
}

// signIn signs Ada in.
func (o *org) signIn(t *testing.T) (vault.Identity, vault.TokenSet) {
	t.Helper()
	i, ts, err := o.provider.Exchange(t.Context(), login(), o.code(t, o.provider, login()).Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	ts.Identity = i.Key()
	return i, ts
}

func TestSignInBringsIdentityAndTokens(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	i, ts := o.signIn(t)
	ada := simulator.DefaultUsers()[0]
	if i.UserID != ada.ID || i.Subject != simulator.DefaultOrgID+"/"+ada.ID || i.Org != simulator.DefaultOrgID ||
		i.Profile.Username != ada.Username || i.Profile.Email != ada.Email || i.Profile.Name == "" {
		t.Errorf("identity %+v", i)
	}
	if ts.AccessToken.IsZero() || ts.RefreshToken.IsZero() || ts.Params["instance_url"] != o.url || len(ts.Scopes) == 0 {
		t.Errorf("token set %+v", ts)
	}
}

// TestExpiryIsFoundByTheBestKnowledge follows the ladder: Salesforce says
// nothing, a JWT does, introspection does, and else the setting counts.
func TestExpiryIsFoundByTheBestKnowledge(t *testing.T) {
	t.Parallel()
	within := func(t *testing.T, ts vault.TokenSet, want time.Duration) {
		t.Helper()
		if got := time.Until(ts.Expires); got < want-time.Minute || got > want+time.Minute {
			t.Errorf("expires in %v, want about %v", got, want)
		}
	}
	t.Run("JWT", func(t *testing.T) {
		t.Parallel()
		o := start(t, func(a *simulator.App) { a.JWTAccessTokens, a.JWTTimeout = true, 15*time.Minute })
		_, ts := o.signIn(t)
		within(t, ts, 15*time.Minute)
		if o.Requests("introspect") != 0 {
			t.Error("a token that says when it expires was introspected")
		}
	})
	t.Run("introspection", func(t *testing.T) {
		t.Parallel()
		o := start(t, nil)
		_, ts := o.signIn(t)
		within(t, ts, 2*time.Hour)
	})
	t.Run("setting", func(t *testing.T) {
		t.Parallel()
		o := start(t, nil)
		o.Fail("introspect", 503, "", "")
		_, ts := o.signIn(t)
		within(t, ts, 10*time.Minute)
	})
}

func TestPoint16RefreshKeepsWhatTheAnswerLeavesOut(t *testing.T) {
	t.Parallel()
	for name, rotation := range map[string]bool{"rotating": true, "static": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := start(t, func(a *simulator.App) { a.NoRotation = !rotation; a.FreshAccessTokens = true })
			_, ts := o.signIn(t)
			fresh, err := o.provider.Refresh(t.Context(), ts)
			if err != nil || fresh.AccessToken == ts.AccessToken || fresh.AccessToken.IsZero() {
				t.Fatalf("Refresh = %+v, %v", fresh, err)
			}
			if replaced := !fresh.RefreshToken.IsZero() && fresh.RefreshToken != ts.RefreshToken; replaced != rotation {
				t.Errorf("refresh token replaced: %v", replaced)
			}
		})
	}
}

func TestSpentRefreshTokenIsARefusal(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	_, ts := o.signIn(t)
	if _, err := o.provider.Refresh(t.Context(), ts); err != nil {
		t.Fatal(err)
	}
	in := o.provider.(vault.Introspector)
	if active, err := in.Introspect(t.Context(), ts); err != nil || active {
		t.Errorf("Introspect of a spent token = %v, %v", active, err)
	}
	var refusal *vault.Refusal
	if _, err := o.provider.Refresh(t.Context(), ts); !errors.As(err, &refusal) || !strings.Contains(refusal.Why, "expired access/refresh token") {
		t.Errorf("Refresh = %v", err)
	}
}

func TestIntrospectionUsesNoRefreshToken(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	_, ts := o.signIn(t)
	for range 3 {
		if active, err := o.provider.(vault.Introspector).Introspect(t.Context(), ts); err != nil || !active {
			t.Errorf("Introspect = %v, %v", active, err)
		}
	}
	if _, err := o.provider.Refresh(t.Context(), ts); err != nil {
		t.Errorf("after introspection: %v", err)
	}
}

// TestPoint15RefreshErrorsAreToldApart is the table of what an answer means for the
// grant: nothing but a clear word from Salesforce makes it dead (H42).
func TestPoint15RefreshErrorsAreToldApart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status       int
		code, says   string
		dead         bool
		kind         connections.Kind
		unspent      bool
		descriptions string
	}{
		{400, "invalid_grant", "expired access/refresh token", true, "", false, ""},
		{400, "invalid_grant", "user hasn't approved this consumer", true, "", false, ""},
		{400, "invalid_grant", "something new", false, connections.Unavailable, false, "something new"},
		{400, "invalid_grant", "", false, connections.Unavailable, false, ""},
		{400, "invalid_grant", "token request is already being processed", false, connections.Unavailable, false, ""},
		{400, "invalid_grant", "expired authorization code", false, connections.Unavailable, false, ""},
		{400, "invalid_grant", "IP restricted or invalid login hours", false, connections.Misconfigured, true, "Setup"},
		{400, "invalid_grant", "request not supported on this domain", false, connections.Misconfigured, true, "My Domain"},
		{400, "invalid_grant", "user is not admin approved to access this app", false, connections.Misconfigured, true, "Policies"},
		{400, "invalid_client_id", "client identifier invalid", false, connections.Misconfigured, true, "consumer key"},
		{400, "invalid_client", "invalid client credentials", false, connections.Misconfigured, true, "consumer secret"},
		{401, "invalid_client", "invalid client credentials", false, connections.Misconfigured, true, "consumer secret"},
		{400, "inactive_user", "user is inactive", false, connections.Denied, true, "Activate"},
		{400, "inactive_org", "org is locked", false, connections.Misconfigured, true, ""},
		{400, "rate_limit_exceeded", "login rate exceeded", false, connections.RateLimited, true, ""},
		{400, "unsupported_grant_type", "grant type not supported", false, connections.Misconfigured, true, "flow"},
		{400, "app_not_found", "External client app is not installed in this org", false, connections.Misconfigured, true, "Install"},
		{400, "brand_new_error", "whatever", false, connections.Unavailable, false, ""},
		{503, "", "", false, connections.Unavailable, false, "Nothing is lost"},
		{502, "invalid_grant", "expired access/refresh token", false, connections.Unavailable, false, ""},
		{429, "", "", false, connections.RateLimited, false, ""},
	} {
		t.Run(tt.code+" "+tt.says, func(t *testing.T) {
			t.Parallel()
			o := start(t, nil)
			_, ts := o.signIn(t)
			o.Fail("token", tt.status, tt.code, tt.says)
			_, err := o.provider.Refresh(t.Context(), ts)
			var refusal *vault.Refusal
			var upstream *connections.Error
			switch {
			case tt.dead != errors.As(err, &refusal):
				t.Errorf("dead: %v", err)
			case tt.dead:
			case !errors.As(err, &upstream) || upstream.Kind != tt.kind || errors.Is(err, vault.ErrUnspent) != tt.unspent:
				t.Errorf("Refresh = %#v", err)
			case !strings.Contains(upstream.Description, tt.descriptions):
				t.Errorf("description %q", upstream.Description)
			}
			if !tt.dead && tt.unspent {
				if _, err := o.provider.Refresh(t.Context(), ts); err != nil {
					t.Errorf("the next refresh: %v", err)
				}
			}
		})
	}
}

func TestRefreshThatNeverLeftIsUnspentAndALostAnswerIsNot(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	_, ts := o.signIn(t)
	o.Lose("token")
	if _, err := o.provider.Refresh(t.Context(), ts); err == nil || errors.Is(err, vault.ErrUnspent) || errors.Is(err, vault.ErrReauthorize) {
		t.Errorf("a lost answer: %v", err)
	}
	away := o.connection
	away.Options = map[string]string{"login_url": "http://127.0.0.1:1"}
	if _, err := o.open(t, away).Refresh(t.Context(), ts); !errors.Is(err, vault.ErrUnspent) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestSlowAnswerLeavesOpenWhatBecameOfTheToken(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	_, ts := o.signIn(t)
	entered, release := o.Hold("token")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := o.provider.Refresh(ctx, ts)
		done <- err
	}()
	<-entered
	cancel()
	if err := <-done; err == nil || errors.Is(err, vault.ErrUnspent) || errors.Is(err, vault.ErrReauthorize) {
		t.Errorf("Refresh = %v", err)
	}
	release()
}

func TestPrivateAddressesAreRefusedUnlessAllowed(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	_, ts := o.signIn(t)
	set := connections.NewSet(connections.Env{Issuer: issuer, HTTP: connections.NewHTTPClient(nil), Now: time.Now})
	p, err := set.Provider(o.connection)
	if err != nil {
		t.Fatal(err)
	}
	var upstream *connections.Error
	if _, err := p.Refresh(t.Context(), ts); !errors.As(err, &upstream) || upstream.Kind != connections.Misconfigured || !errors.Is(err, vault.ErrUnspent) ||
		!strings.Contains(upstream.Description, "--allow-private-upstreams") {
		t.Errorf("Refresh = %v", err)
	}
}

func TestIDTokenOfAnotherLoginIsRefused(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	l := login()
	code := o.code(t, o.provider, l).Get("code")
	l.Nonce = "another"
	var upstream *connections.Error
	if _, _, err := o.provider.Exchange(t.Context(), l, code); !errors.As(err, &upstream) || upstream.Kind != connections.Untrusted {
		t.Errorf("Exchange = %v", err)
	}
}

func TestTokenResponseOfSomebodyWithoutTheSecretIsRefused(t *testing.T) {
	t.Parallel()
	o := start(t, func(a *simulator.App) { a.SecretOptionalWeb = true; a.ConsumerSecret = "another" })
	public := o.connection
	public.ClientSecret = vault.Secret{}
	code := o.code(t, o.provider, login()).Get("code")
	if _, _, err := o.open(t, public).Exchange(t.Context(), login(), code); err != nil {
		t.Fatalf("without a secret of ours: %v", err)
	}
	code = o.code(t, o.provider, login()).Get("code")
	var upstream *connections.Error
	if _, _, err := o.provider.Exchange(t.Context(), login(), code); !errors.As(err, &upstream) || upstream.Kind != connections.Misconfigured {
		t.Errorf("with the wrong one: %v", err)
	}
}

func TestWrongVerifierIsRefusedBySalesforce(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	l := login()
	code := o.code(t, o.provider, l).Get("code")
	l.Verifier = vault.NewSecret(strings.Repeat("w", 50))
	if _, _, err := o.provider.Exchange(t.Context(), l, code); err == nil {
		t.Error("a wrong verifier was taken")
	}
}

func TestAuthorizationRequestCarriesWhatProtectsIt(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	c := o.connection
	c.Scopes = []string{"api", "refresh_token"}
	c.Upstream = map[string]vault.UpstreamParam{"login_hint": {Alias: "login_hint"}, "display": {Value: "page"}, "ui_locales": {Alias: "ui_locales"}}
	l := login()
	l.Request = vault.AuthorizationRequest{ConnScopes: []string{"web", "api"}, Prompt: []string{"login"}, Params: map[string]string{"login_hint": "ada@example.com"}}
	u, err := url.Parse(authCodeURL(t, o.open(t, c), l))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "key", "redirect_uri": issuer + "login/callback", "state": "the-state", "nonce": "the-nonce",
		"code_challenge_method": "S256", "scope": "openid api refresh_token web", "prompt": "login", "login_hint": "ada@example.com", "display": "page", "ui_locales": "",
	} {
		if q.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, q.Get(name), want)
		}
	}
	if q.Has("ui_locales") || len(q.Get("code_challenge")) != 43 {
		t.Errorf("query %v", q)
	}
}

func TestConnectionThatCannotWorkIsRefusedWithItsField(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*vault.Connection)
		field  string
	}{
		{"strategy", func(c *vault.Connection) { c.Strategy = "myspace" }, "strategy"},
		{"option", func(c *vault.Connection) { c.Options["loginurl"] = "x" }, "options.loginurl"},
		{"client", func(c *vault.Connection) { c.ClientID = "" }, "options.client_id"},
		{"plain http", func(c *vault.Connection) { c.Options["login_url"] = "http://acme.my.salesforce.com" }, "options.login_url"},
		{"no URL", func(c *vault.Connection) { c.Options["login_url"] = "acme" }, "options.login_url"},
		{"a page that is no org's", func(c *vault.Connection) { c.Options["login_url"] = "https://help.salesforce.com" }, "options.login_url"},
		{"keep alive", func(c *vault.Connection) { c.Options["keep_alive_days"] = "0" }, "options.keep_alive_days"},
		{"lifetime", func(c *vault.Connection) { c.Options["access_token_lifetime"] = "never" }, "options.access_token_lifetime"},
		{"reserved", func(c *vault.Connection) { c.Upstream = map[string]vault.UpstreamParam{"state": {Value: "x"}} }, "options.upstream_params.state"},
		{"name", func(c *vault.Connection) { c.Name = "a b" }, "name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := vault.Connection{Name: "salesforce", Strategy: "salesforce", ClientID: "key", Options: map[string]string{}}
			if err := connections.Check(c); err != nil {
				t.Fatal(err)
			}
			tt.change(&c)
			var invalid *vault.Invalid
			if err := connections.Check(c); !errors.As(err, &invalid) || invalid.Field != tt.field {
				t.Errorf("Check = %v", err)
			}
		})
	}
}

func TestPoint06CallbackErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	for code, want := range map[string]connections.Kind{
		"access_denied": connections.Denied, "OAUTH_APP_BLOCKED": connections.Misconfigured, "OAUTH_APPROVAL_ERROR_GENERIC": connections.Misconfigured,
		"invalid_scope": connections.Misconfigured, "rate_limit_exceeded": connections.RateLimited, "unheard_of": connections.Denied,
	} {
		e := o.provider.Denied(code, "<script>\r\n\u202eevil\x00"+strings.Repeat("x", 64<<10))
		if e.Kind != want || len(e.Description) > 1000 || strings.ContainsAny(e.Description, "\r\n\x00\u202e") {
			t.Errorf("%s: %v, %d bytes", code, e.Kind, len(e.Description))
		}
	}
}

func TestScopesAreSpeltOut(t *testing.T) {
	t.Parallel()
	c := vault.Connection{Strategy: "salesforce"}
	got := strings.Join(connections.Granted(c, []string{"full", "refresh_token"}), " ")
	for _, want := range []string{"full", "api", "openid", "chatter_api", "offline_access"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not among %s", want, got)
		}
	}
	if got := connections.Granted(c, []string{"api"}); strings.Contains(strings.Join(got, " "), "web") {
		t.Errorf("api became %v", got)
	}
}

func TestProviderIsOpenedAnewWhenItsConnectionChanges(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	set := connections.NewSet(connections.Env{Issuer: issuer, HTTP: connections.NewHTTPClient(loopback()), Now: time.Now})
	c := o.connection
	first, _ := set.Provider(c)
	if again, _ := set.Provider(c); again != first {
		t.Error("the same connection was opened twice")
	}
	c.ClientSecret = vault.NewSecret("rotated")
	if changed, _ := set.Provider(c); changed == first {
		t.Error("a changed connection kept its old provider")
	}
}

func TestCallbackURLIsTheOneThatIsSent(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	c := o.connection
	c.Options = map[string]string{"login_url": o.url, "own_callback": "true"}
	u, _ := url.Parse(authCodeURL(t, o.open(t, c), login()))
	if want := issuer + "login/callback/salesforce"; connections.CallbackURL(issuer, c) != want || u.Query().Get("redirect_uri") != want {
		t.Errorf("sent %s", u.Query().Get("redirect_uri"))
	}
}
