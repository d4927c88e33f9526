package interop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/oauth2"
)

// TestKilledRightAfterAnAnswerEverythingAnsweredIsThere kills the gateway the
// moment an answer has been read, at each of the answers that promise something.
func TestKilledRightAfterAnAnswerEverythingAnsweredIsThere(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	for round := range 5 {
		t.Logf("round %d", round)
		p := ada(t)

		answer := g.authorize(p) // a session, a code and a token set of Salesforce's
		g.crash()
		if silent := g.authorize(p, promptNone); silent.Get("code") == "" {
			t.Fatalf("the session is gone: %v", silent)
		}

		token := g.redeem(answer) // a refresh token and an access token
		g.crash()
		if _, err := g.provider.UserInfo(g.context(), oauth2.StaticTokenSource(token)); err != nil {
			t.Fatalf("the access token is gone: %v", err)
		}
		l := g.mustExchange(token.RefreshToken)
		g.accounts(l)

		for range 2 {
			next, err := g.refresh(token.RefreshToken) // rotates ours
			if err != nil {
				t.Fatalf("the refresh token is gone: %v", err)
			}
			g.crash()
			token = next

			l = g.mustExchange(token.RefreshToken, "rejected_token", l.AccessToken) // rotates Salesforce's
			g.crash()
			g.accounts(g.mustExchange(token.RefreshToken))
		}
		if silent := g.authorize(p, promptNone); silent.Get("code") == "" {
			t.Fatalf("the session is gone in the end: %v", silent)
		}
	}
}

// gate stands before Salesforce, and can hold a token request on its way.
type gate struct {
	t       *testing.T
	forward *httputil.ReverseProxy
	hold    chan held
	over    chan struct{} // closed when the test is
}

// held is a token request at the gate. It goes on to Salesforce when in is sent
// true, and its answer goes back when out is; else the connection breaks.
type held struct {
	arrived chan struct{} // closed once it has
	in, out chan bool
}

func newGate(t *testing.T) *gate {
	return &gate{t: t, hold: make(chan held, 1), over: make(chan struct{})}
}

// front opens the gate before Salesforce, and returns its URL.
func (g *gate) front(salesforce *url.URL) string {
	g.forward = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(salesforce)
		r.Out.Host = r.In.Host
	}}
	s := httptest.NewServer(g)
	g.t.Cleanup(func() { close(g.over); s.Close() })
	return strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
}

// next holds the next token request.
func (g *gate) next() held {
	h := held{make(chan struct{}), make(chan bool, 1), make(chan bool, 1)}
	g.hold <- h
	return h
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/services/oauth2/token" {
		g.forward.ServeHTTP(w, r)
		return
	}
	select {
	case h := <-g.hold:
		g.pass(h, w, r)
	default:
		g.forward.ServeHTTP(w, r)
	}
}

func (g *gate) pass(h held, w http.ResponseWriter, r *http.Request) {
	wait := func(c chan bool) {
		select {
		case goOn := <-c:
			if goOn {
				return
			}
		case <-g.over:
		}
		panic(http.ErrAbortHandler)
	}
	// The whole request is here, as if it were on the wire: it gets there whoever has died meanwhile.
	body, _ := io.ReadAll(r.Body)
	r = r.Clone(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	close(h.arrived)
	wait(h.in)
	answer := httptest.NewRecorder()
	g.forward.ServeHTTP(answer, r)
	wait(h.out)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

// TestKilledWhileRefreshing kills the gateway while Salesforce refreshes a
// token set for it. A refresh token that was not used is used then; one that
// was is not shown again, and the user is asked to connect again.
func TestKilledWhileRefreshing(t *testing.T) {
	t.Parallel()
	for name, arrives := range map[string]bool{"the request is lost": false, "the answer is lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gate := newGate(t)
			g := newGateway(t, gate.front)
			p := ada(t)
			token := g.signIn(p)
			first := g.mustExchange(token.RefreshToken)

			h := gate.next()
			answered := make(chan error, 1)
			go func() {
				_, err := g.exchange(token.RefreshToken, "rejected_token", first.AccessToken)
				answered <- err
			}()
			<-h.arrived
			g.process.kill()
			if err := <-answered; err == nil {
				t.Error("the gateway answered after its death")
			}
			h.in <- arrives
			h.out <- false
			g.start()

			l, err := g.exchange(token.RefreshToken, "rejected_token", first.AccessToken)
			switch {
			case err != nil:
				t.Fatal(err)
			case !arrives && l.Status != http.StatusOK:
				t.Errorf("the refresh token was good, and the exchange answers %+v", l)
			case arrives && (l.Reason != "reauthorization_required" || l.ReconnectURI == ""):
				t.Errorf("the refresh token was spent, and the exchange answers %+v", l)
			}
			if arrives {
				token = g.redeem(g.authorize(p, oauth2.SetAuthURLParam("prompt", "login")))
			}
			l = g.mustExchange(token.RefreshToken)
			g.accounts(g.mustExchange(token.RefreshToken, "rejected_token", l.AccessToken))
		})
	}
}

func TestToldToStopItFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	gate := newGate(t)
	g := newGateway(t, gate.front)
	token := g.signIn(ada(t))
	first := g.mustExchange(token.RefreshToken)

	h := gate.next()
	result := make(chan error, 1)
	go func() {
		l, err := g.exchange(token.RefreshToken, "rejected_token", first.AccessToken)
		if err == nil && l.Status != http.StatusOK {
			err = fmt.Errorf("%+v", l)
		}
		result <- err
	}()
	<-h.arrived
	if err := g.process.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	issuer, _ := url.Parse(g.issuer)
	eventually(t, "end to accepting connections", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+issuer.Port())
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case <-g.process.exited:
		t.Fatal("it did not wait for the request under way")
	default:
	}
	h.in <- true
	h.out <- true
	if err := <-result; err != nil {
		t.Errorf("the request under way: %v", err)
	}
	<-g.process.exited
	if code := g.process.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	g.start()
	next := g.mustExchange(token.RefreshToken)
	g.accounts(g.mustExchange(token.RefreshToken, "rejected_token", next.AccessToken))
}
