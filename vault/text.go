package vault

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// Text is what an [Event] says of something that may come from outside: short,
// and of characters that show. A [Secret] is none, and cannot become one by
// itself. Its zero value is empty.
type Text struct{ value string }

// mostText is how long a Text may be, in bytes.
const mostText = 300

// Said makes a Text of what somebody said. What would not show, such as a line
// break, a terminal's escape or a mark that turns the direction of writing, is
// written as its code; what is too long ends with "…".
func Said(s string) Text {
	if plain(s) {
		return Text{s}
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		next := s[:size]
		switch {
		case r == utf8.RuneError && size == 1:
			next = fmt.Sprintf(`\x%02x`, s[0])
		case r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) && r != ' ':
			next = fmt.Sprintf(`\u%04x`, r)
		}
		if b.Len()+len(next) > mostText-len("…") {
			b.WriteString("…")
			break
		}
		b.WriteString(next)
		s = s[size:]
	}
	return Text{b.String()}
}

// plain reports whether a text is fit as it is: short, and ASCII that shows.
func plain(s string) bool {
	if len(s) > mostText {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func (t Text) String() string { return t.value }

// MarshalCBOR and UnmarshalCBOR are how a text lies in a record.
func (t Text) MarshalCBOR() ([]byte, error) { return cbor.Marshal(t.value) }

func (t *Text) UnmarshalCBOR(b []byte) error {
	var s string
	err := cbor.Unmarshal(b, &s)
	*t = Said(s)
	return err
}

// appendJSON appends the text as a JSON string (RFC 8259, section 7). It has no
// control characters.
func (t Text) appendJSON(b []byte) []byte {
	b = append(b, '"')
	for i := range len(t.value) {
		c := t.value[i]
		if c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return append(b, '"')
}
