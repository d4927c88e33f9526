package simulator_test

import (
	"net/url"
	"strings"
	"testing"
)

func TestJournalIsInOrderAndHasNoSecrets(t *testing.T) {
	o := start(t, orgs)
	set := o.signIn("nonce", "n-1")
	o.refresh(set)
	o.at("/h/acme").api(set)
	r := o.request("POST", "/services/oauth2/introspect", url.Values{"token": {set.AccessToken}})
	r.SetBasicAuth(key, secret)
	o.do(o.client(nil), r)
	var asked []string
	for _, e := range o.Journal() {
		asked = append(asked, e.Endpoint)
		if e.Status == 0 || e.Time.Unix() != noon {
			t.Errorf("%+v", e)
		}
	}
	want := "authorize login authorize:resume consent authorize:resume token:authorization_code token:refresh_token limits introspect"
	if got := strings.Join(asked, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	answer := o.admin("GET", "/journal?after=5").body
	for _, want := range []string{`[{"number":6,`, `"host":"/h/acme"`, `"error":"INVALID_SESSION_ID"`, `"client":"` + key + `"`, `"grant_type":"refresh_token"`, `"refresh_token":"…"`} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %s in %s", want, answer)
		}
	}
	everything := o.admin("GET", "/journal").body
	for _, not := range []string{secret, set.AccessToken, set.RefreshToken, "n-1", "s t+1", "engine-of-1843", "aPrx"} {
		if strings.Contains(everything, not) {
			t.Errorf("%s in %s", not, everything)
		}
	}
	if r := o.admin("GET", "/counts"); !strings.Contains(r.body, `"token:refresh_token":1`) || !strings.Contains(r.body, `"replays":0`) {
		t.Error(r.body)
	}
}
