package oidc

import (
	"slices"
	"strconv"
	"strings"

	"sallyport/vault"
)

// CheckRedirectURI finds fault with a redirect URI that is not registered to
// the client, character for character (RFC 9700, section 2.1). No response may
// be sent to a URI that has not passed. The one liberty is the port of a native
// application's loopback address, which its system chooses (RFC 8252, section
// 7.3).
func CheckRedirectURI(c vault.Client, uri string) error {
	switch {
	case uri == "": // OpenID Connect Core 1.0, section 3.1.2.1, even if only one is registered
		return errorf(InvalidRequest, "Missing required parameter: redirect_uri")
	case strings.Contains(uri, "#"): // RFC 6749, section 3.1.2
		return errorf(InvalidRequest, "redirect_uri has a fragment: register and send it without one")
	case slices.Contains(c.RedirectURIs, uri):
		return nil
	case c.AppType == "native" && slices.ContainsFunc(c.RedirectURIs, func(r string) bool { return sameButPort(r, uri) }):
		return nil
	}
	return errorf(InvalidRequest,
		"redirect_uri '%s' is not registered for this client: add it to the client's allowed callback URLs, or send one of them, character for character",
		shown(uri))
}

// sameButPort reports whether two URIs are of the same loopback address and
// differ in nothing but the port.
func sameButPort(registered, sent string) bool {
	host, rest, ok := cutLoopback(registered)
	sentHost, sentRest, sentOK := cutLoopback(sent)
	return ok && sentOK && host == sentHost && rest == sentRest
}

// cutLoopback cuts a URI of a loopback address into what stands before its port
// and what stands after. It knows these addresses by their letters, since
// parsers of URLs differ, and localhost is not one (RFC 8252, section 8.3).
func cutLoopback(uri string) (host, rest string, ok bool) {
	for _, host := range []string{"http://127.0.0.1", "http://[::1]"} {
		rest, found := strings.CutPrefix(uri, host)
		if !found {
			continue
		}
		if after, found := strings.CutPrefix(rest, ":"); found {
			digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
			if port, err := strconv.Atoi(after[:digits]); err != nil || port < 1 || port > 65535 {
				return "", "", false
			}
			rest = after[digits:]
		}
		return host, rest, rest == "" || rest[0] == '/' || rest[0] == '?'
	}
	return "", "", false
}
