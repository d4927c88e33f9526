package static

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "http://gateway.example"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestURLCarriesAHashOfTheContent(t *testing.T) {
	if got := URL("app.css"); !regexp.MustCompile(`^/static/app\.[0-9a-f]{12}\.css$`).MatchString(got) {
		t.Errorf("URL(app.css) = %q", got)
	}
	if a, b := URL("app.css"), URL("favicon.svg"); strings.TrimPrefix(a, "/static/app.") == strings.TrimPrefix(b, "/static/favicon.") {
		t.Error("two files have one hash")
	}
}

func TestURLOfAnUnknownFilePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	URL("missing.css")
}

func TestCaching(t *testing.T) {
	const (
		forever = "public, max-age=31536000, immutable"
		css     = "text/css; charset=utf-8"
	)
	for _, test := range []struct {
		name, path         string
		status             int
		cache, contentType string
	}{
		{"current hash", URL("app.css"), 200, forever, css},
		{"icon", URL("favicon.svg"), 200, forever, "image/svg+xml"},
		{"script", URL("formpost.js"), 200, forever, "text/javascript; charset=utf-8"},
		{"stale hash", "/static/app.0123456789ab.css", 200, "no-cache", css},
		{"no hash", "/static/app.css", 200, "no-cache", css},
		{"hash of another file", strings.Replace(URL("favicon.svg"), "favicon", "app", 1)[:len("/static/app.0123456789ab")] + ".css", 200, "no-cache", css},
		{"not a hash", "/static/app.min.css", 404, "", ""},
		{"hash too short", "/static/app.0123.css", 404, "", ""},
		{"unknown", "/static/other.css", 404, "", ""},
		{"the source", "/static/static.go", 404, "", ""},
		{"the folder", "/static/", 404, "", ""},
		{"above it", "/static/../static.go", 404, "", ""},
		{"elsewhere", "/app.css", 404, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp := get(t, "GET", test.path)
			if resp.StatusCode != test.status {
				t.Fatalf("GET %s: status %d, want %d", test.path, resp.StatusCode, test.status)
			}
			if test.status != 200 {
				return
			}
			if got := resp.Header.Get("Cache-Control"); got != test.cache {
				t.Errorf("Cache-Control %q, want %q", got, test.cache)
			}
			if got := resp.Header.Get("Content-Type"); got != test.contentType {
				t.Errorf("Content-Type %q, want %q", got, test.contentType)
			}
			if resp.Header.Get("ETag") == "" {
				t.Error("no ETag")
			}
		})
	}
}

func TestUnchangedFileIsNotSentAgain(t *testing.T) {
	first := get(t, "GET", "/static/app.css")
	again := get(t, "GET", "/static/app.css", "If-None-Match", first.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("status %d, want 304", again.StatusCode)
	}
}

func TestFilesAreOnlyRead(t *testing.T) {
	resp := get(t, "POST", URL("app.css"))
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("status %d, Allow %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
	if resp := get(t, "HEAD", URL("app.css")); resp.StatusCode != 200 {
		t.Errorf("HEAD: status %d", resp.StatusCode)
	}
}

func TestScriptsAreSmallAndStrict(t *testing.T) {
	// The sign-in side's are read over in a minute. The console's are modules, which are strict by
	// themselves, and reach the gateway alone, as their policy has it.
	unwanted := regexp.MustCompile(`\b(eval|Function|setTimeout|setInterval|innerHTML|outerHTML|insertAdjacentHTML|document\.write|import|fetch|localStorage|cookie)\b|, "\*"`)
	for name, f := range files {
		if !strings.HasSuffix(name, ".js") {
			continue
		}
		if strings.HasPrefix(name, "console") {
			if got := regexp.MustCompile(`\b(eval|Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write|localStorage|cookie)\b|https?:`).Find(f.content); got != nil {
				t.Errorf("%s uses %s", name, got)
			}
			continue
		}
		if len(f.content) > 1<<10 {
			t.Errorf("%s has %d bytes", name, len(f.content))
		}
		if !regexp.MustCompile(`(?m)\A(//.*\n)*"use strict";$`).Match(f.content) {
			t.Errorf("%s is not strict", name)
		}
		if got := unwanted.Find(f.content); got != nil {
			t.Errorf("%s uses %s", name, got)
		}
	}
}
