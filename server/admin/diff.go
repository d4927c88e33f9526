package admin

import (
	"fmt"
	"reflect"
	"strings"

	"sallyport/vault"
)

// difference is one field in which two versions of a record differ, in words that
// may stand in a log: of a secret, only that it is another.
type difference struct{ Field, Before, After string }

// differences are those of two records of one type. A record that is nil was not
// there, or is not any more.
func differences(before, after any) (list []difference) {
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	like := a
	if !a.IsValid() {
		like = b
	}
	if !like.IsValid() {
		return nil
	}
	for i := range like.NumField() {
		field := like.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		of := func(v reflect.Value) reflect.Value {
			if v.IsValid() {
				return v.Field(i)
			}
			return reflect.Zero(field.Type)
		}
		was, is := of(b), of(a)
		if reflect.DeepEqual(was.Interface(), is.Interface()) {
			continue
		}
		if field.Name == "SecretHashes" { // a secret that people chose could be guessed by it
			list = append(list, difference{field.Name, fmt.Sprintf("(%d)", was.Len()), fmt.Sprintf("(%d)", is.Len())})
			continue
		}
		list = append(list, difference{field.Name, inWords(was), inWords(is)})
	}
	return list
}

// hidden are the fields that hold secrets in another form, or what nobody can
// read.
var hidden = map[reflect.Type]bool{
	reflect.TypeFor[vault.Secret]():  true,
	reflect.TypeFor[vault.Passkey](): true,
}

// inWords is a value for the log, "" if it is nothing.
func inWords(v reflect.Value) string {
	const most = 300
	switch {
	case v.IsZero():
		return ""
	case hidden[v.Type()]:
		return "(set)"
	case v.Kind() == reflect.Slice && hidden[v.Type().Elem()]:
		return fmt.Sprintf("(%d)", v.Len())
	case v.Type() == reflect.TypeFor[[]vault.AdminIdentity]():
		var all []string
		for _, i := range v.Interface().([]vault.AdminIdentity) {
			all = append(all, i.String())
		}
		return cut(strings.Join(all, ", "), most)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		return cut(strings.Join(v.Interface().([]string), ", "), most)
	}
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64:
		return cut(fmt.Sprint(v.Interface()), most)
	case reflect.Map:
		return cut(strings.TrimPrefix(fmt.Sprint(v.Interface()), "map"), most)
	}
	return "(set)"
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
