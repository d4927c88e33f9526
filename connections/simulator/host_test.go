package simulator_test

import (
	"encoding/json"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"

	"sallyport/connections/simulator"
)

// orgs are an org at the root, two of production and a sandbox of one of them,
// whose copy of Mary has the ID that she has in production.
func orgs(s *simulator.Salesforce, a *simulator.App) {
	mary := simulator.User{ID: "005Sa000000mary", Username: "mary@acme.example", Password: "somerville"}
	copied := mary
	copied.Username += ".uat"
	s.Orgs = []simulator.Org{
		{MyDomain: "acme", Name: "Acme", Users: []simulator.User{mary}, Sites: []simulator.Site{{}, {Path: "partners"}}},
		{MyDomain: "zenith", RecentMetadata: true, Users: []simulator.User{{Username: "joan@zenith.example", Password: "clarke"}}},
		{MyDomain: "acme--uat", Sandbox: true, Users: []simulator.User{copied}},
	}
	a.RunAs = "mary@acme.example"
	certified(s, a)
	a.Preauthorized = false
}

func (b *browser) as(username, password string) *browser {
	b.username, b.password = username, password
	return b
}

// signInAs is a whole sign-in at the host.
func (o *org) signInAs(username, password string) tokenSet {
	o.t.Helper()
	return o.tokenSet(redemption(o.browser().as(username, password).authorize(request("scope", "openid api refresh_token")).Get("code")))
}

// claimsOf verifies a JWT with the keys that the host publishes.
func (o *org) claimsOf(token string) map[string]any {
	o.t.Helper()
	_, claims := o.verify(token)
	return claims
}

func TestEachHostSignsInItsOrgsAndIsTheIssuer(t *testing.T) {
	o := start(t, orgs)
	for _, test := range []struct{ host, username, password, login, instance string }{
		{"", "ada@example.com", "engine-of-1843", "", ""},
		{"/h/login.salesforce", "mary@acme.example", "somerville", "/h/login.salesforce", "/h/acme"},
		{"/h/login.salesforce", "joan@zenith.example", "clarke", "/h/login.salesforce", "/h/zenith"},
		{"/h/acme", "mary@acme.example", "somerville", "/h/login.salesforce", "/h/acme"},
		{"/h/acme.site", "mary@acme.example", "somerville", "/h/login.salesforce", "/h/acme"},
		{"/h/acme.site/partners", "mary@acme.example", "somerville", "/h/login.salesforce", "/h/acme"},
		{"/h/test.salesforce", "mary@acme.example.uat", "somerville", "/h/test.salesforce", "/h/acme--uat"},
		{"/h/acme--uat", "mary@acme.example.uat", "somerville", "/h/test.salesforce", "/h/acme--uat"},
	} {
		h := o.at(test.host)
		set := h.signInAs(test.username, test.password)
		if set.InstanceURL != o.url+test.instance || !strings.HasPrefix(set.ID, o.url+test.login+"/id/00D") {
			t.Errorf("%s: %+v", test.host, set)
		}
		claims := h.claimsOf(set.IDToken)
		if claims["iss"] != h.url || claims["sub"] != set.ID {
			t.Errorf("%s: issuer %v, subject %v", test.host, claims["iss"], claims["sub"])
		}
		if !o.at(test.instance).alive(set.AccessToken) {
			t.Errorf("%s: no use at the instance", test.host)
		}
		if id := o.at(strings.TrimPrefix(set.ID, o.url)).get("", set.AccessToken); id.StatusCode != 200 || !strings.Contains(id.body, `"custom_domain":"`+set.InstanceURL+`"`) {
			t.Errorf("%s: identity URL: %d %s", test.host, id.StatusCode, id.body)
		}
	}
}

func TestCopiedUserIsToldApartByTheOrg(t *testing.T) {
	o := start(t, orgs)
	real, copied := o.at("/h/login.salesforce").signInAs("mary@acme.example", "somerville"), o.at("/h/test.salesforce").signInAs("mary@acme.example.uat", "somerville")
	a, b := strings.Split(real.ID, "/"), strings.Split(copied.ID, "/")
	if a[len(a)-1] != b[len(b)-1] || a[len(a)-2] == b[len(b)-2] || real.AccessToken == copied.AccessToken {
		t.Errorf("%s and %s", real.ID, copied.ID)
	}
}

