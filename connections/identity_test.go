package connections

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

func TestIdentityURLNamesOrgAndUser(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, org, user string }{
		{"https://login.salesforce.com/id/00D000000000062EAA/00550000001X8KkAAK", "00D000000000062EAA", "00550000001X8KkAAK"},
		{"https://test.salesforce.com/id/00D000000000062/00550000001X8Kk", "00D000000000062EAA", "00550000001X8KkAAK"},
		{"https://acme.my.site.com/portal/id/00D000000000062EAA/00550000001X8KkAAK/", "00D000000000062EAA", "00550000001X8KkAAK"},
		{"https://login.salesforce.com/id/00D000000000062EAA", "", ""},
		{"https://login.salesforce.com/00D000000000062EAA/00550000001X8KkAAK", "", ""},
		{"https://login.salesforce.com/id/00550000001X8KkAAK/00D000000000062EAA", "", ""},
		{"https://login.salesforce.com/id/00D00000000006!EAA/00550000001X8KkAAK", "", ""},
		{"uid:00550000001X8KkAAK", "", ""},
		{"", "", ""},
		{"%", "", ""},
	} {
		org, user, err := orgUser(tt.url)
		if org != tt.org || user != tt.user && err == nil || (err != nil) != (tt.org == "") {
			t.Errorf("orgUser(%q) = %q, %q, %v", tt.url, org, user, err)
		}
	}
}

func TestIDsOf15And18CharactersAreTheSame(t *testing.T) {
	t.Parallel()
	for short, long := range map[string]string{
		"00D000000000062": "00D000000000062EAA",
		"00550000001X8Kk": "00550000001X8KkAAK",
		"001A0000006Vm9r": "001A0000006Vm9rIAC",
	} {
		if id18(short) != long || id18(long) != long {
			t.Errorf("id18(%s) = %s, of the long form %s", short, id18(short), id18(long))
		}
	}
}

func TestPinnedOrgIsCheckedByItsChecksum(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ id, org, problem string }{
		{"", "", ""},
		{"00D000000000062", "00D000000000062EAA", ""},
		{" 00D000000000062EAA ", "00D000000000062EAA", ""},
		{"00DSa000000sim1", "00DSa000000sim1MAA", ""},
		{"00DSa000000sim1MAA", "00DSa000000sim1MAA", ""},
		{"00Dsa000000sim1MAA", "", "misspelt"},
		{"00DSA000000SIM1MAA", "", "misspelt"},
		{"00DSa000000sim1maa", "", "misspelt"},
		{"00550000001X8KkAAK", "", "beginning with 00D"},
		{"00d000000000062EAA", "", "beginning with 00D"},
		{"00D00000000006", "", "15 or 18"},
		{"00D000000000062EA", "", "15 or 18"},
		{"00D00000000006!EAA", "", "15 or 18"},
		{"acme", "", "15 or 18"},
	} {
		c := vault.Connection{Name: "salesforce", Strategy: "salesforce", ClientID: "key", Options: map[string]string{"org_id": tt.id}}
		org, err := pinnedOrg(c)
		if org != tt.org || (err == nil) != (tt.problem == "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%q = %q, %v", tt.id, org, err)
		}
		if checked := Check(c); (checked == nil) != (err == nil) {
			t.Errorf("%q: %v", tt.id, checked)
		}
		if tt.org != "" && (!Admits(c, vault.Identity{Org: tt.org}) || Admits(c, vault.Identity{Org: "00D000000000063EAA"}) || Admits(c, vault.Identity{})) {
			t.Errorf("%q admits others than its own", tt.id)
		}
	}
	if !Admits(vault.Connection{}, vault.Identity{}) {
		t.Error("a connection for any org admits nobody")
	}
}

