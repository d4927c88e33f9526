package simulator

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
)

// pairs are the parameters of an OAuth response, in the order they are sent.
type pairs []struct{ name, value string }

// add appends a parameter, if there is one.
func (p *pairs) add(name, value string) {
	if value != "" {
		*p = append(*p, struct{ name, value string }{name, value})
	}
}

// respond writes p as JSON, XML or form-encoded text, as the format parameter
// or the Accept header asks.
func respond(w http.ResponseWriter, r *http.Request, status int, p pairs) {
	h := w.Header()
	h.Set("Pragma", "no-cache")
	var body string
	switch formatOf(r) {
	case "xml":
		h.Set("Content-Type", "application/xml;charset=UTF-8")
		body = p.xml()
	case "urlencoded":
		h.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
		body = p.urlencoded()
	default:
		h.Set("Content-Type", "application/json;charset=UTF-8")
		body = p.json()
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func formatOf(r *http.Request) string {
	if f := r.Form.Get("format"); f != "" {
		return f
	}
	for accept := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		media, _, _ := strings.Cut(accept, ";")
		switch strings.TrimSpace(media) {
		case "application/json", "*/*":
			return "json"
		case "application/xml", "text/xml":
			return "xml"
		case "application/x-www-form-urlencoded":
			return "urlencoded"
		}
	}
	return "json"
}

func (p pairs) json() string {
	var b strings.Builder
	for i, pair := range p {
		b.WriteByte("{,"[min(i, 1)])
		b.Write(marshal(pair.name))
		b.WriteByte(':')
		b.Write(marshal(pair.value))
	}
	b.WriteByte('}')
	return b.String()
}

func (p pairs) urlencoded() string {
	var b strings.Builder
	for i, pair := range p {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(pair.name) + "=" + url.QueryEscape(pair.value))
	}
	return b.String()
}

func (p pairs) xml() string {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><OAuth>`)
	for _, pair := range p {
		b.WriteString("<" + pair.name + ">")
		_ = xml.EscapeText(&b, []byte(pair.value)) // a Buffer takes all
		b.WriteString("</" + pair.name + ">")
	}
	b.WriteString("</OAuth>")
	return b.String()
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(marshal(v))
}

// marshal encodes v, leaving <, > and & as they are. It is called with our own
// types only, which all can be encoded.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
