package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// site is a gateway of one or several instances on one store, with a Salesforce
// and users of its own.
type site struct {
	t        *testing.T
	name     string
	dir      string
	program  string // with a clock that can be set
	opaque   bool   // Salesforce's access tokens are not JWTs
	store    string // setting of the gateway
	torments []torment

	salesforce, admin string // URLs, of which the gateway knows neither
	issuer            string
	wire              *wire
	ledger            *ledger
	instances         []*instance
	users             []*holder
	client            *http.Client // of applications

	found
}

// found is what came of it.
type found struct {
	exchanges, retried, lost, revived, wrongUser, honoured, unfounded, other atomic.Int64

	mu       sync.Mutex
	lostHow  map[string]int
	suffered map[string]int
}

// fault counts something that must not be, and says what.
func (s *site) fault(n *atomic.Int64, format string, args ...any) {
	s.t.Helper()
	n.Add(1)
	s.t.Errorf(s.name+": "+format, args...)
}

// instance is a place in which one process of the gateway runs after another.
type instance struct {
	site    *site
	url     string
	args    []string
	log     io.Writer
	current atomic.Pointer[life]
	clock   string     // file by which it is set
	setting sync.Mutex // held while it is wrong
}

// perOrg are the users of each of the simulator's orgs.
var perOrg = []struct{ name, password string }{{"ada@example.com", "engine-of-1843"}, {"grace@example.com", "moth-in-relay-70"}}

