package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"sallyport/vault"
)

// maxRequestObject is for how long the request object of a client that is held
// to FAPI may be good (FAPI 2.0 Message Signing, section 5.3.1).
const maxRequestObject = time.Hour

// ParseRequestObject reads the parameters of an authorization request from a
// request object, which the client signed (RFC 9101, sections 4 and 6). They
// are all that counts of the request (section 6.3). Objects that are encrypted,
// unsigned, or kept elsewhere are refused.
func ParseRequestObject(token string, c vault.Client, keys *ClientKeys, issuer string, now time.Time) (url.Values, error) {
	params, err := parseRequestObject(token, c, keys, issuer, now)
	if err != nil {
		return nil, errorf(InvalidRequestObject, "the request object %s", err)
	}
	return params, nil
}

func parseRequestObject(token string, c vault.Client, keys *ClientKeys, issuer string, now time.Time) (url.Values, error) {
	s, err := readJWS(token, AlgsOf(c), false)
	switch {
	case err != nil:
		return nil, err
	case !s.typed("", "JWT", "oauth-authz-req+jwt"): // RFC 9101, section 10.8
		return nil, errors.New("is of another type: it should be oauth-authz-req+jwt")
	}
	key, err := keys.find(s)
	if err != nil {
		return nil, fmt.Errorf("cannot be verified: %w", err)
	}
	claims, err := s.verify(key)
	if err != nil {
		return nil, err
	}
	if err := checkRequestClaims(claims, c, issuer, now); err != nil {
		return nil, fmt.Errorf("has claims of which %w", err)
	}
	return paramsOf(claims)
}

// checkRequestClaims finds fault with the claims of a request object about
// itself.
func checkRequestClaims(claims object, c vault.Client, issuer string, now time.Time) error {
	for _, name := range []string{"client_id", "iss"} { // RFC 9101, sections 4 and 5
		if id, err := claims.text(name); err != nil || id != c.ID {
			return fmt.Errorf("'%s' should be the client_id of the request", name)
		}
	}
	audience, err := claims.texts("aud")
	switch {
	case err != nil:
		return err
	case !slices.Contains(audience, issuer): // section 4
		return fmt.Errorf("'aud' should be %s", issuer)
	}
	if sub, _ := claims.text("sub"); sub == c.ID { // section 10.8: it would be a client assertion
		return errors.New("'sub' should not be the client_id: leave it out")
	}
	t, err := claims.times(now)
	switch {
	case err != nil:
		return err
	case !c.FAPI:
		return nil
	case t.expires.IsZero() || t.notBefore.IsZero(): // FAPI 2.0 Message Signing, section 5.3.1
		return errors.New("'exp' or 'nbf' is missing")
	case t.notBefore.Before(now.Add(-maxRequestObject)) || t.expires.After(t.notBefore.Add(maxRequestObject)):
		return errors.New("'exp' is more than an hour after 'nbf', or 'nbf' more than an hour ago")
	}
	return nil
}

// paramsOf are the claims of a request object as parameters: strings, numbers
// and booleans as they are, and what is JSON in itself written out (OpenID
// Connect Core 1.0, section 6.1).
func paramsOf(claims object) (url.Values, error) {
	params := url.Values{}
	for name, raw := range claims {
		switch name {
		case "iss", "sub", "aud", "exp", "nbf", "iat", "jti": // RFC 7519, section 4.1
			continue
		case "request", "request_uri": // RFC 9101, section 4
			return nil, fmt.Errorf("has '%s' in it: leave it out", name)
		case "resource": // RFC 8707, section 2: several are allowed
			list, err := claims.texts(name)
			if err != nil {
				return nil, fmt.Errorf("has claims of which %w", err)
			}
			params[name] = list
			continue
		}
		var v any
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if dec.Decode(&v) != nil {
			return nil, errors.New("has claims that are not JSON")
		}
		switch v := v.(type) {
		case nil:
		case string:
			params.Set(name, v)
		case json.Number:
			params.Set(name, v.String())
		case bool:
			params.Set(name, string(raw))
		default:
			var b bytes.Buffer
			if name != "claims" || raw[0] != '{' || json.Compact(&b, raw) != nil { // section 5.5
				return nil, fmt.Errorf("has a nested value in '%s': send a string, a number or a boolean", shown(name))
			}
			params.Set(name, b.String())
		}
	}
	return params, nil
}
