package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rekeyers may change the keys of the vault, and see them.
const rekeyers = `
  - client_id: rekeyers
    client_secret: a-secret-among-the-operators
    name: Operators
    app_type: non_interactive
clientGrants:
  - client_id: rekeyers
    audience: ISSUERapi/v2/
    scope: ["read:vault_keys", "update:vault_keys"]
`

// vaultKeys are a vault's keys, as the gateway shows them.
type vaultKeys struct {
	Root     string   `json:"root_key"`
	Data     string   `json:"data_key"`
	NextData string   `json:"next_data_key"`
	OldData  []string `json:"old_data_keys"`
	Changing bool     `json:"changing"`
	Done     int      `json:"records_done"`
	Total    int      `json:"records_total"`
}

// stage is how far a change of keys has come, in words.
func (k vaultKeys) stage() string {
	switch {
	case !k.Changing:
		return "over"
	case k.NextData != "":
		return "announced"
	case k.Done == 0:
		return "sealing"
	}
	return "resealing"
}

// TestKeysAreChangedWhileExchangesGoOn changes the data key and the root key again
// and again, under 200 exchanges a second and some refreshes, and kills a process
// at each stage of it.
func TestKeysAreChangedWhileExchangesGoOn(t *testing.T) {
	t.Run("one on a file", func(t *testing.T) {
		t.Parallel()
		changeKeys(t, filepath.Join(t.TempDir(), "sallyport.db"), 1, []string{"announced", "sealing", "resealing"})
	})
	t.Run("two on PostgreSQL", func(t *testing.T) {
		t.Parallel()
		changeKeys(t, database(t), 2, []string{"resealing"})
	})
}

func changeKeys(t *testing.T, store string, instances int, killedAt []string) {
	listen, issuer := gatewayAddress(t)
	upstream, upstreamPort := freeAddress(t)
	salesforce := "http://localhost:" + upstreamPort
	// Without rotation, since a process that is killed during a refresh may lose a token
	// that has just been issued: what that costs is the campaign's to count.
	start(t, "simulate", "salesforce", "--no-rotation", "--listen", upstream, "--url", salesforce, "--callback", issuer+"login/callback").
		answers(t, salesforce+"/.well-known/openid-configuration")
	g := serve(t, store, listen, issuer, strings.NewReplacer("LOGIN_URL", salesforce, "ISSUER", issuer, "PUBLIC_KEY", fmt.Sprintf("%q", clientKey().public)).Replace(tenant+rekeyers))
	token := g.signIn(ada(t)).RefreshToken
	g.beginLogins(3000)
	g.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}, Timeout: patience}
	site := []*gateway{g}
	for range instances - 1 {
		site = append(site, g.instance())
	}

	ctx, cancel := context.WithCancel(t.Context())
	c := &callers{site: site, token: token}
	var calling sync.WaitGroup
	calling.Go(func() { c.call(ctx, 200) })

	roots := []string{}
	for _, stage := range killedAt {
		run(t, "vault", "init", "--next", "--key-file", g.keyFile)
		g.operate("rekey")
		seen := g.operate("keys")
		for deadline := time.Now().Add(time.Minute); seen.stage() != stage && seen.stage() != "over" && time.Now().Before(deadline); {
			seen = g.operate("keys")
		}
		t.Logf("killed when %s, %d of %d records", seen.stage(), seen.Done, seen.Total)
		g.crash()
		for deadline := time.Now().Add(2 * time.Minute); seen.Changing && time.Now().Before(deadline); {
			seen = site[len(site)-1].operate("keys")
		}
		if seen.Changing || slices.Contains(roots, seen.Root) {
			t.Fatalf("the change does not end: %+v", seen)
		}
		roots = append(roots, seen.Root)
	}
	cancel()
	calling.Wait()
	t.Logf("%d exchanges, of them %d again after their process was killed, and %d with a refresh", c.done.Load(), c.again.Load(), c.refreshed.Load())
	if c.failed.Load() > 0 || c.done.Load() == 0 || c.refreshed.Load() == 0 {
		t.Errorf("%d exchanges failed, the first with %v", c.failed.Load(), c.first.Load())
	}

	// Every record is under the newest key, and the newest root key alone opens it.
	for _, g := range site {
		g.process.kill()
	}
	onlyNewest(t, g.keyFile)
	out, err := exec.Command(binary, "vault", "check", "--json", "--store", store, "--key-file", g.keyFile).Output()
	var checked struct {
		Root    string         `json:"root_key"`
		DataKey string         `json:"data_key"`
		Under   map[string]int `json:"records_by_data_key"`
		Faults  int            `json:"fault_count"`
	}
	if err := errors.Join(err, json.Unmarshal(out, &checked)); err != nil || len(checked.Under) != 1 || checked.Under[checked.DataKey] < 3000 || checked.Faults > 0 || checked.Root != roots[len(roots)-1] {
		t.Errorf("check: %s, %v", out, err)
	}
	g.start()
	g.accounts(g.mustExchange(token))
}

