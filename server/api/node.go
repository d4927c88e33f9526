package api

import (
	"fmt"
	"strings"
)

// node is a value of a tenant file: what the parser makes, the decoder reads,
// and the encoder and the writer go back through.
type node struct {
	kind    kind
	text    string // of a scalar, as written; of a boolean, "true" or "false"
	loose   bool   // came from a variable, unquoted: may be read as boolean or number
	raw     bool   // a placeholder, to be written as it is
	items   []*node
	entries []entry
	pos     pos // where its key stands, or else itself
}

type entry struct {
	key   string
	value *node
}

type kind int

const (
	null kind = iota
	text
	boolean
	number
	list
	mapping
)

func (k kind) String() string {
	return [...]string{"nothing", "text", "true or false", "a number", "a list", "a mapping"}[k]
}

// pos is a place in the source, counted from one, in characters.
type pos struct{ line, column int }

// get is the value of a key, or nil.
func (n *node) get(key string) *node {
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// Error is a fault in a tenant file. It tells no secret.
type Error struct {
	File         string
	Line, Column int    // from one, in characters; zero if it is about the whole file
	Key          string // such as "clients[0].callbacks[1]"; "" where there is none
	Problem      string // and its cure
}

// Error is one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	if e.Key != "" {
		b.WriteString(": " + e.Key)
	}
	b.WriteString(": " + e.Problem)
	return strings.Join(strings.Fields(b.String()), " ")
}

func fault(p pos, key, problem string) *Error {
	return &Error{Line: p.line, Column: p.column, Key: key, Problem: problem}
}

// child is the path of a key. A key may be a secret that lost its way, when a
// space or a quote is missing: of what does not look like a key only the part
// before such a gap is shown.
func child(path, key string) string {
	const long = 40
	cut := strings.IndexFunc(key, func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	switch {
	case cut > long || cut < 0 && len(key) > long || cut >= 0 && !strings.ContainsRune(":= ", rune(key[cut])):
		key = "…"
	case cut >= 0:
		key = key[:cut] + "…"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
