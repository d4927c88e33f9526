package simulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/connections/simulator"
)

const (
	key      = "3MVG9.simulated.key"
	secret   = "5DEADBEEF0123456789"
	callback = "https://gateway.example/login/callback"
)

// org is a running simulator.
type org struct {
	*simulator.Salesforce
	t   *testing.T
	url string // of the host that is asked
	now *clock
	via http.RoundTripper // of its own: closing a test server disturbs http.DefaultTransport
}

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// start runs an org with one app, which the changes are made to.
func start(t *testing.T, changes ...func(*simulator.Salesforce, *simulator.App)) *org {
	t.Helper()
	t.Parallel()
	now := &clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	sf := &simulator.Salesforce{Now: now.Now, Apps: []simulator.App{{
		Name: "Gateway", ConsumerKey: key, ConsumerSecret: secret, Callbacks: []string{callback, "https://gateway.example/other?x=1"},
	}}}
	for _, change := range changes {
		change(sf, &sf.Apps[0])
	}
	sf.Warm()
	server := httptest.NewServer(sf)
	t.Cleanup(server.Close)
	return &org{sf, t, server.URL, now, server.Client().Transport}
}

// at is the same simulator, asked at another of its hosts.
func (o *org) at(path string) *org {
	other := *o
	other.url += path
	return &other
}

// response is an answer that has been read.
type response struct {
	*http.Response
	body string
}

func (o *org) do(c *http.Client, r *http.Request) response {
	o.t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return response{resp, string(body)}
}

func (o *org) request(method, path string, form url.Values) *http.Request {
	o.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, body)
	if err != nil {
		o.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// post sends a form and follows nothing.
func (o *org) post(path string, form url.Values) response {
	o.t.Helper()
	return o.do(o.client(nil), o.request("POST", path, form))
}

// get sends an access token along, if there is one.
func (o *org) get(path, token string) response {
	o.t.Helper()
	r := o.request("GET", path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return o.do(o.client(nil), r)
}

// client follows no redirects.
func (o *org) client(jar http.CookieJar) *http.Client {
	return &http.Client{Transport: o.via, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// browser is a person with a browser.
type browser struct {
	*org
	http               *http.Client
	username, password string
	pages              []string // that were shown, by the path of their form
}

func (o *org) browser() *browser {
	o.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	ada := simulator.DefaultUsers()[0]
	return &browser{o, o.client(jar), ada.Username, ada.Password, nil}
}

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]+)"`)
	hidden     = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// get goes where a link or a redirect within Salesforce leads.
func (b *browser) get(path string) response {
	b.t.Helper()
	r := b.do(b.http, b.request("GET", path, nil))
	for r.StatusCode/100 == 3 && strings.HasPrefix(r.Header.Get("Location"), "/") {
		r = b.do(b.http, b.request("GET", b.within(r.Header.Get("Location")), nil))
	}
	return r
}

// within is a path of the simulator as one of this host.
func (b *browser) within(path string) string {
	b.t.Helper()
	u, err := url.Parse(b.url)
	if err != nil || !strings.HasPrefix(path, u.Path) {
		b.t.Fatalf("%s is not at %s", path, b.url)
	}
	return strings.TrimPrefix(path, u.Path)
}

// submit fills in the form of a page and sends it.
func (b *browser) submit(page response, fields url.Values) response {
	b.t.Helper()
	action := formAction.FindStringSubmatch(page.body)
	if action == nil {
		b.t.Fatalf("no form in %d %s", page.StatusCode, page.body)
	}
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page.body, -1) {
		form.Set(m[1], m[2])
	}
	for name, values := range fields {
		form[name] = values
	}
	b.pages = append(b.pages, b.within(action[1]))
	r := b.do(b.http, b.request("POST", b.within(action[1]), form))
	if r.StatusCode/100 == 3 && strings.HasPrefix(r.Header.Get("Location"), "/") {
		return b.get(b.within(r.Header.Get("Location")))
	}
	return r
}

func (b *browser) login(page response) response {
	b.t.Helper()
	return b.submit(page, url.Values{"username": {b.username}, "password": {b.password}})
}

// authorize walks through whatever pages come and returns what the callback
// is told.
func (b *browser) authorize(q url.Values) url.Values {
	b.t.Helper()
	r := b.get(authorizePath(q))
	for range 5 {
		if r.StatusCode/100 == 3 {
			return b.atCallback(r)
		}
		action := formAction.FindStringSubmatch(r.body)
		switch {
		case action != nil && strings.HasSuffix(action[1], "/sim/login"):
			r = b.login(r)
		case action != nil && strings.HasSuffix(action[1], "/sim/consent"):
			r = b.submit(r, url.Values{"decision": {"allow"}})
		default:
			b.t.Fatalf("stuck at %d %s", r.StatusCode, r.body)
		}
	}
	b.t.Fatal("no end of pages")
	return nil
}

// atCallback reads a redirect to the callback.
func (b *browser) atCallback(r response) url.Values {
	b.t.Helper()
	to, err := url.Parse(r.Header.Get("Location"))
	if err != nil || to.Host != "gateway.example" {
		b.t.Fatalf("redirected to %q: %d %s", r.Header.Get("Location"), r.StatusCode, r.body)
	}
	return to.Query()
}

// request is a good authorization request with changes: pairs of name and
// value, "" to leave the parameter out.
func request(changes ...string) url.Values {
	q := url.Values{"response_type": {"code"}, "client_id": {key}, "redirect_uri": {callback}, "state": {"s t+1"}}
	for i := 0; i < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return q
}

func authorizePath(q url.Values) string { return "/services/oauth2/authorize?" + q.Encode() }

// tokenSet is a token response.
type tokenSet struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	Signature    string `json:"signature"`
	Scope        string `json:"scope"`
	IDToken      string `json:"id_token"`
	InstanceURL  string `json:"instance_url"`
	ID           string `json:"id"`
	TokenType    string `json:"token_type"`
	IssuedAt     string `json:"issued_at"`
}

