package server_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/connections/simulator"
	"sallyport/connections/simulator/simtest"
	"sallyport/vault"
)

const tryURL = "/admin/connections/salesforce/try"

// begin begins a trial, and reads what comes of it until somebody has to sign in,
// or it is over.
func (a *administrator) begin() page {
	a.t.Helper()
	if p := a.post(tryURL); p.status != http.StatusOK {
		a.t.Fatalf("begin a trial: %d %s", p.status, p.body)
	}
	return a.watch()
}

// watch reads the events of a trial to their end, and then its page.
func (a *administrator) watch() page {
	a.t.Helper()
	events := a.get(tryURL + "/events")
	if !strings.Contains(events.body, "event: trace\n") || !strings.Contains(events.body, "event: done\n") {
		a.t.Fatalf("events: %d %s", events.status, events.body)
	}
	return a.get(tryURL)
}

var signInLink = regexp.MustCompile(`href="(/admin/connections/salesforce/try/sign-in\?trial=[A-Z2-7]+)"`)

// signInAs goes on with a trial: it signs in as somebody, in the administrator's
// browser, and reads what comes of it. Where Salesforce sends nobody back it
// returns Salesforce's page.
func (a *administrator) signInAs(p *simtest.Person, at page) (page, simtest.Page) {
	a.t.Helper()
	link := signInLink.FindStringSubmatch(at.body)
	if link == nil {
		a.t.Fatalf("no link to sign in with: %s", at.body)
	}
	p.Client.Jar = a.browser.Jar
	there, err := p.Visit(strings.TrimSuffix(a.issuer, "/")+html.UnescapeString(link[1]), a.issuer+"login/callback")
	if err != nil && !strings.Contains(err.Error(), "no end to the redirects") { // as of somebody whose password is refused time and again
		a.t.Fatal(err)
	}
	if there.Status == 0 && there.URL != nil {
		if p := a.get(there.URL.String()); p.status != http.StatusOK || !strings.HasPrefix(p.url, tryURL) {
			a.t.Fatalf("the callback leads to %s: %d %s", p.url, p.status, text(p.body))
		}
	}
	return a.watch(), there
}

// text is what can be read on a page.
func text(body string) string {
	body = regexp.MustCompile(`(?s)^.*<main[^>]*>`).ReplaceAllString(body, "")
	return strings.Join(strings.Fields(html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " "))), " ")
}

// outcomes are how the steps of a page ended, in their order.
func outcomes(body string) (list []string) {
	for _, m := range regexp.MustCompile(`<li(?: class="(\w+)")?>\s*<div class="row"><h3>`).FindAllStringSubmatch(body, -1) {
		list = append(list, m[1])
	}
	return list
}

// tapped is a Salesforce of which everything secret that it sends or gets is
// known.
type tapped struct {
	*simulator.Salesforce
	mu      sync.Mutex
	secrets []string
}

// tap puts one between the gateway and its Salesforce.
func (g *gateway) tap() *tapped {
	g.t.Helper()
	s := &tapped{Salesforce: g.salesforce}
	server := httptest.NewServer(s)
	g.t.Cleanup(server.Close)
	g.change(func(c *vault.Connection) { c.Options["login_url"] = server.URL })
	return s
}

func (s *tapped) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(sent)))
	form, _ := url.ParseQuery(string(sent))
	took := httptest.NewRecorder()
	s.Salesforce.ServeHTTP(took, r)
	s.mu.Lock()
	for _, name := range []string{"code", "client_secret", "code_verifier", "refresh_token", "token", "client_assertion"} {
		s.secrets = append(s.secrets, form.Get(name))
	}
	var all map[string]any
	if json.Unmarshal(took.Body.Bytes(), &all) == nil {
		for _, name := range []string{"access_token", "refresh_token", "id_token", "signature"} {
			text, _ := all[name].(string)
			s.secrets = append(s.secrets, text)
		}
	}
	if to, err := url.Parse(took.Header().Get("Location")); err == nil {
		s.secrets = append(s.secrets, to.Query().Get("code"), to.Query().Get("state"))
	}
	s.mu.Unlock()
	for name, values := range took.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(took.Code)
	w.Write(took.Body.Bytes())
}

// seen are the secrets so far.
func (s *tapped) seen() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.secrets {
		if len(secret) >= 8 && !slices.Contains(list, secret) {
			list = append(list, secret)
		}
	}
	return list
}

