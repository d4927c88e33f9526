package connections

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestTrialShowsWhatItsListsName and nothing else, however short it is.
func TestTrialShowsWhatItsListsName(t *testing.T) {
	t.Parallel()
	header := func(name, value string) http.Header { return http.Header{name: {value}} }
	request := func(address, authorization, body string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		return secrets(nil).showRequest(r, []byte(body))
	}
	answer := func(status int, header http.Header, body string) string {
		return secrets(nil).showAnswer(status, header, []byte(body))
	}
	asJSON := header("Content-Type", "application/json")
	for _, tt := range []struct {
		name, got string
		want      []string // lines
	}{
		{"form", request("https://a.example/token", "", "grant_type=refresh_token&refresh_token=s3&client_secret=&password=s3&scope=api"),
			[]string{"POST https://a.example/token", "client_secret=…", "grant_type=refresh_token", "password=…", "refresh_token=…", "scope=api"}},
		{"query", request("https://u:s3@a.example/x?state=s3&client_id=me#s3", "", ""), []string{"POST https://a.example/x", "client_id=me", "state=…"}},
		{"header", request("https://a.example/x", "Bearer s3", ""), []string{"POST https://a.example/x", "Authorization: Bearer …"}},
		{"no form", request("https://a.example/x", "", "s3;%zz"), []string{"POST https://a.example/x", "…"}},
		{"token response", answer(200, asJSON, `{"access_token":"eyJs3.s3.s3","refresh_token":"s3","scope":"api","signature":"s3","s3":{"scope":"s3"},"expires_in":300,"active":true}`),
			[]string{"200 OK, application/json", "access_token: a JWT, 11 characters", "active: true", "expires_in: 300", "refresh_token: opaque, 2 characters", "scope: api", "2 more, not shown"}},
		{"error of the API", answer(403, asJSON, `[{"errorCode":"NO","message":"Not you","s3":"s3"}]`),
			[]string{"403 Forbidden, application/json", "a list of 1", "errorCode: NO", "message: Not you", "1 more, not shown"}},
		{"list", answer(200, asJSON, `[{"message":"s3"}]`), []string{"200 OK, application/json", "a list of 1"}},
		{"redirect", answer(302, header("Location", "https://a.example/cb?code=s3&error=no"), "s3"),
			[]string{"302 Found, no content type", "Location:", "https://a.example/cb", "code=…", "error=no"}},
		{"form of an error", answer(400, http.Header{}, "error=no&error_description=not+you&token=s3"), []string{"400 Bad Request, no content type", "error=no", "error_description=not you"}},
		{"page", answer(200, header("Content-Type", "text/html"), "<p>s3"), []string{"200 OK, text/html", "a web page of 5 bytes"}},
		{"else", answer(200, header("Content-Type", "text/plain"), "s3 and more"), []string{"200 OK, text/plain", "11 bytes, not shown"}},
		{"nothing", answer(200, http.Header{}, ""), []string{"200 OK, no content type", "(empty)"}},
	} {
		if got := strings.Split(tt.got, "\n"); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q", tt.name, got)
		}
		if strings.Contains(tt.got, "s3") {
			t.Errorf("%s: shows %q", tt.name, tt.got)
		}
	}
}
