package sample

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

const hostile = `<script>alert("x")</script>`

// world is what the application sees of the outside: a gateway and a Salesforce, at one address.
type world struct {
	*httptest.Server
	key       *ecdsa.PrivateKey
	app       *httptest.Server
	sample    *App
	name      string     // claim of the next ID token
	nonce     string     // of the last authorization request, which goes into the next ID token
	exchanges []string   // the rejected_token of each exchange
	refuse    url.Values // members of the error that exchanges get; nil means they succeed
	stale     string     // an access token that Salesforce refuses
}

func newWorld(t *testing.T) *world {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	world := &world{key: key, name: "Ada"}
	keys := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "k", Algorithm: oidc.ES256}}}
	mux := http.NewServeMux()
	mux.Handle("/keys", keys)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, map[string]any{
			"issuer": world.URL + "/", "authorization_endpoint": world.URL + "/authorize", "token_endpoint": world.URL + "/oauth/token",
			"jwks_uri": world.URL + "/keys", "end_session_endpoint": world.URL + "/oidc/logout",
			"id_token_signing_alg_values_supported": []string{"ES256"}, "authorization_response_iss_parameter_supported": true,
		})
	})
	mux.HandleFunc("POST /oauth/token", world.token)
	mux.HandleFunc("GET /services/data/v62.0/query", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+world.stale {
			answer(w, 401, []map[string]string{{"errorCode": "INVALID_SESSION_ID"}})
			return
		}
		answer(w, 200, map[string]any{"records": []map[string]any{{"Id": "001", "Name": "Edge & Co " + hostile, "Industry": nil, "Phone": "555"}}})
	})
	world.Server = httptest.NewServer(mux)
	t.Cleanup(world.Close)

	world.sample = &App{Issuer: world.URL + "/", ClientID: "sample", ClientSecret: "secret", Connection: "salesforce"}
	world.app = httptest.NewServer(world.sample)
	world.sample.URL = world.app.URL
	t.Cleanup(world.app.Close)
	return world
}

func (world *world) token(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.FormValue("client_id") != "sample" || r.FormValue("client_secret") != "secret":
		answer(w, 401, map[string]any{"error": "invalid_client"})
	case r.FormValue("grant_type") == "authorization_code":
		if r.FormValue("code") != "code" || r.FormValue("code_verifier") == "" {
			answer(w, 400, map[string]any{"error": "invalid_grant", "error_description": "the code is spent " + hostile})
			return
		}
		claims, _ := json.Marshal(map[string]any{"iss": world.URL + "/", "aud": "sample", "sub": "salesforce|005", "name": world.name,
			"email": "ada@example.com", "nonce": world.nonce, "exp": time.Now().Add(time.Hour).Unix()})
		answer(w, 200, map[string]any{"access_token": "at", "token_type": "Bearer", "refresh_token": "refresh-token",
			"id_token": oidctest.SignIDToken(world.key, "k", oidc.ES256, string(claims))})
	case r.FormValue("subject_token") != "refresh-token" || r.FormValue("connection") != "salesforce":
		answer(w, 400, map[string]any{"error": "invalid_grant"})
	case world.refuse != nil:
		body := make(map[string]any)
		for name := range world.refuse {
			body[name] = world.refuse.Get(name)
		}
		answer(w, 401, body)
	default:
		world.exchanges = append(world.exchanges, r.FormValue("rejected_token"))
		answer(w, 200, map[string]any{"access_token": fmt.Sprintf("sf-%d", len(world.exchanges)), "expires_in": 900, "instance_url": world.URL, "scope": "api"})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// browser follows no redirects out of the application.
func (world *world) browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (world *world) get(t *testing.T, c *http.Client, path string) (*http.Response, string) {
	t.Helper()
	resp, err := c.Get(world.app.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// authorize begins a sign-in and returns its authorization request.
func (world *world) authorize(t *testing.T, c *http.Client) url.Values {
	t.Helper()
	resp, body := world.get(t, c, "/login")
	to, err := resp.Location()
	if err != nil {
		t.Fatal(err, body)
	}
	world.nonce = to.Query().Get("nonce")
	return to.Query()
}

// callback brings the browser back with the answer to an authorization request.
func (world *world) callback(t *testing.T, c *http.Client, answer ...string) (*http.Response, string) {
	t.Helper()
	q := url.Values{"iss": {world.URL + "/"}}
	for i := 0; i < len(answer); i += 2 {
		q.Set(answer[i], answer[i+1])
	}
	return world.get(t, c, "/callback?"+q.Encode())
}

func (world *world) signIn(t *testing.T, c *http.Client) {
	t.Helper()
	request := world.authorize(t, c)
	if resp, body := world.callback(t, c, "state", request.Get("state"), "code", "code"); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("callback: %s\n%s", resp.Status, body)
	}
}

func TestSignedOutPage(t *testing.T) {
	world := newWorld(t)
	world.Close() // it must not need the gateway
	resp, body := world.get(t, world.browser(t), "/")
	if resp.StatusCode != 200 || !strings.Contains(body, "Sign in with Salesforce") {
		t.Errorf("%s\n%s", resp.Status, body)
	}
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
		t.Errorf("Content-Security-Policy %q", csp)
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "style=") {
		t.Error("a script or an inline style")
	}
}

func TestAuthorizationRequest(t *testing.T) {
	world := newWorld(t)
	request := world.authorize(t, world.browser(t))
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "sample", "redirect_uri": world.app.URL + "/callback", "connection": "salesforce",
		"scope": "openid profile email offline_access", "code_challenge_method": "S256",
	} {
		if got := request.Get(name); got != want {
			t.Errorf("%s=%q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(request.Get(name)) < 26 {
			t.Errorf("%s=%q", name, request.Get(name))
		}
	}
}

func TestGatewayThatIsLateIsAskedAgain(t *testing.T) {
	world := newWorld(t)
	up := false
	gateway := world.Config.Handler
	world.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		gateway.ServeHTTP(w, r)
	})
	c := world.browser(t)
	if resp, body := world.get(t, c, "/login"); resp.StatusCode != 502 || !strings.Contains(body, "try again in a moment") {
		t.Errorf("%s\n%s", resp.Status, body)
	}
	up = true
	world.signIn(t, c)
}

