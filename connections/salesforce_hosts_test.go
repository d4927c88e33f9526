package connections_test

import (
	"maps"
	"testing"
	"time"

	"sallyport/connections/simulator"
	"sallyport/connections/simulator/simtest"
)

// TestSignInAtEachKindOfHost has a user sign in where the connection's login_url
// is a login host, a My Domain or a site, with whatever issuer the org chooses;
// then the org moves.
func TestSignInAtEachKindOfHost(t *testing.T) {
	t.Parallel()
	o := start(t, nil)
	o.Orgs = []simulator.Org{
		{MyDomain: "acme", Sites: []simulator.Site{{Path: "partners"}}, Users: []simulator.User{{ID: "005Sa000000mary", Username: "mary@acme.example", Password: "somerville"}}},
		{MyDomain: "acme--uat", Sandbox: true, Users: []simulator.User{{ID: "005Sa000000mary", Username: "mary@acme.example.uat", Password: "somerville"}}},
	}
	subjects := map[string]bool{}
	for _, test := range []struct{ host, username, fault, instance string }{
		{"/h/login.salesforce", "mary@acme.example", "issuer-is-login", "/h/acme"},
		{"/h/login.salesforce", "mary@acme.example", "issuer-is-my-domain", "/h/acme"},
		{"/h/acme", "mary@acme.example", "issuer-is-my-domain", "/h/acme"},
		{"/h/acme.site/partners", "mary@acme.example", "issuer-is-my-domain", "/h/acme"},
		{"/h/acme.site/partners", "mary@acme.example", "", "/h/acme"},
		{"/h/test.salesforce", "mary@acme.example.uat", "", "/h/acme--uat"},
		{"/h/acme--uat", "mary@acme.example.uat", "", "/h/acme--uat"},
	} {
		if test.fault != "" {
			if err := o.Trigger(test.fault, simulator.Target{}); err != nil {
				t.Fatal(err)
			}
		}
		c := o.connection
		c.Options = maps.Clone(c.Options)
		c.Options["login_url"] = o.url + test.host
		p := o.open(t, c)
		page, err := simtest.NewPerson(test.username, "somerville").Visit(authCodeURL(t, p, login()), issuer)
		if err != nil {
			t.Fatal(err)
		}
		i, ts, err := p.Exchange(t.Context(), login(), page.URL.Query().Get("code"))
		if err != nil {
			t.Errorf("%+v: %v", test, err)
			continue
		}
		subjects[i.Subject] = true
		if i.UserID != "005Sa000000maryIAA" || ts.Params["instance_url"] != o.url+test.instance {
			t.Errorf("%+v: identity %+v, instance %s", test, i, ts.Params["instance_url"])
		}
		if left := time.Until(ts.Expires); left < time.Hour {
			t.Errorf("%+v: introspection was not heard: %v", test, left)
		}
		if test.fault != "" {
			if err := o.End(test.fault, simulator.Target{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(subjects) != 2 {
		t.Errorf("a sandbox's user is taken for the org's: %v", subjects)
	}
}
