package api

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// encode is the node of a shape, nil for what says nothing, and for secrets.
func encode(v reflect.Value) *node {
	if v.Type() == secretType {
		return nil // whatever it is, it is not for showing
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return encode(v.Elem())
	case reflect.String:
		return &node{kind: text, text: v.String()}
	case reflect.Bool:
		return &node{kind: boolean, text: strconv.FormatBool(v.Bool())}
	case reflect.Int64:
		return &node{kind: number, text: strconv.FormatInt(v.Int(), 10)}
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		n := &node{kind: list}
		for i := range v.Len() {
			n.items = append(n.items, encode(v.Index(i)))
		}
		return n
	case reflect.Map:
		if v.Len() == 0 {
			return nil
		}
		n := &node{kind: mapping}
		n.table(v)
		return n
	case reflect.Struct:
		n := &node{kind: mapping}
		for i := range v.NumField() {
			name := v.Type().Field(i).Tag.Get("yaml")
			if name == ",inline" {
				own := &node{kind: mapping}
				own.table(v.Field(i))
				own.nest()
				n.entries = append(n.entries, own.entries...)
			} else if value := encode(v.Field(i)); value != nil {
				n.entries = append(n.entries, entry{name, value})
			}
		}
		return n
	}
	panic("api: no shape has a " + v.Type().String())
}

// table adds the entries of a map, in the order of its keys.
func (n *node) table(v reflect.Value) {
	if v.Len() == 0 {
		return
	}
	keys := make(map[string]reflect.Value, v.Len())
	for _, k := range v.MapKeys() {
		keys[k.String()] = v.MapIndex(k)
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		n.entries = append(n.entries, entry{k, encode(keys[k])})
	}
}

// nest makes a mapping of the entries whose keys begin alike: profile.id and
// profile.name are those of profile. They stand together, in order.
func (n *node) nest() {
	var out []entry
	for _, e := range n.entries {
		group, member, ok := strings.Cut(e.key, ".")
		if !ok {
			out = append(out, e)
			continue
		}
		if last := len(out) - 1; last < 0 || out[last].key != group || out[last].value.kind != mapping {
			out = append(out, entry{group, &node{kind: mapping}})
		}
		in := out[len(out)-1].value
		in.entries = append(in.entries, entry{member, e.value})
	}
	for _, e := range out {
		if e.value.kind == mapping {
			e.value.nest()
		}
	}
	n.entries = out
}

// leaf is a field of a shape: its path and its value as text.
type leaf struct{ path, value string }

func (n *node) leaves(path string, out []leaf) []leaf {
	if n.kind != mapping {
		return append(out, leaf{path, n.String()})
	}
	for _, e := range n.entries {
		full := e.key
		if path != "" {
			full = path + "." + e.key
		}
		out = e.value.leaves(full, out)
	}
	return out
}

// String is the node in one line.
func (n *node) String() string {
	switch n.kind {
	case list:
		return fmt.Sprintf("[%s]", join(n.items, (*node).String))
	case mapping:
		return fmt.Sprintf("{%s}", join(n.entries, func(e entry) string { return quote(e.key) + ": " + e.value.String() }))
	case text:
		if n.raw {
			return n.text
		}
		return quote(n.text)
	}
	return n.text
}
