package connections

import (
	"errors"
	"net"
	"net/url"
)

// checkURL finds fault with a URL at which nothing should be asked: one that is
// not https, but on loopback, or that has a fragment or a name and password.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return errors.New("is missing")
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return errors.New("should be a URL such as https://login.example.com")
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		return errors.New("should begin with https://")
	}
	return nil
}

// address reports whether a host is an IP address, which is of no domain.
func address(host string) bool { return net.ParseIP(host) != nil }