// TestPoint05TokenResponseIsChecked spoils a token response in each way that would make
// it somebody else's.
func TestPoint05TokenResponseIsChecked(t *testing.T) {
	t.Parallel()
	s := &salesforceOrg{base: "https://login.salesforce.com", shared: "https://login.salesforce.com", oauth: oauth2.Config{ClientSecret: "secret"}}
	const id, issued = "https://login.salesforce.com/id/00D000000000062EAA/00550000001X8KkAAK", "1278448384000"
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte(id + issued))
	good := map[string]any{"id": id, "issued_at": issued, "signature": base64.StdEncoding.EncodeToString(mac.Sum(nil)), "instance_url": "https://acme.my.salesforce.com"}
	for name, tt := range map[string]struct {
		spoil func(map[string]any)
		kind  string
		ok    bool
	}{
		"as it should be":       {func(map[string]any) {}, "Bearer", true},
		"lower case":            {func(map[string]any) {}, "bearer", true},
		"no signature":          {func(m map[string]any) { delete(m, "signature") }, "Bearer", true}, // of a bearer assertion
		"another user":          {func(m map[string]any) { m["id"] = strings.Replace(id, "X8Kk", "X9Kk", 1) }, "Bearer", false},
		"another time":          {func(m map[string]any) { m["issued_at"] = "1278448384001" }, "Bearer", false},
		"no base64":             {func(m map[string]any) { m["signature"] = "!" }, "Bearer", false},
		"no identity":           {func(m map[string]any) { delete(m, "id") }, "Bearer", false},
		"an instance elsewhere": {func(m map[string]any) { m["instance_url"] = "https://evil.example" }, "Bearer", false},
		"DPoP unasked":          {func(map[string]any) {}, "DPoP", false},
	} {
		extra := maps.Clone(good)
		tt.spoil(extra)
		_, err := s.parse((&oauth2.Token{AccessToken: "at", TokenType: tt.kind}).WithExtra(extra))
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIssuersAreTheOrgsOwn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ base, instance, want string }{
		{"https://login.salesforce.com", "https://acme.my.salesforce.com", "[https://login.salesforce.com https://login.salesforce.com https://acme.my.salesforce.com]"},
		{"https://acme.my.salesforce.com", "https://acme.my.salesforce.com", "[https://acme.my.salesforce.com https://login.salesforce.com https://acme.my.salesforce.com]"},
		{"https://acme.my.salesforce.com", "https://evil.example", "[https://acme.my.salesforce.com https://login.salesforce.com]"},
		{"https://portal.example", "https://acme.my.salesforce.com", "[https://portal.example https://acme.my.salesforce.com]"},
	} {
		s := &salesforceOrg{base: tt.base, shared: "https://login.salesforce.com"}
		if got := fmt.Sprint(s.issuers(tt.instance)); got != tt.want {
			t.Errorf("issuers of %s at %s: %s", tt.base, tt.instance, got)
		}
	}
}

func TestForeignHostsAreNotTheOrgs(t *testing.T) {
	t.Parallel()
	s := &salesforceOrg{base: "https://login.salesforce.com", shared: "https://login.salesforce.com"}
	for url, want := range map[string]bool{
		"https://acme.my.salesforce.com":                 true,
		"https://acme--uat.sandbox.my.salesforce.com":    true,
		"https://acme.my.site.com/portal":                true,
		"http://acme.my.salesforce.com":                  false,
		"https://salesforce.com.evil.example":            false,
		"https://evilsalesforce.com":                     false,
		"https://user@acme.my.salesforce.com":            false,
		"https://evil.example/?x=acme.my.salesforce.com": false,
		"": false,
	} {
		if s.trusts(url) != want {
			t.Errorf("trusts(%q) = %v", url, !want)
		}
	}
	custom := &salesforceOrg{base: "https://portal.example", shared: "https://login.salesforce.com"}
	if !custom.trusts("https://acme.my.salesforce.com") || !custom.trusts("https://portal.example/x") || custom.trusts("https://evil.example") {
		t.Error("a site under a domain of its own belongs to an org at Salesforce")
	}
}
