package simulator_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"sallyport/connections/simulator"
)

func TestPasswordsAreBlockedUnlessTheOrgAllowsThem(t *testing.T) {
	o := start(t)
	form := url.Values{
		"grant_type": {"password"}, "username": {"ada@example.com"}, "password": {"engine-of-1843"}, "client_id": {key}, "client_secret": {secret},
	}
	o.refused(o.token(form), "unsupported_grant_type", "grant type not supported")
	o.Set(func() { o.Apps = []simulator.App{o.Apps[0]}; o.Apps[0].Connected = true })
	o.refused(o.token(form), "invalid_grant", "authentication failure")
	o.Set(func() { o.Org.AllowPasswords = true })
	r := o.token(form)
	if got := names(t, r.body); !slices.Equal(got, strings.Fields("access_token instance_url id token_type issued_at signature")) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	form.Set("password", "guess")
	o.refused(o.token(form), "invalid_grant", "authentication failure")
}
