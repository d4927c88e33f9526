// Package branding is how the gateway and its applications show themselves to
// users: what may be chosen, and the files by which pages have it.
//
// Nothing is served as it was sent. A logo is taken apart to its pixels and drawn
// again, and of a colour there are three numbers in the stylesheet: so no image
// can hold what is none, and no colour what would end its declaration.
package branding

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"image/png"
	"net/url"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"sallyport/templates"
	"sallyport/vault"
)

// The fields, as tenant files and forms name them.
const (
	FieldName       = "friendly_name"
	FieldLogo       = "logo_url"
	FieldAccent     = "colors.primary"
	FieldAccentDark = "colors.primary_dark"
	FieldSupport    = "support_url"
)

const mostName = 60 // characters, so that it fits in a line above the card

// Faults are what keeps an appearance from being shown, a field each.
func Faults(b vault.Appearance) (faults []*vault.Invalid) {
	add := func(field, problem string) {
		if problem != "" {
			faults = append(faults, &vault.Invalid{Field: field, Problem: problem})
		}
	}
	add(FieldName, faultOfName(b.Name, len(b.Logo) > 0))
	add(FieldAccent, faultOfColour(b.Accent, light))
	add(FieldAccentDark, faultOfColour(b.AccentDark, dark))
	add(FieldSupport, faultOfSupport(b.Support))
	return faults
}

func faultOfName(name string, logo bool) string {
	switch {
	case name == "" && logo:
		return "is needed with a logo: it is what those hear who do not see it"
	case utf8.RuneCountInString(name) > mostName:
		return "should be of 60 characters at most, so that it fits above the card"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "has a character in it that cannot be shown"
	}
	return ""
}

func faultOfSupport(support string) string {
	if support == "" {
		return ""
	}
	u, err := url.Parse(support)
	if err != nil || len(support) > 500 || u.Scheme != "https" && u.Scheme != "mailto" ||
		u.Scheme == "https" && (u.Host == "" || u.User != nil) || u.Scheme == "mailto" && !strings.Contains(u.Opaque, "@") {
		return "should be an address such as https://help.example.com or mailto:help@example.com"
	}
	return ""
}

// Over is an appearance with what it says nothing of as below it. A name and its
// logo go together, since the logo shows a name, and so do an accent and the one
// where it is dark, which may follow from it.
func Over(below, a vault.Appearance) vault.Appearance {
	if a.Name == "" {
		a.Name, a.Logo = below.Name, below.Logo
	}
	if a.Accent == "" {
		a.Accent, a.AccentDark = below.Accent, cmp.Or(a.AccentDark, below.AccentDark)
	}
	a.Support = cmp.Or(a.Support, below.Support)
	return a
}

// Look is an appearance as pages have it.
type Look struct {
	Brand templates.Brand
	From  vault.Appearance
	files []File
}

// Is reports whether the look is that of an appearance.
func (l Look) Is(a vault.Appearance) bool { return reflect.DeepEqual(l.From, a) }

// File is what a page links. Its name has a hash of its content, so that it may be
// kept for ever.
type File struct {
	Name, Type string
	Content    []byte
	kind       string
}

// Of is how an appearance looks, with files under the path base. Of what cannot be
// shown, the gateway's own is.
func Of(b vault.Appearance, base string) (l Look) {
	l.From = b
	l.Brand.Name, l.Brand.Support = b.Name, b.Support
	if faultOfSupport(b.Support) != "" {
		l.Brand.Support = ""
	}
	if size, err := png.DecodeConfig(bytes.NewReader(b.Logo)); err == nil && b.Name != "" {
		l.Brand.Logo = base + l.add("logo", ".png", "image/png", b.Logo)
		l.Brand.Width, l.Brand.Height = size.Width, size.Height
	}
	if accent, ok := parseColour(b.Accent); ok {
		l.Brand.Light = base + l.add("colours", ".css", css, accent.stylesheet(light))
	}
	if accent, ok := darkAccent(b); ok {
		l.Brand.Dark = base + l.add("colours-dark", ".css", css, accent.stylesheet(dark))
	}
	return l
}

const css = "text/css; charset=utf-8"

func (l *Look) add(kind, ext, contentType string, content []byte) string {
	sum := sha256.Sum256(content)
	f := File{kind + "-" + hex.EncodeToString(sum[:6]) + ext, contentType, content, kind}
	l.files = append(l.files, f)
	return f.Name
}

// File is the file of a name. Of one of before, or of another instance's, it is
// what has come in its place, and not exactly what was asked for.
func (l Look) File(name string) (f File, exactly, found bool) {
	for _, f := range l.files {
		if f.Name == name {
			return f, true, true
		}
	}
	kind := name[:max(strings.LastIndex(name, "-"), 0)]
	for _, f := range l.files {
		if f.kind == kind {
			return f, false, true
		}
	}
	return f, false, false
}
