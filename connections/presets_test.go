package connections_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sallyport/connections"
	"sallyport/vault"
)

// accounts are what the presets' providers say of an account, in the shapes of
// their documentation, and what is made of it: the ID, the name and the e-mail
// address.
var accounts = map[string]struct{ info, id, name, email string }{
	"google-oauth2": {`{"sub":"the-user","name":"Ada","email":"ada@example.com","email_verified":true}`, "the-user", "Ada", "ada@example.com"},
	"windowslive":   {`{"sub":"the-user","name":"Ada","email":"ada@example.com"}`, "the-user", "Ada", "ada@example.com"},
	"waad":          {`{"sub":"the-user","name":"Ada"}`, "the-user", "Ada", ""},
	"gitlab":        {`{"sub":"the-user","name":"Ada","nickname":"ada","email":"ada@example.com"}`, "the-user", "Ada", "ada@example.com"},
	"okta":          {`{"sub":"the-user","name":"Ada"}`, "the-user", "Ada", ""},
	"auth0-oidc":    {`{"sub":"the-user","name":"Ada"}`, "the-user", "Ada", ""},
	"github":        {`{"login":"ada","id":583231,"avatar_url":"https://github.com/a.png","name":"Ada","email":null}`, "583231", "Ada", "ada@example.com"},
	"slack":         {`{"ok":true,"url":"https://acme.slack.com/","team":"Acme","user":"ada","team_id":"T12345678","user_id":"W12345678"}`, "W12345678", "", ""},
	"linkedin":      {`{"sub":"782bbtaQ","name":"Ada","email":"ada@example.com","email_verified":true,"locale":{"country":"US"}}`, "782bbtaQ", "Ada", "ada@example.com"},
	"hubspot":       {`{"active":true,"hub_id":62515,"user_id":123,"user":"ada@example.com"}`, "123", "", "ada@example.com"},
	"atlassian":     {`{"account_type":"atlassian","account_id":"112233:aa","email":"ada@example.com","name":"Ada","nickname":"ada"}`, "112233:aa", "Ada", "ada@example.com"},
	"box":           {`{"type":"user","id":"11446498","name":"Ada","login":"ada@example.com"}`, "11446498", "Ada", "ada@example.com"},
	"dropbox":       {`{"account_id":"dbid:AAH4","name":{"given_name":"Ada","surname":"L","display_name":"Ada"},"email":"ada@example.com","email_verified":true}`, "dbid:AAH4", "Ada", "ada@example.com"},
	"zoom":          {`{"id":"KDcuGIm1QgePTO8WbOqwIQ","first_name":"Ada","display_name":"Ada","email":"ada@example.com"}`, "KDcuGIm1QgePTO8WbOqwIQ", "Ada", "ada@example.com"},
}

// TestPresetsSignIn has each preset sign in at a provider that answers as its
// documentation says.
func TestPresetsSignIn(t *testing.T) {
	t.Parallel()
	for _, s := range connections.Strategies {
		if s.Docs == "" {
			continue // no preset
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			account, ok := accounts[s.Name]
			if !ok {
				t.Fatal("what does it say of an account?")
			}
			p := startOP(t)
			p.userinfo = nil
			if err := json.Unmarshal([]byte(account.info), &p.userinfo); err != nil {
				t.Fatal(err)
			}
			c := p.connection
			c.Name, c.Strategy, c.Options = s.Name, s.Name, map[string]string{}
			for _, f := range s.Fields {
				if strings.HasSuffix(f.Name, "URL") && f.Default != "" {
					u, err := url.Parse(f.Default)
					if err != nil || u.Scheme != "https" {
						t.Errorf("%s is %s", f.Name, f.Default)
					}
					c.Options[f.Name] = p.URL + "/" + f.Name
				}
				if f.Name == "issuer" && f.Default != "" {
					c.Options["issuer"] = p.URL
				}
			}
			p.handle["/tokenURL"] = answering(200, "application/json", tokenAnswer(s.Name))
			p.handle["/userInfoURL"] = answering(200, "application/json", account.info)
			p.handle["/emailsURL"] = answering(200, "application/json", `[{"email":"ada@example.com","primary":true,"verified":true}]`)
			i, ts := p.signIn(t, p.provider(t, c))
			if i.UserID != account.id || i.Profile.Name != account.name || i.Profile.Email != account.email || ts.AccessToken.IsZero() {
				t.Errorf("%+v", i)
			}
		})
	}
}

