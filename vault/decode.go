package vault

import (
	"time"
	"unsafe"

	"github.com/fxamacker/cbor/v2"
)

// fielded is a record, or a part of one, that is decoded field by field rather
// than by reflection: those that most requests read.
type fielded interface {
	// field reads the value of a field, or returns false if there is none of
	// that name.
	field(name string, r *reader) bool
}

// decode decodes a record of the vault, and tells whether it has fields that
// this program does not know. What a fielded record has in it that this program
// does not write that way is left to the library.
func decode[R any](plain []byte, r *R) (strange bool, err error) {
	if f, ok := any(r).(fielded); ok {
		from := reader{left: unsafe.String(unsafe.SliceData(plain), len(plain))}
		from.fields(f)
		if !from.failed && from.left == "" {
			return from.strange, nil
		}
		*r = *new(R)
	}
	return true, cbor.Unmarshal(plain, r)
}

// reader reads CBOR (RFC 8949) of definite lengths, as the vault writes it. The
// strings that it returns are parts of one, so that a record costs one.
type reader struct {
	left    string
	failed  bool // what was read is not what was asked for
	strange bool // there was a field that nobody asked for
}

// Major types (RFC 8949, section 3.1).
const (
	unsigned = iota
	negative
	byteString
	textString
	array
	mapping
	tagged
	simple
)

const (
	cborFalse = simple<<5 | 20
	cborTrue  = simple<<5 | 21
	cborNull  = simple<<5 | 22
)

func (r *reader) fail() { r.left, r.failed = "", true }

// head reads a type and its argument.
func (r *reader) head() (major byte, argument uint64) {
	if r.left == "" {
		r.fail()
		return simple, 0
	}
	first, size := r.left[0], 0
	r.left = r.left[1:]
	major, argument = first>>5, uint64(first&31)
	switch {
	case argument < 24:
		return major, argument
	case argument > 27:
		r.fail()
		return simple, 0
	}
	size = 1 << (argument - 24)
	if len(r.left) < size {
		r.fail()
		return simple, 0
	}
	argument = 0
	for _, b := range []byte(r.left[:size]) {
		argument = argument<<8 | uint64(b)
	}
	r.left = r.left[size:]
	return major, argument
}

// length reads the length of a string, array or map, whose items are of a byte
// at least.
func (r *reader) length(want byte) int {
	major, n := r.head()
	if major != want || n > uint64(len(r.left)) {
		r.fail()
		return 0
	}
	return int(n)
}

// null reads a null, if there is one.
func (r *reader) null() bool {
	if r.left == "" || r.left[0] != cborNull {
		return false
	}
	r.left = r.left[1:]
	return true
}

func (r *reader) text() string {
	n := r.length(textString)
	s := r.left[:n]
	r.left = r.left[n:]
	return s
}

func (r *reader) secret() Secret { return Secret{r.text()} }

func (r *reader) bool() bool {
	switch major, value := r.head(); major<<5 | byte(value) {
	case cborTrue:
		return true
	case cborFalse:
	default:
		r.fail()
	}
	return false
}

func (r *reader) int() int {
	major, n := r.head()
	if major != unsigned || n > 1<<62 {
		r.fail()
	}
	return int(n)
}

func (r *reader) time() (t time.Time) {
	if r.null() {
		return t
	}
	t, err := time.Parse(time.RFC3339Nano, r.text())
	if err != nil {
		r.fail()
	}
	return t
}

func (r *reader) times() []time.Time { return list(r, (*reader).time) }
func (r *reader) texts() []string    { return list(r, (*reader).text) }

func list[T any](r *reader, item func(*reader) T) []T {
	if r.null() {
		return nil
	}
	items := make([]T, 0, r.length(array))
	for range cap(items) {
		items = append(items, item(r))
	}
	return items
}

func (r *reader) params() map[string]string {
	if r.null() {
		return nil
	}
	n := r.length(mapping)
	params := make(map[string]string, n)
	for range n {
		name := r.text()
		params[name] = r.text()
	}
	return params
}

// fields reads a map of fields.
func (r *reader) fields(f fielded) {
	for range r.length(mapping) {
		if !f.field(r.text(), r) {
			r.strange = true
			r.skip(0)
		}
		if r.failed {
			return
		}
	}
}

// skip passes over a value.
func (r *reader) skip(depth int) {
	const deepest = 16
	major, n := r.head()
	switch major {
	case unsigned, negative, simple:
		return
	case tagged:
		n = 1
	case mapping:
		n *= 2
	}
	switch {
	case n > uint64(len(r.left)) || depth == deepest:
		r.fail()
	case major == byteString || major == textString:
		r.left = r.left[n:]
	default:
		for i := uint64(0); i < n && !r.failed; i++ {
			r.skip(depth + 1)
		}
	}
}
