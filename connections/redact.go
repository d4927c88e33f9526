package connections

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// What a trial shows of requests and answers is what these lists name; whatever
// else is in them is shown as "…", for it may be a secret. Names that are in no
// list are not shown either: they come from strangers.

// shownParams are the parameters of requests, and of URLs, that hold no secret.
var shownParams = []string{
	"client_assertion_type", "client_id", "code_challenge_method", "display", "error", "error_description", "grant_type",
	"prompt", "redirect_uri", "response_type", "scope", "token_type_hint",
}

// shownMembers are the members of answers in JSON that hold no secret: of token
// responses, introspection, metadata, user info and errors.
var shownMembers = []string{
	"active", "api_instance_url", "aud", "authorization_endpoint", "client_id", "code_challenge_methods_supported", "email_verified",
	"error", "error_description", "errorCode", "exp", "expires_in", "grant_types_supported", "iat", "id", "instance_url",
	"introspection_endpoint", "iss", "issued_at", "issuer", "is_app_installed", "jwks_uri", "message", "nbf", "organization_id",
	"revocation_endpoint", "scope", "scopes_supported", "sub", "token_endpoint", "token_endpoint_auth_methods_supported",
	"token_type", "user_id", "user_type", "userinfo_endpoint",
}

// tokenMembers are the members of which it is shown what kind of token they are.
var tokenMembers = []string{"access_token", "id_token", "refresh_token"}

const hidden = "…"

// showURL is a URL with those of its parameters that hold no secret.
func (s secrets) showURL(u *url.URL) []string {
	plain := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return append([]string{s.quote(plain.String())}, s.showParams(u.Query())...)
}

// showParams are parameters, a line each.
func (s secrets) showParams(params url.Values) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		for _, value := range params[name] {
			if !slices.Contains(shownParams, name) {
				value = hidden
			}
			lines = append(lines, s.quote(name)+"="+s.quote(value))
		}
	}
	return lines
}

// showRequest is a request of the gateway's, of which the body is a form or
// empty.
func (s secrets) showRequest(r *http.Request, body []byte) string {
	lines := s.showURL(r.URL)
	lines[0] = r.Method + " " + lines[0]
	if scheme, _, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		lines = append(lines, "Authorization: "+quote(scheme)+" "+hidden)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return strings.Join(append(lines, hidden), "\n")
	}
	return strings.Join(append(lines, s.showParams(form)...), "\n")
}

// showAnswer is an answer, as far as it is JSON that has members of the list, an
// error, or a redirect.
func (s secrets) showAnswer(status int, header http.Header, body []byte) string {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		media = "no content type"
	}
	lines := []string{strings.TrimSpace(strconv.Itoa(status)+" "+http.StatusText(status)) + ", " + s.quote(media)}
	if to, err := url.Parse(header.Get("Location")); err == nil && header.Get("Location") != "" {
		lines = append(lines, "Location:")
		return strings.Join(append(lines, s.showURL(to)...), "\n")
	}
	return strings.Join(append(lines, s.showBody(status, header, body)...), "\n")
}

func (s secrets) showBody(status int, header http.Header, body []byte) []string {
	if all, ok := object(body); ok {
		return s.showObject(all)
	}
	text := strings.TrimSpace(string(body))
	var list []map[string]any
	if strings.HasPrefix(text, "[") && json.Unmarshal(body, &list) == nil {
		lines := []string{fmt.Sprintf("a list of %d", len(list))}
		if len(list) > 0 && status >= 400 {
			lines = append(lines, s.showObject(list[0])...)
		}
		return lines
	}
	switch code, description := decodeError(header.Get("Content-Type"), body); {
	case text == "":
		return []string{"(empty)"}
	case !ours(code) && description == "":
		return []string{"error=" + s.quote(code)}
	case !ours(code):
		return []string{"error=" + s.quote(code), "error_description=" + s.quote(description)}
	case code == "(web page)":
		return []string{fmt.Sprintf("a web page of %d bytes", len(body))}
	}
	return []string{fmt.Sprintf("%d bytes, not shown", len(body))}
}

// showObject are the members of an object, a line each.
func (s secrets) showObject(all map[string]any) (lines []string) {
	more := 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		token, isText := all[name].(string)
		text := textOf(all[name])
		switch {
		case isText && slices.Contains(tokenMembers, name):
			lines = append(lines, name+": "+kindOfToken(token))
		case text != "" && slices.Contains(shownMembers, name):
			lines = append(lines, name+": "+s.quote(text))
		default:
			more++
		}
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("%d more, not shown", more))
	}
	return lines
}

// textOf is a value of JSON, if it is no object.
func textOf(value any) string {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case []any:
		var texts []string
		for _, e := range v {
			texts = append(texts, scalar(e))
		}
		return strings.Join(texts, " ")
	}
	return scalar(value)
}

// kindOfToken is what may be said of a token.
func kindOfToken(token string) string {
	kind := "opaque"
	if isJWT(token) {
		kind = "a JWT"
	}
	return fmt.Sprintf("%s, %d characters", kind, len(token))
}

func isJWT(token string) bool {
	parts := strings.Split(token, ".")
	return len(parts) == 3 && strings.HasPrefix(token, "eyJ")
}

// secrets are what a trial has sent and got that is to be seen nowhere, also
// where somebody else wrote it down: a provider may quote a code in the
// description of an error.
type secrets []string

// shortest is how long a value must be for its parts of a text to be taken for
// it.
const shortest = 8

func (s secrets) add(values ...string) secrets {
	for _, value := range values {
		if len(value) < shortest {
			continue
		}
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value)} {
			if !slices.Contains(s, form) {
				s = append(s, form)
			}
		}
	}
	return s
}

// mask is a text without secrets, the longest first, since one may be a part of
// another; and without the beginning of one where the text was cut off in it.
func (s secrets) mask(text string) string {
	for _, secret := range slices.SortedFunc(slices.Values(s), func(a, b string) int { return len(b) - len(a) }) {
		text = strings.ReplaceAll(text, secret, hidden)
		cut := strings.Split(text, hidden)
		for i, part := range cut[:len(cut)-1] {
			for n := min(len(part), len(secret)); n >= shortest; n-- {
				if strings.HasSuffix(part, secret[:n]) {
					cut[i] = part[:len(part)-n]
					break
				}
			}
		}
		text = strings.Join(cut, hidden)
	}
	return text
}

// quote is what a stranger wrote, without secrets.
func (s secrets) quote(text string) string { return quote(s.mask(text)) }

// sent are the secrets of a request.
func (s secrets) sent(r *http.Request, body []byte) secrets {
	if _, value, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		s = s.add(value)
	}
	form, _ := url.ParseQuery(string(body))
	for _, params := range []url.Values{r.URL.Query(), form} {
		for name, values := range params {
			if !slices.Contains(shownParams, name) {
				s = s.add(values...)
			}
		}
	}
	return s
}

// came are the secrets of an answer, if it is a token response: whatever is in no
// list, and the parts of tokens.
func (s secrets) came(body []byte) secrets {
	all, _ := object(body)
	if !slices.ContainsFunc(tokenMembers, func(name string) bool { return all[name] != nil }) {
		return s
	}
	for name, value := range all {
		if text, ok := value.(string); ok && !slices.Contains(shownMembers, name) {
			s = s.add(text)
			if slices.Contains(tokenMembers, name) {
				s = s.add(strings.Split(text, ".")...)
			}
		}
	}
	return s
}
