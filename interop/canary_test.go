package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestH36NoSecretOfADayIsInTheClear has a day's traffic go through a gateway that
// logs all it can: sign-ins, exchanges, refreshes, devices, the management API and
// the console, rightly, wrongly, twice, and with tokens in each place where they do
// not belong, while Salesforce fails now and then. Then 'vault check' looks for each
// secret that went over the wire, in all the forms that it knows: in the store, a
// backup, the log, the export of events, the pages of the console, the metrics and
// the pages of /debug/pprof.
func TestH36NoSecretOfADayIsInTheClear(t *testing.T) {
	t.Run("on a file", func(t *testing.T) {
		t.Parallel()
		store := filepath.Join(t.TempDir(), "sallyport.db")
		d := newDay(t, store)
		d.search(t, func(dir string) { run(t, "vault", "backup", "--store", store, filepath.Join(dir, "backup.db")) })
	})
	t.Run("on PostgreSQL", func(t *testing.T) {
		t.Parallel()
		needPostgres(t)
		folder, alive, err := newPostgres()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { alive.Close() })
		store := databaseOf(t, folder)
		d := newDay(t, store)
		d.search(t, func(string) {
			// What the database has written anywhere counts too: tables, its log of changes.
			if _, err := (cluster{store}).query("CHECKPOINT"); err != nil {
				t.Error(err)
			}
		}, folder)
	})
}

// newDay starts a gateway on a store, whose Salesforce fails now and then.
func newDay(t *testing.T, store string) *day {
	t.Helper()
	listen, issuer := gatewayAddress(t)
	upstream, port := freeAddress(t)
	seen := newCanaries()
	front := httptest.NewServer(unreliable(seen, upstream))
	t.Cleanup(front.Close)
	loginURL := strings.Replace(front.URL, "127.0.0.1", "localhost", 1)
	start(t, "simulate", "salesforce", "--listen", upstream, "--url", loginURL, "--callback", issuer+"login/callback").
		answers(t, "http://localhost:"+port+"/.well-known/openid-configuration")
	settings := strings.NewReplacer("LOGIN_URL", loginURL, "PUBLIC_KEY", fmt.Sprintf("%q", clientKey().public), "ISSUER", issuer, "OPERATORS_SECRET", operatorsSecret).Replace(tenant + dayTenant)
	g := serve(t, store, listen, issuer, settings)
	g.process.kill()
	return &day{gateway: g, store: store, seen: seen}
}

// unreliable is a way to Salesforce on which what it issues is seen, and one request
// of fifty for tokens is lost.
func unreliable(seen *canaries, salesforce string) http.Handler {
	to := &url.URL{Scheme: "http", Host: salesforce}
	forward := &httputil.ReverseProxy{Transport: seen, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
		r.Out.Header.Del("Accept-Encoding")
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/oauth2/token") && rand.IntN(50) == 0 {
			b, _ := io.ReadAll(r.Body)
			if form, err := url.ParseQuery(string(b)); err == nil {
				seen.addValues(form)
			}
			w.WriteHeader(http.StatusBadGateway)
			w.Write(b) // as proxies do that mean well
			return
		}
		forward.ServeHTTP(w, r)
	})
}

// search lets the day pass, and looks for what went over the wire: in the store, in
// whatever the gateway shows, in what settle leaves in the folder that it is given,
// and in more folders.
func (d *day) search(t *testing.T, settle func(dir string), folders ...string) {
	inside, port := freeAddress(t)
	d.args = append(d.args, "--metrics-listen", inside)
	d.start()
	browser := d.administrator(t)
	began := time.Now()
	d.pass(t)
	lasted := time.Since(began).Round(time.Second)

	dir := t.TempDir()
	keep := func(name, content string) {
		if len(content) < 100 {
			t.Errorf("%s has nothing in it: %q", name, content)
		}
		if err := os.WriteFile(filepath.Join(dir, url.PathEscape(name)), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pages := d.consolePages(t, browser, 300)
	for path, page := range pages {
		keep(path, page)
	}
	for _, page := range []string{"metrics", "debug/pprof/", "debug/pprof/goroutine?debug=2", "debug/pprof/heap?debug=1", "debug/pprof/allocs"} {
		keep(page, body(t)(http.Get("http://localhost:"+port+"/"+page)))
	}
	var granted struct {
		AccessToken string `json:"access_token"`
	}
	d.http = &http.Client{Transport: counted{d}}
	d.answer(d.http.PostForm(d.issuer+"oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"operators"}, "client_secret": {operatorsSecret}, "audience": {d.issuer + "api/v2/"}}))(&granted)
	for _, path := range []string{"api/v2/backup", "api/v2/logs/export", "api/v2/logs?per_page=100", "api/v2/clients", "api/v2/users"} {
		keep(path, body(t)(d.bearer(http.MethodGet, path, granted.AccessToken)))
	}
	d.process.kill()
	log := d.process.out.String()
	keep("log", invitation.ReplaceAllString(log, "the first administrator's link"))
	settle(dir)

	key, err := os.ReadFile(d.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	d.seen.add(strings.TrimSpace(string(key)), clientSecret, operatorsSecret, consumerSecret, verifier)
	secrets := d.seen.all()
	canaries := filepath.Join(t.TempDir(), "canaries")
	if err := os.WriteFile(canaries, []byte(strings.Join(secrets, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d requests in %v, by hundreds of the status %v, at %v; %d secrets, %d pages of the console, %d MB of log",
		d.done.Load(), lasted, d.seen.answered, d.seen.routes, len(secrets), len(pages), len(log)>>20)
	if d.done.Load() < aDay || d.seen.answered[2] < aDay/5 || d.seen.answered[4] < aDay/5 || len(secrets) < 1000 || len(pages) < 10 {
		t.Error("that was no day as it should be")
	}
	check := func(more ...string) (inTheClear map[string]int) {
		args := append([]string{"vault", "check", "--json", "--store", d.store, "--key-file", d.keyFile, "--canary-file", canaries, dir}, folders...)
		cmd := exec.Command(binary, append(args, more...)...)
		var said bytes.Buffer
		cmd.Stderr = &said
		out, _ := cmd.Output()
		var found struct {
			InTheClear map[string]int `json:"in_the_clear"`
			Faults     *int           `json:"fault_count"`
		}
		if err := json.Unmarshal(out, &found); err != nil || found.Faults == nil || *found.Faults > 0 {
			t.Errorf("check: %v\n%s%s", err, out, &said)
		}
		return found.InTheClear
	}
	if found := check(); len(found) > 0 {
		t.Errorf("in the clear: %v", found)
		whereabouts(t, secrets, dir)
	}
	// They would be found, if they were there.
	if found := check(canaries); found["a value given by --canary"] < len(secrets) {
		t.Errorf("of %d canaries only these are found where they are: %v", len(secrets), found)
	}
}

// whereabouts shows where the first secrets are, for whoever is to mend it.
func whereabouts(t *testing.T, secrets []string, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			if at := bytes.Index(b, []byte(secret)); at >= 0 && shown < 20 {
				shown++
				t.Logf("%s: …%s…", filepath.Base(file), b[max(0, at-300):min(len(b), at+len(secret)+100)])
			}
		}
	}
}
