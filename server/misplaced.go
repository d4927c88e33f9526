package server

import (
	"regexp"
	"strings"
)

// tokenLike is a word as long as a token; that of a specification is lower case,
// or has colons in it. In base 32, one of 200 tickets has no digit in it.
var tokenLike = regexp.MustCompile(`[0-9A-Za-z_.~-]{24,}`)

// withoutTokens is a text for the logs. Errors quote what is wrong with a request,
// and what its sender put in a wrong place may be a token: whoever sent it is told,
// and nobody else.
func withoutTokens(said string) string {
	return tokenLike.ReplaceAllStringFunc(said, func(word string) string {
		if strings.ToUpper(word) == word || strings.ContainsAny(word, "0123456789") && strings.ToLower(word) != word {
			return "[it may be a token]"
		}
		return word
	})
}
