package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// wire is the way from the gateway to Salesforce. It keeps the ledger, and is
// where requests and answers are lost, and processes killed at the worst moments.
type wire struct {
	salesforce string // URL
	ledger     *ledger
	whose      func(net.Conn) *life // the process at the other end
	client     *http.Client

	onTheWay sync.WaitGroup // requests whose connection broke

	mu     sync.Mutex
	next   map[place][]strike // that wait for a request
	struck map[string]int
}

// place is a kind of request.
type place string

const (
	refreshing place = "a refresh"
	looking    place = "a look at the access token that a refresh brought"
	recovering place = "a look at the refresh token that had no answer"
	exchanged  place = "an exchange"
)

// moment is a point of a request at which its process may be killed.
type moment int

const (
	never   moment = iota
	arrived        // the request is here, and the attempt in the journal
	halfway        // half of the answer is sent
	sent           // all of it is
)

// loss is what gets lost of a request.
type loss int

const (
	nothing loss = iota
	request      // before it reaches Salesforce
	answer
	half // of the answer
)

// strike is what happens to one request.
type strike struct {
	name  string
	at    place
	kill  moment
	loses loss
	pause time.Duration // between the halves of the answer
	late  time.Duration // until the request arrives, its connection having broken at once
}

// strikes are the points of a refresh, each with what may become of its request.
var strikes = []strike{
	{name: "killed once the request left, request lost", at: refreshing, kill: arrived, loses: request},
	{name: "killed once the request left, answer lost", at: refreshing, kill: arrived, loses: answer},
	{name: "killed while the answer came", at: refreshing, kill: halfway, loses: half},
	{name: "killed as the answer arrived", at: refreshing, kill: sent},
	{name: "killed as it looked at the token that came", at: looking, kill: arrived},
	{name: "killed as it asked about an open attempt", at: recovering, kill: arrived, loses: request},
	{name: "killed once the exchange was answered", at: exchanged, kill: sent},
	{name: "request lost", at: refreshing, loses: request},
	{name: "answer lost", at: refreshing, loses: answer},
	{name: "connection broken, request late by 3 s", at: refreshing, late: 3 * time.Second},
	{name: "connection broken, request late by 9 s", at: refreshing, late: 9 * time.Second},
	{name: "killed once the request left, request late", at: refreshing, kill: arrived, late: 6 * time.Second},
	{name: "half of the answer lost", at: refreshing, loses: half},
	{name: "no answer to whether a refresh token is good", at: recovering, loses: answer},
	{name: "answer slow by half", at: refreshing, pause: 3 * time.Second},
	{name: "answer slower than is waited for", at: refreshing, pause: 12 * time.Second},
}

// prepare has a strike wait for its request.
func (w *wire) prepare(s strike) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.next[s.at]) < 3 {
		w.next[s.at] = append(w.next[s.at], s)
	}
}

// calm forgets the strikes that wait.
func (w *wire) calm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.next)
}

func (w *wire) take(at place) (s strike) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if waiting := w.next[at]; len(waiting) > 0 {
		s, w.next[at] = waiting[0], waiting[1:]
		w.struck[s.name]++
	}
	return s
}

type farEnd struct{}

// listen serves the wire at a listener, until it is closed.
func (w *wire) listen(l net.Listener) *http.Server {
	s := &http.Server{Handler: w, ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		whose := sync.OnceValue(func() *life { return w.whose(c) })
		go whose() // while it lives; nobody is to wait for it
		return context.WithValue(ctx, farEnd{}, whose)
	}}
	go s.Serve(l)
	return s
}

func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	by := r.Context().Value(farEnd{}).(func() *life)
	form, _ := url.ParseQuery(string(body))
	switch {
	case strings.HasSuffix(r.URL.Path, "/services/oauth2/token") && form.Get("grant_type") == "refresh_token":
		u := w.ledger.show(form.Get("refresh_token"), by)
		var i issued
		w.pass(w.take(refreshing), by, rw, r, body, func(a answered) {
			i = a.issued()
			w.ledger.settle(u, i)
		}, func() { w.ledger.deliver(u) })
	case strings.HasSuffix(r.URL.Path, "/services/oauth2/token"):
		w.pass(strike{}, by, rw, r, body, func(a answered) {
			if i := a.issued(); i.useful() {
				w.ledger.redeemed(i)
			}
		}, func() {})
	case strings.HasSuffix(r.URL.Path, "/services/oauth2/introspect"):
		at := looking
		if w.ledger.isRefreshToken(form.Get("token")) {
			at = recovering
		}
		w.pass(w.take(at), by, rw, r, body, func(answered) {}, func() {})
	default:
		w.pass(strike{}, by, rw, r, body, func(answered) {}, func() {})
	}
}

// pass passes a request on, and its answer back, as far as a strike lets it. It
// tells what Salesforce answered, and when all of it was sent.
func (w *wire) pass(s strike, by func() *life, rw http.ResponseWriter, r *http.Request, body []byte, settled func(answered), delivered func()) {
	killAt := func(m moment) {
		if s.kill == m && m != never {
			if l := by(); l != nil {
				l.die()
			}
		}
	}
	killAt(arrived)
	if s.loses == request {
		settled(answered{})
		panic(http.ErrAbortHandler)
	}
	if s.late > 0 {
		w.onTheWay.Go(func() {
			time.Sleep(s.late)
			settled(w.forward(r, body))
		})
		panic(http.ErrAbortHandler)
	}
	a := w.forward(r, body)
	settled(a)
	if s.loses == answer || a.status == 0 {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(rw.Header(), a.header)
	rw.WriteHeader(a.status)
	first, second := a.body[:len(a.body)/2], a.body[len(a.body)/2:]
	if s.loses == half || s.pause > 0 {
		rw.Write(first)
		http.NewResponseController(rw).Flush()
		killAt(halfway)
		if s.loses == half {
			panic(http.ErrAbortHandler)
		}
		time.Sleep(s.pause)
		first = nil
	}
	_, err1 := rw.Write(first)
	_, err2 := rw.Write(second)
	if err1 != nil || err2 != nil || http.NewResponseController(rw).Flush() != nil || a.cut {
		panic(http.ErrAbortHandler)
	}
	delivered()
	killAt(sent)
}

// answered is an answer of Salesforce's. Its status is 0 if there was none.
type answered struct {
	status int
	header http.Header
	body   []byte
	cut    bool // it ended before its end
}

func (a answered) issued() (i issued) {
	if a.status == http.StatusOK && !a.cut {
		json.Unmarshal(a.body, &i)
	}
	return i
}

// forward sends a request on, whoever has died meanwhile.
func (w *wire) forward(r *http.Request, body []byte) answered {
	req, err := http.NewRequest(r.Method, w.salesforce+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return answered{}
	}
	req.Header = r.Header.Clone()
	resp, err := w.client.Do(req)
	if err != nil {
		return answered{}
	}
	defer resp.Body.Close()
	a := answered{status: resp.StatusCode, header: resp.Header}
	a.body, err = io.ReadAll(resp.Body)
	a.cut = err != nil
	if !a.cut {
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	return a
}
