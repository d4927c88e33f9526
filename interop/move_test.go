package interop

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const operators = `
  - client_id: operators
    client_secret: a-secret-of-those-who-run-it
    name: Operators
    app_type: non_interactive
clientGrants:
  - client_id: operators
    audience: ISSUERapi/v2/
    scope: ["update:store"]
`

// mover is a gateway that is moved, and what its users have of it.
type mover struct {
	*gateway
	admin string // URL of Salesforce's
	users []*mine
}

// mine is what an application has for a user: the last that was answered.
type mine struct {
	refreshToken, accessToken string // ours, and Salesforce's
	refreshes, refused        int
	// The last refresh of ours had no answer that tells whether it was done: then
	// the token is good for another, for a while, and for nothing else.
	unheard bool
}

// TestVaultIsMovedWhileItsGatewaysRun moves a vault from a file to a database and
// back, while its users refresh as fast as they can, and asks Salesforce what it saw.
func TestVaultIsMovedWhileItsGatewaysRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second, third := filepath.Join(dir, "first.db"), database(t), filepath.Join(dir, "third.db")
	m := newMover(t, first)

	refused := m.underLoad([]*gateway{m.gateway}, func() {
		copyVault(t, "--gateway", m.issuer, "--client-id", "operators", "--to", second)
	})
	if refused == 0 {
		t.Error("while the vault was moved, nothing was refused")
	}
	m.goesOnOn(second)

	other := m.instance()
	refused = m.underLoad([]*gateway{m.gateway, other}, func() { copyVault(t, "--from", second, "--to", third) })
	if refused == 0 {
		t.Error("while the vault was moved back, nothing was refused")
	}
	other.process.kill()
	m.goesOnOn(third)

	// A copy that is killed is given up, and leaves no vault.
	half := filepath.Join(dir, "half.db")
	m.underLoad([]*gateway{m.gateway}, func() {
		killed := operate("copy", "--gateway", m.issuer, "--client-id", "operators", "--to", half)
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "move", func() bool { return strings.Contains(m.process.out.String(), `"/api/v2/moves"`) })
		killed.Process.Kill()
		killed.Wait()
		if out, err := operate("release", "--gateway", m.issuer, "--client-id", "operators").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	})
	m.allIsThere()

	m.noneSpent()
}

// noneSpent asks Salesforce what it saw.
func (m *mover) noneSpent() {
	m.t.Helper()
	resp, err := m.http.Get(m.admin + "/counts")
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	var saw struct {
		Replays    int `json:"replays"`
		Concurrent int `json:"concurrent_refreshes"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&saw); err != nil || saw.Replays != 0 || saw.Concurrent != 0 {
		m.t.Errorf("Salesforce saw %+v, %v", saw, err)
	}
}

func newMover(t *testing.T, store string) *mover {
	t.Helper()
	listen, issuer := gatewayAddress(t)
	upstream, port := freeAddress(t)
	administration, _ := freeAddress(t)
	salesforce := "http://localhost:" + port
	start(t, "simulate", "salesforce", "--listen", upstream, "--url", salesforce, "--callback", issuer+"login/callback", "--admin-listen", administration).
		answers(t, salesforce+"/.well-known/openid-configuration")
	settings := strings.NewReplacer("LOGIN_URL", salesforce, "PUBLIC_KEY", strconv.Quote(clientKey().public), "ISSUER", issuer).Replace(strings.TrimSuffix(tenant, "\n") + operators)
	m := &mover{gateway: serve(t, store, listen, issuer, settings), admin: "http://" + administration}
	for _, u := range perOrg {
		p := ada(t)
		p.username, p.password = u.name, u.password
		token := m.signIn(p)
		m.users = append(m.users, &mine{refreshToken: token.RefreshToken, accessToken: m.mustExchange(token.RefreshToken).AccessToken})
	}
	return m
}

// underLoad has the users refresh, there and here, while something is done, and
// returns how often they were refused for a while.
func (m *mover) underLoad(gateways []*gateway, do func()) (refused int) {
	m.t.Helper()
	ctx, stop := context.WithCancel(m.t.Context())
	var load sync.WaitGroup
	for i, u := range m.users {
		u.refreshes, u.refused = 0, 0
		for range 3 {
			u.use(m.t, m.gateway)
		}
		load.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				u.use(m.t, gateways[n%len(gateways)])
			}
		})
	}
	do()
	stop()
	load.Wait()
	for _, u := range m.users {
		refused += u.refused
		if u.refreshes < 3 {
			m.t.Errorf("%d refreshes were answered", u.refreshes)
		}
	}
	return refused
}

// use refreshes both tokens once.
func (u *mine) use(t *testing.T, g *gateway) {
	l, err := g.exchange(u.refreshToken, "rejected_token", u.accessToken)
	switch {
	case err != nil:
		t.Error(err)
	case l.Status == http.StatusOK:
		u.accessToken = l.AccessToken
		u.refreshes++
	case l.Status == http.StatusServiceUnavailable && l.Error == "temporarily_unavailable":
		u.refused++
	case l.Status == http.StatusUnauthorized && u.unheard:
	default:
		t.Errorf("exchange: %+v", l)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {clientID}, "client_secret": {clientSecret}, "refresh_token": {u.refreshToken}}
	resp, err := g.http.PostForm(g.oauth2.Endpoint.TokenURL, form)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	var answer struct {
		RefreshToken string `json:"refresh_token"`
	}
	err = json.NewDecoder(resp.Body).Decode(&answer)
	switch {
	case err == nil && resp.StatusCode == http.StatusOK:
		u.refreshToken, u.unheard = answer.RefreshToken, false
	case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		u.refused++
		u.unheard = true
	default:
		t.Errorf("refresh: %s, %v", resp.Status, err)
	}
}

// goesOnOn starts the gateway on the store that its vault was moved to.
func (m *mover) goesOnOn(store string) {
	m.t.Helper()
	if resp, err := m.http.Get(m.issuer + "readyz"); err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		m.t.Errorf("the old store's gateway is ready: %v, %v", resp, err)
	}
	m.process.cmd.Process.Signal(syscall.SIGTERM)
	<-m.process.exited
	if out, err := exec.Command(binary, m.args...).CombinedOutput(); err == nil || !strings.Contains(string(out), "the vault was moved to") {
		m.t.Errorf("a gateway starts on the old store: %v\n%s", err, out)
	}
	m.args[slices.Index(m.args, "--store")+1] = store
	m.start()
	m.allIsThere()
}

// allIsThere uses what each user was last answered.
func (m *mover) allIsThere() {
	m.t.Helper()
	for _, u := range m.users {
		u.use(m.t, m.gateway) // hears what it did not hear
		u.refreshes = 0
		u.use(m.t, m.gateway)
		if u.refreshes != 1 {
			m.t.Error("a grant was lost")
		}
		m.accounts(m.mustExchange(u.refreshToken))
	}
}

func copyVault(t *testing.T, args ...string) {
	t.Helper()
	if out, err := operate("copy", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// operate is a command of those who run the gateway.
func operate(command string, args ...string) *exec.Cmd {
	c := exec.Command(binary, append([]string{"vault", command}, args...)...)
	c.Env = append(os.Environ(), "SALLYPORT_CLIENT_SECRET=a-secret-of-those-who-run-it")
	return c
}