func TestOrgsAreStrangersToOneAnother(t *testing.T) {
	o := start(t, orgs)
	if r := o.at("/h/zenith").browser().as("mary@acme.example", "somerville"); !strings.Contains(r.login(r.get(authorizePath(request()))).body, "Check your username") {
		t.Error("signs in at another org's My Domain")
	}
	set := o.at("/h/login.salesforce").signInAs("mary@acme.example", "somerville")
	for _, host := range []string{"", "/h/zenith", "/h/test.salesforce", "/h/acme--uat"} {
		h := o.at(host)
		h.refused(h.token(refreshment(set.RefreshToken)), "invalid_grant", "expired access/refresh token")
		h.expect(h.get("/services/data/v65.0/limits", set.AccessToken), 401, asJSON, `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`)
		h.expect(h.get("/services/oauth2/userinfo", set.AccessToken), 403, asText, "Bad_OAuth_Token")
		if got := h.introspection(set.AccessToken) + h.introspection(set.RefreshToken); got != `{"active":false}{"active":false}` {
			t.Errorf("%s: %s", host, got)
		}
		if r := h.post("/services/oauth2/revoke?token="+set.AccessToken, nil); r.StatusCode != 400 {
			t.Errorf("%s revokes", host)
		}
	}
	login := o.at("/h/login.salesforce")
	login.expect(login.get("/services/data/v65.0/limits", set.AccessToken), 401, asJSON, `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`)
	if r := login.get("/services/oauth2/userinfo", set.AccessToken); r.StatusCode != 200 {
		t.Errorf("user info at the login host: %d", r.StatusCode)
	}
	if next := o.at("/h/acme").tokenSet(refreshment(set.RefreshToken)); next.ID != set.ID {
		t.Errorf("refreshed at the My Domain: %+v", next)
	}
}

func TestDiscoveryByHost(t *testing.T) {
	o := start(t, orgs)
	const common = "issuer authorization_endpoint token_endpoint revocation_endpoint userinfo_endpoint jwks_uri registration_endpoint introspection_endpoint " +
		"scopes_supported response_types_supported subject_types_supported id_token_signing_alg_values_supported display_values_supported " +
		"token_endpoint_auth_methods_supported claims_supported"
	const logout = "end_session_endpoint frontchannel_logout_supported frontchannel_logout_session_supported "
	for host, want := range map[string]string{
		"/h/login.salesforce": common, "/h/test.salesforce": common, "/h/acme": logout + common, "/h/acme.site/partners": logout + common, "": logout + common,
		"/h/zenith": logout + common + " dpop_signing_alg_values_supported code_challenge_methods_supported grant_types_supported",
	} {
		h := o.at(host)
		r := h.get("/.well-known/openid-configuration", "")
		var m map[string]any
		if err := json.Unmarshal([]byte(r.body), &m); err != nil || m["issuer"] != h.url || m["jwks_uri"] != h.url+"/id/keys" {
			t.Errorf("%s: %v %s", host, err, r.body)
		}
		for _, name := range strings.Fields(want) {
			at := strings.Index(r.body, `"`+name+`":`)
			if at < 0 {
				t.Errorf("%s: no %s", host, name)
			}
			delete(m, name)
		}
		if len(m) > 0 {
			t.Errorf("%s: also %v", host, m)
		}
	}
}

func TestIssuerIsTheOneThatTheOrgChose(t *testing.T) {
	o := start(t, orgs)
	for issuer, want := range map[simulator.Issuer]string{
		simulator.IssuerHost: "/h/acme.site/partners", simulator.IssuerLogin: "/h/login.salesforce", simulator.IssuerMyDomain: "/h/acme",
	} {
		o.Set(func() {
			orgs := slices.Clone(o.Orgs)
			orgs[0].Issuer = issuer
			o.Orgs = orgs
		})
		set := o.at("/h/acme.site/partners").signInAs("mary@acme.example", "somerville")
		if claims := o.at(want).claimsOf(set.IDToken); claims["iss"] != o.url+want {
			t.Errorf("%v, want %s", claims["iss"], want)
		}
	}
}

func TestJWTAccessTokenIsOfTheMyDomain(t *testing.T) {
	o := start(t, orgs, func(_ *simulator.Salesforce, a *simulator.App) { a.JWTAccessTokens = true })
	set := o.at("/h/login.salesforce").signInAs("mary@acme.example", "somerville")
	claims := o.at("/h/acme").claimsOf(set.AccessToken)
	if claims["iss"] != o.url+"/h/acme" || claims["aud"].([]any)[0] != o.url+"/h/acme" || claims["sub"] != "uid:005Sa000000maryIAA" {
		t.Errorf("%v", claims)
	}
}

