package simulator

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Admin is an HTTP API to make faults happen and to see what was asked. It asks
// nobody who they are, and belongs on a listener of its own.
//
//	GET    /faults          the faults there are
//	POST   /faults/{name}   make one happen, or begin; query: endpoint, user, app, org, times, for
//	DELETE /faults/{name}   end one that lasts; query as it began
//	DELETE /faults          forget those that wait for a request
//	GET    /counts          requests by endpoint, and what went on
//	GET    /journal         what was asked, in order; query: after, an entry's number
func (s *Salesforce) Admin() http.Handler {
	mux := http.NewServeMux()
	at := func(pattern string, handle func(r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			v, err := handle(r)
			switch {
			case errors.Is(err, errUnknownFault):
				writeJSON(w, http.StatusNotFound, problem{err.Error()})
			case err != nil:
				writeJSON(w, http.StatusBadRequest, problem{err.Error()})
			case v == nil:
				w.WriteHeader(http.StatusNoContent)
			default:
				writeJSON(w, http.StatusOK, v)
			}
		})
	}
	at("GET /faults", func(*http.Request) (any, error) { return Faults(), nil })
	at("POST /faults/{name}", func(r *http.Request) (any, error) { return nil, s.onTarget(r, s.Trigger) })
	at("DELETE /faults/{name}", func(r *http.Request) (any, error) { return nil, s.onTarget(r, s.End) })
	at("DELETE /faults", func(*http.Request) (any, error) { s.Forget(); return nil, nil })
	at("GET /counts", func(*http.Request) (any, error) { return s.counts(), nil })
	at("GET /journal", func(r *http.Request) (any, error) { return s.journalAfter(r.URL.Query().Get("after")) })
	return http.NewCrossOriginProtection().Handler(mux)
}

type problem struct {
	Error string `json:"error"`
}

// onTarget triggers or ends the fault that a request names.
func (s *Salesforce) onTarget(r *http.Request, do func(string, Target) error) error {
	t, err := parseTarget(r.URL.Query())
	if err != nil {
		return err
	}
	return do(r.PathValue("name"), t)
}

func parseTarget(q url.Values) (t Target, err error) {
	for name := range q {
		value := q.Get(name)
		switch name {
		case "endpoint":
			t.Endpoint = value
		case "user":
			t.User = value
		case "app":
			t.App = value
		case "org":
			t.Org = value
		case "times":
			if t.Times, err = strconv.Atoi(value); err != nil || t.Times < 1 || t.Times > 10_000 {
				return Target{}, fmt.Errorf("times is %q: it must be a number from 1 to 10000", value)
			}
		case "for":
			if t.For, err = time.ParseDuration(value); err != nil || t.For <= 0 {
				return Target{}, fmt.Errorf("for is %q: it must be a time such as 90s, 10m or 24h", value)
			}
		default:
			return Target{}, fmt.Errorf("there is no parameter %q: there are endpoint, user, app, org, times and for", name)
		}
	}
	return t, nil
}

// counts is what was counted.
type counts struct {
	Requests            map[string]int `json:"requests"` // by endpoint
	Replays             int            `json:"replays"`
	ConcurrentRefreshes int            `json:"concurrent_refreshes"`
	Waiting             int            `json:"waiting"` // faults that wait for a request
}

func (s *Salesforce) counts() counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepare()
	return counts{maps.Clone(s.requests), s.replays, s.concurrent, len(s.faults)}
}

func (s *Salesforce) journalAfter(number string) ([]Entry, error) {
	after := 0
	if number != "" {
		var err error
		if after, err = strconv.Atoi(number); err != nil {
			return nil, fmt.Errorf("after is %q: it must be the number of an entry", number)
		}
	}
	return slices.DeleteFunc(s.Journal(), func(e Entry) bool { return e.Number <= after }), nil
}
