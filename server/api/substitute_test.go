package api_test

import (
	"slices"
	"testing"
	"time"
)

func TestEnvironmentIsFilledIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ value, want string }{
		{"${HOST}", "app.example.com"},
		{"'${HOST}'", "app.example.com"},
		{`"${HOST}"`, "app.example.com"},
		{"##HOST##", "app.example.com"},
		{`"##HOST##"`, "app.example.com"},
		{"https://${HOST}/", "https://app.example.com/"},
		{"https://##HOST##/a##HOST##b", "https://app.example.com/aapp.example.comb"},
		{"${HOST} and ##HOST##, ${HOST}", "app.example.com and app.example.com, app.example.com"},
		{"|\n    ##HOST##\n    ${HOST}", "app.example.com\napp.example.com\n"},
		{">-\n    ${HOST}\n    b", "app.example.com b"},
		{"${INJECT}", "x\nis_first_party: false # {"},
		{"##INJECT##", "x\nis_first_party: false # {"},
		{"${EMPTY}", ""},
		{"a${EMPTY}b", "ab"},
		{"${CALLBACKS}", `["https://a.example.com/cb", "https://b.example.com/cb"]`},
		{`"\x24{HOST}"`, "${HOST}"},
		{`"\x23#HOST##"`, "##HOST##"},
		{"$HOST", "$HOST"},
		{"$$", "$$"},
		{"a#HOST#", "a#HOST#"},
		{"a # ${UNSET} ##UNSET##", "a"},
		{"${ON}", "true"},
		{`"#"`, "#"},
	} {
		t.Run(tt.value, func(t *testing.T) {
			t.Parallel()
			v := newVault(t)
			mustApply(t, v, "# ##UNSET## ${UNSET}\n##UNSET##\nclients:\n- client_id: a\n  name: a\n  app_type: spa\n  description: "+tt.value+"\n")
			if c := client(t, v, "a"); c.Description != tt.want || !c.FirstParty {
				t.Errorf("got %q, want %q", c.Description, tt.want)
			}
		})
	}
}

func TestEnvironmentGivesListsFlagsAndNumbers(t *testing.T) {
	t.Parallel()
	want := []string{"https://a.example.com/cb", "https://b.example.com/cb"}
	for _, list := range []string{"@@CALLBACKS@@", "'@@CALLBACKS@@'", `"@@CALLBACKS@@"`, `[ "https://a.example.com/cb" , https://b.example.com/cb]`, "\n  - https://a.example.com/cb\n  - https://b.example.com/cb"} {
		v := newVault(t)
		mustApply(t, v, "clients:\n- client_id: a\n  name: a\n  app_type: spa\n  callbacks: "+list+"\n  oidc_conformant: ${ON}\n  is_first_party: @@ON@@\n  refresh_token: {token_lifetime: ##MONTH##, idle_token_lifetime: @@MONTH@@, infinite_token_lifetime: false}\n")
		if c := client(t, v, "a"); !slices.Equal(c.RedirectURIs, want) || !c.Conformant || !c.FirstParty || c.RefreshLifetime != 720*time.Hour || c.RefreshIdle != 720*time.Hour {
			t.Errorf("%s: %+v", list, c)
		}
	}
}

func TestAnchorsAndMergesAreResolved(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, `clients:
- &base
  client_id: a
  name: A
  app_type: spa
  callbacks: &urls [https://a.example.com/cb]
- <<: *base
  client_id: b
  allowed_logout_urls: *urls
`)
	b := client(t, v, "b")
	if b.Name != "A" || !b.Public() || !slices.Equal(b.RedirectURIs, b.LogoutURIs) || len(b.LogoutURIs) != 1 {
		t.Errorf("%+v", b)
	}
}