func TestSignInShowsWhoItIs(t *testing.T) {
	world := newWorld(t)
	world.name = "Ada " + hostile
	c := world.browser(t)
	world.authorize(t, c)
	u, _ := url.Parse(world.app.URL)
	before := c.Jar.Cookies(u)[0].Value
	world.signIn(t, c)
	if after := c.Jar.Cookies(u)[0].Value; after == before {
		t.Error("the session kept its ID over the sign-in")
	}
	_, body := world.get(t, c, "/")
	for _, want := range []string{html.EscapeString("Ada " + hostile), "ada@example.com", "salesforce|005", "The same with curl"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	for _, never := range []string{hostile, "refresh-token", "secret\""} {
		if strings.Contains(body, never) {
			t.Errorf("%q stands in the page", never)
		}
	}
}

func TestCallbackRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(state string) []string
		want   string // in the page
		nonce  string
	}{
		{name: "another state", answer: func(string) []string { return []string{"state", "other", "code", "code"} }, want: "belongs to no sign-in"},
		{name: "no state", answer: func(string) []string { return []string{"code", "code"} }, want: "belongs to no sign-in"},
		{name: "an error without our state", answer: func(string) []string { return []string{"error", "x", "error_description", "call 555"} }, want: "belongs to no sign-in"},
		{name: "another issuer", answer: func(s string) []string { return []string{"state", s, "code", "code", "iss", "https://evil.example/"} }, want: "not from our gateway"},
		{name: "no issuer", answer: func(s string) []string { return []string{"state", s, "code", "code", "iss", ""} }, want: "not from our gateway"},
		{name: "an error", answer: func(s string) []string {
			return []string{"state", s, "error", "access_denied", "error_description", "no " + hostile}
		}, want: html.EscapeString("no " + hostile)},
		{name: "a spent code", answer: func(s string) []string { return []string{"state", s, "code", "spent"} }, want: html.EscapeString("the code is spent " + hostile)},
		{name: "another nonce", answer: func(s string) []string { return []string{"state", s, "code", "code"} }, want: "did not answer as expected", nonce: "other"},
	} {
		t.Run(test.name, func(t *testing.T) {
			world := newWorld(t)
			c := world.browser(t)
			request := world.authorize(t, c)
			if test.nonce != "" {
				world.nonce = test.nonce
			}
			resp, body := world.callback(t, c, test.answer(request.Get("state"))...)
			if resp.StatusCode < 400 || !strings.Contains(body, test.want) || strings.Contains(body, hostile) || strings.Contains(body, "call 555") {
				t.Errorf("%s, want %q in\n%s", resp.Status, test.want, body)
			}
			if _, home := world.get(t, c, "/"); !strings.Contains(home, "Sign in with Salesforce") {
				t.Error("signed in all the same")
			}
		})
	}
}

func TestStateIsOfOneBrowserAndOneUse(t *testing.T) {
	world := newWorld(t)
	c := world.browser(t)
	state := world.authorize(t, c).Get("state")
	if resp, _ := world.callback(t, world.browser(t), "state", state, "code", "code"); resp.StatusCode != 400 {
		t.Errorf("another browser: %s", resp.Status)
	}
	if resp, _ := world.callback(t, c, "state", state, "code", "code"); resp.StatusCode != 303 {
		t.Errorf("the browser itself: %s", resp.Status)
	}
	if resp, _ := world.callback(t, c, "state", state, "code", "code"); resp.StatusCode != 400 {
		t.Errorf("a second time: %s", resp.Status)
	}
}

