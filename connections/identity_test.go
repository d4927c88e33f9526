package connections

import (
	"testing"
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
	if custom.trusts("https://acme.my.salesforce.com") || !custom.trusts("https://portal.example/x") {
		t.Error("a host of its own vouches for itself alone")
	}
}
