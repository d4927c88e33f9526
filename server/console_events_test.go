package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/templates"
	"sallyport/vault"
)

var (
	eventLinks = regexp.MustCompile(`<tr data-id="([0-9A-Z]+)">`)
	olderLink  = regexp.MustCompile(`href="(/admin/events\?[^"]*before=[^"]*)"`)
	liveLink   = regexp.MustCompile(`data-live="([^"]*)"`)
)

// listed are the IDs of the events on a page, in its order.
func (p page) listed() (ids []string) {
	for _, m := range eventLinks.FindAllStringSubmatch(p.body, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// refuse has the gateway refuse an exchange, and returns the correlation ID that
// the application gets to see.
func (g *gateway) refuse() string {
	g.t.Helper()
	a := g.exchange("unknown")
	if a.status < 400 || a.str("correlation_id") == "" {
		g.t.Fatalf("%d %s", a.status, a.body)
	}
	return a.str("correlation_id")
}

func TestErrorOfAnApplicationIsFoundByItsCorrelationID(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	id := g.refuse()
	g.refuse()
	found := a.get("/admin/events?correlation=+" + strings.ToLower(id) + "+")
	a.shows(found, "An application got no token", "Failed", id)
	if n := len(found.listed()); n != 1 {
		t.Fatalf("%d events", n)
	}
	one := a.get("/admin/events/" + found.listed()[0])
	a.shows(one, "What the application showed is no longer good", "The application signs the user in again", "feta", id, "127.0.0.1", `href="/admin/clients/app"`, `"type":"feta"`, "Other events of this request")
	if again := a.get("/admin/events?correlation=" + found.listed()[0]); again.url != one.url {
		t.Errorf("by its own ID: %s", again.url)
	}
	for _, path := range []string{"/admin/events/1", "/admin/events/" + strings.Repeat("0", 39), "/admin/events/..%2fx"} {
		if p := a.get(path); p.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, p.status)
		}
	}
}

func TestOtherEventsOfARequestAreListed(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	for i := range 3 {
		kind := []vault.EventType{"sallyport_upstream_refresh_failed", "feta", "seta"}[i]
		if err := g.vault.Record(t.Context(), vault.Event{Type: kind, Correlation: vault.Said([]string{"ONE", "ONE", "OTHER"}[i])}); err != nil {
			t.Fatal(err)
		}
	}
	ids := a.get("/admin/events?correlation=ONE").listed()
	if len(ids) != 2 {
		t.Fatalf("%v", ids)
	}
	for i, id := range ids {
		if others := a.get("/admin/events/" + id).listed(); len(others) != 1 || others[0] != ids[1-i] {
			t.Errorf("%s: %v", id, others)
		}
	}
}

