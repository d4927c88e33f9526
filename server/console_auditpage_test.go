package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
)

// verified asks for a verification, and waits until it is done.
func (a *administrator) verified() page {
	a.t.Helper()
	p := a.post("/admin/audit/verify")
	for end := time.Now().Add(20 * time.Second); strings.Contains(p.body, "data-running") && time.Now().Before(end); {
		p = a.get("/admin/audit")
	}
	return p
}

func TestLogIsVerifiedInTheConsole(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	g.refuse()
	a.shows(a.get("/admin/audit"), "Not verified yet", "-----BEGIN PUBLIC KEY-----", "this instance’s", "none yet", "sallyport logs verify log.jsonl --key log.pem")
	if err := g.server.TendLogs(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.shows(a.verified(), "The log is as it was recorded", "in 1 chain", "asked for by", "!The log is not", "!none yet")
	a.shows(a.get("/admin/events?type=sallyport_logs_verified"), "The log was verified", "root@example.com")
	for range 3 {
		g.refuse()
	}
	all, err := g.vault.LogsNewest(t.Context(), 2, func([]byte) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	g.put(func(tx *vault.Tx) error { return tx.Events.Delete(all[1].ID) })
	a.shows(a.verified(), "The log is not as it was recorded", "are missing before event "+all[0].ID, "!The log is as it was")
}

func TestVerificationThatStoppedIsSaidToHaveBrokenOff(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	g.refuse()
	now := g.clock.Now()
	g.put(func(tx *vault.Tx) error {
		return tx.LogChecks.Put(vault.LogCheck{ID: "1", By: "somebody", Began: now, Until: now.Add(time.Minute), Read: 50, Of: 100})
	})
	a.shows(a.get("/admin/audit"), "Under way: 50 %", "data-running")
	a.shows(a.post("/admin/audit/verify"), "Under way: 50 %") // and none beside it
	g.clock.forward(2 * time.Minute)
	a.shows(a.get("/admin/audit"), "Broken off at 50 %", "!data-running")
	a.shows(a.verified(), "The log is as it was recorded")
}

// TestExportOfTheConsoleVerifies with the key of the console, as the program does
// it.
func TestExportOfTheConsoleVerifies(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	g.signIn(ada())
	g.refuse()
	a.shows(a.get("/admin/audit/export"), "Export the log of events")
	if p := a.post("/admin/audit/export", "since", "never"); p.status != http.StatusBadRequest || !strings.Contains(p.body, "That is no time") {
		t.Errorf("since never: %d", p.status)
	}
	export, key := a.post("/admin/audit/export", "since", ""), a.get("/admin/audit/key")
	public, err := vault.ParseLogKey([]byte(key.body))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := vault.VerifyLogs(strings.NewReader(export.body), public); err != nil || r.FaultCount != 0 || !r.Trusted || r.Events < 3 {
		t.Errorf("%+v %v", r, err)
	}
	if !strings.Contains(export.body, `"sallyport_logs_exported"`) {
		t.Error("it does not tell of itself")
	}
	a.shows(a.get("/admin/events?type=sallyport_logs_exported"), "The log was exported", "root@example.com", "exported the log of events: all of it")
	g.clock.forward(11 * time.Minute)
	for _, p := range []page{a.get("/admin/audit/export"), a.post("/admin/audit/export", "since", "")} {
		if !strings.HasPrefix(p.url, "/admin/prove") {
			t.Errorf("without a fresh proof: %s", p.url)
		}
	}
}

func TestStrangersSeeNothingOfTheLog(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.refuse()
	a := g.stranger()
	for _, path := range []string{"/admin/events", "/admin/events/export", "/admin/events/live", "/admin/events/" + g.lastEvent(), "/admin/audit", "/admin/audit/key", "/admin/audit/export"} {
		if p := a.get(path); !strings.HasPrefix(p.url, "/admin/sign-in") || strings.Contains(p.body, "feta") {
			t.Errorf("%s: %d %s", path, p.status, p.url)
		}
	}
	for _, path := range []string{"/admin/audit/verify", "/admin/audit/export"} {
		if p := a.post(path); p.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, p.status)
		}
	}
}

func TestPagesLinkToTheirEvents(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("root@example.com", vault.Viewer)
	g.signIn(ada())
	g.work()
	user, account := g.adasPage()
	for path, kinds := range map[string][]string{
		user: {"A user signed in", "ada@example.com"}, account: {"An application got a user’s token"},
		"/admin/clients/app": {"An application completed a sign-in"}, "/admin/connections/salesforce": {"A user signed in"},
	} {
		if path == account {
			g.exchange(g.signIn(ada()).RefreshToken)
		}
		link := regexp.MustCompile(`href="(/admin/events\?[^"]*)"`).FindStringSubmatch(a.get(path).body)
		if link == nil {
			t.Errorf("%s: none", path)
			continue
		}
		g.lastEvent() // before which all are written
		a.shows(a.get(link[1]), kinds...)
	}
}