// open starts a site's Salesforce with so many orgs, and its instances.
func (s *site) open(ctx context.Context, orgs, instances int) {
	t := s.t
	t.Helper()
	s.lostHow, s.suffered = map[string]int{}, map[string]int{}
	s.client = &http.Client{Timeout: 8 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	var names []string
	for i := range orgs {
		names = append(names, fmt.Sprintf("o%d", i))
		for _, u := range perOrg {
			s.users = append(s.users, &holder{site: s, name: u.name + "." + names[i], password: u.password})
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	upstream, _ := freeAddress(t)
	administration, _ := freeAddress(t)
	wireURL := "http://" + listener.Addr().String()
	_, port, _ := net.SplitHostPort(front.Addr().String())
	s.issuer, s.salesforce, s.admin = "http://localhost:"+port+"/", "http://"+upstream, "http://"+administration

	s.ledger = newLedger(s.introspect)
	s.wire = &wire{salesforce: s.salesforce, ledger: s.ledger, whose: s.lifeOf, next: map[place][]strike{}, struck: map[string]int{},
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 100}, CheckRedirect: noRedirect}}
	server := s.wire.listen(listener)
	t.Cleanup(func() { server.Close() })
	simulate := []string{"simulate", "salesforce", "--listen", upstream, "--admin-listen", administration, "--url", wireURL,
		"--callback", s.issuer + "login/callback", "--org", strings.Join(names, ",")}
	if !s.opaque {
		simulate = append(simulate, "--jwt")
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(s.dir, name) }
	salesforce := &process{}
	if err := salesforce.launch(s.log("salesforce.log"), simulate...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(salesforce.kill)
	salesforce.answers(t, s.salesforce+"/h/login.salesforce/.well-known/openid-configuration")

	settings := strings.NewReplacer("LOGIN_URL", wireURL+"/h/login.salesforce", "PUBLIC_KEY", fmt.Sprintf("%q", clientKey().public)).Replace(tenant)
	if err := os.WriteFile(file("tenant.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "vault", "init", "--key-file", file("root.key"))
	for i := range instances {
		listen, _ := freeAddress(t)
		s.instances = append(s.instances, &instance{site: s, url: "http://" + listen + "/", log: s.log(fmt.Sprintf("gateway-%d.log", i)), clock: file(fmt.Sprintf("clock-%d", i)),
			args: []string{"serve", "--issuer", s.issuer, "--listen", listen, "--store", s.store, "--key-file", file("root.key"), "--apply", file("tenant.yaml"),
				"--allow-private-upstreams", "127.0.0.0/8", "--log", "debug", "--rate-limits", "address=0,client=0,user=0"}})
	}
	balancer := &http.Server{Handler: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			to, _ := url.Parse(s.instances[rand.IntN(len(s.instances))].url)
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		Transport:    &http.Transport{DisableKeepAlives: true},
	}}
	go balancer.Serve(front)
	t.Cleanup(func() { balancer.Close() })
	var kept sync.WaitGroup
	for _, i := range s.instances {
		i.setClock(0)
		kept.Go(func() { i.keep(ctx) })
		eventually(t, "gateway at "+i.url, i.isReady)
	}
	t.Cleanup(kept.Wait)
}

// log is a file that a process writes to by way of a pipe: else one that may not
// write large files could not write to a log.
func (s *site) log(name string) io.Writer {
	f, err := os.Create(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { f.Close() })
	return struct{ io.Writer }{f}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// keep starts the instance, and again whenever it has ended, until ctx ends; then
// it stops it.
func (i *instance) keep(ctx context.Context) {
	for ctx.Err() == nil {
		r := &life{process: process{program: i.site.program, env: []string{clockVariable + "=" + i.clock}}}
		if err := r.launch(i.log, i.args...); err != nil {
			i.site.fault(&i.site.other, "start: %v", err)
			return
		}
		i.current.Store(r)
		for !i.isReady() && ctx.Err() == nil {
			select {
			case <-r.exited:
			case <-time.After(20 * time.Millisecond):
				continue
			}
			break
		}
		select {
		case <-r.exited:
			if r.endedByItself() {
				i.site.fault(&i.site.other, "a process ended by itself: %v", r.cmd.ProcessState)
			}
		case <-ctx.Done():
			r.stop()
		}
	}
}

// isReady reports whether the current process answers, and remembers that it did.
func (i *instance) isReady() bool {
	r := i.current.Load()
	if r == nil {
		return false
	}
	resp, err := i.site.client.Get(i.url + "readyz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false
	}
	r.mu.Lock()
	r.ready = true
	r.mu.Unlock()
	return true
}

// lifeOf is the process at the other end of a connection, if it is the gateway's.
func (s *site) lifeOf(c net.Conn) *life {
	inode := inodeOf(c)
	if inode == "" {
		return nil
	}
	for _, i := range s.instances {
		if r := i.current.Load(); r != nil && r.holds(inode) {
			return r
		}
	}
	return nil
}

// introspect asks Salesforce itself whether it honours a token.
func (s *site) introspect(token string) bool {
	for range 20 {
		resp, err := s.client.PostForm(s.salesforce+"/h/login.salesforce/services/oauth2/introspect",
			url.Values{"client_id": {consumerKey}, "client_secret": {consumerSecret}, "token": {token}})
		if err != nil {
			continue
		}
		var answer struct{ Active *bool }
		err = json.NewDecoder(resp.Body).Decode(&answer)
		resp.Body.Close()
		if err == nil && answer.Active != nil {
			return *answer.Active
		}
	}
	s.fault(&s.other, "the simulated Salesforce does not say whether a token is good")
	return false
}

// inject has Salesforce go wrong, as its admin API can.
func (s *site) inject(method, fault, parameter string) {
	name, query, _ := strings.Cut(fault, "?")
	req, err := http.NewRequest(method, s.admin+path.Join("/faults", name)+"?"+query+"&"+parameter, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.fault(&s.other, "admin API: %v", err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		s.fault(&s.other, "admin API: %s %s: %s", method, fault, resp.Status)
	}
}

// counts is what Salesforce itself saw.
func (s *site) counts() (c struct {
	Replays    int `json:"replays"`
	Concurrent int `json:"concurrent_refreshes"`
}) {
	resp, err := s.client.Get(s.admin + "/counts")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&c); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// oauth2 is the application, as a stock client has it.
func (s *site) oauth2() oauth2.Config {
	return oauth2.Config{ClientID: clientID, ClientSecret: clientSecret, RedirectURL: callback,
		Scopes:   []string{"openid", "profile", "email", "offline_access"},
		Endpoint: oauth2.Endpoint{AuthURL: s.issuer + "authorize", TokenURL: s.issuer + "oauth/token", AuthStyle: oauth2.AuthStyleInParams}}
}
