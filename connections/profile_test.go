package connections

import "testing"

// TestPointer follows RFC 6901, sections 3 to 5.
func TestPointer(t *testing.T) {
	t.Parallel()
	document, ok := object([]byte(`{"id":12345678901234567890,"a/b":"slash","m~n":"tilde","":"empty","list":[{"x":"0"},"1"],"null":null,"https://slack.com/user_id":"U1"}`))
	if !ok {
		t.Fatal("no object")
	}
	for at, want := range map[string]string{
		"/id": "12345678901234567890", "/a~1b": "slash", "/m~0n": "tilde", "/": "empty", "/list/0/x": "0", "/list/1": "1", "/https:~1~1slack.com~1user_id": "U1",
		"": "", "id": "", "/list": "", "/list/2": "", "/list/-1": "", "/list/x": "", "/null": "", "/id/x": "", "/none": "",
	} {
		if got := scalar(pointer(document, at)); got != want {
			t.Errorf("%q: %q, want %q", at, got, want)
		}
	}
}
