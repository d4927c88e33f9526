package server_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sallyport/vault"
)

var (
	inTerminal = regexp.MustCompile(`<dd><p class="copy"><code>([^<]+)</code>`)
	asked      = regexp.MustCompile(`^curl -s '?([^' ]+)'? -H "Authorization: Bearer \$TOKEN"$`)
)

// TestCommandsOfTheConsoleShowWhatItShows does what pages have to be done in a
// terminal, as far as it only shows something.
func TestCommandsOfTheConsoleShowWhatItShows(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	a, manager := g.administrator("ada@example.com", vault.Viewer), g.manager()
	g.lastEvent()
	user := "/admin/users/" + url.PathEscape(g.subject(token))
	event := regexp.MustCompile(`/admin/events/[0-9A-Z]{30,}`).FindString(a.get("/admin/events").body)
	account := regexp.MustCompile(regexp.QuoteMeta(html.EscapeString(user)) + `/accounts/\w+`).FindString(a.get(user).body)
	asking := 0
	for _, path := range []string{"/admin/clients", "/admin/users", user, account, "/admin/events", event} {
		shown := inTerminal.FindAllStringSubmatch(a.get(path).body, -1)
		if len(shown) == 0 {
			t.Errorf("%s has nothing for a terminal", path)
		}
		for _, line := range shown {
			if at := asked.FindStringSubmatch(html.UnescapeString(line[1])); at != nil {
				asking++
				if answer := g.call(manager, http.MethodGet, strings.TrimPrefix(at[1], g.issuer), ""); answer.status != http.StatusOK {
					t.Errorf("%s: %s: %d %s", path, line[1], answer.status, answer.body)
				}
			}
		}
	}
	if asking < 7 {
		t.Errorf("%d requests", asking)
	}
}
