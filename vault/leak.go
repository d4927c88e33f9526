package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Leaks looks for secrets that lie in the clear in what is written to it, such
// as the file of a store. It never tells them, only what they look like.
type Leaks struct {
	patterns []leak
	before   []byte // what the next bytes may go on with
}

// leak is what one looks like: a form, or the exact bytes that a value comes as.
type leak struct {
	name   string
	form   *regexp.Regexp
	values []string
	found  int
}

// longest is how much of a secret is looked at.
const longest = 512

// NewLeaks looks for tokens of Salesforce's and of the gateway's own, root keys,
// and values that should be nowhere.
func NewLeaks(canaries []string) *Leaks {
	l := &Leaks{patterns: []leak{
		{name: "an access token of Salesforce (00D…!)", form: regexp.MustCompile(`00D[0-9A-Za-z]{12,15}![0-9A-Za-z._]{16}`)},
		{name: "a refresh token of Salesforce (5Aep…)", form: regexp.MustCompile(`5Aep[0-9A-Za-z._]{24}`)},
		{name: "a JSON Web Token (eyJ…)", form: regexp.MustCompile(`eyJ[0-9A-Za-z_-]{8,300}\.eyJ[0-9A-Za-z_-]{8}`)},
		{name: "a refresh token of the gateway's (v1.…)", form: regexp.MustCompile(`v1\.[0-9A-Za-z_-]{16,100}\.[0-9A-Za-z_-]{16}`)},
		{name: "a root key (" + keyPrefix + "…)", form: regexp.MustCompile(keyPrefix + `[0-9A-Za-z_-]{43}`)},
	}}
	for _, c := range canaries {
		values := formsOf(c[:min(len(c), longest)])
		for i, v := range values {
			values[i] = v[:min(len(v), longest)]
		}
		l.patterns = append(l.patterns, leak{name: "a value given by --canary", values: values})
	}
	return l
}

// formsOf are a value and what it looks like to whoever encoded it: for a URL, as
// base64 wherever it began, as hexadecimal, and in UTF-16. Short values have none
// of them that is surely theirs.
func formsOf(value string) []string {
	forms := []string{value}
	const short = 8
	if len(value) < short {
		return forms
	}
	forms = append(forms, url.QueryEscape(value), url.PathEscape(value), hex.EncodeToString([]byte(value)), strings.ToUpper(hex.EncodeToString([]byte(value))))
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			all := encoding.EncodeToString(append(make([]byte, before), value...))
			first := (before*8 + 5) / 6           // the character that begins with the value
			last := (before + len(value)) * 8 / 6 // after the one that ends with it
			forms = append(forms, all[first:last])
		}
	}
	var little, big strings.Builder
	for i := range len(value) {
		little.WriteString(value[i:i+1] + "\x00")
		big.WriteString("\x00" + value[i:i+1])
	}
	return slices.Compact(slices.Sorted(slices.Values(append(forms, little.String(), big.String()))))
}

// Write looks at the next bytes.
func (l *Leaks) Write(p []byte) (int, error) {
	all := append(l.before, p...)
	l.look(all, len(all)-longest)
	l.before = bytes.Clone(all[max(0, len(all)-longest):])
	return len(p), nil
}

// look counts what begins before an index; the rest is looked at again with
// what comes next.
func (l *Leaks) look(b []byte, end int) {
	for i := range l.patterns {
		p := &l.patterns[i]
		if p.form != nil {
			for _, at := range p.form.FindAllIndex(b, -1) {
				if at[0] < end {
					p.found++
				}
			}
		}
		for _, v := range p.values {
			for at, rest := 0, b; at < end; {
				next := bytes.Index(rest, []byte(v))
				if next < 0 || at+next >= end {
					break
				}
				p.found++
				at, rest = at+next+len(v), rest[next+len(v):]
			}
		}
	}
}

// Found are the kinds of secrets that lay in the clear, and how many of each.
func (l *Leaks) Found() map[string]int {
	l.look(l.before, len(l.before))
	l.before = nil
	found := map[string]int{}
	for _, p := range l.patterns {
		if p.found > 0 {
			found[p.name] += p.found
		}
	}
	return found
}
