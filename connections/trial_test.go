package connections_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/connections"
	"sallyport/vault"
)

// tried is what a trial told, the last of each step.
type tried struct {
	mu    sync.Mutex
	steps map[string]vault.TrialStep
	all   []vault.TrialStep
}

func (l *tried) tell(s vault.TrialStep) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.steps[s.Name] = s
	l.all = append(l.all, s)
}

// states are how the steps ended, in their order.
func (l *tried) states() (list []string) {
	for _, s := range connections.Steps {
		list = append(list, string(l.steps[s.Name].State))
	}
	return list
}

func (p *op) try(t *testing.T, change func(*vault.Connection)) (*connections.Trial, *tried) {
	t.Helper()
	c := p.connection
	c.Options = maps.Clone(c.Options)
	if change != nil {
		change(&c)
	}
	told := &tried{steps: map[string]vault.TrialStep{}}
	set := connections.NewSet(connections.Env{Issuer: issuer, HTTP: connections.NewHTTPClient(loopback()), Now: p.clock.Now})
	trial, err := set.Try(c, told.tell)
	if err != nil {
		t.Fatal(err)
	}
	return trial, told
}

// asAProviderDoes has the provider refuse a code that nobody issued, show a page
// to sign in at, and revoke.
func (p *op) asAProviderDoes() {
	p.metadata = func(m map[string]any) { m["revocation_endpoint"] = p.URL + "/revoke" }
	p.handle["/authorize"] = answering(http.StatusOK, "text/html", "<form>")
	p.handle["/revoke"] = answering(http.StatusOK, "", "")
	p.handle["/token"] = func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.PostForm.Get("code"), "sallyport-probe") {
			answering(http.StatusBadRequest, "application/json", `{"error":"invalid_grant"}`)(w, r)
			return
		}
		p.mu.Lock()
		handle := p.handle["/token"]
		p.handle["/token"] = nil
		p.mu.Unlock()
		p.ServeHTTP(w, r)
		p.set(func() { p.handle["/token"] = handle })
	}
}

