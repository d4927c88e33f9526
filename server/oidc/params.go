package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"
	"unicode/utf8"

	"sallyport/vault"
)

// Greatest lengths of parameters, in bytes.
const (
	maxName  = 128   // of what an operator named: clients, connections
	maxID    = 256   // of the IDs and nonces in tokens that clients make
	maxValue = 2048  // of most others
	maxState = 4096  // some clients keep much of their own in it
	maxToken = 16384 // of tokens, which may be JWTs
)

// parameters reads the parameters of a request one by one. One that is sent
// without a value counts as omitted, and one that is not asked for is ignored
// (RFC 6749, sections 3.1 and 3.2). It keeps the first fault that it finds and
// reads on, so that as much of a request is known as can be.
type parameters struct {
	values url.Values
	first  *Error
}

// get returns a parameter, or "" if it is omitted or at fault.
func (p *parameters) get(name string, most int) string {
	values := p.values[name]
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1: // RFC 6749, sections 3.1 and 3.2
		p.fail(errorf(InvalidRequest, "%s is sent %d times: send it once", name, len(values)))
		return ""
	}
	if problem := textProblem(values[0], most); problem != nil {
		p.fail(&Error{Code: InvalidRequest, Description: name + " " + problem.Error()})
		return ""
	}
	return values[0]
}

// need is get for a parameter that may not be omitted. Auth0's wording.
func (p *parameters) need(name string, most int) string {
	value := p.get(name, most)
	if value == "" {
		p.fail(errorf(InvalidRequest, "Missing required parameter: %s", name))
	}
	return value
}

func (p *parameters) secret(name string) vault.Secret {
	return vault.NewSecret(p.get(name, maxToken))
}

// resource is the API that a request is for (RFC 8707, section 2): one, however
// often it is named, since an access token is for one.
func (p *parameters) resource() string {
	list := distinct(p.values["resource"])
	for _, s := range list {
		if problem := textProblem(s, maxValue); problem != nil {
			p.fail(&Error{Code: InvalidTarget, Description: "resource " + problem.Error()})
			return ""
		}
		if u, err := url.Parse(s); err != nil || !u.IsAbs() || strings.Contains(s, "#") {
			p.fail(errorf(InvalidTarget, "resource '%s' is not an absolute URI without a fragment", shown(s)))
			return ""
		}
	}
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0]
	}
	p.fail(errorf(InvalidTarget, "resource names %d APIs: ask for a token for each by itself", len(list)))
	return ""
}

// audience is the API by Auth0's name for it, or else the resource.
func (p *parameters) audience(resource string) string {
	audience := p.get("audience", maxValue)
	switch {
	case audience == "":
		return resource
	case resource != "" && resource != audience:
		p.fail(errorf(InvalidTarget, "audience and resource name different APIs: send one of them"))
	}
	return audience
}

func (p *parameters) fail(e *Error) {
	if p.first == nil {
		p.first = e
	}
}

func (p *parameters) err() error {
	if p.first == nil { // a nil *Error is no nil error
		return nil
	}
	return p.first
}

// textProblem says why a value is none that the gateway could keep and send
// back as it is. It does not quote it.
func textProblem(s string, most int) error {
	switch {
	case len(s) > most:
		return errors.New("is too long")
	case !utf8.ValidString(s):
		return errors.New("is not UTF-8")
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return errors.New("has control characters in it")
		}
	}
	return nil
}

const maxBody = 64 << 10

// FormFromJSON reads a JSON object as if it were a form, as Auth0's token
// endpoint does. Its members may be strings, numbers and booleans; null counts
// as omitted. Nothing may be nested, and no name may come twice.
func FormFromJSON(body []byte) (url.Values, error) {
	malformed := func(why string) error {
		return errorf(InvalidRequest, "the body %s: send a JSON object whose members are strings, numbers or booleans", why)
	}
	if len(body) > maxBody {
		return nil, malformed("is longer than 64 KiB")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, malformed("is not a JSON object")
	}
	form := url.Values{}
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, malformed("is not JSON")
		}
		name := key.(string) // the decoder lets no other key pass
		if seen[name] {
			return nil, malformed("has the member '" + shown(name) + "' twice")
		}
		seen[name] = true
		value, err := dec.Token()
		if err != nil {
			return nil, malformed("is not JSON")
		}
		switch value := value.(type) {
		case string:
			form.Set(name, value)
		case json.Number:
			form.Set(name, value.String())
		case bool:
			form.Set(name, map[bool]string{true: "true", false: "false"}[value])
		case nil:
		default:
			return nil, malformed("has a nested value in '" + shown(name) + "'")
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return nil, malformed("is not JSON")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, malformed("goes on after the object")
	}
	return form, nil
}
