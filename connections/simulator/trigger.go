package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault is one of the ways in which Salesforce goes wrong, by name.
type Fault struct {
	Name  string `json:"name"`
	Does  string `json:"does"`  // in a line
	Lasts bool   `json:"lasts"` // until it is ended; others happen once, or to a request
	Takes string `json:"takes"` // which parts of a Target it looks at

	// Late is a fault of what was granted, of which there is nothing yet when
	// a simulation begins.
	Late bool `json:"late"`

	do func(s *Salesforce, t Target, on bool)
}

// Target is what a fault happens to. What is left empty means all, or what the
// fault says.
type Target struct {
	Endpoint string
	User     string        // name
	App      string        // consumer key
	Org      string        // My Domain
	Times    int           // requests; 0: one
	For      time.Duration // 0: as the fault has it
}

// Trigger makes a fault happen, or begin.
func (s *Salesforce) Trigger(name string, t Target) error {
	f, err := s.fault(name, t)
	if err != nil {
		return err
	}
	f.do(s, t, true)
	return nil
}

// TriggerLater is Trigger, but a fault of what was granted waits until an
// authorization has brought tokens.
func (s *Salesforce) TriggerLater(name string, t Target) error {
	f, err := s.fault(name, t)
	if err != nil {
		return err
	}
	if f.Late {
		s.afterGrant(func() { f.do(s, t, true) })
	} else {
		f.do(s, t, true)
	}
	return nil
}

// End ends a fault that lasts.
func (s *Salesforce) End(name string, t Target) error {
	f, err := s.fault(name, t)
	if err != nil {
		return err
	}
	if !f.Lasts {
		return fmt.Errorf("the fault %s does not last, so that there is nothing to end", name)
	}
	f.do(s, t, false)
	return nil
}

// afterGrant runs a function after a code was redeemed.
func (s *Salesforce) afterGrant(do func()) {
	s.inject(fault{endpoint: "token:authorization_code", rewrite: func(a *answer) {
		if a.status != http.StatusOK {
			s.afterGrant(do)
			return
		}
		do()
	}})
}

// fault finds a fault that can happen to the target.
func (s *Salesforce) fault(name string, t Target) (Fault, error) {
	i := slices.IndexFunc(Faults(), func(f Fault) bool { return f.Name == name })
	if i < 0 {
		var names []string
		for _, f := range Faults() {
			names = append(names, f.Name)
		}
		return Fault{}, fmt.Errorf("%w %q: the faults are %s", errUnknownFault, name, strings.Join(names, ", "))
	}
	s.ready()
	endpoint, _, _ := strings.Cut(t.Endpoint, ":")
	_, known := s.member(t.User)
	switch {
	case t.Endpoint != "" && !slices.Contains(s.endpoints, t.Endpoint) && endpoint != "token":
		return Fault{}, fmt.Errorf("there is no endpoint %q: there are %s, and token with a grant type, as token:refresh_token", t.Endpoint, strings.Join(s.endpoints, ", "))
	case t.User != "" && !known:
		return Fault{}, fmt.Errorf("there is no user %q: name one by username", t.User)
	case t.App != "" && len(s.consumerKeys(t.App)) == 0:
		return Fault{}, fmt.Errorf("there is no app %q: name one by consumer key", t.App)
	case t.Org != "" && !slices.ContainsFunc(s.orgs(), func(o Org) bool { return o.MyDomain == t.Org }):
		return Fault{}, fmt.Errorf("there is no org %q: name one by My Domain", t.Org)
	}
	return Faults()[i], nil
}

var errUnknownFault = errors.New("there is no fault")

// onRequests is a fault of the next requests to an endpoint.
func onRequests(endpoint string, do func(s *Salesforce, endpoint string, t Target)) func(*Salesforce, Target, bool) {
	return func(s *Salesforce, t Target, _ bool) {
		at := endpoint
		if t.Endpoint != "" {
			at = t.Endpoint
		}
		for range max(1, t.Times) {
			do(s, at, t)
		}
	}
}

// onUsers is a fault of a user, or of each.
func onUsers(do func(s *Salesforce, username string)) func(*Salesforce, Target, bool) {
	return func(s *Salesforce, t Target, _ bool) {
		for _, o := range s.orgs() {
			for _, u := range o.Users {
				if t.User == "" || strings.EqualFold(u.Username, t.User) {
					do(s, u.Username)
				}
			}
		}
	}
}

// onApps is a fault of an app, or of each.
func onApps(change func(s *Salesforce, a *App, t Target, on bool)) func(*Salesforce, Target, bool) {
	return func(s *Salesforce, t Target, on bool) {
		s.changeApps(t.App, func(a *App) { change(s, a, t, on) })
	}
}

// onOrgs is a fault of an org, or of each.
func onOrgs(change func(o *Org, t Target, on bool)) func(*Salesforce, Target, bool) {
	return func(s *Salesforce, t Target, on bool) {
		s.changeOrgs(func(o Org) bool { return t.Org == "" || o.MyDomain == t.Org }, func(o *Org) { change(o, t, on) })
	}
}

// consumerKeys are that of an app, or those of all.
func (s *Salesforce) consumerKeys(key string) []string {
	s.settings.RLock()
	defer s.settings.RUnlock()
	var keys []string
	for _, a := range s.Apps {
		if key == "" || a.ConsumerKey == key {
			keys = append(keys, a.ConsumerKey)
		}
	}
	return keys
}
