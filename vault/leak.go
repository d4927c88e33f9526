package vault

import (
	"bytes"
	"regexp"
)

// Leaks looks for secrets that lie in the clear in what is written to it, such
// as the file of a store. It never tells them, only what they look like.
type Leaks struct {
	patterns []leak
	before   []byte // what the next bytes may go on with
}

type leak struct {
	name  string
	form  *regexp.Regexp
	found int
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
		l.patterns = append(l.patterns, leak{name: "a value given by --canary", form: regexp.MustCompile(regexp.QuoteMeta(c[:min(len(c), longest)]))})
	}
	return l
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
		for _, at := range l.patterns[i].form.FindAllIndex(b, -1) {
			if at[0] < end {
				l.patterns[i].found++
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
