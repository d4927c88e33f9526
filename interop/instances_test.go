package interop

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// instance starts another instance of the gateway, on the same store, and
// returns a gateway whose exchanges go to it.
func (g *gateway) instance() *gateway {
	g.t.Helper()
	listen, port := freeAddress(g.t)
	other := *g
	other.args = append(append([]string{}, g.args...), "--listen", listen)
	other.issuer = "http://localhost:" + port + "/" // only where it is reached
	other.start()
	other.oauth2.Endpoint.TokenURL = other.issuer + "oauth/token"
	return &other
}

// counter counts the token requests that get to Salesforce.
type counter struct{ requests atomic.Int64 }

func (c *counter) front(t *testing.T) func(*url.URL) string {
	return func(salesforce *url.URL) string {
		forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(salesforce)
			r.Out.Host = r.In.Host
		}}
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/services/oauth2/token" {
				c.requests.Add(1)
			}
			forward.ServeHTTP(w, r)
		}))
		t.Cleanup(s.Close)
		return strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	}
}

// TestManyInstancesRefreshOnce has a thousand exchanges come at once, over all
// instances, for one account whose access token is no longer good.
func TestManyInstancesRefreshOnce(t *testing.T) {
	for _, n := range []int{2, 8, 20} {
		t.Run(fmt.Sprint(n), func(t *testing.T) { refreshOnce(t, database(t), n, 1000) })
	}
}

func refreshOnce(t *testing.T, store string, n, exchanges int) {
	var salesforce counter
	g := newGatewayOn(t, store, salesforce.front(t))
	instances := []*gateway{g}
	for range n - 1 {
		instances = append(instances, g.instance())
	}
	token := g.signIn(ada(t))
	first := g.mustExchange(token.RefreshToken)
	resp, err := g.http.PostForm(first.InstanceURL+"/services/oauth2/revoke", url.Values{"token": {first.AccessToken}})
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("end the session: %v, %v", resp, err)
	}
	resp.Body.Close()
	before := salesforce.requests.Load()

	var wg sync.WaitGroup
	answers := make(chan string, exchanges)
	begin := make(chan struct{})
	for i := range cap(answers) {
		g := instances[i%n]
		wg.Go(func() {
			<-begin
			l, err := g.exchange(token.RefreshToken, "rejected_token", first.AccessToken)
			if err != nil || l.Status != http.StatusOK {
				t.Errorf("exchange: %+v, %v", l, err)
			}
			answers <- l.AccessToken
		})
	}
	close(begin)
	wg.Wait()
	if refreshes := salesforce.requests.Load() - before; refreshes != 1 {
		t.Errorf("%d refreshes, want 1", refreshes)
	}
	fresh := <-answers
	for range cap(answers) - 1 {
		if again := <-answers; again != fresh || again == first.AccessToken {
			t.Fatal("the answers differ, or are the rejected token")
		}
	}
	g.accounts(instances[n-1].mustExchange(token.RefreshToken))
}

// TestInstancesReplaceOneAnother stops and kills instances in turn, as an upgrade
// or a failure does, while an account is used.
func TestInstancesReplaceOneAnother(t *testing.T) {
	t.Parallel()
	g := newGatewayOn(t, database(t), nil)
	token := g.signIn(ada(t))
	l := g.mustExchange(token.RefreshToken)
	for i := range 4 {
		next := g.instance()
		if i%2 == 0 {
			g.process.kill()
		} else if err := g.process.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		g = next
		l = g.mustExchange(token.RefreshToken, "rejected_token", l.AccessToken)
		g.accounts(l)
	}
}

// TestNewSigningKeyReachesAllInstances rotates the keys by a command, of which no
// instance knows.
func TestNewSigningKeyReachesAllInstances(t *testing.T) {
	t.Parallel()
	newKeyReachesAll(t, database(t))
}

func newKeyReachesAll(t *testing.T, store string) {
	g := newGatewayOn(t, store, nil)
	other := g.instance()
	published := func(g *gateway) int {
		resp, err := g.http.Get(g.issuer + ".well-known/jwks.json")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var set struct{ Keys []any }
		if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
			t.Fatal(err)
		}
		return len(set.Keys)
	}
	before := published(other)
	run(t, "keys", "rotate", "--store", store, "--key-file", g.keyFile)
	for _, g := range []*gateway{g, other} {
		eventually(t, "new key", func() bool { return published(g) == before+1 }) // sooner than by the clock, which is half a minute
	}
}
