package simulator_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"sallyport/connections/simulator"
)

func TestRESTRefusesTokensWith401AndAnArray(t *testing.T) {
	o := start(t)
	for _, path := range []string{"/services/data/v65.0", "/services/data/v65.0/limits", "/services/data/v65.0/query?q=x", "/services/data/v65.0/nothing", "/services/data/v1.0/x"} {
		for _, token := range []string{"", "00D!nothing"} {
			o.expect(o.get(path, token), 401, asJSON, `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`)
		}
	}
	o.expect(o.get("/services/data/v65.0/limits", o.signIn("scope", "openid").AccessToken), 401, asJSON,
		`[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]`)
}

func TestVersionsNeedNoToken(t *testing.T) {
	o := start(t)
	for _, path := range []string{"/services/data", "/services/data/"} {
		r := o.get(path, "")
		if r.StatusCode != 200 || !strings.Contains(r.body, `{"label":"Winter '26","url":"/services/data/v65.0","version":"65.0"}`) ||
			!strings.Contains(r.body, `"Spring '24","url":"/services/data/v60.0"`) || !strings.Contains(r.body, `"Summer '24","url":"/services/data/v61.0"`) {
			t.Errorf("%d %s", r.StatusCode, r.body)
		}
	}
}

func TestRESTResources(t *testing.T) {
	o := start(t)
	set := o.signIn()
	get := func(path string) response { return o.get("/services/data/v65.0"+path, set.AccessToken) }
	r := get("/")
	if !strings.Contains(r.body, `"identity":"`+set.ID+`"`) || r.Header.Get("Sforce-Limit-Info") != "api-usage=1/15000" {
		t.Errorf("%v %s", r.Header, r.body)
	}
	if r := get("/limits"); r.Header.Get("Sforce-Limit-Info") != "api-usage=2/15000" || !strings.Contains(r.body, `"DailyApiRequests":{"Max":15000,"Remaining":14998}`) {
		t.Errorf("%v %s", r.Header, r.body)
	}
	if r := get("/sobjects/User/005Sa000000adaLIAQ"); r.StatusCode != 200 || !strings.Contains(r.body, `"Username":"ada@example.com"`) ||
		!strings.Contains(r.body, `"attributes":{"type":"User","url":"/services/data/v65.0/sobjects/User/005Sa000000adaLIAQ"}`) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if r := get("/chatter/users/me"); !strings.Contains(r.body, `"username":"ada@example.com"`) {
		t.Error(r.body)
	}
	const notFound = `[{"message":"The requested resource does not exist","errorCode":"NOT_FOUND"}]`
	for _, path := range []string{"/sobjects/User/005Sa000000nonoIAA", "/sobjects/Nothing/1", "/nothing"} {
		o.expect(get(path), 404, asJSON, notFound)
	}
	for _, version := range []string{"v30.0", "v68.0", "65.0", "v65", "x"} {
		o.expect(o.get("/services/data/"+version+"/limits", set.AccessToken), 404, asJSON, notFound)
	}
}

func TestOtherAuthorizationSchemeOfSalesforce(t *testing.T) {
	o := start(t)
	r := o.request("GET", "/services/data/v65.0/limits", nil)
	r.Header.Set("Authorization", "OAuth "+o.signIn().AccessToken)
	if resp := o.do(o.client(nil), r); resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, resp.body)
	}
}

