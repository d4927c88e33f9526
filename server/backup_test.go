package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/connections"
	"sallyport/connections/simulator"
	"sallyport/connections/simulator/simtest"
	"sallyport/server"
	"sallyport/vault"
	"sallyport/vault/bolt"
)

// backup gets a backup over the management API.
func (g *gateway) backup() []byte {
	g.t.Helper()
	a := g.call(g.manager("read:backups"), "GET", "api/v2/backup", "")
	if a.status != 200 || a.header.Get("Content-Type") != "application/octet-stream" {
		g.t.Fatalf("%d %s", a.status, a.body)
	}
	return a.body
}

// restored is a gateway on a store that a backup was restored to.
func (g *gateway) restored(backup []byte) *gateway {
	g.t.Helper()
	store, err := bolt.Open(filepath.Join(g.t.TempDir(), "restored.db"))
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { store.Close() })
	if _, err := vault.Receive(g.t.Context(), bytes.NewReader(backup), store); err != nil {
		g.t.Fatal(err)
	}
	r := &gateway{t: g.t, salesforce: g.salesforce, upstream: g.upstream, key: g.key, log: g.log, clock: g.clock, disk: &disk{Store: store}}
	if r.vault, err = vault.Open(g.t.Context(), r.disk, g.key); err != nil {
		g.t.Fatal(err)
	}
	r.vault.Now = g.clock.Now
	running := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.server.ServeHTTP(w, req) }))
	g.t.Cleanup(running.Close)
	r.issuer = running.URL + "/"
	if r.server, err = server.New(g.t.Context(), server.Config{
		Issuer: r.issuer, Vault: r.vault, HTTP: connections.NewHTTPClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}),
		Now: g.clock.Now, Log: slog.New(slog.NewJSONHandler(g.log, nil)),
	}); err != nil {
		g.t.Fatal(err)
	}
	return r
}

// TestH57RestoredBackupNeverShowsASpentRefreshToken backs up a gateway that
// refreshes as fast as it can, has it go on for some of its users, and restores
// the backup, on which each user asks for a token.
func TestH57RestoredBackupNeverShowsASpentRefreshToken(t *testing.T) {
	t.Parallel()
	const busy, all = 4, 7
	g := start(t)
	tokens := make([]string, all)
	for i := range all {
		name := fmt.Sprintf("user%d@example.com", i)
		g.salesforce.Users = append(g.salesforce.Users, simulator.User{Username: name, Password: "p", LastName: fmt.Sprint(i), Email: name, EmailVerified: true})
	}
	for i, u := range g.salesforce.Users {
		tokens[i] = g.signIn(simtest.NewPerson(u.Username, u.Password)).RefreshToken
	}
	refresh := func(i int, last string) string {
		a := g.exchange(tokens[i], "rejected_token", last)
		if a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		return a.str("access_token")
	}
	for i := range all { // that its refresh tokens rotate is known of each
		refresh(i, g.exchange(tokens[i]).str("access_token"))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for i := range busy {
		load.Go(func() {
			for last := g.exchange(tokens[i]).str("access_token"); ctx.Err() == nil; {
				last = refresh(i, last)
			}
		})
	}
	backup := g.backup()
	before := g.salesforce.Requests("token:refresh_token")
	for g.salesforce.Requests("token:refresh_token") < before+2*busy {
		runtime.Gosched()
	}
	cancel()
	load.Wait()
	for i := range busy {
		refresh(i, g.exchange(tokens[i]).str("access_token"))
	}

	g.clock.forward(3 * time.Hour)
	r := g.restored(backup)
	for i := range all {
		switch a := r.exchange(tokens[i]); {
		case i >= busy && (a.status != 200 || r.query(a) != 200):
			t.Errorf("user %d, whose token is as it was: %d %s", i, a.status, a.body)
		case i < busy && (a.str("reason") != "reauthorization_required" || !strings.Contains(a.str("error_description"), "restored from a backup")):
			t.Errorf("user %d, whose token was refreshed since: %d %s", i, a.status, a.body)
		}
	}
	g.clock.forward(3 * time.Hour)
	for i := busy; i < all; i++ {
		if a := r.exchange(tokens[i]); a.status != 200 {
			t.Errorf("user %d, the next time: %d %s", i, a.status, a.body)
		}
	}
	if n := g.salesforce.Replays(); n != 0 {
		t.Errorf("%d spent refresh tokens were shown", n)
	}
}

func TestBackupIsSealedAndForThoseWhoMay(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	at := g.exchange(token.RefreshToken).str("access_token")
	backup := g.backup()
	for _, secret := range []string{at, token.RefreshToken, "consumer-secret", g.key.Reveal(), "ada@example.com"} {
		if bytes.Contains(backup, []byte(secret)) {
			t.Errorf("the backup shows %q", secret)
		}
	}
	if a := g.call(g.manager("read:clients"), "GET", "api/v2/backup", ""); a.status != 403 {
		t.Errorf("without the scope: %d %s", a.status, a.body)
	}
	if a := g.call("", "GET", "api/v2/backup", ""); a.status != 401 {
		t.Errorf("a stranger: %d %s", a.status, a.body)
	}
}

// TestOneBackupAtATime begins one and does not read it.
func TestOneBackupAtATime(t *testing.T) {
	t.Parallel()
	g := start(t)
	for i := range 20 { // more than fits on the way
		g.put(func(tx *vault.Tx) error {
			return tx.Users.Put(vault.User{ID: fmt.Sprint(i), Profile: vault.Profile{Name: strings.Repeat("x", 1<<20)}})
		})
	}
	token := g.manager("read:backups")
	ctx, leave := context.WithCancel(t.Context())
	req := g.request("GET", "api/v2/backup", "", "").WithContext(ctx)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if a := g.call(token, "GET", "api/v2/backup", ""); a.status != 409 || a.str("errorCode") != "backup_in_progress" {
		t.Errorf("the second: %d %.200s", a.status, a.body)
	}
	g.put(func(tx *vault.Tx) error { return tx.Users.Put(vault.User{ID: "meanwhile"}) }) // nobody waits for it
	leave()
	resp.Body.Close()
	for g.call(token, "GET", "api/v2/backup", "").status != 200 {
		runtime.Gosched()
	}
}