func TestSitesNameThemselvesInTokenResponses(t *testing.T) {
	o := start(t, orgs)
	h := o.at("/h/acme.site/partners")
	r := h.token(redemption(h.browser().as("mary@acme.example", "somerville").authorize(request("scope", "api")).Get("code")))
	if got := names(t, r.body); !slices.Equal(got, strings.Fields("access_token signature scope instance_url id token_type issued_at sfdc_community_url sfdc_community_id")) ||
		!strings.Contains(r.body, `"sfdc_community_url":"`+h.url+`"`) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	r = h.token(jwtBearer(signers()[0].assertion(h.claims(map[string]any{"sub": "mary@acme.example"}))))
	if got := names(t, r.body); !slices.Equal(got, strings.Fields("access_token scope instance_url id token_type sfdc_site_url sfdc_site_id")) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

func TestClientCredentialsAreForTheMyDomain(t *testing.T) {
	o := start(t, orgs)
	for _, host := range []string{"/h/login.salesforce", "/h/test.salesforce", "/h/acme.site/partners"} {
		h := o.at(host)
		h.refused(h.token(clientCredentials()), "invalid_grant", "request not supported on this domain")
	}
	for _, host := range []string{"", "/h/zenith"} { // where the user is not
		h := o.at(host)
		h.refused(h.token(clientCredentials()), "invalid_grant", "no client credentials user enabled")
	}
	if set := o.at("/h/acme").tokenSet(clientCredentials()); set.InstanceURL != o.url+"/h/acme" || !strings.HasPrefix(set.ID, o.url+"/h/login.salesforce/id/") {
		t.Errorf("%+v", set)
	}
}

func TestAssertionsAreForTheirEnvironment(t *testing.T) {
	o := start(t, orgs, func(_ *simulator.Salesforce, a *simulator.App) { a.Preauthorized = true })
	for _, test := range []struct {
		host, user, aud, description string
	}{
		{"/h/login.salesforce", "mary@acme.example", o.url + "/h/login.salesforce", ""},
		{"/h/login.salesforce", "mary@acme.example", o.url + "/h/acme", ""},
		{"/h/login.salesforce", "mary@acme.example", "https://login.salesforce.com", ""},
		{"/h/test.salesforce", "mary@acme.example.uat", "https://test.salesforce.com", ""},
		{"/h/acme--uat", "mary@acme.example.uat", "test.salesforce.com", ""},
		{"/h/acme.site/partners", "mary@acme.example", o.url + "/h/acme.site/partners", ""},
		{"/h/test.salesforce", "mary@acme.example.uat", "https://login.salesforce.com", "Audience validation failed"},
		{"/h/acme", "mary@acme.example", "https://test.salesforce.com", "Audience validation failed"},
		{"/h/zenith", "mary@acme.example", "https://login.salesforce.com", "user hasn't approved this consumer"},
		{"/h/test.salesforce", "mary@acme.example", "https://test.salesforce.com", "user hasn't approved this consumer"},
	} {
		h := o.at(test.host)
		r := h.token(jwtBearer(signers()[0].assertion(h.claims(map[string]any{"sub": test.user, "aud": test.aud}))))
		switch {
		case test.description != "":
			h.refused(r, "invalid_grant", test.description)
		case r.StatusCode != 200:
			t.Errorf("%+v: %s", test, r.body)
		}
	}
}

func TestAppIsOnlyInTheOrgsThatHaveIt(t *testing.T) {
	o := start(t, orgs, func(_ *simulator.Salesforce, a *simulator.App) { a.InstalledIn = []string{"acme"} })
	o.at("/h/login.salesforce").signInAs("mary@acme.example", "somerville")
	b := o.at("/h/login.salesforce").browser().as("joan@zenith.example", "clarke")
	if r := b.login(b.get(authorizePath(request()))); r.StatusCode != 400 || !strings.Contains(r.body, "OAUTH_EC_APP_NOT_FOUND") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	form := jwtBearer(signers()[0].assertion(o.claims(map[string]any{"sub": "joan@zenith.example", "aud": "https://login.salesforce.com"})))
	o.refused(o.at("/h/login.salesforce").token(form), "app_not_found", "External client app is not installed in this org")
	o.Set(func() { o.Apps = []simulator.App{o.Apps[0]}; o.Apps[0].Connected = true })
	o.refused(o.at("/h/login.salesforce").token(form), "invalid_client_id", "client identifier invalid")
	if r := b.get(authorizePath(request())); r.StatusCode != 400 || !strings.Contains(r.body, "OAUTH_APPROVAL_ERROR_GENERIC") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

func TestEachHostHasACookieOfItsOwn(t *testing.T) {
	o := start(t, orgs)
	jar, _ := cookiejar.New(nil)
	pages := func(host, username, password string) int {
		b := o.at(host).browser().as(username, password)
		b.http.Jar = jar
		if q := b.authorize(request()); q.Get("code") == "" {
			t.Errorf("%s: %v", host, q)
		}
		return len(b.pages)
	}
	for range 2 {
		o.RevokeUser("mary@acme.example")
		pages("", "ada@example.com", "engine-of-1843")
		pages("/h/acme", "mary@acme.example", "somerville")
		pages("/h/login.salesforce", "joan@zenith.example", "clarke")
	}
	if n := pages("", "ada@example.com", "engine-of-1843") + pages("/h/login.salesforce", "joan@zenith.example", "clarke") + pages("/h/acme", "mary@acme.example", "somerville"); n != 0 {
		t.Errorf("%d pages for users who are signed in", n)
	}
}

func TestThereIsNoOtherHost(t *testing.T) {
	o := start(t, orgs)
	for _, path := range []string{"/h/nobody/services/data", "/h//services/data", "/h/", "/h/zenith.site/services/data", "/h/acme.sites/services/data"} {
		if r := o.get(path, ""); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if r := o.at("/h/login.salesforce").get("//id/00D/005", ""); r.StatusCode != 403 {
		t.Errorf("double slash: %d %s", r.StatusCode, r.body)
	}
}
