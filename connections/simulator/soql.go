package simulator

import (
	"fmt"
	"strconv"
	"strings"
)

// soql is a query of the small part of SOQL that is understood:
//
//	SELECT field, … FROM object [WHERE field = value] [ORDER BY field [ASC|DESC]] [LIMIT n]
//
// where a value is a 'string', a number, true, false or null. Keywords have no
// case.
type soql struct {
	fields     []string
	object     string
	where      string // field; "": all records
	equals     string // value; a string begins with a quote and ends without one
	orderBy    string // field; "": as they come
	descending bool
	limit      int // -1: none
}

// parseSOQL reads a query.
func parseSOQL(query string) (soql, error) {
	tokens, err := soqlTokens(query)
	if err != nil {
		return soql{}, err
	}
	p := &soqlParser{tokens: tokens}
	q := soql{limit: -1}
	p.keyword("select")
	q.fields = append(q.fields, p.name())
	for p.accept(",") {
		q.fields = append(q.fields, p.name())
	}
	p.keyword("from")
	q.object = p.name()
	if p.accept("where") {
		q.where = p.name()
		p.keyword("=")
		q.equals = p.value()
	}
	if p.accept("order") {
		p.keyword("by")
		q.orderBy = p.name()
		if q.descending = p.accept("desc"); !q.descending {
			p.accept("asc")
		}
	}
	if p.accept("limit") {
		q.limit = p.number()
	}
	if p.next() != "" {
		p.unexpected()
	}
	return q, p.err
}

// soqlParser reads tokens. After an error it stands still.
type soqlParser struct {
	tokens []string
	err    error
}

func (p *soqlParser) next() string {
	if len(p.tokens) == 0 || p.err != nil {
		return ""
	}
	return p.tokens[0]
}

func (p *soqlParser) unexpected() {
	if p.err != nil {
		return
	}
	if token := p.next(); token != "" {
		p.err = malformed("unexpected token: " + token)
	} else {
		p.err = malformed("unexpected end of query")
	}
}

func (p *soqlParser) accept(keyword string) bool {
	if p.next() == "" || !strings.EqualFold(p.next(), keyword) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *soqlParser) keyword(k string) {
	if !p.accept(k) {
		p.unexpected()
	}
}

func (p *soqlParser) name() string {
	token := p.next()
	if token == "" || !isNameStart(token[0]) || isReserved(token) {
		p.unexpected()
		return ""
	}
	p.tokens = p.tokens[1:]
	return token
}

func (p *soqlParser) value() string {
	token := p.next()
	switch {
	case strings.HasPrefix(token, "'"):
		p.tokens = p.tokens[1:]
		return token
	case token != "" && isDigit(token[0]), strings.EqualFold(token, "true"), strings.EqualFold(token, "false"), strings.EqualFold(token, "null"):
		p.tokens = p.tokens[1:]
		return strings.ToLower(token)
	}
	p.unexpected()
	return ""
}

func (p *soqlParser) number() int {
	n, err := strconv.Atoi(p.next())
	if err != nil || n < 0 {
		p.unexpected()
		return -1
	}
	p.tokens = p.tokens[1:]
	return n
}

// soqlTokens splits a query. Strings come without escapes and closing quote,
// but keep the opening one to be known by.
func soqlTokens(query string) ([]string, error) {
	var tokens []string
	for i := 0; i < len(query); {
		c, start := query[i], i
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == ',' || c == '=':
			i++
			tokens = append(tokens, query[start:i])
		case c == '\'':
			text, n, ok := soqlString(query[i:])
			if !ok {
				return nil, malformed("line has no closing quote")
			}
			i += n
			tokens = append(tokens, "'"+text)
		case isNameStart(c) || isDigit(c):
			for i < len(query) && (isNameStart(query[i]) || isDigit(query[i])) {
				i++
			}
			tokens = append(tokens, query[start:i])
		default:
			return nil, malformed(fmt.Sprintf("unexpected character %q", c))
		}
	}
	return tokens, nil
}

// soqlString reads a string in quotes at the beginning of s, and how long it
// was there. A backslash stands before a character that is meant as it is.
func soqlString(s string) (text string, length int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\'':
			return b.String(), i + 1, true
		case '\\':
			if i++; i == len(s) {
				return "", 0, false
			}
		}
		b.WriteByte(s[i])
	}
	return "", 0, false
}

func isNameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '.'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isReserved(token string) bool {
	switch strings.ToLower(token) {
	case "select", "from", "where", "order", "by", "limit":
		return true
	}
	return false
}

func malformed(message string) error { return &refusal{400, "MALFORMED_QUERY", message} }
