package vault_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"sallyport/vault"
)

// TestH36ValuesAreFoundHoweverTheyAreWritten hides a value in every form, at every
// offset that its encoding can tell, and reads byte for byte.
func TestH36ValuesAreFoundHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	const canary = "a canary+of/the=day"
	wide := func(order func(u uint16) []byte) (b []byte) {
		for _, u := range utf16.Encode([]rune(canary)) {
			b = append(b, order(u)...)
		}
		return b
	}
	forms := map[string][]byte{
		"itself": []byte(canary), "in a query": []byte(url.QueryEscape(canary)), "in a path": []byte(url.PathEscape(canary)),
		"hex": []byte(hex.EncodeToString([]byte(canary))), "HEX": fmt.Appendf(nil, "%X", canary),
		"UTF-16LE": wide(func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }),
		"UTF-16BE": wide(func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} }),
	}
	for before := range 3 {
		for after := range 3 {
			within := append(append(bytes.Repeat([]byte("x"), before), canary...), bytes.Repeat([]byte("y"), after)...)
			forms[fmt.Sprintf("base64 after %d and before %d", before, after)] = []byte(base64.StdEncoding.EncodeToString(within))
			forms[fmt.Sprintf("base64url after %d and before %d", before, after)] = []byte(base64.RawURLEncoding.EncodeToString(within))
		}
	}
	for name, form := range forms {
		leaks := vault.NewLeaks([]string{canary})
		content := append(append(bytes.Repeat([]byte("."), 700), form...), bytes.Repeat([]byte("."), 700)...)
		if _, err := io.Copy(struct{ io.Writer }{leaks}, iotest.OneByteReader(bytes.NewReader(content))); err != nil {
			t.Fatal(err)
		}
		if n := leaks.Found()["a value given by --canary"]; n != 1 {
			t.Errorf("%s: found %d times in %q", name, n, form)
		}
	}
	leaks := vault.NewLeaks([]string{canary})
	leaks.Write([]byte("a canary of the day, a-canary+of/the=day"))
	if found := leaks.Found(); len(found) > 0 {
		t.Errorf("found what is not there: %v", found)
	}
}
