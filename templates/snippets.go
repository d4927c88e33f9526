package templates

import (
	"embed"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"text/template"
	"unicode"
)

// Snippet is a program that calls the gateway as an application: a file in
// snippets/, named for what it does and what it is for. The application's secret
// is an environment variable in all of them.
type Snippet struct {
	Issuer     string // with a slash at its end
	ClientID   string
	Secret     bool   // the application has one
	Callback   string // URL; "" if it has none
	Connection string // name; "" if none is chosen
	Salesforce bool   // the connection is one to Salesforce
	Audience   string // of an access token of the application's own
}

//go:embed snippets/*
var snippetFiles embed.FS

// snippets quote values for their languages.
var snippets = template.Must(template.New("").Funcs(template.FuncMap{"q": quoteString, "sh": quoteShell, "query": url.QueryEscape}).ParseFS(snippetFiles, "snippets/*"))

// Code is the text of a snippet, as "signin.go".
func (s Snippet) Code(name string) (string, error) {
	var b strings.Builder
	if err := snippets.ExecuteTemplate(&b, name+".txt", s); err != nil {
		return "", fmt.Errorf("templates: snippet %s: %w", name, err)
	}
	return b.String(), nil
}

// Insecure reports whether the gateway is called without TLS, which libraries
// have to be told is meant.
func (s Snippet) Insecure() bool { return strings.HasPrefix(s.Issuer, "http:") }

// Host of the gateway, with its port if that is not the usual.
func (s Snippet) Host() string {
	u, err := url.Parse(s.Issuer)
	if err != nil {
		return ""
	}
	return u.Host
}

// Port is where the program listens that the callback leads to: of the callback
// if that is on this machine, and else of a proxy's choice.
func (s Snippet) Port() string {
	u, err := url.Parse(s.Callback)
	if err == nil && u.Port() != "" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()) {
		return u.Port()
	}
	return "3000"
}

// CallbackPath is the path of the callback.
func (s Snippet) CallbackPath() string {
	u, err := url.Parse(s.Callback)
	if err != nil || u.Path == "" {
		return "/"
	}
	return u.Path
}

// Base is the application's own address: the callback's, without its path.
func (s Snippet) Base() string {
	u, err := url.Parse(s.Callback)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// quoteString writes a string that reads the same in Go, JavaScript and Python.
func quoteString(s string) (string, error) {
	b, err := json.Marshal(strings.ToValidUTF8(s, "\ufffd"))
	var out strings.Builder
	for _, r := range string(b) {
		switch {
		case unicode.IsPrint(r):
			out.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default: // has no form that all three know
			out.WriteRune(unicode.ReplacementChar)
		}
	}
	return out.String(), err
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)

// quoteShell writes a word of a POSIX shell.
func quoteShell(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