func TestAccounts(t *testing.T) {
	world := newWorld(t)
	c := world.browser(t)
	if resp, _ := world.get(t, c, "/accounts"); resp.StatusCode != 303 {
		t.Errorf("signed out: %s", resp.Status)
	}
	world.signIn(t, c)
	resp, body := world.get(t, c, "/accounts")
	if resp.StatusCode != 200 || !strings.Contains(body, html.EscapeString("Edge & Co "+hostile)) || strings.Contains(body, hostile) {
		t.Errorf("%s\n%s", resp.Status, body)
	}
	if strings.Contains(body, "sf-1") {
		t.Error("the access token stands in the page")
	}
}

func TestRejectedAccessTokenIsExchangedOnce(t *testing.T) {
	world := newWorld(t)
	c := world.browser(t)
	world.signIn(t, c)
	world.stale = "sf-1"
	resp, body := world.get(t, c, "/accounts")
	if resp.StatusCode != 200 || !strings.Contains(body, "Edge") {
		t.Errorf("%s\n%s", resp.Status, body)
	}
	if got := strings.Join(world.exchanges, ","); got != ",sf-1" {
		t.Errorf("rejected_token of the exchanges: %q", got)
	}
}

func TestRefusedExchangeSaysWhatToDo(t *testing.T) {
	world := newWorld(t)
	c := world.browser(t)
	world.signIn(t, c)
	world.refuse = url.Values{"error": {"invalid_grant"}, "error_description": {"Salesforce no longer accepts it. " + hostile}, "reason": {"reauthorization_required"},
		"reason_class": {"user"}, "reconnect_uri": {"https://gateway.example/reconnect?t=1"}, "correlation_id": {"abc123"}}
	resp, body := world.get(t, c, "/accounts")
	for _, want := range []string{html.EscapeString(hostile), "reauthorization_required", "abc123", `href="https://gateway.example/reconnect?t=1"`, "Connect again"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if resp.StatusCode != 403 || strings.Contains(body, hostile) {
		t.Errorf("%s\n%s", resp.Status, body)
	}
	world.refuse.Set("reconnect_uri", "javascript:alert(1)")
	if _, body := world.get(t, c, "/accounts"); strings.Contains(body, "javascript:") {
		t.Error("a script behind the link")
	}
}

func TestSignOut(t *testing.T) {
	world := newWorld(t)
	c := world.browser(t)
	world.signIn(t, c)

	foreign, _ := http.NewRequest("POST", world.app.URL+"/logout", nil)
	foreign.Header.Set("Sec-Fetch-Site", "same-site") // another port of this host
	if resp, err := c.Do(foreign); err != nil || resp.StatusCode != 403 {
		t.Errorf("from another site: %v %v", resp, err)
	}
	resp, err := c.Post(world.app.URL+"/logout", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	to, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	if q := to.Query(); to.Path != "/oidc/logout" || q.Get("id_token_hint") == "" || q.Get("client_id") != "sample" || q.Get("post_logout_redirect_uri") != world.app.URL+"/" {
		t.Errorf("to %s", to)
	}
	if _, body := world.get(t, c, "/"); !strings.Contains(body, "Sign in with Salesforce") {
		t.Error("still signed in")
	}
}

func TestCurlTokenIsForCurlOnThisMachine(t *testing.T) {
	world := newWorld(t)
	world.signIn(t, world.browser(t))
	host := strings.TrimPrefix(world.app.URL, "http://")
	for _, test := range []struct {
		name, remote, host, header string
		demo                       bool
		want                       int
	}{
		{"curl", "127.0.0.1:1234", host, "", true, 200},
		{"curl over IPv6", "[::1]:1234", host, "", true, 200},
		{"not the demo", "127.0.0.1:1234", host, "", false, 404},
		{"another machine", "192.0.2.1:1234", host, "", true, 404},
		{"a browser", "127.0.0.1:1234", host, "Sec-Fetch-Site", true, 404},
		{"a script of another site", "127.0.0.1:1234", host, "Origin", true, 404},
		{"a rebound name", "127.0.0.1:1234", "evil.example", "", true, 404},
	} {
		t.Run(test.name, func(t *testing.T) {
			world.sample.DemoToken = test.demo
			r := httptest.NewRequest("GET", "/curl-token", nil)
			r.RemoteAddr, r.Host = test.remote, test.host
			if test.header != "" {
				r.Header.Set(test.header, "none")
			}
			w := httptest.NewRecorder()
			world.sample.ServeHTTP(w, r)
			if w.Code != test.want || (w.Body.String() == "refresh-token") != (test.want == 200) {
				t.Errorf("status %d, body %q", w.Code, w.Body)
			}
			if test.want == 200 && w.Header().Get("Cache-Control") != "no-store" {
				t.Error("may be stored")
			}
		})
	}
}
