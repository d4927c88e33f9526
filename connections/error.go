package connections

import (
	"strings"
	"time"
	"unicode"

	"sallyport/vault"
)

// Kind is what an error of a provider means for those who wait for it.
type Kind string

const (
	Denied        Kind = "denied"        // the user, or the provider on the user's account, said no
	Expired       Kind = "expired"       // the sign-in took too long or was begun twice: to be begun anew
	Unavailable   Kind = "unavailable"   // no useful answer: to be tried again
	RateLimited   Kind = "rate_limited"  // too many requests: to be tried again later
	Misconfigured Kind = "misconfigured" // nothing helps until somebody changes a setting
	Untrusted     Kind = "untrusted"     // an answer that fails its checks
	Dead          Kind = "dead"          // the grant has ended: the user must connect again. As an error it is a [*vault.Refusal]
)

// Error is what a provider answered in place of what was asked for, and what to
// do about it.
type Error struct {
	Connection  string
	Kind        Kind
	Code        string // the provider's (RFC 6749, sections 4.1.2.1 and 5.2), if it sent one
	Description string // sentences for people: what happened, why, and what to do. No secret is in them
	// Cause and Cure are parts of what Description says, where they are known
	// apart.
	Cause, Cure string
	RetryAfter  time.Duration
	Unspent     bool  // the refresh token shown is surely as good as before
	Answered    bool  // by the provider itself, and not for it by a proxy on the way: the request is over
	Err         error // for the log
}

func (e *Error) Error() string {
	s := "connections: " + e.Connection + ": " + string(e.Kind)
	if e.Code != "" {
		s += " (" + e.Code + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Explain is the description, for package vault, which keeps it.
func (e *Error) Explain() string { return e.Description }

// Is makes an error that left the refresh token unspent a [vault.ErrUnspent], and
// one that the provider answered with a [vault.ErrAnswered].
func (e *Error) Is(target error) bool {
	return target == vault.ErrUnspent && e.Unspent || target == vault.ErrAnswered && e.Answered
}

// quote makes what a provider wrote fit to be shown: of bounded length, on one
// line, of printable characters alone.
func quote(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		switch {
		case r == unicode.ReplacementChar, unicode.In(r, unicode.Bidi_Control, unicode.Cf), !unicode.IsPrint(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return s
}