// everything is what the store has but for the log of events: bucket and key of
// each record.
func (g *gateway) everything() (list []string) {
	g.t.Helper()
	err := g.disk.Store.View(g.t.Context(), func(kv vault.KV) error {
		list = nil
		buckets, err := kv.Buckets()
		if err != nil {
			return err
		}
		for _, bucket := range buckets {
			if slices.Contains([]string{"events", "chains", "looseevents"}, bucket) {
				continue
			}
			for e, err := range kv.Scan(bucket, "") {
				if err != nil {
					return err
				}
				list = append(list, bucket+" "+e.Key)
			}
		}
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return list
}

// TestTrialGoesThroughAllStepsAndLeavesNothingBehind but what was seen: no user, no
// account, no session and no token, here and at Salesforce.
func TestTrialGoesThroughAllStepsAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*gateway){
		"in use":             func(*gateway) {},
		"not in use":         func(g *gateway) { g.change(func(c *vault.Connection) { c.Active, c.Clients = false, nil }) },
		"access tokens JWTs": func(g *gateway) { g.salesforce.Set(func() { g.salesforce.Apps[0].JWTAccessTokens = true }) },
		"without rotation":   func(g *gateway) { g.salesforce.Set(func() { g.salesforce.Apps[0].NoRotation = true }) },
		"own callback": func(g *gateway) {
			g.salesforce.Set(func() { g.salesforce.Apps[0].Callbacks = []string{g.issuer + "login/callback/salesforce"} })
			g.change(func(c *vault.Connection) { c.Options["own_callback"] = "true" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			change(g)
			salesforce := g.tap()
			a := g.administrator("ada@example.com", vault.Editor)
			before := g.everything()
			waiting := a.begin()
			if got := outcomes(waiting.body); !slices.Equal(got[1:5], []string{"skipped", "passed", "passed", "passed"}) {
				t.Fatalf("before the sign-in: %v %s", got, text(waiting.body))
			}
			done, _ := a.signInAs(grace(), waiting)
			want := []string{"skipped", "skipped", "passed", "passed", "passed", "passed", "passed", "passed", "passed", "passed", "passed", "passed", "passed"}
			if got := outcomes(done.body); !slices.Equal(got, want) || !strings.Contains(done.body, "It works, and nothing is left of it") {
				t.Errorf("%v %s", got, text(done.body))
			}
			if !strings.Contains(done.body, "says that they are dead") {
				t.Errorf("nothing of the revocation: %s", text(done.body))
			}
			after := slices.DeleteFunc(g.everything(), func(record string) bool { return record == "trials salesforce" })
			if !slices.Equal(before, after) {
				t.Errorf("before\n%s\nafter\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
			for _, secret := range salesforce.seen() {
				resp, err := http.PostForm(g.upstream+"/services/oauth2/introspect", url.Values{"token": {secret}, "client_id": {"consumer-key"}, "client_secret": {"consumer-secret"}})
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if !strings.Contains(string(body), `"active":false`) {
					t.Errorf("a token is still good at Salesforce: %s", body)
				}
			}
		})
	}
}

// TestTrialShowsAndKeepsNoSecret: canaries are all codes, tokens, secrets, states,
// verifiers and signatures that went to and fro.
func TestTrialShowsAndKeepsNoSecret(t *testing.T) {
	t.Parallel()
	g := start(t)
	salesforce := g.tap()
	// Salesforce quotes what it got in errors: the gateway is to see through that.
	a := g.administrator("ada@example.com", vault.Editor)
	shown := a.begin().body
	events := a.get(tryURL + "/events").body
	done, _ := a.signInAs(grace(), page{body: shown})
	shown += events + done.body + a.get(tryURL+"/events").body
	var kept string
	g.put(func(tx *vault.Tx) error {
		trial, err := tx.Trials.Get("salesforce")
		kept = fmt.Sprintf("%+v", trial)
		return err
	})
	secrets := salesforce.seen()
	if len(secrets) < 10 {
		t.Fatalf("only %d canaries", len(secrets))
	}
	for place, text := range map[string]string{"pages": shown, "record": kept, "log": g.log.String()} {
		for _, secret := range secrets {
			if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
				t.Errorf("%s: %.12s… is in the %s", "secret", secret, place)
			}
		}
	}
	if !strings.Contains(shown, "client_id=consumer-key") || !strings.Contains(shown, "client_secret=…") {
		t.Error("nothing of the requests is shown")
	}
}

// TestTrialTakesWhoBeganItInTheirBrowserAlone: others cannot go on with it, and
// what they bring is not looked at.
func TestTrialTakesWhoBeganItInTheirBrowserAlone(t *testing.T) {
	t.Parallel()
	g := start(t)
	a, other := g.administrator("ada@example.com", vault.Editor), g.administrator("eve@example.com", vault.Owner)
	waiting := a.begin()
	link := html.UnescapeString(signInLink.FindStringSubmatch(waiting.body)[1])
	if p := other.get(tryURL); signInLink.MatchString(p.body) || !strings.Contains(p.body, "ada@example.com") {
		t.Error("another administrator has the link")
	}
	if p := other.get(link); p.status != http.StatusForbidden {
		t.Errorf("another administrator goes on: %d", p.status)
	}
	person := grace()
	person.Client.Jar = a.browser.Jar
	back, err := person.Visit(strings.TrimSuffix(a.issuer, "/")+link, g.issuer+"login/callback")
	if err != nil {
		t.Fatal(err)
	}
	codes := g.salesforce.Requests("token:authorization_code")
	if p := other.get(back.URL.String()); p.status != http.StatusBadRequest {
		t.Errorf("in another browser: %d", p.status)
	}
	a.post("/admin/sign-out")
	if p := a.get(back.URL.String()); p.status != http.StatusForbidden {
		t.Errorf("signed out: %d", p.status)
	}
	a.post("/admin/sign-in", "name", a.name, "password", a.password, "code", a.code())
	if p := a.get(back.URL.String()); p.status != http.StatusBadRequest {
		t.Errorf("a second time: %d", p.status)
	}
	if got := g.salesforce.Requests("token:authorization_code"); got != codes {
		t.Error("a code was shown")
	}
}

func TestTrialTakesAnEditor(t *testing.T) {
	t.Parallel()
	g := start(t)
	v := g.administrator("vera@example.com", vault.Viewer)
	for _, path := range []string{tryURL, "/admin/connections/salesforce/probe"} {
		if p := v.post(path); p.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, p.status)
		}
	}
	if p := v.get(tryURL + "/sign-in?trial=x"); p.status != http.StatusForbidden {
		t.Errorf("sign-in: %d", p.status)
	}
	if p := v.get(tryURL); p.status != http.StatusOK || strings.Contains(p.body, "<button class=\"button primary\"") || !strings.Contains(p.body, "Not tried of late") {
		t.Errorf("page: %d %s", p.status, p.body)
	}
	if p := g.administrator("ed@example.com", vault.Editor).get("/admin/connections/none/try"); p.status != http.StatusNotFound {
		t.Errorf("no such connection: %d", p.status)
	}
}