func TestTrialOfAnOpenIDProvider(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	p.asAProviderDoes()
	trial, told := p.try(t, nil)
	if !trial.Prepare(t.Context()) {
		t.Fatalf("%v %+v", told.states(), told.all)
	}
	if !trial.Finish(t.Context(), login(), url.Values{"code": {"the-code-that-came"}, "state": {"the-state-of-it"}}) {
		t.Errorf("%+v", told.all)
	}
	want := []string{"skipped", "skipped", "passed", "passed", "passed", "passed", "warned", "passed", "passed", "passed", "skipped", "skipped", "passed"}
	if got := told.states(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	f := trial.Facts
	if f.Rotation != vault.Rotates || f.RefreshToken == nil || !*f.RefreshToken || f.Lifetime.Round(time.Second) != 5*time.Minute || f.JWT == nil || *f.JWT {
		t.Errorf("facts %+v", f)
	}
	if s := told.steps["token"]; !strings.Contains(s.Cause, "profile") {
		t.Errorf("the scope that was not granted is not named: %+v", s)
	}
	if got := p.form("/revoke").Get("token_type_hint"); got != "refresh_token" {
		t.Errorf("revoked %q", got)
	}
}

// TestTrialRevokesWhatItDoesNotTake: tokens that came with a bad ID token.
func TestTrialRevokesWhatItDoesNotTake(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	p.asAProviderDoes()
	p.claims = func(c map[string]any) { c["aud"] = "another" }
	var issued string
	p.answer = func(m map[string]any) { issued = m["refresh_token"].(string) }
	trial, told := p.try(t, nil)
	if trial.Finish(t.Context(), login(), url.Values{"code": {"the-code-that-came"}}) || told.steps["id_token"].State != vault.StepFailed {
		t.Errorf("%+v", told.all)
	}
	if got := p.form("/revoke").Get("token"); got != issued || issued == "" {
		t.Errorf("revoked %q, and %q was issued", got, issued)
	}
}

// TestProbeKnowsAProviderThatTakesAnyCode: it is not one to sign in with.
func TestProbeKnowsAProviderThatTakesAnyCode(t *testing.T) {
	t.Parallel()
	p := startOP(t)
	prober := p.open(t).(connections.Prober)
	if err := prober.Probe(t.Context()); !kind(err, connections.Untrusted) {
		t.Errorf("%v", err)
	}
}

// TestTrialHidesSecretsThatAProviderQuotes: in descriptions, codes, names of
// members, addresses, pages, and where a text is cut off.
func TestTrialHidesSecretsThatAProviderQuotes(t *testing.T) {
	t.Parallel()
	const code, state = "canary-code-0123456789", "canary-state-0123456789"
	asJSON := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	for name, answer := range map[string]func(form url.Values) (status int, contentType, body, location string){
		"description": func(f url.Values) (int, string, string, string) {
			return 400, "application/json", asJSON(map[string]string{"error": "invalid_grant", "error_description": "unknown: " + f.Encode()}), ""
		},
		"description, cut off": func(f url.Values) (int, string, string, string) {
			return 400, "application/json", asJSON(map[string]string{"error": "invalid_request", "error_description": strings.Repeat("x", 188) + f.Get("code")}), ""
		},
		"code": func(f url.Values) (int, string, string, string) {
			return 400, "application/json", asJSON(map[string]string{"error": f.Get("code")}), ""
		},
		"names of members": func(f url.Values) (int, string, string, string) {
			return 400, "application/json", asJSON(map[string]string{f.Get("code"): "x", f.Get("code_verifier"): f.Get("code")}), ""
		},
		"form": func(f url.Values) (int, string, string, string) {
			return 400, "", "error=invalid_grant&error_description=" + url.QueryEscape(f.Encode()), ""
		},
		"page":         func(f url.Values) (int, string, string, string) { return 500, "text/html", "<p>" + f.Encode(), "" },
		"content type": func(f url.Values) (int, string, string, string) { return 500, "text/" + f.Get("code"), "x", "" },
		"address": func(f url.Values) (int, string, string, string) {
			return 302, "", "", "https://evil.example/" + f.Get("code") + "?scope=" + f.Get("code_verifier") + "&x=" + f.Get("code")
		},
		"token response": func(f url.Values) (int, string, string, string) {
			return 200, "application/json", asJSON(map[string]any{"access_token": "canary-access-0123456789", "token_type": "Bearer", "refresh_token": "canary-refresh-0123456789",
				"scope": "openid canary-access-0123456789 " + f.Get("code"), "id": "canary-refresh-0123456789", "canary-access-0123456789": 1, "message": []string{f.Get("code_verifier")}}), ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startOP(t)
			p.asAProviderDoes()
			p.handle["/token"] = func(w http.ResponseWriter, r *http.Request) {
				status, contentType, body, location := answer(r.PostForm)
				if location != "" {
					w.Header().Set("Location", location)
				}
				answering(status, contentType, body)(w, r)
			}
			trial, told := p.try(t, func(c *vault.Connection) { c.ClientSecret = vault.NewSecret("canary-secret-0123456789") })
			l := login()
			l.Verifier = vault.NewSecret("canary-verifier-" + strings.Repeat("v", 40))
			trial.Prepare(t.Context())
			trial.Finish(t.Context(), l, url.Values{"code": {code}, "state": {state}, "error_description": {code}})
			trial.Finish(t.Context(), l, url.Values{"error": {"access_denied_" + state}, "error_description": {code + " " + state}, "state": {state}, "code": {code}})
			if all := fmt.Sprintf("%+v", told.all); strings.Contains(all, "canary-") {
				at := strings.Index(all, "canary-")
				t.Errorf("…%s…", all[max(0, at-200):min(len(all), at+60)])
			}
			if len(told.steps["token"].Calls)+len(told.steps["credentials"].Calls) == 0 {
				t.Error("nothing was shown at all")
			}
		})
	}
}

// TestTrialTellsWhereItStops: at the name, the address, the certificate or the
// answer.
func TestTrialTellsWhereItStops(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, tt := range []struct{ issuer, step, cause string }{
		{"https://nobody.invalid", "dns", "did not answer usefully"},
		{strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), "tls", "certificate that the gateway does not trust"},
		{"https://10.0.0.1", "tls", "at a private address"},
		{closed.URL, "discovery", "did not answer usefully"},
		{"http://127.0.0.1:1/" + strings.Repeat("x", 300), "discovery", "did not answer usefully"},
	} {
		p := startOP(t)
		trial, told := p.try(t, func(c *vault.Connection) { c.Options["issuer"] = tt.issuer })
		if trial.Prepare(t.Context()) {
			t.Errorf("%s: goes on", tt.issuer)
		}
		if s := told.steps[tt.step]; s.State != vault.StepFailed || !strings.Contains(s.Cause, tt.cause) {
			t.Errorf("%s: %v %+v", tt.issuer, told.states(), s)
		}
		if s := told.steps["authorize"]; s.State != vault.StepSkipped {
			t.Errorf("%s: goes on to %+v", tt.issuer, s)
		}
	}
}