// tokenAnswer is the token response of a preset's provider.
func tokenAnswer(name string) string {
	if name == "slack" {
		return `{"ok":true,"app_id":"A1","authed_user":{"id":"W12345678","scope":"users:read","access_token":"xoxp-1","token_type":"user"},"team":{"id":"T12345678"}}`
	}
	return `{"access_token":"at","token_type":"bearer","expires_in":3600,"refresh_token":"rt","scope":"a"}`
}

// TestPresetsAskForARefreshToken of connections that keep tokens, in the
// provider's own way, and of those alone.
func TestPresetsAskForARefreshToken(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"google-oauth2": "access_type=offline", "windowslive": "offline_access", "atlassian": "offline_access", "dropbox": "token_access_type=offline", "okta": "offline_access",
	} {
		p := startOP(t)
		c := p.connection
		c.Strategy, c.Options = name, map[string]string{}
		if name != "atlassian" && name != "dropbox" {
			c.Options["issuer"] = p.URL
		}
		c.Scopes = []string{"openid", "more"}
		for _, keeps := range []bool{true, false} {
			c.TokenVault = keeps
			there, err := url.QueryUnescape(authCodeURL(t, p.provider(t, c), login()))
			if err != nil || strings.Contains(there, want) != keeps || !strings.Contains(there, "more") {
				t.Errorf("%s, keeping tokens %v: %s", name, keeps, there)
			}
		}
	}
}

// TestPromptIsInTheProvidersWords, beside what brings a refresh token.
func TestPromptIsInTheProvidersWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ strategy, asked, want string }{
		{"google-oauth2", "login", "consent select_account"}, {"google-oauth2", "", "consent"},
		{"okta", "login", "login"}, {"okta", "select_account", ""}, {"oidc", "select_account", "select_account"}, {"atlassian", "login", "consent"}, {"github", "login", ""},
	} {
		p := startOP(t)
		c := p.connection
		c.Strategy, c.Options = tt.strategy, map[string]string{}
		if !slices.Contains([]string{"atlassian", "github"}, tt.strategy) {
			c.Options["issuer"] = p.URL
		}
		l := login()
		if tt.asked != "" {
			l.Request.Prompt = []string{tt.asked}
		}
		u, err := url.Parse(authCodeURL(t, p.provider(t, c), l))
		if err != nil || u.Query().Get("prompt") != tt.want {
			t.Errorf("%+v: %s", tt, u)
		}
	}
}

// TestPresetsAreStrategies: their names are their own, and they are checked as
// others are.
func TestPresetsAreStrategies(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	own := map[string]map[string]string{"waad": {"tenant_id": "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"}, "okta": {"domain": "acme.okta.com"}, "auth0-oidc": {"domain": "acme.eu.auth0.com"}}
	for _, s := range connections.Strategies {
		if seen[s.Name] {
			t.Errorf("%s is there twice", s.Name)
		}
		seen[s.Name] = true
		if s.Docs == "" {
			continue // no preset
		}
		c := vault.Connection{Name: "c", Strategy: s.Name, ClientID: "id", ClientSecret: vault.NewSecret("s"), Options: maps.Clone(own[s.Name])}
		if err := connections.Check(c); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}

func TestOptionsOfAuth0AreExplained(t *testing.T) {
	t.Parallel()
	for option, want := range map[string]string{"scripts.fetchUserProfile": "profile: {id: /id", "scripts.getLogoutUrl": "code", "attribute_map.attributes.x": "standard claims", "jwks_uri": "discovered"} {
		c := vault.Connection{Name: "c", Strategy: "oauth2", ClientID: "id", Options: map[string]string{option: "x"}}
		if err := connections.Check(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", option, err)
		}
	}
}