func TestEventsAreFiltered(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	g.signIn(ada())
	g.work()
	began := g.clock.Now()
	g.lastEvent() // those so far are written, and stand at this time in the log
	g.clock.forward(48 * time.Hour)
	a.get("/admin/sign-in")
	a = g.administrator("second@example.com", vault.Viewer)
	record := func(e vault.Event) {
		e.Correlation = vault.Said("C")
		if err := g.vault.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	user, _ := g.adasPage()
	ada, _ := url.PathUnescape(strings.TrimPrefix(user, "/admin/users/"))
	record(vault.Event{Type: "feta", Client: vault.Said("app"), User: vault.Said(ada), Connection: vault.Said("salesforce"), Reason: vault.Said("not_stored"), IP: vault.Said("192.0.2.1")})
	record(vault.Event{Type: "seta", Client: vault.Said("other"), User: vault.Said("salesforce|other"), Connection: vault.Said("second"), IP: vault.Said("192.0.2.2")})
	record(vault.Event{Type: "sallyport_console_changed", Description: vault.Said("user " + ada), Details: []vault.Detail{vault.Say("administrator.name", "root")}})
	record(vault.Event{Type: "made_up_refused", Client: vault.Said(`a"b\c`), UserAgent: vault.Said(`","client_id":"app`)})
	recent := "&since=1h"
	for _, tt := range []struct {
		query string
		want  int
	}{
		{"type=feta" + recent, 1}, {"type=fet" + recent, 0}, {"type=made_up_refused", 1},
		{"outcome=failed" + recent, 2}, {"client=app" + recent, 1}, {"client=ap" + recent, 0}, {`client=a"b\c` + recent, 1},
		{"user=" + url.QueryEscape(ada) + recent, 2}, {"user=ADA@example.com" + recent, 2}, {"user=salesforce|other" + recent, 1},
		{"connection=second", 1}, {"reason=not_stored", 1}, {"ip=192.0.2.1", 1}, {"ip=192.0.2", 0},
		{"client=app&outcome=ok" + recent, 0}, {"type=seta&client=other&user=salesforce|other&connection=second&ip=192.0.2.2&outcome=ok", 1},
		{"until=" + url.QueryEscape(began.Format(time.RFC3339)) + "&type=feta", 0}, {"until=24h&ip=192.0.2.1", 0}, {"since=0h", 0},
	} {
		p := a.get("/admin/events?" + tt.query)
		if n := len(p.listed()); p.status != http.StatusOK || n != tt.want {
			t.Errorf("%s: %d events, and not %d", tt.query, n, tt.want)
		}
		export := a.get("/admin/events/export?" + tt.query)
		if n := strings.Count(export.body, "\n"); export.status != http.StatusOK || n != tt.want {
			t.Errorf("%s: %d lines", tt.query, n)
		}
	}
	if n := len(a.get("/admin/events?user=ada@example.com&until=24h").listed()); n == 0 {
		t.Error("her sign-in is not found")
	}
	for _, query := range []string{"since=yesterday", "until=-1h", "since=2026-13-01"} {
		if p := a.get("/admin/events?" + query); p.status != http.StatusBadRequest || !strings.Contains(p.body, "That is no time") || !strings.Contains(p.body, `aria-invalid="true"`) {
			t.Errorf("%s: %d", query, p.status)
		}
		if p := a.get("/admin/events/export?" + query); p.status != http.StatusBadRequest {
			t.Errorf("its file: %s: %d", query, p.status)
		}
	}
}

// fill records many events, of which the first has a correlation ID of its own.
func (g *gateway) fill(n int) {
	g.t.Helper()
	var first, rest []vault.Event
	for i := range n {
		e := vault.Event{Type: "seta", Client: vault.Said("app"), User: vault.Said(fmt.Sprintf("salesforce|%06d", i)), Correlation: vault.Said("MANY")}
		if i == 0 {
			e.Correlation = vault.Said("FIRST")
			first = append(first, e)
			continue
		}
		rest = append(rest, e)
	}
	for _, events := range [][]vault.Event{first, rest} {
		for _, e := range events {
			g.vault.RecordLater(e)
		}
		if err := g.vault.Record(g.t.Context(), vault.Event{Type: "mark", Correlation: vault.Said("MARK")}); err != nil {
			g.t.Fatal(err)
		}
	}
}

// TestEventsArePagedAndTheSearchIsBounded in a log of 10,000.
func TestEventsArePagedAndTheSearchIsBounded(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	g.fill(10_000)
	seen, pages := map[string]bool{}, 0
	last := "~"
	for path := "/admin/events?type=seta"; path != "" && pages < 5; pages++ {
		p := a.get(path)
		ids := p.listed()
		if len(ids) != 50 {
			t.Fatalf("%s: %d events", path, len(ids))
		}
		for _, id := range ids {
			if seen[id] || id >= last {
				t.Fatalf("%s: %s comes after %s", path, id, last)
			}
			seen[id], last = true, id
		}
		path = html.UnescapeString(olderLink.FindStringSubmatch(p.body)[1])
	}
	bounded := a.get("/admin/events?correlation=FIRST")
	a.shows(bounded, "Nothing in the last 5000 events", "Look further back")
	further := a.get(html.UnescapeString(olderLink.FindStringSubmatch(bounded.body)[1]))
	if n := len(further.listed()); n != 1 {
		t.Errorf("further back: %d", n)
	}
	a.shows(further, "Back to the newest", "!data-live", "!Look further back")
	a.shows(a.get("/admin/events?correlation=NOWHERE&far=1"), "Nothing is found")
	export := a.get("/admin/events/export?type=seta")
	if n := strings.Count(export.body, "\n"); n != 1000 {
		t.Errorf("its file has %d lines", n)
	}
	for line := range strings.Lines(export.body) {
		if !json.Valid([]byte(line)) {
			t.Fatalf("a line of it: %s", line)
		}
	}
}

func TestHostileEventsAreOnlyText(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	const evil = "<script>alert(1)</script>\"'\x1b[31m\u202e../..?x=1#"
	e := vault.Event{
		Type: "feta", Description: vault.Said(evil), Client: vault.Said(evil), ClientName: vault.Said(evil), User: vault.Said(evil), UserName: vault.Said(evil), Connection: vault.Said(evil),
		IP: vault.Said(evil), UserAgent: vault.Said(evil), Reason: vault.Said(evil), Correlation: vault.Said(evil), Details: []vault.Detail{vault.Say("request.path", evil), vault.Say("request.method", evil)},
	}
	if err := g.vault.Record(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	p := a.get("/admin/events?type=feta&client=" + url.QueryEscape(evil))
	ids := p.listed()
	if len(ids) != 1 {
		t.Fatalf("%d events", len(ids))
	}
	for _, p := range []page{p, a.get("/admin/events/" + ids[0])} {
		if strings.Contains(p.body, "<script>alert") || strings.ContainsAny(p.body, "\x1b\u202e") || strings.Contains(p.body, `href="/admin/users/<`) {
			t.Errorf("%s: %s", p.url, p.body)
		}
	}
}

// follow opens the live feed that a page names, and returns what it sends.
func (a *administrator) follow(p page) (*http.Response, *bufio.Scanner) {
	a.t.Helper()
	at := liveLink.FindStringSubmatch(p.body)
	if at == nil {
		a.t.Fatalf("not live: %s", p.body)
	}
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, strings.TrimSuffix(a.issuer, "/")+html.UnescapeString(at[1]), nil)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := a.browser.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { resp.Body.Close() })
	return resp, bufio.NewScanner(resp.Body)
}

