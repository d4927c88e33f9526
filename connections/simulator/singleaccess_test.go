package simulator_test

import (
	"net/url"
	"strings"
	"testing"
)

func TestSingleAccess(t *testing.T) {
	o := start(t)
	set := o.signIn()
	r := o.post("/services/oauth2/singleaccess", url.Values{"access_token": {set.AccessToken}})
	if r.StatusCode != 200 || !strings.HasPrefix(r.body, `{"frontdoor_uri":"`+o.url+`/secur/frontdoor.jsp?otp=`) || strings.Contains(r.body, set.AccessToken) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	o.expect(o.post("/services/oauth2/singleaccess", url.Values{"access_token": {"00D!nothing"}}), 403, asText, "Bad_OAuth_Token")
}

func TestAuthConfigurationIsOfOneOrg(t *testing.T) {
	o := start(t, orgs)
	h := o.at("/h/acme")
	if r := h.get("/.well-known/auth-configuration", ""); r.StatusCode != 200 || !strings.HasPrefix(r.body, `{"OrgId":"00D`) || !strings.Contains(r.body, `"Url":"`+h.url+`"`) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if r := o.at("/h/login.salesforce").get("/.well-known/auth-configuration", ""); r.StatusCode != 404 {
		t.Errorf("at the login host: %d", r.StatusCode)
	}
	if r := o.get("/.well-known/oauth-authorization-server", ""); r.StatusCode != 404 {
		t.Errorf("RFC 8414: %d", r.StatusCode)
	}
}