// beginLogins leaves so many logins in the vault, whose users never come back.
func (g *gateway) beginLogins(n int) {
	g.t.Helper()
	address, c := g.oauth2.AuthCodeURL(state), &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 16},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range n/16 + 1 {
				resp, err := c.Get(address)
				if err != nil {
					g.t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
}

// operate has the gateway change its keys, or show them.
func (g *gateway) operate(command string) (k vaultKeys) {
	g.t.Helper()
	method, path := http.MethodGet, "api/v2/keys/vault"
	if command == "rekey" {
		method, path = http.MethodPost, "api/v2/keys/vault/rekey"
	}
	eventually(g.t, "answer to the operators", func() bool {
		var granted struct {
			AccessToken string `json:"access_token"`
		}
		return g.answer(g.http.PostForm(g.oauth2.Endpoint.TokenURL, url.Values{"grant_type": {"client_credentials"}, "client_id": {"rekeyers"},
			"client_secret": {"a-secret-among-the-operators"}, "audience": {strings.TrimSuffix(g.oauth2.Endpoint.AuthURL, "authorize") + "api/v2/"}}))(&granted) &&
			g.answer(g.bearer(method, path, granted.AccessToken))(&k)
	})
	return k
}

func (g *gateway) bearer(method, path, token string) (*http.Response, error) {
	req, err := http.NewRequest(method, g.issuer+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return g.http.Do(req)
}

// answer reads an answer, if it is a good one.
func (g *gateway) answer(resp *http.Response, err error) func(to any) bool {
	return func(to any) bool {
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode < 300 && json.NewDecoder(resp.Body).Decode(to) == nil
	}
}

// callers exchange for an account all the time, over all instances.
type callers struct {
	site                           []*gateway
	token                          string
	done, again, refreshed, failed atomic.Int64
	first                          atomic.Value // of the failures
	last                           atomic.Value // the access token
}

// call begins so many exchanges a second, until ctx ends, and waits for them. One
// in a hundred says that the token it had was rejected.
func (c *callers) call(ctx context.Context, rate int) {
	var calls sync.WaitGroup
	defer calls.Wait()
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			calls.Go(func() { c.exchange(n) })
		}
	}
}

// exchange tries again, at the next instance, where there was no answer.
func (c *callers) exchange(n int) {
	var more []string
	if last, ok := c.last.Load().(string); ok && n%100 == 0 {
		more = []string{"rejected_token", last}
		c.refreshed.Add(1)
	}
	for try := 0; ; try++ {
		l, err := c.site[(n+try)%len(c.site)].exchange(c.token, more...)
		var noAnswer *url.Error
		if (errors.As(err, &noAnswer) || errors.Is(err, io.ErrUnexpectedEOF)) && time.Duration(try)*10*time.Millisecond < patience {
			if try == 0 {
				c.again.Add(1)
			}
			<-time.After(10 * time.Millisecond)
			continue
		}
		if err != nil || l.Status != http.StatusOK || l.AccessToken == "" {
			c.failed.Add(1)
			c.first.CompareAndSwap(nil, fmt.Sprintf("%+v, %v", l, err))
			return
		}
		c.last.Store(l.AccessToken)
		c.done.Add(1)
		return
	}
}

// onlyNewest leaves the last of the keys in a key file.
func onlyNewest(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if err := errors.Join(err, os.WriteFile(path, []byte(lines[len(lines)-1]+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
}