func TestEventsComeAsTheyHappen(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	resp, lines := a.follow(a.get("/admin/events?type=feta"))
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	g.signIn(ada()) // which is not asked for
	g.refuse()
	var place, rows string
	for lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			place = id
		}
		if row, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			rows += row + "\n"
		}
		if rows != "" && lines.Text() == "" {
			break
		}
	}
	sent := page{body: rows}.listed()
	want := a.get("/admin/events?type=feta").listed()
	if len(sent) != 1 || len(want) != 1 || sent[0] != want[0] || place < sent[0] {
		t.Errorf("sent %v at %s: %s", sent, place, rows)
	}
}

// TestH21LiveFeedEndsWithItsSession, which it does not keep alive; and nobody can
// have many.
func TestH21LiveFeedEndsWithItsSession(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	p := a.get("/admin/events")
	g.clock.forward(20 * time.Minute)
	_, lines := a.follow(p)
	for range 3 {
		a.follow(p)
	}
	if resp, _ := a.follow(p); resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a fifth: %d", resp.StatusCode)
	}
	g.clock.forward(11 * time.Minute)
	var all strings.Builder
	for lines.Scan() {
		all.WriteString(lines.Text() + "\n")
	}
	if lines.Err() != nil || !strings.Contains(all.String(), "event: end\n") {
		t.Errorf("%v\n%s", lines.Err(), all.String())
	}
	if p := a.get("/admin/events/live?after=" + strings.Repeat("0", 17)); !strings.Contains(p.body, "Sign in to the console") {
		t.Errorf("of a stranger: %d", p.status)
	}
}

func TestLiveFeedNeedsAPlaceToBegin(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	for _, query := range []string{"", "?after=", "?after=../x", "?after=0&since=never"} {
		if p := a.get("/admin/events/live" + query); p.status != http.StatusBadRequest {
			t.Errorf("%q: %d", query, p.status)
		}
	}
}

// TestLiveFeedEndsWhenTheGatewayStops, so that stopping does not wait for it.
func TestLiveFeedEndsWhenTheGatewayStops(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	resp, _ := a.follow(a.get("/admin/events"))
	g.server.Ending()
	g.server.Ending()
	if _, err := new(bytes.Buffer).ReadFrom(resp.Body); err != nil {
		t.Error(err)
	}
}

func TestEveryEventHasWords(t *testing.T) {
	t.Parallel()
	for _, r := range auditedRequests {
		if r.kind != "" && !templates.KnownKind(r.kind) {
			t.Errorf("%s has none", r.kind)
		}
		if r.kind != "" && templates.KindOf(r.kind, r.reason).Failed != (r.reason != "") && r.kind != "fdecc" {
			t.Errorf("%s: %s: failed or not?", r.name, r.kind)
		}
		if r.reason != "" && templates.CureOf(r.reason, "").Do == "" {
			t.Logf("%s has no cure of its own", r.reason)
		}
	}
	for _, tt := range consoleAudit {
		if !templates.KnownKind(tt.leaves) {
			t.Errorf("%s has none", tt.leaves)
		}
	}
	if k := templates.KindOf("sallyport_something_new_failed", ""); k.Words != "Something new failed" || !k.Failed {
		t.Errorf("%+v", k)
	}
}
