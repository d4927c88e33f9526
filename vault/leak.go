package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Leaks looks for secrets that lie in the clear in what is written to it, such
// as the file of a store. It never tells them, only what they look like.
type Leaks struct {
	forms    []form
	canaries map[uint64][]string // as they may be written, by their first bytes
	begins   []bool              // whether one does, by a hash of these: most places begin none
	short    []string            // canaries that have fewer
	found    int                 // canaries
	before   []byte              // what the next bytes may go on with
}

// form is what the secrets of a kind look like.
type form struct {
	name  string
	looks *regexp.Regexp
	found int
}

const (
	longest    = 512 // bytes of a secret that are looked at
	firstBytes = 8
)

// NewLeaks looks for tokens of Salesforce's and of the gateway's own, root keys,
// and values that should be nowhere, of which there may be thousands.
func NewLeaks(canaries []string) *Leaks {
	l := &Leaks{canaries: map[uint64][]string{}, begins: make([]bool, 1<<20), forms: []form{
		{name: "an access token of Salesforce (00D…!)", looks: regexp.MustCompile(`00D[0-9A-Za-z]{12,15}![0-9A-Za-z._]{16}`)},
		// Longer than the keys of records, of which one in some millions has the beginning in it.
		{name: "a refresh token of Salesforce (5Aep…)", looks: regexp.MustCompile(`5Aep[0-9A-Za-z._]{40}`)},
		{name: "a JSON Web Token (eyJ…)", looks: regexp.MustCompile(`eyJ[0-9A-Za-z_-]{8,300}\.eyJ[0-9A-Za-z_-]{8}`)},
		{name: "a refresh token of the gateway's (v1.…)", looks: regexp.MustCompile(`v1\.[0-9A-Za-z_-]{16,100}\.[0-9A-Za-z_-]{16}`)},
		{name: "a root key (" + keyPrefix + "…)", looks: regexp.MustCompile(keyPrefix + `[0-9A-Za-z_-]{43}`)},
	}}
	for _, canary := range canaries {
		for _, v := range formsOf(canary[:min(len(canary), longest)]) {
			v = v[:min(len(v), longest)]
			if len(v) < firstBytes {
				l.short = append(l.short, v)
				continue
			}
			first := binary.LittleEndian.Uint64([]byte(v))
			l.canaries[first] = append(l.canaries[first], v)
			l.begins[l.hash(first)] = true
		}
	}
	return l
}

// hash is one of Fibonacci's: 20 bits.
func (l *Leaks) hash(first uint64) uint64 { return first * 0x9E3779B97F4A7C15 >> 44 }

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
	for i := range l.forms {
		f := &l.forms[i]
		for _, at := range f.looks.FindAllIndex(b, -1) {
			if at[0] < end {
				f.found++
			}
		}
	}
	for _, v := range l.short {
		for at, rest := 0, b; at < end; {
			next := bytes.Index(rest, []byte(v))
			if next < 0 || at+next >= end {
				break
			}
			l.found++
			at, rest = at+next+len(v), rest[next+len(v):]
		}
	}
	for i := 0; i < end && i+firstBytes <= len(b); i++ {
		first := binary.LittleEndian.Uint64(b[i:])
		if !l.begins[l.hash(first)] {
			continue
		}
		for _, v := range l.canaries[first] {
			if len(v) <= len(b)-i && string(b[i:i+len(v)]) == v {
				l.found++
			}
		}
	}
}

// Found are the kinds of secrets that lay in the clear, and how many of each.
func (l *Leaks) Found() map[string]int {
	l.look(l.before, len(l.before))
	l.before = nil
	found := map[string]int{}
	for _, f := range l.forms {
		if f.found > 0 {
			found[f.name] = f.found
		}
	}
	if l.found > 0 {
		found["a value given by --canary"] = l.found
	}
	return found
}
