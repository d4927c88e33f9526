package connections

import (
	"slices"
	"strings"
	"testing"

	"sallyport/vault"
)

// TestKnownScopesAreThoseThatAreSpokenOf: what is asked for by default, and what
// a scope brings, can be chosen, and each has its words.
func TestKnownScopesAreThoseThatAreSpokenOf(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, s := range salesforceKnown {
		if known[s.Name] {
			t.Errorf("%s stands there twice", s.Name)
		}
		known[s.Name] = true
		if !scopeToken.MatchString(s.Name) || !strings.HasSuffix(s.Words, ".") || s.Risk == "" {
			t.Errorf("%+v", s)
		}
	}
	for scope, brings := range salesforceImplied {
		for _, name := range append(slices.Concat(brings, salesforceScopes), scope) {
			if !known[name] {
				t.Errorf("%s is not known", name)
			}
		}
	}
}

func TestCautionsNameWhatIsMissingAndWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		connection vault.Connection
		want       string
	}{
		{vault.Connection{Strategy: "salesforce", TokenVault: true}, ""},
		{vault.Connection{Strategy: "salesforce", TokenVault: true, Scopes: []string{"openid", "api"}}, "Neither refresh_token nor offline_access"},
		{vault.Connection{Strategy: "salesforce", TokenVault: true, Scopes: []string{"api", "offline_access"}}, ""},
		{vault.Connection{Strategy: "salesforce", Scopes: []string{"openid"}}, ""}, // for signing in alone
		{vault.Connection{Strategy: "salesforce", TokenVault: true, Scopes: []string{"api"}, Options: map[string]string{"token_grant": "jwt_bearer"}}, ""},
		{vault.Connection{Strategy: "salesforce", TokenVault: true, Scopes: []string{"full", "refresh_token"}}, "full lets applications do everything"},
		{vault.Connection{Strategy: "salesforce", Scopes: []string{"web"}}, "With web"},
		{vault.Connection{Strategy: "salesforce"}, "There is no consumer secret"},
		{vault.Connection{Strategy: "oidc", TokenVault: true, Scopes: []string{"openid"}}, ""},
		{vault.Connection{Strategy: "gone"}, ""},
	} {
		if tt.want != "There is no consumer secret" {
			tt.connection.ClientSecret = vault.NewSecret("secret")
		}
		got := strings.Join(Cautions(tt.connection), " ")
		if (got == "") != (tt.want == "") || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%+v: %q, want %q", tt.connection, got, tt.want)
		}
	}
}

func TestScopeIsOneWord(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{"", "two words", "quo\"te", `back\slash`, "new\nline", "ümlaut"} {
		c := vault.Connection{Name: "a", Strategy: "salesforce", ClientID: "key", Scopes: []string{scope}}
		if err := Check(c); err == nil || !strings.HasPrefix(err.Error(), "options.scope") {
			t.Errorf("%q: %v", scope, err)
		}
	}
}
