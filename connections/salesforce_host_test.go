package connections

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sallyport/vault"
)

var kinds = map[string]salesforceKind{"salesforce": {shared: productionLogin}, "sandbox": {shared: sandboxLogin}, "community": {site: true}}

// TestPoint01AnyAddressOfSalesforceLeadsToItsLoginHost is the table of what
// people paste, with the host that comes out, or a part of the sentence.
func TestPoint01AnyAddressOfSalesforceLeadsToItsLoginHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, pasted, base, shared, problem string }{
		// Nothing, and the hosts that all share.
		{"salesforce", "", "https://login.salesforce.com", productionLogin, ""},
		{"sandbox", "", "https://test.salesforce.com", sandboxLogin, ""},
		{"community", "", "", "", "All Sites"},
		{"salesforce", "https://login.salesforce.com", "https://login.salesforce.com", productionLogin, ""},
		{"salesforce", "https://login.salesforce.com/", "https://login.salesforce.com", productionLogin, ""},
		{"salesforce", "login.salesforce.com", "https://login.salesforce.com", productionLogin, ""},
		{"salesforce", "https://login.salesforce.com/?un=ada@example.com", "https://login.salesforce.com", productionLogin, ""},
		{"sandbox", "https://test.salesforce.com/services/oauth2/token", "https://test.salesforce.com", sandboxLogin, ""},
		{"salesforce", "https://test.salesforce.com", "", "", "salesforce-sandbox"},
		{"sandbox", "https://login.salesforce.com", "", "", "strategy salesforce"},

		// My Domain, and what is under it.
		{"salesforce", "https://acme.my.salesforce.com", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://ACME.My.Salesforce.com/", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "  acme.my.salesforce.com ", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://acme.my.salesforce.com:443/", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://acme.my.salesforce.com./", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://acme-dev-ed.develop.my.salesforce.com", "https://acme-dev-ed.develop.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://acme.trailblaze.my.salesforce.com/", "https://acme.trailblaze.my.salesforce.com", productionLogin, ""},
		{"sandbox", "https://acme.scratch.my.salesforce.com/", "https://acme.scratch.my.salesforce.com", sandboxLogin, ""},
		{"sandbox", "https://acme--uat.sandbox.my.salesforce.com", "https://acme--uat.sandbox.my.salesforce.com", sandboxLogin, ""},
		{"salesforce", "https://acme--uat.sandbox.my.salesforce.com", "", "", "salesforce-sandbox"},
		{"salesforce", "https://acme.my.salesforce.com/.well-known/openid-configuration", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://acme.my.salesforce.com/.well-known/auth-configuration", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://acme.my.salesforce.com/services/oauth2/authorize?client_id=3MVG9&response_type=code", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://acme.my.salesforce.com/services/oauth2/authorize/expid_brand", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://acme.my.salesforce.com/secur/frontdoor.jsp?sid=x#top", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://acme.my.salesforce.com/001xx000003DGb2", "https://acme.my.salesforce.com", productionLogin, ""},

		// Pages of an org.
		{"salesforce", "https://acme.lightning.force.com/lightning/page/home", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://acme.lightning.force.com/one/one.app#/home", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://acme-dev-ed.develop.lightning.force.com/", "https://acme-dev-ed.develop.my.salesforce.com", productionLogin, ""},
		{"sandbox", "https://acme--uat.sandbox.lightning.force.com/lightning/setup/SetupOneHome/home", "https://acme--uat.sandbox.my.salesforce.com", sandboxLogin, ""},
		{"salesforce", "https://acme--uat.sandbox.lightning.force.com/", "", "", "salesforce-sandbox"},
		{"salesforce", "https://acme.my.salesforce-setup.com/lightning/setup/OrgDomain/home", "https://acme.my.salesforce.com", productionLogin, ""},
		{"sandbox", "https://acme--uat.sandbox.my.salesforce-setup.com/lightning/setup", "https://acme--uat.sandbox.my.salesforce.com", sandboxLogin, ""},
		{"salesforce", "https://acme--c.vf.force.com/apex/Page", "https://acme.my.salesforce.com", productionLogin, ""},
		{"salesforce", "https://acme-dev-ed--c.develop.vf.force.com/apex/Page", "https://acme-dev-ed.develop.my.salesforce.com", productionLogin, ""},
		{"sandbox", "https://acme--uat--pkg.sandbox.vf.force.com/apex/pkg__Page", "https://acme--uat.sandbox.my.salesforce.com", sandboxLogin, ""},
		{"salesforce", "https://acme--c.na35.visual.force.com/apex/Page", "", "", "My Domain"},
		{"salesforce", "https://acme--c.documentforce.com/", "", "", "My Domain"},
		{"salesforce", "https://na139.salesforce.com/home/home.jsp", "", "", "My Domain"},
		{"salesforce", "https://api.salesforce.com", "", "", "sign-in of its own"},
		{"salesforce", "https://help.salesforce.com/s/articleView?id=x", "", "", "My Domain"},
		{"salesforce", "https://www.salesforce.com", "", "", "My Domain"},
		{"salesforce", "https://salesforce.com", "", "", "My Domain"},
		{"salesforce", "https://my.salesforce.com", "", "", "My Domain"},

		// Experience Cloud.
		{"community", "https://acme.my.site.com", "https://acme.my.site.com", productionLogin, ""},
		{"community", "https://acme.my.site.com/partners", "https://acme.my.site.com/partners", productionLogin, ""},
		{"community", "https://acme.my.site.com/partners/", "https://acme.my.site.com/partners", productionLogin, ""},
		{"community", "https://acme.my.site.com/partners/s/", "https://acme.my.site.com/partners", productionLogin, ""},
		{"community", "https://acme.my.site.com/partners/s/login/?ec=302&startURL=%2Fpartners%2Fs%2F", "https://acme.my.site.com/partners", productionLogin, ""},
		{"community", "https://acme.my.site.com/s/topic/0TO/home", "https://acme.my.site.com", productionLogin, ""},
		{"community", "https://acme.my.site.com/partners/.well-known/openid-configuration", "https://acme.my.site.com/partners", productionLogin, ""},
		{"community", "https://acme.my.site.com/partners/services/oauth2/authorize?x=y", "https://acme.my.site.com/partners", productionLogin, ""},
		{"community", "https://acme.my.site.com/services/oauth2/token", "https://acme.my.site.com", productionLogin, ""},
		{"community", "https://acme--uat.sandbox.my.site.com/partners/login", "https://acme--uat.sandbox.my.site.com/partners", sandboxLogin, ""},
		{"community", "https://portal.acme.com/meterdata/services/oauth2/token", "https://portal.acme.com/meterdata", productionLogin, ""},
		{"community", "https://portal.acme.com", "https://portal.acme.com", productionLogin, ""},
		{"community", "https://acme.my.site.com/partners/some/page", "", "", "probably https://acme.my.site.com/partners "},
		{"community", "https://acme.my.site.com/%2e%2e/x", "", "", "page of a site"},
		{"community", "https://acme.my.site.com/..", "", "", "no site has"},
		{"community", "https://acme.my.site.com/a%2fb", "", "", "no site has"},
		{"community", "https://acme.my.salesforce.com", "", "", "no Experience Cloud site"},
		{"community", "https://login.salesforce.com", "", "", "no Experience Cloud site"},
		{"community", "https://acme.force.com/partners", "", "", "my.site.com"},
		{"community", "https://acme.builder.salesforce-experience.com/", "", "", "All Sites"},
		{"community", "https://acme.my.salesforce-sites.com/", "", "", "All Sites"},
		{"community", "https://acme.live.site.com/", "", "", "All Sites"},
		{"salesforce", "https://acme.my.site.com/partners", "", "", "salesforce-community"},

		// What is not Salesforce's, and what is no URL.
		{"salesforce", "https://acme.my.salesforce.com.evil.example", "", "", "only looks like"},
		{"salesforce", "https://login.salesforce.com.evil.example/services/oauth2/authorize", "", "", "only looks like"},
		{"salesforce", "https://evilsalesforce.com", "", "", "only looks like"},
		{"salesforce", "https://salesforce.com.evil.example", "", "", "only looks like"},
		{"community", "https://acme.my.site.com.evil.example", "", "", "only looks like"},
		{"salesforce", "https://acme.lightning.force.com.evil.example", "", "", "only looks like"},
		{"salesforce", "https://login.salesforce.com@evil.example", "", "", "should be a URL"},
		{"salesforce", "https://evil.example\\.my.salesforce.com", "", "", "should be a URL"},
		{"salesforce", "https://acme.my.sаlesforce.com", "", "", "should be a URL"}, // with a Cyrillic a
		{"salesforce", "https://acme.my.salesforce.com:8443", "", "", "names a port"},
		{"salesforce", "http://acme.my.salesforce.com", "", "", "https://"},
		{"salesforce", "ftp://acme.my.salesforce.com", "", "", "https://"},
		{"salesforce", "javascript://acme.my.salesforce.com", "", "", "https://"},
		{"salesforce", "acme", "", "", "should be a URL"},
		{"salesforce", "https://", "", "", "should be a URL"},
		{"salesforce", "https://acme my.salesforce.com", "", "", "should be a URL"},

		// Simulators.
		{"salesforce", "http://127.0.0.1:8081/", "http://127.0.0.1:8081", productionLogin, ""},
		{"community", "http://localhost:8081/h/site/prefix", "http://localhost:8081/h/site/prefix", productionLogin, ""},
		{"sandbox", "http://[::1]:8081", "http://[::1]:8081", sandboxLogin, ""},
		{"salesforce", "http://10.0.0.1:8081", "", "", "https://"},
	} {
		base, shared, err := loginHost(tt.pasted, kinds[tt.kind])
		var invalid *vault.Invalid
		switch {
		case base != tt.base || shared != tt.shared:
			t.Errorf("%s %q = %q, %q, %v", tt.kind, tt.pasted, base, shared, err)
		case tt.problem != "" && (!errors.As(err, &invalid) || invalid.Field != "options.login_url" || !strings.Contains(invalid.Problem, tt.problem)):
			t.Errorf("%s %q: %v", tt.kind, tt.pasted, err)
		}
	}
}

// FuzzLoginHost: whatever is pasted, what comes out is a plain base URL, which
// leads to itself.
func FuzzLoginHost(f *testing.F) {
	for _, s := range []string{"", "acme.my.salesforce.com", "https://acme--c.vf.force.com/x", "https://acme.my.site.com/partners/s/", "http://[::1]:1/a/b", "https://a@b", "https://portal.acme.com/%2e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pasted string) {
		for name, kind := range kinds {
			base, shared, err := loginHost(pasted, kind)
			if err != nil {
				var invalid *vault.Invalid
				if !errors.As(err, &invalid) || base != "" || shared != "" {
					t.Fatalf("%s %q = %q, %v", name, pasted, base, err)
				}
				continue
			}
			u, err := url.Parse(base)
			if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(base, "/") ||
				u.Scheme != "https" && !loopback(u.Hostname()) {
				t.Fatalf("%s %q = %q", name, pasted, base)
			}
			if again, _, err := loginHost(base, kind); again != base || err != nil {
				t.Fatalf("%s %q = %q, and that %q, %v", name, pasted, base, again, err)
			}
		}
	})
}

// TestPoint04IssuerIsOneOfAFewLetterByLetter tries issuers that are nearly one
// of the org's.
func TestPoint04IssuerIsOneOfAFewLetterByLetter(t *testing.T) {
	t.Parallel()
	s := &salesforceOrg{base: "https://acme.my.salesforce.com", shared: productionLogin}
	for _, issuer := range []string{
		"https://acme.my.salesforce.com/", "https://acme.my.salesforce.com.evil.example", "https://acme.my.salesforce.com@evil.example", "http://acme.my.salesforce.com",
		"https://evil.example/acme.my.salesforce.com", "https://evil.example/?https://acme.my.salesforce.com", "https://ACME.my.salesforce.com", "https://other.my.salesforce.com",
		"https://xacme.my.salesforce.com", "https://acme.my.salesforce.com:443", "https://login.salesforce.com/", "https://login.salesforce.com.evil.example",
		"https://test.salesforce.com", "https://evillogin.salesforce.com", "acme.my.salesforce.com", "https://my.salesforce.com", "",
	} {
		if slices.Contains(s.issuers("https://acme.my.salesforce.com"), issuer) {
			t.Errorf("%q is taken for an issuer", issuer)
		}
	}
	for _, issuer := range []string{"https://acme.my.salesforce.com", "https://login.salesforce.com"} {
		if !slices.Contains(s.issuers("https://acme.my.salesforce.com"), issuer) {
			t.Errorf("%q is not taken for an issuer", issuer)
		}
	}
	sandbox := &salesforceOrg{base: sandboxLogin, shared: sandboxLogin}
	if list := sandbox.issuers("https://acme--uat.sandbox.my.salesforce.com"); slices.Contains(list, productionLogin) || !slices.Contains(list, "https://acme--uat.sandbox.my.salesforce.com") {
		t.Errorf("issuers of a sandbox: %v", list)
	}
}
