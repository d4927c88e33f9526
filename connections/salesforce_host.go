package connections

import (
	"errors"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"sallyport/vault"
)

// The login hosts that all orgs of a kind share.
const (
	productionLogin = "https://login.salesforce.com"
	sandboxLogin    = "https://test.salesforce.com"
)

// salesforceKind is what a strategy is for: it decides which login_url fits.
type salesforceKind struct {
	shared string // login host for all orgs of the kind; "" if a connection must have one of its own
	site   bool   // users sign in at an Experience Cloud site
}

var (
	production = salesforceKind{shared: productionLogin}
	sandbox    = salesforceKind{shared: sandboxLogin}
	site       = salesforceKind{site: true}
)

// loginHost is the base URL of the host at which users sign in, without a slash
// at its end, as a person means it who pastes an address: the site's or the
// org's own, a page of it, or one of its endpoints. With it comes the login host
// that all orgs of its kind share. The error says what is wrong and what to
// paste.
func loginHost(pasted string, kind salesforceKind) (base, shared string, err error) {
	invalid := func(problem string) (string, string, error) {
		return "", "", &vault.Invalid{Field: "options.login_url", Problem: problem}
	}
	pasted = strings.TrimSpace(pasted)
	switch {
	case pasted == "" && kind.site:
		return invalid("is missing: paste the site's address, such as https://acme.my.site.com/partners (Setup, Digital Experiences, All Sites)")
	case pasted == "":
		return kind.shared, kind.shared, nil
	case !strings.Contains(pasted, "://") && strings.Contains(pasted, "."):
		pasted = "https://" + pasted
	}
	u, err := url.Parse(pasted)
	if err != nil || u.User != nil || !hostName.MatchString(strings.ToLower(u.Hostname())) && net.ParseIP(u.Hostname()) == nil {
		return invalid("should be a URL such as https://acme.my.salesforce.com")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	port := u.Port()
	if u.Scheme == "https" && port == "443" {
		port = ""
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && loopback(host)) {
		return invalid("should begin with https://")
	}
	if org, ok := orgOfPage(host); ok {
		host, u.Path = org, ""
	}
	if problem := notALoginHost(host, kind); problem != "" {
		return invalid(problem)
	}
	shared = kind.shared
	if kind.site {
		shared = productionLogin
		if sandboxHost(host) {
			shared = sandboxLogin
		}
	}
	if strings.HasSuffix(host, ".salesforce.com") || strings.HasSuffix(host, siteSuffix) {
		if port != "" {
			return invalid("names a port, and Salesforce has none but the usual: leave it out")
		}
	}
	prefix := ""
	if !strings.HasSuffix(host, ".salesforce.com") { // where there are no sites
		if prefix, err = sitePrefix(u); err != nil {
			return invalid(err.Error())
		}
	}
	if port != "" {
		host = net.JoinHostPort(host, port)
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return u.Scheme + "://" + host + prefix, shared, nil
}

const (
	orgSuffix  = ".my.salesforce.com"
	siteSuffix = ".my.site.com"
)

var hostName = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?\.?$`)

// orgOfPage is the My Domain of an org of whose pages a host is one: people
// paste what stands in their browser.
func orgOfPage(host string) (org string, ok bool) {
	if name, ok := strings.CutSuffix(host, ".lightning.force.com"); ok {
		return name + orgSuffix, true
	}
	if name, ok := strings.CutSuffix(host, ".salesforce-setup.com"); ok {
		return strings.TrimSuffix(name, ".my") + orgSuffix, true
	}
	if name, ok := strings.CutSuffix(host, ".vf.force.com"); ok { // acme--c, acme--uat--c.sandbox: the package comes last
		first, rest, partitioned := strings.Cut(name, ".")
		i := strings.LastIndex(first, "--")
		if i <= 0 {
			return "", false
		}
		if partitioned {
			return first[:i] + "." + rest + orgSuffix, true
		}
		return first[:i] + orgSuffix, true
	}
	return "", false
}

// notALoginHost says what is wrong with a host at which users of a kind cannot
// sign in, and what to paste in its place.
func notALoginHost(host string, kind salesforceKind) string {
	const findMyDomain = "paste the org's My Domain, such as https://acme.my.salesforce.com (Setup, My Domain)"
	const findSite = "paste the site's own address, such as https://acme.my.site.com/partners (Setup, Digital Experiences, All Sites)"
	under := func(domains ...string) bool {
		return slices.ContainsFunc(domains, func(d string) bool { return host == d || strings.HasSuffix(host, "."+d) })
	}
	inOrg := strings.HasSuffix(host, orgSuffix)
	switch {
	case pretends(host):
		return "only looks like an address of Salesforce's: its owner is whoever has the name that it ends with; " + findMyDomain
	case under("salesforce-experience.com", "salesforce-sites.com"), under("site.com") && !strings.HasSuffix(host, siteSuffix):
		return "is not where a site's users sign in; " + findSite
	case under("force.com", "visualforce.com", "documentforce.com", "salesforce-setup.com"):
		return "is a page or an old address, where nobody can sign in; " + findMyDomain + ", or the site's under my.site.com"
	case !kind.site && strings.HasSuffix(host, siteSuffix):
		return "is an Experience Cloud site: use the strategy salesforce-community"
	case kind.site && under("salesforce.com"):
		return "is no Experience Cloud site; " + findSite + ", or use the strategy salesforce"
	case host == "api.salesforce.com":
		return "is an API, with a sign-in of its own; " + findMyDomain
	case under("salesforce.com") && !inOrg && "https://"+host != productionLogin && "https://"+host != sandboxLogin:
		return "is not where users sign in; " + findMyDomain + ", or leave login_url out"
	case kind.shared == productionLogin && sandboxHost(host):
		return "is a sandbox's: use the strategy salesforce-sandbox"
	case kind.shared == sandboxLogin && "https://"+host == productionLogin:
		return "is for production orgs: use the strategy salesforce, or https://test.salesforce.com"
	}
	return ""
}

// sandboxHost reports whether a host of Salesforce's is for sandboxes.
func sandboxHost(host string) bool {
	return "https://"+host == sandboxLogin || strings.HasSuffix(host, ".sandbox"+orgSuffix) || strings.HasSuffix(host, ".sandbox"+siteSuffix)
}

// pretends reports whether a host has one of Salesforce's names in it, and is
// not in that domain.
func pretends(host string) bool {
	for _, d := range []string{"salesforce.com", "force.com", "my.site.com"} {
		if host != d && !strings.HasSuffix(host, "."+d) && (strings.HasPrefix(host, d+".") || strings.Contains(host, "."+d+".") || strings.HasSuffix(host, d) && d != "force.com") {
			return true
		}
	}
	return false
}

// sitePrefix is the path of a site, of the address of one of its pages or
// endpoints.
func sitePrefix(u *url.URL) (string, error) {
	path := u.EscapedPath() + "/"
	for _, page := range []string{"/.well-known/", "/services/", "/id/", "/s/", "/login/", "/apex/", "/secur/", "/_ui/", "/SiteLogin/", "/CommunitiesLogin/"} {
		if i := strings.Index(path, page); i >= 0 {
			path = path[:i+1]
		}
	}
	path = strings.Trim(path, "/")
	switch {
	case path == "":
		return "", nil
	case strings.Contains(path, "/") && !loopback(u.Hostname()): // a simulator may have any
		first, _, _ := strings.Cut(path, "/")
		return "", errors.New("is a page of a site; paste the site's own address, probably " + u.Scheme + "://" + u.Host + "/" + quote(first) + " (Setup, Digital Experiences, All Sites)")
	case !sitePath.MatchString(path):
		return "", errors.New("has characters in its path that no site has")
	}
	return "/" + path, nil
}

var sitePath = regexp.MustCompile(`^[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$`)

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
