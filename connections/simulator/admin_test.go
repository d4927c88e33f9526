package simulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport/connections/simulator"
)

// admin asks the admin API.
func (o *org) admin(method, path string) response {
	o.t.Helper()
	server := httptest.NewServer(o.Admin())
	defer server.Close()
	r, err := http.NewRequestWithContext(o.t.Context(), method, server.URL+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return o.do(server.Client(), r)
}

func TestAdminRefusesWhatThereIsNot(t *testing.T) {
	o := start(t)
	for _, test := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"POST", "/faults/earthquake", 404, `there is no fault \"earthquake\": the faults are refresh-held, response-lost, `},
		{"POST", "/faults/user-revoked?user=nobody@example.com", 400, `there is no user \"nobody@example.com\"`},
		{"POST", "/faults/app-blocked?app=3MVG9other", 400, `there is no app \"3MVG9other\"`},
		{"POST", "/faults/org-suspended?org=acme", 400, `there is no org \"acme\"`},
		{"POST", "/faults/maintenance?endpoint=tokens", 400, `there is no endpoint \"tokens\"`},
		{"POST", "/faults/maintenance?times=0", 400, "times is"},
		{"POST", "/faults/slow?for=soon", 400, "for is"},
		{"POST", "/faults/slow?duration=1s", 400, `there is no parameter \"duration\"`},
		{"DELETE", "/faults/maintenance", 400, "does not last"},
		{"GET", "/journal?after=x", 400, "after is"},
		{"GET", "/nothing", 404, ""},
	} {
		if r := o.admin(test.method, test.path); r.StatusCode != test.status || !strings.Contains(r.body, test.says) {
			t.Errorf("%s %s: %d %s", test.method, test.path, r.StatusCode, r.body)
		}
	}
}

func TestAdminForgetsFaultsThatWait(t *testing.T) {
	o := start(t)
	o.begin("maintenance", "times=3")
	if r := o.admin("GET", "/counts"); !strings.Contains(r.body, `"waiting":3`) {
		t.Error(r.body)
	}
	o.admin("DELETE", "/faults")
	o.signIn()
}

func TestAdminListsFaults(t *testing.T) {
	o := start(t)
	var list []simulator.Fault
	if err := json.Unmarshal([]byte(o.admin("GET", "/faults").body), &list); err != nil || len(list) != len(simulator.Faults()) || list[0].Does == "" {
		t.Errorf("%v %v", err, list)
	}
}

func TestAdminIsNotForPagesOfOtherSites(t *testing.T) {
	o := start(t)
	r := httptest.NewRequest("POST", "/faults/all-revoked", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	if o.Admin().ServeHTTP(w, r); w.Code != 403 {
		t.Errorf("%d", w.Code)
	}
}