// TestTrialDoesNotDisturbAnAccount whose access token Salesforce gave to the trial,
// too.
func TestTrialDoesNotDisturbAnAccount(t *testing.T) {
	t.Parallel()
	g := start(t, func(a *simulator.App) { a.FreshAccessTokens, a.NoRotation = false, true })
	token := g.signIn(grace())
	a := g.administrator("ada@example.com", vault.Editor)
	done, _ := a.signInAs(grace(), a.begin())
	if !strings.Contains(done.body, "something should be otherwise") {
		t.Errorf("%s", text(done.body))
	}
	if status := g.query(g.exchange(token.RefreshToken)); status != http.StatusOK {
		t.Errorf("the account's access token is dead: %d", status)
	}
	if g.waiting() != 1 {
		t.Errorf("%d refresh tokens are to be revoked", g.waiting())
	}
}

// TestTrialThatWasBrokenOffSaysSo: the instance that ran it is no more.
func TestTrialThatWasBrokenOffSaysSo(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	a.begin()
	g.put(func(tx *vault.Tx) error {
		trial, err := tx.Trials.Get("salesforce")
		trial.State = vault.TrialRunning
		if err != nil {
			return err
		}
		return tx.Trials.Put(trial)
	})
	if p := a.get(tryURL); !strings.Contains(p.body, `<meta http-equiv="refresh"`) {
		t.Error("without a script the page stands still")
	}
	g.clock.forward(5 * time.Minute)
	if p := a.watch(); !strings.Contains(p.body, "It was broken off") {
		t.Errorf("%s", p.body)
	}
	g.clock.forward(24 * time.Hour)
	a.post("/admin/sign-in", "name", a.name, "password", a.password, "code", a.code())
	if p := a.get(tryURL); !strings.Contains(p.body, "Not tried of late") {
		t.Error("it is kept for more than a day")
	}
}
