package oidc

import (
	"strconv"
	"testing"
)

// TestNotAllTokensAreRemembered has one token used all the time, among many that
// are used once.
func TestNotAllTokensAreRemembered(t *testing.T) {
	t.Parallel()
	var s seen
	s.put("used", verified{typ: "its"})
	for i := range 5 * mostSeen {
		s.put(strconv.Itoa(i), verified{})
		if v, ok := s.get("used"); !ok || v.typ != "its" {
			t.Fatalf("after %d others the token is forgotten", i)
		}
	}
	if n := len(s.late) + len(s.before); n > 2*mostSeen {
		t.Errorf("%d tokens are remembered", n)
	}
	if _, ok := s.get("0"); ok {
		t.Error("the oldest is remembered")
	}
}