func redemption(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback},
		"client_id": {key}, "client_secret": {secret},
	}
}

func refreshment(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {key}, "client_secret": {secret}}
}

func (o *org) token(form url.Values) response {
	o.t.Helper()
	return o.post("/services/oauth2/token", form)
}

func (o *org) tokenSet(form url.Values) tokenSet {
	o.t.Helper()
	r := o.token(form)
	var set tokenSet
	if err := json.Unmarshal([]byte(r.body), &set); err != nil || r.StatusCode != 200 {
		o.t.Fatalf("token response: %d %s", r.StatusCode, r.body)
	}
	return set
}

// signIn is a whole sign-in of Ada.
func (o *org) signIn(changes ...string) tokenSet {
	o.t.Helper()
	return o.tokenSet(redemption(o.browser().authorize(request(changes...)).Get("code")))
}

func (o *org) alive(accessToken string) bool {
	o.t.Helper()
	return o.get("/services/data/v65.0/limits", accessToken).StatusCode == 200
}

// oauthError is a refusal by the token endpoint.
func oauthError(code, description string) string {
	return `{"error":"` + code + `","error_description":"` + description + `"}`
}

// expect compares an answer byte for byte.
func (o *org) expect(r response, status int, contentType, body string) {
	o.t.Helper()
	if r.StatusCode != status || r.Header.Get("Content-Type") != contentType || r.body != body {
		o.t.Errorf("got %d %q %s\nwant %d %q %s", r.StatusCode, r.Header.Get("Content-Type"), r.body, status, contentType, body)
	}
}

const (
	asJSON = "application/json;charset=UTF-8"
	asText = "text/plain;charset=UTF-8"
	asForm = "application/x-www-form-urlencoded;charset=UTF-8"
	asHTML = "text/html;charset=UTF-8"
)

func (o *org) refused(r response, code, description string) {
	o.t.Helper()
	o.expect(r, 400, asJSON, oauthError(code, description))
}

func TestImportsNothingOfTheGateway(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(path, "sallyport/") && path != "sallyport/connections/simulator" {
			t.Errorf("imports %s", path)
		}
	}
}

func TestZeroValueServesAndLetsNobodyIn(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&simulator.Salesforce{})
	defer server.Close()
	o := &org{nil, t, server.URL, nil, server.Client().Transport}
	o.expect(o.get(authorizePath(request()), ""), 400, "", "error=invalid_client_id&error_description=client%20identifier%20invalid")
	o.expect(o.get(authorizePath(request("client_id", "")), ""), 400, "", "error=invalid_client_id&error_description=client%20identifier%20invalid")
	if r := o.get("/", ""); r.StatusCode != 200 || !strings.Contains(r.body, "Simulated Salesforce") {
		t.Errorf("home: %d %s", r.StatusCode, r.body)
	}
}
