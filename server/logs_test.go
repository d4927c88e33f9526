package server_test

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport/server"
	"sallyport/vault"
)

// TestH44TheLogCannotBeRewrittenOverTheAPI tries all methods on it.
func TestH44TheLogCannotBeRewrittenOverTheAPI(t *testing.T) {
	t.Parallel()
	g := start(t)
	manager, id := g.manager(), g.lastEvent()
	for _, path := range []string{"logs", "logs/" + id, "logs/export", "logs/key", "logs/settings", "tenants/settings"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			if a := g.call(manager, method, "api/v2/"+path, `{"retention_days":0}`); a.status != 404 && a.status != 405 {
				t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
			}
		}
	}
}

// TestLogsAreReadAsAtAuth0 pages through them both ways.
func TestLogsAreReadAsAtAuth0(t *testing.T) {
	t.Parallel()
	g := start(t)
	manager := g.manager()
	token := g.signIn(ada())
	for range 5 {
		g.exchange(token.RefreshToken)
	}
	g.exchange(token.RefreshToken, "scope", "nobody_has_it")
	all := g.events("")
	newest := list(t, g.call(manager, "GET", "api/v2/logs?per_page=3", ""))
	if len(newest) != 3 || newest[0]["log_id"] != all[len(all)-1].ID || newest[0]["_id"] != newest[0]["log_id"] || newest[1]["type"] != "feta" {
		t.Errorf("%v", newest)
	}
	var read []string
	for next := "/api/v2/logs?take=4&from="; ; {
		a := g.call(manager, "GET", next[1:], "")
		page := list(t, a)
		for _, e := range page {
			read = append(read, e["log_id"].(string))
		}
		link, _, ok := strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), `>; rel="next"`)
		if !ok {
			t.Fatalf("link %q", a.header.Get("Link"))
		}
		if len(page) == 0 {
			if link != next {
				t.Errorf("after the last: %q, and not %q", link, next)
			}
			break
		}
		next = link
	}
	for i, e := range all {
		if i >= len(read) || read[i] != e.ID {
			t.Fatalf("read %v", read)
		}
	}
	if a := g.call(manager, "GET", "api/v2/logs/"+all[0].ID, ""); a.status != 200 || a.str("log_id") != all[0].ID {
		t.Errorf("one: %d %s", a.status, a.body)
	}
	if a := g.call(manager, "GET", "api/v2/logs/0", ""); a.status != 404 {
		t.Errorf("none: %d %s", a.status, a.body)
	}
	for q, want := range map[string]int{
		"type:seta": 5, `type:"feta"`: 1, "type:seta AND client_id:app": 5, "type:seta AND client_id:other": 0, "reason:insufficient_scope": 1, "type:set": 0,
	} {
		if found := list(t, g.call(manager, "GET", "api/v2/logs?q="+url.QueryEscape(q), "")); len(found) != want {
			t.Errorf("%s: %d", q, len(found))
		}
	}
	for _, query := range []string{"q=type:s*", "q=seta", "q=type:a+OR+type:b", "q=nothing:1", "q=date:[2020+TO+2030]", "take=0", "take=1000", "from=%0a", "from=../x", "per_page=0", "page=99&per_page=100", "sort=date:1", "sort=user_id:-1"} {
		if a := g.call(manager, "GET", "api/v2/logs?"+query, ""); a.status != 400 || a.str("errorCode") != "invalid_query_string" {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	totals := g.call(manager, "GET", "api/v2/logs?include_totals=true&per_page=2", "")
	if totals.json["length"] != 2.0 || totals.json["total"] != float64(len(all)) {
		t.Errorf("%s", totals.body)
	}
	export := g.call(manager, "GET", "api/v2/logs/export", "")
	key, err := vault.ParseLogKey([]byte(g.call(manager, "GET", "api/v2/logs/key", "").str("public_key")))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := vault.VerifyLogs(bytes.NewReader(export.body), key); err != nil || r.FaultCount != 0 || r.Events < uint64(len(all)) {
		t.Errorf("the export: %+v %v", r, err)
	}
}

// serveAgain starts another server on the vault.
func (g *gateway) serveAgain(r vault.LogRetention) (err error) {
	g.server, err = server.New(g.t.Context(), server.Config{Issuer: g.issuer, Vault: g.vault, Logs: r, Now: g.clock.Now})
	return err
}

// TestH44RetentionHasAFloorAndItsChangeIsAnEvent (H44).
func TestH44RetentionHasAFloorAndItsChangeIsAnEvent(t *testing.T) {
	t.Parallel()
	g := start(t)
	day := 24 * time.Hour
	for _, r := range []vault.LogRetention{{Age: time.Hour, Bytes: 1 << 30}, {Age: 90 * day, Bytes: 1}} {
		if err := g.vault.SetLogRetention(t.Context(), r, nil); err == nil {
			t.Errorf("%+v will do", r)
		}
	}
	before := g.lastEvent()
	for range 2 {
		if err := g.serveAgain(vault.LogRetention{Age: 30 * day, Bytes: 1 << 30}); err != nil {
			t.Fatal(err)
		}
	}
	list := g.events(before)
	if len(list) != 2 || list[0].Type != "sallyport_log_retention_changed" || list[0].Details["before"] != "not set" || list[0].Details["after"] != "30 days, 1024 MB" {
		t.Errorf("%+v", list)
	}
	g.clock.forward(31 * day)
	if err := g.server.TendLogs(t.Context()); err != nil {
		t.Fatal(err)
	}
	list = g.events("")
	if len(list) != 2 || list[0].Type != "sallyport_logs_pruned" {
		t.Errorf("after a month: %+v", list)
	}
}
