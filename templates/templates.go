// Package templates holds the pages. A page is a file NAME.html that defines "title" and "main",
// and a type here that says what it shows; layout.html is around all of them.
//
// Pages of the sign-in side have their words in [Language].
//
// The pages of the sign-in side work without scripts and without inline styles, so that their
// Content-Security-Policy can forbid both. Two that nobody is meant to see carry a script, always a
// file of our own: see [UsesScript].
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"path"
	"strings"
	"sync"

	"sallyport/static"
)

// Choose is the page "choose": with which connection to sign in to a client.
type Choose struct {
	Client      string // its name; may be empty
	Connections []Choice
	Own         bool // it is the user's own page that is signed in to
}

// Choice is a connection on the page [Choose].
type Choice struct {
	Title    string // what people call it
	URL      string // where the sign-in with it begins
	Strategy string // "salesforce-sandbox", …: chooses the icon and the hint
}

// Hint tells connections of one kind from another where the title may not: a sandbox is easily
// mistaken for the org that it was copied from.
func (c Choice) Hint() string {
	switch c.Strategy {
	case "salesforce-sandbox":
		return "Sandbox"
	case "salesforce-community":
		return "Experience Cloud"
	}
	return ""
}

// Problem is the page "problem": what happened, why, and what to do about it. It is shown to
// people who may have caused none of it, so it holds no secret and no stack trace. All but Words
// or Title may be empty.
type Problem struct {
	Words         string // what begins the keys of its title and message
	Title         string // in the place of the words' own
	Detail        string // more than they say, in English
	Code          string // the error's name in the protocol, such as "invalid_request"
	CorrelationID string // finds the request in the operator's log
	Back          string // URL of the application
}

// SignOut is the page "signout": asks before a session is ended at the request of someone who has
// not shown to know whose it is (OpenID Connect RP-Initiated Logout 1.0, section 2).
type SignOut struct {
	Client string  // who asks; may be empty
	Action string  // where the form is posted
	Fields []Field // hidden in the form
	Stay   string  // URL for those who would rather stay; without it they are told to close the page
}

// Field is a hidden field of a form.
type Field struct {
	Name, Value string
}

// SignedOut is the page "signedout": the session is over.
type SignedOut struct {
	Client string // its name; may be empty
	Back   string // URL of the client; may be empty
}

// Connected is the page "connected": an account's tokens, which no longer did, have been renewed by
// their user, or the user has connected a further account.
type Connected struct {
	Client     string // its name; may be empty
	Connection string // what people call it
	Back       string // URL of the client; may be empty
	Further    bool   // the account was not connected before
	Warning    string // what the user should know besides; may be empty
}

//go:embed *.html admin/*.html
var files embed.FS

// parse is each page in a language, within a copy of the layout of its folder, so that all may
// define "title" and "main". The console's layout is read over the sign-in side's, whose parts it
// shares; it is there in English alone.
//
// A page is read when it is first asked for: most instances show few, and all of them take 8 MB,
// which the garbage collector would have to look through for each token that is asked for.
func parse(l *Language) map[string]func() *template.Template {
	door := sync.OnceValue(func() *template.Template {
		return template.Must(template.New("layout.html").Funcs(template.FuncMap{
			"static":     static.URL,
			"salesforce": func(strategy string) bool { return strings.HasPrefix(strategy, "salesforce") },
			"themes":     func() []choice { return themes },
			"sections":   func() []section { return sections },
			"glyph":      glyph,
			"date":       date,
			"language":   func() *Language { return l },
			"text":       l.Say,
			"say":        l.show,
			"names":      names,
			"code":       code,
		}).ParseFS(files, "layout.html"))
	})
	console := sync.OnceValue(func() *template.Template {
		return template.Must(template.Must(door().Clone()).ParseFS(files, "admin/layout.html"))
	})

	pages := make(map[string]func() *template.Template)
	for folder, layout := range map[string]func() *template.Template{".": door, "admin": console} {
		if folder == "admin" && l.Tag != "en" {
			continue
		}
		entries, err := files.ReadDir(folder)
		if err != nil {
			panic(err)
		}
		for _, entry := range entries {
			file := path.Join(folder, entry.Name())
			if entry.IsDir() || entry.Name() == "layout.html" {
				continue
			}
			pages[strings.TrimSuffix(file, path.Ext(file))] = sync.OnceValue(func() *template.Template {
				return template.Must(template.Must(layout().Clone()).ParseFS(files, file))
			})
		}
	}
	return pages
}

// Render writes the page of a file, named without its ".html", filled with data of that page's
// type, in English. Nothing is written when it fails, so that the caller can still answer
// something else. A page of the sign-in side looks as the gateway's own: see [Brand.Render].
func Render(w io.Writer, name string, data any) error {
	if path.Dir(name) == "." {
		return Brand{}.Render(w, English, name, data)
	}
	page, err := English.page(name)
	if err != nil {
		return err
	}
	around := "layout"
	if _, ok := data.(doorway); ok {
		around = "doorway"
	}
	return execute(w, page, around, data)
}

// RenderPart writes a part of a page alone, for a script that puts it in the place of an older one.
func RenderPart(w io.Writer, name, part string, data any) error {
	page, err := English.page(name)
	if err != nil {
		return err
	}
	return execute(w, page, part, data)
}

func (l *Language) page(name string) (*template.Template, error) {
	read, ok := l.pages[name]
	if !ok {
		return nil, fmt.Errorf("templates: no page %q", name)
	}
	return read(), nil
}

func execute(w io.Writer, page *template.Template, part string, data any) error {
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, part, data); err != nil {
		return fmt.Errorf("templates: %w", err)
	}
	_, err := w.Write(bytes.Map(visible, b.Bytes()))
	return err
}

// visible replaces what has no place in a page and comes only from strangers' strings: control
// characters, which a terminal would obey when a page is fetched by hand, bytes that are not
// UTF-8, and the overrides of writing direction, which can make one address look like another.
// Right-to-left text does not need them.
func visible(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case r < ' ', r >= 0x7f && r < 0xa0, r == '\u202d', r == '\u202e':
		return '\ufffd'
	}
	return r
}
