package connections

import (
	"strings"
	"testing"
)

// TestPastedAddressTellsTheEnvironment: whatever was chosen, an address that is
// only of one kind decides, and one that fits what was chosen does not.
func TestPastedAddressTellsTheEnvironment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ address, chosen, strategy, loginURL, problem string }{
		{"", "salesforce", "salesforce", "", ""},
		{"", "salesforce-sandbox", "salesforce-sandbox", "", ""},
		{"", "salesforce-community", "", "", "All Sites"},
		{"https://login.salesforce.com/", "salesforce-sandbox", "salesforce", "", ""},
		{"test.salesforce.com", "salesforce", "salesforce-sandbox", "", ""},
		{"https://acme.lightning.force.com/lightning/page/home", "salesforce", "salesforce", "https://acme.my.salesforce.com", ""},
		{"https://acme.my.salesforce-setup.com/lightning/setup/SetupOneHome/home", "salesforce-community", "salesforce", "https://acme.my.salesforce.com", ""},
		{"https://acme.my.salesforce.com/.well-known/openid-configuration", "", "salesforce", "https://acme.my.salesforce.com", ""},
		{"https://acme--uat.sandbox.my.salesforce.com", "salesforce", "salesforce-sandbox", "https://acme--uat.sandbox.my.salesforce.com", ""},
		{"https://acme.scratch.my.salesforce.com", "salesforce-sandbox", "salesforce-sandbox", "https://acme.scratch.my.salesforce.com", ""},
		{"https://acme.my.site.com/partners/s/", "salesforce", "salesforce-community", "https://acme.my.site.com/partners", ""},
		{"https://portal.acme.com/s/login", "salesforce-community", "salesforce-community", "https://portal.acme.com", ""},
		{"https://na139.salesforce.com", "salesforce", "", "", "My Domain"},
		{"https://acme.my.salesforce.com.evil.example", "salesforce", "", "", "only looks like"},
		{"javascript:alert(1)", "salesforce", "", "", "should be a URL"},
	} {
		strategy, loginURL, err := SalesforceAt(tt.address, tt.chosen)
		problem := ""
		if err != nil {
			problem = err.Error()
		}
		if strategy != tt.strategy || loginURL != tt.loginURL || (tt.problem == "") != (err == nil) || !strings.Contains(problem, tt.problem) {
			t.Errorf("%q as %s: %q, %q, %v", tt.address, tt.chosen, strategy, loginURL, err)
		}
	}
}
