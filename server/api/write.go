package api

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// write writes the node as YAML, in lines that begin with indent.
func (n *node) write(b *bytes.Buffer, indent string) {
	switch n.kind {
	case mapping:
		for i, e := range n.entries {
			if i > 0 {
				b.WriteString(indent)
			}
			b.WriteString(quote(e.key) + ":")
			e.value.writeBelow(b, indent)
		}
	case list:
		for i, item := range n.items {
			if i > 0 {
				b.WriteString(indent)
			}
			b.WriteString("- ")
			item.write(b, indent+"  ")
		}
	default:
		b.WriteString(n.String() + "\n")
	}
}

// writeBelow writes the value of a key: in its line, if it fits there.
func (n *node) writeBelow(b *bytes.Buffer, indent string) {
	const wide = 100
	switch {
	case n.kind == mapping && len(n.entries) == 0:
		b.WriteString(" {}\n")
	case n.kind == mapping, n.kind == list && len(n.String()) > wide, n.kind == list && len(n.items) > 0 && n.items[0].kind == mapping:
		b.WriteString("\n" + indent + "  ")
		n.write(b, indent+"  ")
	default:
		b.WriteString(" " + n.String() + "\n")
	}
}

// plain is text that reads as itself without quotes, anywhere. The words that
// some YAML reads as something else are not.
var (
	plain    = regexp.MustCompile(`^[A-Za-z_]([A-Za-z0-9_./ +-]*[A-Za-z0-9_./+-])?$`)
	reserved = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|y|n|null)$`)
)

// quote writes text so that it reads as itself: no reference to a variable, no
// number, no line that ends.
func quote(s string) string {
	if plain.MatchString(s) && !reserved.MatchString(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '$' && strings.HasPrefix(s[i+1:], "{"),
			r == '#' && (strings.HasPrefix(s[i+1:], "#") || strings.HasSuffix(s[:i], "#")),
			r == '@' && (strings.HasPrefix(s[i+1:], "@") || strings.HasSuffix(s[:i], "@")),
			r < 0x80 && unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case !unicode.IsPrint(r) && r <= 0xFFFF:
			fmt.Fprintf(&b, `\u%04x`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// shown is a name that is safe to print.
func shown(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return quote(s)
	}
	return s
}

func join[T any](list []T, show func(T) string) string {
	var out []string
	for _, e := range list {
		out = append(out, show(e))
	}
	return strings.Join(out, ", ")
}
