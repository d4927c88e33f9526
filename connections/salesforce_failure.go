package connections

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// reply is what came of a request to Salesforce, or why nothing did.
type reply struct {
	asked       string // redeeming, refreshing, …
	status      int    // 0: nothing came
	contentType string
	body        []byte
	err         error // why nothing came
}

// classify says what a reply means, and what Salesforce said in it. It is
// never at a loss: an answer that is in no table may pass.
func classify(r reply) (f Failure, code, description string) {
	code, description = r.signs()
	if f, ok := find(r.asked, code, description); ok {
		return f, code, description
	}
	f, _ = find("", "(useless)", "")
	return f, code, description
}

// find is the first of the failures that fits.
func find(asked, code, description string) (Failure, bool) {
	code = strings.ToLower(code)
	description = strings.ReplaceAll(strings.ToLower(description), "’", "'")
	for _, f := range SalesforceFailures {
		if (f.Asked == "" || f.Asked == asked) && f.Code == code && strings.Contains(description, f.Says) {
			return f, true
		}
	}
	return Failure{}, false
}

// signs are the code and the description by which a reply is known.
func (r reply) signs() (code, description string) {
	switch {
	case r.status == 0:
		return r.transportSign(), ""
	case r.status >= 300 && r.status < 400:
		return "(redirect)", ""
	case r.status == http.StatusNotFound:
		return "(status 404)", ""
	case r.status == http.StatusTooManyRequests:
		return "(status 429)", ""
	case r.status >= 500:
		return "(status 5xx)", ""
	case r.status < 400 || r.status > 403:
		return "(useless)", "" // an error with another status than an error's is no word to rely on (RFC 6749, section 5.2)
	}
	return decodeError(r.contentType, r.body)
}

// transportSign stands for an error that comes from no answer.
func (r reply) transportSign() string {
	var certificate *tls.CertificateVerificationError
	var resolution *net.DNSError
	var transport *url.Error
	switch {
	case errors.Is(r.err, errPrivate):
		return "(private address)"
	case errors.As(r.err, &certificate):
		return "(certificate)"
	case errors.As(r.err, &resolution) && resolution.IsNotFound:
		return "(unknown host)"
	case errors.Is(r.err, context.DeadlineExceeded):
		return "(timeout)"
	case errors.As(r.err, &transport):
		return "(no answer)"
	}
	return "(useless)" // it came, and could not be read
}

// decodeError reads the error in a body, by what the body looks like: the
// Content-Type is wrong, or not there, often enough. Salesforce writes errors
// as JSON (RFC 6749, section 5.2), as an array of its own REST API, as a form,
// as one word, and as pages.
func decodeError(contentType string, body []byte) (code, description string) {
	text := strings.TrimSpace(string(body))
	media, _, _ := mime.ParseMediaType(contentType)
	switch {
	case media == "text/html" || strings.HasPrefix(text, "<"):
		if code := pageCode.FindString(text); code != "" {
			return code, ""
		}
		return "(web page)", ""
	case strings.HasPrefix(text, "{"):
		var e struct {
			Error       string
			Description string `json:"error_description"`
			Errors      []struct{ Message string }
		}
		if json.Unmarshal(body, &e) != nil {
			break
		}
		if e.Error == "" && len(e.Errors) > 0 {
			return "(json error)", e.Errors[0].Message
		}
		code, description = e.Error, e.Description
	case strings.HasPrefix(text, "["):
		var list []struct{ ErrorCode, Message string }
		if json.Unmarshal(body, &list) == nil && len(list) > 0 {
			code, description = list[0].ErrorCode, list[0].Message
		}
	case strings.Contains(text, "error="):
		if form, err := url.ParseQuery(text); err == nil {
			code, description = form.Get("error"), form.Get("error_description")
		}
	case oneWord.MatchString(text):
		code = text
	}
	if code == "" || ours(code) {
		return "(useless)", ""
	}
	return code, description
}

// ours reports whether a code is one of those that stand for an answer without.
func ours(code string) bool { return strings.HasPrefix(code, "(") }

var (
	pageCode = regexp.MustCompile(`\bOAUTH_[A-Z_]{3,40}\b`)
	oneWord  = regexp.MustCompile(`^[A-Za-z]+_[A-Za-z_]{3,40}$`)
)
