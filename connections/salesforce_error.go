package connections

import (
	"errors"
	"strconv"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

// said is what the provider wrote, to stand in a sentence.
func said(code, description string) string {
	if d := quote(description); d != "" {
		return d
	}
	return quote(code)
}

// Denied implements [Provider].
func (s *salesforceOrg) Denied(code, description string) *Error {
	e := &Error{Connection: s.connection.Name, Kind: Denied, Code: quote(code), Description: s.title() + " did not sign the user in: " + said(code, description) + "."}
	f, ok := find(authorizing, code, description)
	switch {
	case !ok || ours(code):
	case code == "access_denied" || code == "access-denied":
		e.Description = "The user did not allow it at " + s.title() + "."
	default:
		e.Kind, e.RetryAfter = f.Kind, f.RetryAfter
		e.Cause, e.Cure = e.Description+" "+f.Cause, f.Cure
		e.Description = e.Cause + " " + e.Cure
	}
	return e
}

// explain says what a failed request to the token endpoint means, as an
// [*Error], or a [*vault.Refusal] if Salesforce says in so many words that the
// refresh token is dead, or the user's approval missing.
func (s *salesforceOrg) explain(err error, asked string) error {
	var answered *oauth2.RetrieveError
	if errors.As(err, &answered) { // its own text quotes the body, which is not for the log
		return s.meaning(reply{asked, answered.Response.StatusCode, answered.Response.Header.Get("Content-Type"), answered.Body, nil})
	}
	return s.meaning(reply{asked: asked, err: err})
}

// meaning is the error that a reply is.
func (s *salesforceOrg) meaning(r reply) error {
	f, code, description := classify(r)
	if ours(code) {
		return s.unavailable(f, code, r)
	}
	e := &Error{Connection: s.connection.Name, Kind: f.Kind, Code: quote(code), RetryAfter: f.RetryAfter, Answered: true,
		Cause: s.title() + " said: " + said(code, description) + ". " + f.Cause, Cure: f.Cure,
		Err: errors.New("status " + strconv.Itoa(r.status) + ", error " + quote(code) + ": " + quote(description))}
	what := said(code, description) + ". " + f.Cause + " " + f.Cure
	switch f.Kind {
	case Dead:
		if r.asked == asserting {
			return &vault.Refusal{Why: s.title() + " does not issue access tokens for this user: " + what}
		}
		return &vault.Refusal{Why: s.title() + " no longer accepts this user's refresh token: " + what}
	case Expired:
		e.Description = s.title() + " did not accept the sign-in: " + what
	case Unavailable:
		e.Description = s.title() + " did not " + r.asked + ": " + what
	default:
		e.Description = s.title() + " refused to " + r.asked + ": " + what
		e.Unspent = true // refused before the token was looked at
	}
	return e
}

// unavailable is the error of a request without a useful answer.
func (s *salesforceOrg) unavailable(f Failure, sign string, r reply) *Error {
	err := r.err
	if r.status != 0 {
		err = errors.New("status " + strconv.Itoa(r.status) + " " + sign)
	}
	return &Error{Connection: s.connection.Name, Kind: f.Kind, RetryAfter: f.RetryAfter, Err: err, Cause: f.Cause, Cure: f.Cure,
		Description: s.title() + " gave no answer to use. " + f.Cause + " " + f.Cure,
		Answered:    0 < r.status && r.status < 500,
		// Nothing was shown to a host that was not found, or not trusted.
		Unspent: f.Kind == Misconfigured || sign == "(unknown host)"}
}
