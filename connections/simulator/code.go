package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"time"
)

// code is an authorization code (RFC 6749, section 4.1.2). Spent ones are
// kept, with what they brought.
type code struct {
	approval
	request *authorization
	expires time.Time
	spent   bool
	brought *family // nil: nothing
}

const codeLifetime = 15 * time.Minute

// issueCode makes a code. It ends as real ones do, with signs that a URL has
// to escape.
func (s *Salesforce) issueCode(a *authorization, user member) string {
	name := "aPrx" + randomText(70) + "=="
	s.codes[name] = &code{
		approval: approval{user.Username, a.app.ConsumerKey},
		request:  a,
		expires:  s.now().Add(codeLifetime),
	}
	return name
}

// redeemCode is the authorization code grant (RFC 6749, section 4.1.3). A code
// is spent by the first request of its app, right or wrong; the second
// takes back what the first brought.
func (s *Salesforce) redeemCode(w http.ResponseWriter, r *http.Request) (pairs, error) {
	app, err := s.client(r, func(a App) bool { return a.SecretOptionalWeb })
	if err != nil {
		return nil, err
	}
	if app, err = s.prove(w, r, app); err != nil {
		return nil, err
	}
	s.makeKeys() // may take its time, so not under the lock
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	c, ok := s.codes[r.Form.Get("code")]
	h := hostOf(r)
	if !ok || c.app != app.ConsumerKey {
		return nil, errCode
	}
	user, ok := s.member(c.user)
	if ok && !h.serves(user.org) {
		return nil, errCode
	}
	if c.spent {
		if c.brought != nil {
			s.kill(c.brought)
		}
		return nil, errSpentCode
	}
	c.spent = true
	if !now.Before(c.expires) {
		return nil, errSpentCode
	}
	if r.Form.Get("redirect_uri") != c.request.redirectURI {
		return nil, errRedirectURI
	}
	if err := checkVerifier(c.request.challenge, r.Form); err != nil {
		return nil, err
	}
	if err := s.admit(app, user); err != nil {
		return nil, err
	}
	c.brought = s.found(c.approval, app.grants(c.request.scopes), now)
	return s.tokens(h, app, user, c.brought, c.brought.refresh, c.request.nonce)
}

// checkVerifier compares verifier and challenge (RFC 7636, section 4.6). The
// verifier may be longer than the RFC's 128 characters: some clients send 171.
// One that answers no challenge is refused (RFC 9700, section 4.8.2).
func checkVerifier(challenge string, q url.Values) error {
	verifier := q.Get("code_verifier")
	if verifier == "" {
		if challenge != "" {
			return errNoVerifier
		}
		return nil
	}
	sum := sha256.Sum256([]byte(verifier))
	if base64.RawURLEncoding.EncodeToString(sum[:]) != challenge {
		return errVerifier
	}
	return nil
}
