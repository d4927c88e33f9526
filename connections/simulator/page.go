package simulator

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
)

//go:embed pages
var files embed.FS

var pages = parsePages("login", "accounts", "consent", "error", "signedout", "home")

func parsePages(names ...string) map[string]*template.Template {
	pages := map[string]*template.Template{}
	for _, name := range names {
		pages[name] = template.Must(template.ParseFS(files, "pages/layout.html", "pages/"+name+".html"))
	}
	return pages
}

// view is what pages show.
type view struct {
	Title       string
	Org         string
	App         string
	Transaction string
	Username    string
	Problem     string // with the form
	Message     string
	Code        string
	Path        string // of the host, before those of its forms
	User        User
	Users       []User
	Meanings    []string
}

// policy lets pages load nothing but their stylesheet. Chromium holds what a
// form's answer redirects to against form-action as well, so that it must let
// every callback through, and what comes after it.
const policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' http: https:"

func render(w http.ResponseWriter, status int, name string, v view) {
	renderWith(w, status, name, v, policy)
}

// renderFor is render for a page whose form ends at the request's callback,
// which may have a scheme of its own.
func renderFor(w http.ResponseWriter, a *authorization, name string, v view) {
	csp := policy
	if u, err := url.Parse(a.redirectURI); err == nil && u.Scheme != "http" && u.Scheme != "https" {
		csp += " " + u.Scheme + ":"
	}
	renderWith(w, http.StatusOK, name, v, csp)
}

func renderWith(w http.ResponseWriter, status int, name string, v view, csp string) {
	var b bytes.Buffer
	if err := pages[name].ExecuteTemplate(&b, "layout", v); err != nil {
		panic(err) // the templates are ours and views are plain
	}
	h := w.Header()
	h.Set("Content-Type", "text/html;charset=UTF-8")
	h.Set("Content-Security-Policy", csp)
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// home tells a person what this is and who they are here.
func (s *Salesforce) home(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	h := hostOf(r)
	v := view{Title: h.title(), Org: h.title(), Path: h.path}
	if b, ok := s.knownBrowser(r); ok {
		m, _ := h.member(b.user)
		v.User = m.User
	}
	s.mu.Unlock()
	render(w, http.StatusOK, "home", v)
	return nil
}

// asset serves a file as it is.
func (s *Salesforce) asset(name, contentType string) handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		b, err := files.ReadFile("pages/" + name)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", contentType)
		_, err = w.Write(b)
		return err
	}
}