func TestQuery(t *testing.T) {
	o := start(t, func(s *simulator.Salesforce, _ *simulator.App) { s.Org.Sandbox = true })
	token := o.signIn().AccessToken
	query := func(q string) response {
		return o.get("/services/data/v65.0/query?q="+url.QueryEscape(q), token)
	}
	o.expect(query("SELECT Name FROM Account WHERE Name = 'nightjar instruments'"), 200, asJSON,
		`{"totalSize":1,"done":true,"records":[{"Name":"Nightjar Instruments","attributes":{"type":"Account","url":"/services/data/v65.0/sobjects/Account/001Sa000000acc3IAA"}}]}`)
	o.expect(query("SELECT Name FROM Account WHERE Name = 'x'"), 200, asJSON, `{"totalSize":0,"done":true,"records":[]}`)
	for _, test := range []struct{ query, column, want string }{
		{"select id, lastname from contact order by LASTNAME limit 2", "LastName", "Bobbin Gangway"},
		{"SELECT Name FROM Account ORDER BY NumberOfEmployees DESC LIMIT 2", "Name", "O'Quill Paper,Difference Loom Works"},
		{"SELECT Name FROM Account WHERE NumberOfEmployees = 46", "Name", "Harbour & Sparrow"},
		{"SELECT Name FROM Account WHERE NumberOfEmployees = null", "Name", "O'Quill Paper"},
		{`SELECT Name FROM Contact WHERE LastName = 'O\'Quill'`, "Name", "Wren O'Quill"},
		{"SELECT Name FROM Contact WHERE Email = 'null'", "Name", ""},
		{"SELECT Username FROM User WHERE IsActive = TRUE ORDER BY Username DESC", "Username", "grace@example.com ada@example.com"},
		{"SELECT Name, InstanceName, IsSandbox, TrialExpirationDate, NamespacePrefix FROM Organization", "InstanceName", "SIM1"},
		{"SELECT Id FROM Account LIMIT 0", "Id", ""},
	} {
		r := query(test.query)
		var result struct{ Records []map[string]any }
		if err := json.Unmarshal([]byte(r.body), &result); err != nil || r.StatusCode != 200 {
			t.Errorf("%s: %d %s", test.query, r.StatusCode, r.body)
			continue
		}
		var got []string
		for _, record := range result.Records {
			got = append(got, record[test.column].(string))
		}
		if strings.Join(got, ",") != test.want && strings.Join(got, " ") != test.want {
			t.Errorf("%s: %v", test.query, got)
		}
	}
	for q, want := range map[string]string{
		"":                                     `[{"message":"unexpected end of query","errorCode":"MALFORMED_QUERY"}]`,
		"SELECT FROM Account":                  `[{"message":"unexpected token: FROM","errorCode":"MALFORMED_QUERY"}]`,
		"SELECT Id FROM Account LIMIT x":       `[{"message":"unexpected token: x","errorCode":"MALFORMED_QUERY"}]`,
		"SELECT Id FROM Account LIMIT 1 x":     `[{"message":"unexpected token: x","errorCode":"MALFORMED_QUERY"}]`,
		"SELECT Id FROM Account WHERE Id = 'x": `[{"message":"line has no closing quote","errorCode":"MALFORMED_QUERY"}]`,
		"SELECT * FROM Account":                `[{"message":"unexpected character '*'","errorCode":"MALFORMED_QUERY"}]`,
		"SELECT Id FROM ScratchOrgInfo":        `[{"message":"sObject type 'ScratchOrgInfo' is not supported.","errorCode":"INVALID_TYPE"}]`,
		"SELECT Nope FROM Account":             `[{"message":"No such column 'Nope' on entity 'Account'.","errorCode":"INVALID_FIELD"}]`,
	} {
		o.expect(query(q), 400, asJSON, want)
	}
}

func FuzzSOQL(f *testing.F) {
	for _, q := range []string{
		"SELECT Id FROM Account",
		"select Id,Name from Contact where LastName = 'O\\'Quill' order by Name desc limit 3",
		"SELECT a.b FROM User WHERE IsActive = true ORDER BY x ASC",
		"SELECT Id FROM X WHERE n = 1.5 LIMIT 0", "SELECT ', FROM", "=,'\\",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		once, err := simulator.CanonicalSOQL(q)
		if err != nil {
			return
		}
		twice, err := simulator.CanonicalSOQL(once)
		if err != nil || once != twice {
			t.Errorf("%q reads as %q, which reads as %q, %v", q, once, twice, err)
		}
	})
}
