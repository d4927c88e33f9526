package simulator

import (
	"net/http"
	"slices"
)

// consent takes the decision of the consent page.
func (s *Salesforce) consent(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.take(r)
	if err != nil {
		return err
	}
	switch r.PostForm.Get("decision") {
	case "allow":
		// The page named a user; another may have signed in since, in another tab.
		if user, ok := a.host.member(a.browser.user); ok && user.Username == r.PostForm.Get("user") {
			s.approve(approval{user.Username, a.app.ConsumerKey}, a.scopes)
			a.prompt = nil
		}
		return s.next(w, a)
	case "switch":
		a.prompt, a.signedIn, a.loginHint = append(a.prompt, "login"), false, ""
		return s.next(w, a)
	default:
		return &redirected{a, "access_denied", "end-user denied authorization"}
	}
}

// approve remembers what a user allows an app.
func (s *Salesforce) approve(a approval, scopes []string) {
	for _, scope := range scopes {
		if !slices.Contains(s.approvals[a], scope) {
			s.approvals[a] = append(s.approvals[a], scope)
		}
	}
}

func (s *Salesforce) showConsent(w http.ResponseWriter, a *authorization, user member) error {
	s.await(a)
	v := view{Title: "Allow access?", Org: user.org.name(), App: a.app.name(), Path: a.host.path, Transaction: a.transaction, User: user.User}
	for _, scope := range a.scopes {
		if m := meaning(scope); !slices.Contains(v.Meanings, m) {
			v.Meanings = append(v.Meanings, m)
		}
	}
	renderFor(w, a, "consent", v)
	return nil
}
