package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Entry is a request as the journal has it, without secrets.
type Entry struct {
	Number     int               `json:"number"` // counts from 1
	Time       time.Time         `json:"time"`
	Host       string            `json:"host"` // its path; "": the root
	Method     string            `json:"method"`
	Path       string            `json:"path"` // at the host
	Endpoint   string            `json:"endpoint"`
	Parameters map[string]string `json:"parameters,omitempty"` // "…" in place of what may be secret
	Client     string            `json:"client,omitempty"`     // consumer key of Basic authentication
	Status     int               `json:"status"`               // 0: not answered yet
	Error      string            `json:"error,omitempty"`      // its code
	Lost       bool              `json:"lost,omitempty"`       // nobody got the answer
}

// open are the parameters whose values are no secrets.
var open = []string{
	"grant_type", "client_id", "response_type", "redirect_uri", "scope", "code_challenge_method", "prompt", "login_hint",
	"display", "immediate", "format", "token_type_hint", "q", "client_assertion_type", "decision",
}

const maxJournal = 10_000

// Journal is what was asked, in that order: the last 10,000 requests.
func (s *Salesforce) Journal() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := make([]Entry, len(s.journal))
	for i, e := range s.journal {
		entries[i] = *e
	}
	return entries
}

// record writes a request down. The lock must be held.
func (s *Salesforce) record(endpoint string, r *http.Request) *Entry {
	s.recorded++
	e := &Entry{
		Number: s.recorded, Time: s.now().UTC().Truncate(time.Millisecond), Host: hostOf(r).path, Method: r.Method, Path: r.URL.Path,
		Endpoint: endpoint, Parameters: withoutSecrets(r.Form),
	}
	if key, _, ok := basicAuth(r); ok {
		e.Client = key
	}
	if len(s.journal) == maxJournal {
		s.journal = slices.Delete(s.journal, 0, 1)
	}
	s.journal = append(s.journal, e)
	return e
}

// answered completes an entry.
func (s *Salesforce) answered(e *Entry, status int, err error, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Status, e.Error, e.Lost = status, codeOf(err), lost
}

func withoutSecrets(form url.Values) map[string]string {
	parameters := map[string]string{}
	for name := range form {
		parameters[name] = "…"
		if slices.Contains(open, name) {
			parameters[name] = form.Get(name)
		}
	}
	return parameters
}
