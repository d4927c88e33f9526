package api

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// References to variables are not all YAML: @ may not begin a word, ## begins a
// comment, and braces mean something in lists. So before the source is parsed
// their punctuation is replaced, character by character, with these, which
// Unicode promises never to use (section 23.7); columns stay as they were.
const (
	hash       = "\uFDD0"
	atSign     = "\uFDD1"
	openBrace  = "\uFDD2"
	closeBrace = "\uFDD3"
	marks      = hash + atSign + openBrace + closeBrace
)

const variable = `[A-Za-z_][A-Za-z0-9_]*`

var (
	written = regexp.MustCompile(`\$\{` + variable + `\}|##` + variable + `##|@@` + variable + `@@|\$\{`)
	marked  = regexp.MustCompile(`\$` + openBrace + `(` + variable + `)` + closeBrace +
		`|[#` + hash + `]` + hash + `(` + variable + `)` + hash + hash +
		`|` + atSign + atSign + `(` + variable + `)` + atSign + atSign +
		`|[` + marks + `]`)
	marker   = strings.NewReplacer("#", hash, "@", atSign, "{", openBrace, "}", closeBrace)
	unmarker = strings.NewReplacer(hash, "#", atSign, "@", openBrace, "{", closeBrace, "}")
)

// mark marks the references in a source. A ## that is first on its line stays
// what it is, the beginning of a comment.
func mark(src string) string {
	var b strings.Builder
	last := 0
	for _, m := range written.FindAllStringIndex(src, -1) {
		b.WriteString(src[last:m[0]])
		ref := src[m[0]:m[1]]
		if strings.HasPrefix(ref, "#") && strings.TrimSpace(src[strings.LastIndexByte(src[:m[0]], '\n')+1:m[0]]) == "" {
			b.WriteByte('#')
			ref = ref[1:]
		}
		b.WriteString(marker.Replace(ref))
		last = m[1]
	}
	b.WriteString(src[last:])
	return b.String()
}

// environment fills variables in, and remembers them to keep their values out
// of errors.
type environment struct {
	lookup func(string) (string, bool)
	filled map[string]string // by name
	size   int               // of what was filled in, each time
}

// fill is a scalar with its references filled in; plain is one without quotes.
func (env *environment) fill(s string, plain bool, at pos, path string) (*node, error) {
	n := &node{kind: text, text: s, pos: at}
	refs := marked.FindAllStringSubmatchIndex(s, -1)
	if refs == nil {
		return n, nil
	}
	n.loose = plain
	var b strings.Builder
	last := 0
	for _, m := range refs {
		b.WriteString(s[last:m[0]])
		last = m[1]
		whole := m[0] == 0 && m[1] == len(s)
		name, json := reference(s, m)
		switch {
		case name == "":
			return nil, fault(at, path, `has a "${" that names no variable: write ${NAME}, or "\x24{" in double quotes for the text itself`)
		case json && !whole:
			return nil, fault(at, path, fmt.Sprintf("@@%s@@ stands for a whole value: within text write ##%[1]s##", name))
		}
		value, ok := env.lookup(name)
		switch {
		case !ok:
			return nil, fault(at, path, fmt.Sprintf("the environment variable %s is not set: set it, or remove the line", name))
		case !utf8.ValidString(value):
			return nil, fault(at, path, fmt.Sprintf("the environment variable %s is not text: it should be UTF-8", name))
		}
		env.filled[name] = value
		if env.size += len(value); env.size > maxFilled {
			return nil, fault(at, path, "the file's variables hold too much")
		}
		if json {
			return parseJSON(value, at, path, name)
		}
		b.WriteString(value)
	}
	b.WriteString(s[last:])
	n.text = b.String()
	return n, nil
}

// reference is the variable that a match of marked names, and whether it is JSON.
func reference(s string, m []int) (name string, json bool) {
	for i := 2; i < len(m); i += 2 {
		if m[i] >= 0 {
			return s[m[i]:m[i+1]], i == 6
		}
	}
	return "", false
}

func parseJSON(s string, at pos, path, name string) (*node, error) {
	if len(s) > maxSize {
		return nil, fault(at, path, fmt.Sprintf("the environment variable %s is larger than 1 MiB", name))
	}
	n, err := readJSON(s, at)
	if err != nil { // it may quote the value
		return nil, fault(at, path, fmt.Sprintf(`the environment variable %s is not JSON, as @@%[1]s@@ wants: for text write ${%[1]s}, for a list set it to ["a", "b"]`, name))
	}
	return n, nil
}

// readJSON is the node of a JSON value. Its error may quote the value.
func readJSON(s string, at pos) (*node, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one value")
	}
	return fromJSON(v, at, 0)
}

func fromJSON(v any, at pos, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("too deep")
	}
	n := &node{pos: at}
	switch v := v.(type) {
	case string:
		n.kind, n.text = text, v
	case bool:
		n.kind, n.text = boolean, fmt.Sprint(v)
	case json.Number:
		n.kind, n.text = number, v.String()
	case []any:
		n.kind = list
		for _, item := range v {
			i, err := fromJSON(item, at, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, i)
		}
	case map[string]any:
		n.kind = mapping
		for _, key := range slices.Sorted(maps.Keys(v)) {
			value, err := fromJSON(v[key], at, depth+1)
			if err != nil {
				return nil, err
			}
			n.entries = append(n.entries, entry{key, value})
		}
	}
	return n, nil
}
