package simulator

import (
	"slices"
	"strings"
)

// Set changes fields while requests may be under way. What is in slices is to
// be replaced, not written over.
func (s *Salesforce) Set(change func()) {
	s.settings.Lock()
	defer s.settings.Unlock()
	change()
}

// changeApps changes the app with the consumer key, or all if it is "".
func (s *Salesforce) changeApps(consumerKey string, change func(*App)) {
	s.Set(func() {
		s.Apps = slices.Clone(s.Apps)
		for i := range s.Apps {
			if consumerKey == "" || s.Apps[i].ConsumerKey == consumerKey {
				change(&s.Apps[i])
			}
		}
	})
}

// changeOrgs changes the orgs that are chosen.
func (s *Salesforce) changeOrgs(which func(Org) bool, change func(*Org)) {
	s.Set(func() {
		s.Orgs = slices.Clone(s.Orgs)
		if which(s.Org) {
			change(&s.Org)
		}
		for i := range s.Orgs {
			if which(s.Orgs[i]) {
				change(&s.Orgs[i])
			}
		}
	})
}

// changeUsers changes the user with the name, or all if it is "".
func (s *Salesforce) changeUsers(username string, change func(*User)) {
	in := func(users []User) []User {
		users = slices.Clone(users)
		for i := range users {
			if username == "" || strings.EqualFold(users[i].Username, username) {
				change(&users[i])
			}
		}
		return users
	}
	s.Set(func() {
		if s.Users == nil {
			s.Users = DefaultUsers()
		}
		s.Users = in(s.Users)
		s.Orgs = slices.Clone(s.Orgs)
		for i := range s.Orgs {
			s.Orgs[i].Users = in(s.Orgs[i].Users)
		}
	})
}

// RenameDomain gives an org another My Domain, and with it another instance
// URL; the old one redirects. The org that has none, at the root, gets one.
func (s *Salesforce) RenameDomain(from, to string) {
	s.changeOrgs(func(o Org) bool { return o.MyDomain == from }, func(o *Org) {
		o.FormerDomains = append(slices.Clone(o.FormerDomains), from)
		o.MyDomain = to
	})
}

// RefreshSandbox copies a sandbox anew from its org: it gets another ID, and
// nothing that was granted in it is left.
func (s *Salesforce) RefreshSandbox(myDomain string) {
	var users []string
	for _, o := range s.orgs() {
		if o.MyDomain == myDomain {
			for _, u := range o.Users {
				users = append(users, u.Username)
			}
			s.changeOrgs(func(o Org) bool { return o.MyDomain == myDomain }, func(changed *Org) {
				changed.ID = recordID("00D", "copied from "+o.ID)
			})
		}
	}
	s.revokeAll(func(a approval) bool { return slices.Contains(users, a.user) })
}
