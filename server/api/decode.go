package api

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// decoder reads nodes into shapes, by the yaml tags of their fields, and
// notes where everything stands.
type decoder struct {
	at map[string]pos // by path
}

var (
	secretType  = reflect.TypeFor[Secret]()
	scopesType  = reflect.TypeFor[Scopes]()
	optionsType = reflect.TypeFor[Options]()
	jwksType    = reflect.TypeFor[JWKS]()
)

// decode reads n into v. Its errors name no value.
func (d *decoder) decode(n *node, v reflect.Value, path string) error {
	d.at[path] = n.pos
	if n.kind == null {
		return fault(n.pos, path, "has no value: give it one, or remove the line (text that begins with # needs quotes)")
	}
	switch v.Type() {
	case secretType:
		if err := want(n, text, path); err != nil {
			return err
		}
		v.Set(reflect.ValueOf(*NewSecret(n.text)))
		return nil
	case scopesType:
		return d.scopes(n, v, path)
	case jwksType:
		return d.jwks(n, v.Addr().Interface().(*JWKS), path)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.decode(n, v.Elem(), path)
	case reflect.String:
		v.SetString(n.text)
		return want(n, text, path)
	case reflect.Bool:
		v.SetBool(n.text == "true")
		if n.loose && (n.text == "true" || n.text == "false") {
			return nil
		}
		return want(n, boolean, path)
	case reflect.Int64:
		i, err := strconv.ParseInt(n.text, 10, 64)
		v.SetInt(i)
		if err != nil || n.kind != number && !n.loose {
			return fault(n.pos, path, "should be a whole number")
		}
		return nil
	case reflect.Slice:
		return d.list(n, v, path)
	case reflect.Map:
		return d.table(n, v, path)
	case reflect.Struct:
		return d.object(n, v, path)
	}
	panic("api: no shape has a " + v.Type().String())
}

func want(n *node, k kind, path string) error {
	switch {
	case n.kind == k:
		return nil
	case k == text && (n.kind == number || n.kind == boolean):
		return fault(n.pos, path, fmt.Sprintf("should be text, and is %s: put it in quotes", n.kind))
	}
	problem := fmt.Sprintf("should be %s, and is %s", k, n.kind)
	if k == text { // a URL in brackets within braces is read as one, for its colon
		problem += ": put it in quotes"
	}
	return fault(n.pos, path, problem)
}

func (d *decoder) list(n *node, v reflect.Value, path string) error {
	if err := want(n, list, path); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		if err := d.decode(item, v.Index(i), at(path, i)); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) scopes(n *node, v reflect.Value, path string) error {
	words := []string{n.text}
	if n.kind != text {
		if err := d.list(n, reflect.ValueOf(&words).Elem(), path); err != nil {
			return err
		}
	}
	v.Set(reflect.ValueOf(scopes(words)))
	return nil
}

func (d *decoder) table(n *node, v reflect.Value, path string) error {
	if err := want(n, mapping, path); err != nil {
		return err
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range n.entries {
		value := reflect.New(v.Type().Elem()).Elem()
		if err := d.decode(e.value, value, child(path, e.key)); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(e.key), value)
	}
	return nil
}

func (d *decoder) object(n *node, v reflect.Value, path string) error {
	if err := want(n, mapping, path); err != nil {
		return err
	}
	names := fieldNames(v.Type())
	for _, e := range n.entries {
		full := child(path, e.key)
		i, ok := names[e.key]
		like := suggest(e.key, v.Type())
		switch {
		case ok:
			if err := d.decode(e.value, v.Field(i), full); err != nil {
				return err
			}
		case v.Type() == optionsType && like == "":
			if err := d.option(e, v.Addr().Interface().(*Options), full); err != nil {
				return err
			}
		case like != "":
			return fault(e.value.pos, full, "unknown key (did you mean "+like+"?)")
		default:
			return fault(e.value.pos, full, "unknown key (known here: "+strings.Join(knownFields(v.Type()), ", ")+")")
		}
	}
	return nil
}

// option reads an option of the strategy, which alone knows what it means.
func (d *decoder) option(e entry, o *Options, path string) error {
	d.at[path] = e.value.pos
	switch e.value.kind {
	case text, boolean, number:
	case mapping:
		for _, member := range e.value.entries {
			if err := d.option(entry{e.key + "." + member.key, member.value}, o, child(path, member.key)); err != nil {
				return err
			}
		}
		return nil
	case null:
		return fault(e.value.pos, path, "has no value: give it one, or remove the line")
	default:
		return fault(e.value.pos, path, fmt.Sprintf("should be text, a number, true or false, or a mapping of such, and is %s", e.value.kind))
	}
	if o.Strategy == nil {
		o.Strategy = make(map[string]string)
	}
	o.Strategy[e.key] = e.value.text
	return nil
}

// fieldNames are the fields of a shape by their names in the file.
func fieldNames(t reflect.Type) map[string]int {
	names := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != ",inline" {
			names[name] = i
		}
	}
	return names
}

func knownFields(t reflect.Type) []string {
	var known []string
	for f := range t.Fields() {
		if name := f.Tag.Get("yaml"); name != ",inline" {
			known = append(known, name)
		}
	}
	return known
}

// suggest is the field whose name is almost the given one, or "". Of a
// strategy's options it knows none, so there it takes only the likeliest.
func suggest(key string, t reflect.Type) string {
	if len(key) > 64 {
		return ""
	}
	most := 2
	if t == optionsType {
		most = 1
	}
	same := strings.NewReplacer("_", "", "-", "", " ", "")
	best := ""
	for _, name := range knownFields(t) {
		if strings.EqualFold(same.Replace(name), same.Replace(key)) {
			return name
		}
		if d := distance(key, name); len(name) > 4 && d <= most {
			best, most = name, d-1
		}
	}
	return best
}

// distance is how many characters must be put in, left out or replaced to make
// one word the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
