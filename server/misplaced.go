package server

import (
	"regexp"
	"strings"
)

// tokenLike is a word as long as a token.
var tokenLike = regexp.MustCompile(`[0-9A-Za-z_.~-]{24,}`)

// withoutTokens is a text for the logs. Errors quote what is wrong with a request,
// and what its sender put in a wrong place may be a token: whoever sent it is told,
// and nobody else. Of long words only those stay that are lower case, as the names of
// specifications and hosts are, and no number in base 16 or 36.
func withoutTokens(said string) string {
	return tokenLike.ReplaceAllStringFunc(said, func(word string) string {
		number := strings.ContainsAny(word, "0123456789") && !strings.ContainsAny(strings.Trim(word, "."), "_.~-")
		if number || strings.ToLower(word) != word {
			return "[it may be a token]"
		}
		return word
	})
}
