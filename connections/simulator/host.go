package simulator

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// role is what a host is there for.
type role int

const (
	everything role = iota // login host, My Domain and instance in one
	loginHost              // login.salesforce.com or test.salesforce.com, for many orgs
	myDomain               // an org's own login host, and where its API is
	siteHost               // an Experience Cloud site of an org
)

// host is one of the hosts that Salesforce answers at. They have no names of
// their own but a path each, so that nothing needs DNS:
//
//	/                      the org whose My Domain has no name, for everything
//	/h/login.salesforce    the login host of production orgs
//	/h/test.salesforce     the login host of sandboxes
//	/h/acme, /h/acme--uat  an org's My Domain
//	/h/acme.site/partners  a site of the org, with its path
//
// No path ends in "login": where somebody pastes a page's address, clients cut
// such an end off.
type host struct {
	role role
	root string // URL of the simulator
	path string // after root, without a slash at the end
	orgs []Org  // whose users can sign in here
	site Site
}

// base is the host's URL, without a slash at the end: its issuer.
func (h host) base() string { return h.root + h.path }

// serves tells whether an org's users and tokens are known here.
func (h host) serves(org Org) bool {
	return slices.ContainsFunc(h.orgs, func(o Org) bool { return o.ID == org.ID })
}

// title is what pages are headed with: a login host knows no org until somebody
// has signed in.
func (h host) title() string {
	if h.role == loginHost || len(h.orgs) != 1 {
		return "Salesforce"
	}
	return h.orgs[0].name()
}

// instance is the URL of the org's API.
func (h host) instance(o Org) string {
	if o.MyDomain == "" {
		return h.root
	}
	return h.root + "/h/" + o.MyDomain
}

// login is the URL of the login host of the org, which is in identity URLs
// wherever they come from.
func (h host) login(o Org) string {
	switch {
	case o.MyDomain == "":
		return h.root
	case o.Sandbox:
		return h.root + "/h/test.salesforce"
	default:
		return h.root + "/h/login.salesforce"
	}
}

// identityURL names a user: the "id" of token responses and the subject of ID
// tokens.
func (h host) identityURL(m member) string { return h.login(m.org) + "/id/" + m.org.ID + "/" + m.ID }

// issuer is who an ID token for a user is from.
func (h host) issuer(m member) string {
	switch m.org.Issuer {
	case IssuerLogin:
		return h.login(m.org)
	case IssuerMyDomain:
		return h.instance(m.org)
	default:
		return h.base()
	}
}

// member finds a user who can sign in here, by name.
func (h host) member(username string) (member, bool) {
	for _, o := range h.orgs {
		for _, u := range o.Users {
			if username != "" && strings.EqualFold(u.Username, username) {
				return member{u, o}, true
			}
		}
	}
	return member{}, false
}

// findHost finds the host that a path is at, and the rest of the path. A My
// Domain that was renamed is found under its new name, as moved.
func (s *Salesforce) findHost(root, path string) (h host, rest string, moved, ok bool) {
	orgs := s.orgs()
	h = host{root: root}
	name, isHost := strings.CutPrefix(path, "/h/")
	if !isHost {
		h.orgs = orgs[:1]
		if orgs[0].MyDomain != "" {
			h.role = loginHost
		}
		return h, path, false, true
	}
	name, rest, _ = strings.Cut(name, "/")
	h.path, rest = "/h/"+name, "/"+rest
	if name == "login.salesforce" || name == "test.salesforce" {
		h.role = loginHost
		h.orgs = slices.DeleteFunc(orgs, func(o Org) bool { return o.MyDomain == "" || o.Sandbox != (name == "test.salesforce") })
		return h, rest, false, true
	}
	domain, isSite := strings.CutSuffix(name, ".site")
	for _, o := range orgs {
		if domain == "" || o.MyDomain != domain && !slices.Contains(o.FormerDomains, domain) {
			continue
		}
		h.role, h.orgs = myDomain, []Org{o}
		if isSite {
			return h.atSite(rest)
		}
		if o.MyDomain != domain {
			h.path, moved = "/h/"+o.MyDomain, true
		}
		return h, rest, moved, true
	}
	return host{}, "", false, false
}

// atSite goes on to the site of the org whose path is the longest that fits.
func (h host) atSite(rest string) (host, string, bool, bool) {
	found := false
	for _, site := range h.orgs[0].Sites {
		path := strings.Trim(site.Path, "/")
		if path != "" {
			path = "/" + path
		}
		if strings.HasPrefix(rest, path+"/") && (!found || len(path) > len(h.site.Path)) {
			found = true
			h.site = Site{ID: site.id(), Path: path}
		}
	}
	h.role = siteHost
	h.path += h.site.Path
	return h, strings.TrimPrefix(rest, h.site.Path), false, found
}

type atHost struct{}

// hostOf is the host that a request reached.
func hostOf(r *http.Request) host { return r.Context().Value(atHost{}).(host) }

// arriveAt returns r as the host sees it, or answers that there is none, or
// that it has moved.
func (s *Salesforce) arriveAt(w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	h, rest, moved, ok := s.findHost(s.root(r), r.URL.Path)
	if !ok {
		http.Error(w, "There is no such host in this simulation.", http.StatusNotFound)
		return nil, false
	}
	// The root was the org's instance before it got a My Domain of its own.
	if h.role == loginHost && h.path == "" && strings.HasPrefix(rest, "/services/data/v") && slices.Contains(h.orgs[0].FormerDomains, "") {
		h.path, moved = "/h/"+h.orgs[0].MyDomain, true
	}
	if moved {
		to := h.base() + rest
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusMovedPermanently)
		return nil, false
	}
	r = r.Clone(context.WithValue(r.Context(), atHost{}, h))
	// Some clients join a base URL with a slash and the identity URL's path;
	// ServeMux would redirect what Salesforce answers.
	if strings.HasPrefix(rest, "//id/") {
		rest = rest[1:]
	}
	if rest != r.URL.Path {
		r.URL.Path, r.URL.RawPath = rest, ""
	}
	return r, true
}

// root is the URL this request reached the simulator under.
func (s *Salesforce) root(r *http.Request) string {
	switch {
	case s.URL != "":
		return s.URL
	case r.TLS != nil:
		return "https://" + r.Host
	default:
		return "http://" + r.Host
	}
}
