package vault

import (
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// TestFieldedRecordsAreDecodedWhole compares the decoding of records field by
// field with the library's: of all fields, and of none.
func TestFieldedRecordsAreDecodedWhole(t *testing.T) {
	t.Parallel()
	t.Run("Grant", testDecodedWhole[Grant])
	t.Run("AccessToken", testDecodedWhole[AccessToken])
	t.Run("User", testDecodedWhole[User])
	t.Run("Identity", testDecodedWhole[Identity])
	t.Run("TokenSet", testDecodedWhole[TokenSet])
}

func testDecodedWhole[R any](t *testing.T) {
	var none, all R
	n := 0
	fill(reflect.ValueOf(&all).Elem(), &n)
	for _, want := range []R{none, all} {
		plain, err := encoding.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got, librarys R
		strange, err := decode(plain, &got)
		if err != nil || strange || !reflect.DeepEqual(got, want) {
			t.Errorf("decoded %#v, strange: %v, %v; want %#v", got, strange, err, want)
		}
		if err := cbor.Unmarshal(plain, &librarys); err != nil || !reflect.DeepEqual(librarys, want) {
			t.Errorf("the library decodes %#v, %v", librarys, err)
		}
		for i := range plain { // cut short anywhere, it is an error to both
			if _, err := decode(plain[:i], &got); err == nil {
				t.Errorf("decoded of %x", plain[:i])
			}
		}
	}
}

// fill sets all fields to something, each to something else.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 1, 0, 0, *n, 123456789, time.UTC)))
		return
	case Secret:
		v.Set(reflect.ValueOf(NewSecret("secret " + strconv.Itoa(*n))))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("string " + strconv.Itoa(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(int64(*n) << 20)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"a": "1", "b": "2"}))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), n)
			}
		}
	}
}

func TestFieldsOfStrangersAreSeen(t *testing.T) {
	t.Parallel()
	for name, strange := range map[string]any{
		"text": "x", "number": -7, "list": []any{1, "a", map[string]any{"b": nil}}, "bytes": []byte{1}, "tagged": cbor.Tag{Number: 99, Content: "x"}, "float": 1.5,
	} {
		plain, err := cbor.Marshal(map[string]any{"ID": "g", "Later": strange, "User": "u"})
		if err != nil {
			t.Fatal(err)
		}
		var g Grant
		if saw, err := decode(plain, &g); err != nil || !saw || g.ID != "g" || g.User != "u" {
			t.Errorf("%s: %+v, strange: %v, %v", name, g, saw, err)
		}
	}
}

// What this program would not write is for the library to decode, or to refuse.
func TestUnusualEncodingsAreTheLibrarys(t *testing.T) {
	t.Parallel()
	var g Grant
	indefinite := []byte{0xbf, 0x62, 'I', 'D', 0x7f, 0x61, 'g', 0xff, 0xff}
	if _, err := decode(indefinite, &g); err != nil || g.ID != "g" {
		t.Errorf("of indefinite lengths: %+v, %v", g, err)
	}
	for name, plain := range map[string][]byte{
		"a number for a text": {0xa1, 0x62, 'I', 'D', 0x01},
		"more after it":       {0xa0, 0xa0},
		"no map":              {0x80},
		"nothing":             {},
	} {
		if _, err := decode(plain, &g); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzDecode wants no panic, whatever is decoded.
func FuzzDecode(f *testing.F) {
	var all TokenSet
	n := 0
	fill(reflect.ValueOf(&all).Elem(), &n)
	plain, err := encoding.Marshal(all)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Fuzz(func(_ *testing.T, b []byte) {
		var t TokenSet
		decode(b, &t)
	})
}
