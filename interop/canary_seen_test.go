package interop

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// canaries takes down every secret that goes over the wire through it, and how many
// requests got which answers.
type canaries struct {
	next http.RoundTripper

	mu       sync.Mutex
	secrets  map[string]bool
	answered map[int]int    // by hundreds of the status
	routes   map[string]int // by the beginning of the path
}

func newCanaries() *canaries {
	return &canaries{next: &http.Transport{MaxIdleConnsPerHost: 100}, secrets: map[string]bool{}, answered: map[int]int{}, routes: map[string]int{}}
}

// secretNames are the parameters and members whose values are for their bearer
// alone.
var secretNames = []string{"access_token", "refresh_token", "id_token", "code", "state", "token", "subject_token", "rejected_token", "id_token_hint",
	"client_secret", "client_assertion", "device_code", "code_verifier", "request_uri", "ticket", "reconnect_uri", "password", "invite"}

const (
	secretLeast  = 16 // characters: fewer are found by chance, or are no secrets
	secretsInEnd = 32 // characters at the end of a token, which are random in any
)

// add takes a secret down.
func (c *canaries) add(secrets ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range secrets {
		if len(s) < secretLeast || strings.ContainsAny(s, " \n") {
			continue
		}
		c.secrets[s] = true
		if len(s) > 2*secretsInEnd {
			c.secrets[s[len(s)-secretsInEnd:]] = true
		}
	}
}

func (c *canaries) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.secrets))
}

func (c *canaries) RoundTrip(req *http.Request) (*http.Response, error) {
	c.addValues(req.URL.Query())
	if _, password, ok := req.BasicAuth(); ok {
		c.add(password)
	}
	if kind, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok && kind != "Basic" {
		c.add(token)
	}
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(b))
		if form, err := url.ParseQuery(string(b)); err == nil {
			c.addValues(form)
		}
	}
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.answered[resp.StatusCode/100]++
	if route := strings.SplitN(req.URL.Path, "/", 3)[1]; len(route) < secretLeast {
		c.routes[route]++
	}
	c.mu.Unlock()
	for _, cookie := range resp.Cookies() {
		c.add(cookie.Value)
	}
	if location, err := resp.Location(); err == nil {
		c.addValues(location.Query())
		if fragment, err := url.ParseQuery(location.Fragment); err == nil {
			c.addValues(fragment)
		}
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(b))
		c.addMembers(b)
	}
	return resp, nil
}

func (c *canaries) addValues(values url.Values) {
	for _, name := range secretNames {
		c.add(values[name]...)
	}
}

func (c *canaries) addMembers(body []byte) {
	var members map[string]any
	json.Unmarshal(body, &members)
	for _, name := range secretNames {
		if s, ok := members[name].(string); ok {
			c.add(s)
			// Of a URL, what only its bearer may have.
			if at, err := url.Parse(s); err == nil {
				c.addValues(at.Query())
			}
		}
	}
}

// basic is a client's secret as it goes over the wire.
func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}
