package api

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a file may hold. Some of the parser's work grows with the square of
// what these bound.
const (
	maxSize   = 1 << 20  // bytes
	maxFilled = 16 << 20 // bytes that variables add
	maxTokens = 100_000
	maxNodes  = 100_000 // with what aliases repeat
	maxDepth  = 32
	maxKeys   = 1000 // of one mapping
	maxBlank  = 100  // lines in a row
)

// parse parses one YAML document to a node, nil if there is none.
func parse(src []byte, env *environment) (*node, error) {
	if err := checkSource(src); err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(mark(string(bytes.TrimPrefix(src, []byte("\uFEFF")))))
	if err := checkTokens(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxError(err)
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil || doc.Body.Type() == ast.DirectiveType {
			return nil, fault(position(doc.Body), "", "begins another YAML document: keep everything in one, without --- and %")
		}
		body = doc.Body
	}
	if body == nil {
		return nil, nil
	}
	c := &converter{env: env, anchors: make(map[string]ast.Node)}
	return c.node(body, position(body), "", 0)
}

func checkSource(src []byte) error {
	if len(src) > maxSize {
		return fault(pos{}, "", "is larger than 1 MiB: split it, and apply the parts one after another")
	}
	blank, line := 0, 0
	for l := range bytes.Lines(src) {
		line++
		for i, r := range string(l) {
			switch {
			case r == utf8.RuneError && !utf8.FullRune(l[i:]), r == utf8.RuneError && !bytes.HasPrefix(l[i:], []byte("\uFFFD")):
				return fault(pos{line, 1 + utf8.RuneCount(l[:i])}, "", "is not UTF-8 text: save the file as UTF-8")
			case unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r', strings.ContainsRune(marks, r):
				return fault(pos{line, 1 + utf8.RuneCount(l[:i])}, "", fmt.Sprintf("has the character %U, which is not text: remove it", r))
			}
		}
		if blank++; len(bytes.TrimSpace(l)) > 0 {
			blank = 0
		}
		if blank > maxBlank || bytes.Count(l, []byte("\r")) > maxBlank {
			return fault(pos{line, 1}, "", fmt.Sprintf("is one of more than %d blank lines in a row: remove them", maxBlank))
		}
	}
	return nil
}

// checkTokens bounds what the parser has to do, and its stack.
func checkTokens(tokens token.Tokens) error {
	if len(tokens) > maxTokens {
		return fault(pos{}, "", "holds too much: split it, and apply the parts one after another")
	}
	type level struct{ column, keys int }
	var block []level // mappings and lists that are open, outermost first
	flow := 0
	enter := func(column int) *level {
		for len(block) > 0 && block[len(block)-1].column > column {
			block = block[:len(block)-1]
		}
		if len(block) == 0 || block[len(block)-1].column < column {
			block = append(block, level{column: column})
		}
		return &block[len(block)-1]
	}
	for _, tk := range tokens {
		if tk.Error != "" {
			break // the parser will say so
		}
		here := pos{tk.Position.Line, tk.Position.Column}
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType:
			enter(tk.Position.Column)
		case token.MappingKeyType:
			return fault(here, "", "? is not supported: write KEY: VALUE")
		case token.MappingValueType:
			if flow > 0 || tk.Prev == nil {
				break
			}
			l := enter(tk.Prev.Position.Column)
			if l.keys++; l.keys > maxKeys {
				return fault(here, "", fmt.Sprintf("is one of more than %d keys of a mapping", maxKeys))
			}
		}
		if flow+len(block) > maxDepth {
			return fault(here, "", fmt.Sprintf("is nested more than %d deep", maxDepth))
		}
	}
	return nil
}

// syntaxError keeps the parser's message, which quotes no source, and drops
// its excerpt, which does.
func syntaxError(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) {
		return fault(pos{}, "", "is not YAML")
	}
	var at pos
	if tk := e.GetToken(); tk != nil {
		at = pos{tk.Position.Line, tk.Position.Column}
	}
	return fault(at, "", "is not YAML: "+e.GetMessage())
}

func position(n ast.Node) pos {
	p := n.GetToken().Position
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		p = m.Values[0].Key.GetToken().Position // its own is the colon's
	}
	return pos{p.Line, p.Column}
}
