package simulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// jwtBearer is the JWT bearer grant (RFC 7523, section 2.1): the app signs, with
// the key of its certificate, for which user it wants an access token. There is
// no secret, no consent page and no refresh token.
func (s *Salesforce) jwtBearer(w http.ResponseWriter, r *http.Request) (pairs, error) {
	token, err := jwt.ParseSigned(r.Form.Get("assertion"), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, errAssertion
	}
	var claims bearerClaims
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return nil, errAssertion
	}
	app, err := s.app(claims.Issuer)
	if err != nil {
		return nil, err
	}
	if app.Certificate == nil || token.Claims(app.Certificate.PublicKey, &claims) != nil {
		return nil, errAssertion
	}
	if app, err = s.prove(w, r, app); err != nil {
		return nil, err
	}
	s.makeKeys() // may take its time, so not under the lock
	s.mu.Lock()
	defer s.mu.Unlock()
	h := hostOf(r)
	if err := claims.check(s.now()); err != nil {
		return nil, err
	}
	if len(claims.Audience) != 1 || !h.isAudience(claims.Audience[0]) {
		return nil, errAudience
	}
	return s.assertionTokens(h, app, cmp.Or(claims.Principal, claims.Subject), r.Form.Get("assertion"))
}

// bearerClaims are the claims of an assertion (RFC 7523, section 3).
type bearerClaims struct {
	Issuer    string       `json:"iss"` // the consumer key
	Subject   string       `json:"sub"` // the username
	Principal string       `json:"prn"` // the username in older clients, which wins
	Audience  jwt.Audience `json:"aud"`
	Expires   moment       `json:"exp"`
	NotBefore moment       `json:"nbf"`
}

// check looks at the times. However far off the expiry is, it is taken: there
// are clients that write it in milliseconds.
func (c bearerClaims) check(now time.Time) error {
	if now.Add(-skew).Unix() >= int64(c.Expires) || now.Add(skew).Unix() < int64(c.NotBefore) {
		return errAssertion
	}
	return nil
}

// moment is a time in seconds (RFC 7519, section 2), as a number or, as some
// clients have it, as text.
type moment int64

func (m *moment) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 || f > 1e15 {
		return &json.UnmarshalTypeError{Value: text}
	}
	*m = moment(f)
	return nil
}
