package simulator

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"strings"
)

// handler answers a request or returns why not.
type handler func(w http.ResponseWriter, r *http.Request) error

// maxBody is more than any assertion needs.
const maxBody = 1 << 20 // bytes

// endpoint is what all endpoints have in common: form parsing, faults, errors
// and the log.
func (s *Salesforce) endpoint(name string, refuse form, handle handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		parsed := parseForm(r)
		names := []string{name}
		switch grant := r.Form.Get("grant_type"); {
		case name == "token" && grant != "":
			names = []string{name + ":" + grant, name}
		case strings.HasPrefix(r.URL.Path, "/services/data/v") && name != "rest":
			names = append(names, "rest")
		}
		f, entry := s.arrive(r, names...)
		r, finish := withFault(r, f)

		a := &answer{header: http.Header{"Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"}}}
		err := parsed
		switch {
		case f.before != nil:
			f.before(a, r, refuse)
		case err != nil:
			refuse(a, r, errMalformed)
		default:
			if err = handle(a, r); err != nil {
				answerError(a, r, refuse, err)
			}
		}
		finish()
		if f.rewrite != nil {
			f.rewrite(a)
		}
		s.answered(entry, a.status, err, f.after != nil)
		s.log().InfoContext(r.Context(), "request", "endpoint", names[0], "method", r.Method,
			"status", a.status, "error", codeOf(err), "lost", f.after != nil)
		if f.after != nil {
			f.after()
		}
		a.send(w)
	})
}

// parseForm reads query and body, form-encoded or in parts.
func parseForm(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	if err := r.ParseMultipartForm(maxBody); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	return nil
}

// answer keeps a response until it is known whether it is sent.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

func (a *answer) send(w http.ResponseWriter) {
	a.WriteHeader(http.StatusOK)
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // the client may have left
}
