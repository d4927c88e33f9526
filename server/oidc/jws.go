package oidc

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"sallyport/vault"
)

// jws is a token that somebody else signed, not verified yet (RFC 7515, section
// 7.1).
type jws struct {
	token         string
	alg, kid, typ string
	edwards       bool   // the header says Ed25519 where alg says EdDSA
	jwk           []byte // that it brings along; nil if none
	payload       []byte
}

// clientAlgs are what clients may sign with (RFC 8725, section 3.2: no none and
// nothing symmetric).
var clientAlgs = []string{"RS256", "PS256", "ES256", "EdDSA"}

// edwards is the newer name of EdDSA with such keys (RFC 9864, section 2.2),
// which some clients use alone.
const edwards = "Ed25519"

// algName is the name by which an algorithm is known here.
func algName(alg string) string {
	if alg == edwards {
		return "EdDSA"
	}
	return alg
}

// advertised are the names of what clients may sign with.
func advertised() []string { return append(slices.Clone(clientAlgs), edwards) }

// AlgsOf are what a client may sign with. FAPI 2.0 Security Profile, section
// 5.4.1, leaves PKCS #1 v1.5 out.
func AlgsOf(c vault.Client) []string {
	if c.FAPI {
		return slices.Clone(clientAlgs[1:])
	}
	return slices.Clone(clientAlgs)
}

// distrusted are header parameters that would have us take a key, a rule or a
// form from the sender's word (RFC 8725, sections 3.1 and 3.10; RFC 7515,
// section 4.1.11; RFC 7797, section 3).
var distrusted = []string{"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"}

// readJWS takes a token apart, without believing it. Only a token that must
// bring its key along may have one in its header.
func readJWS(token string, algs []string, withKey bool) (jws, error) {
	switch {
	case len(token) > maxToken: // before anything is made of it
		return jws{}, errors.New("is too long")
	case strings.Count(token, ".") == 4: // RFC 7516, section 3.1
		return jws{}, errors.New("is encrypted: sign it, and no more")
	case strings.Count(token, ".") != 2 || !madeOf(token, base64url+"."): // base64 decoders pass over line ends
		return jws{}, errors.New("is no signed JWT")
	}
	parts := strings.Split(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return jws{}, errors.New("is no signed JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return jws{}, errors.New("is no signed JWT")
	}
	header, err := readObject(raw)
	if err != nil {
		return jws{}, fmt.Errorf("has a header that %w", err)
	}
	for _, name := range distrusted {
		if _, found := header[name]; found && !(withKey && name == "jwk") {
			return jws{}, fmt.Errorf("has '%s' in its header: leave it out", name)
		}
	}
	s := jws{token: token, jwk: header["jwk"], payload: payload}
	var cty string
	for name, to := range map[string]*string{"alg": &s.alg, "kid": &s.kid, "typ": &s.typ, "cty": &cty} {
		if *to, err = header.text(name); err != nil {
			return jws{}, fmt.Errorf("has a header of which %w", err)
		}
	}
	s.edwards = s.alg == edwards
	s.alg = algName(s.alg)
	switch {
	case !slices.Contains(algs, s.alg):
		return jws{}, fmt.Errorf("is signed with '%s': use %s", shown(s.alg), strings.Join(algs, ", "))
	case strings.EqualFold(cty, "JWT"): // RFC 7519, section 5.2
		return jws{}, errors.New("is nested: sign the claims themselves")
	}
	return s, nil
}

// typed reports whether the token is of one of the types (RFC 8725, section
// 3.11), of which "" stands for none. Media types are of any case, and may be
// written out (RFC 7515, section 4.1.9).
func (s jws) typed(types ...string) bool {
	typ := strings.ToLower(s.typ)
	typ = strings.TrimPrefix(typ, "application/")
	return slices.ContainsFunc(types, func(t string) bool { return strings.ToLower(t) == typ })
}

// verify checks the signature with a public key, and returns the claims.
func (s jws) verify(key any) (object, error) {
	payload, err := s.verified(key)
	if err != nil {
		return nil, err
	}
	claims, err := readObject(payload)
	if err != nil {
		return nil, fmt.Errorf("has claims that %w", err)
	}
	return claims, nil
}

// verified checks the signature, and returns the payload.
func (s jws) verified(key any) ([]byte, error) {
	if s.edwards { // go-jose knows the algorithm by its older name alone
		cut := strings.LastIndex(s.token, ".")
		signature, err := base64.RawURLEncoding.DecodeString(s.token[cut+1:])
		public, ok := key.(ed25519.PublicKey)
		if err != nil || !ok || !ed25519.Verify(public, []byte(s.token[:cut]), signature) {
			return nil, errors.New("has a wrong signature")
		}
		return s.payload, nil
	}
	signed, err := jose.ParseSignedCompact(s.token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.alg)})
	if err != nil {
		return nil, errors.New("is no signed JWT")
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return nil, errors.New("has a wrong signature")
	}
	return payload, nil
}

// object are the members of a JSON object. Their names are taken letter by
// letter, which the fields of structs are not, and no name comes twice (RFC
// 7515, section 4; RFC 7519, section 4).
type object map[string]json.RawMessage

func readObject(raw []byte) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') || !utf8.Valid(raw) {
		return nil, errors.New("is not a JSON object")
	}
	o := object{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, errors.New("is not JSON")
		}
		name := key.(string) // the decoder lets no other key pass
		if _, found := o[name]; found {
			return nil, fmt.Errorf("has the member '%s' twice", shown(name))
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil, errors.New("is not JSON")
		}
		o[name] = value
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return nil, errors.New("is not JSON")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("goes on after the object")
	}
	return o, nil
}

// text is a member that is a string, or "" if there is none.
func (o object) text(name string) (string, error) {
	raw, found := o[name]
	if !found {
		return "", nil
	}
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return "", fmt.Errorf("'%s' is not a string", name)
	}
	return *s, nil
}

// texts is a member that is a string or a list of strings, as "aud" may be (RFC
// 7519, section 4.1.3).
func (o object) texts(name string) ([]string, error) {
	raw, found := o[name]
	if !found {
		return nil, nil
	}
	if s, err := o.text(name); err == nil {
		return []string{s}, nil
	}
	var list []*string
	if json.Unmarshal(raw, &list) != nil || list == nil || slices.Contains(list, nil) {
		return nil, fmt.Errorf("'%s' is neither a string nor a list of strings", name)
	}
	var texts []string
	for _, s := range list {
		texts = append(texts, *s)
	}
	return texts, nil
}

// time is a member that is a numeric date (RFC 7519, section 2), or the zero
// Time if there is none. Fractions of a second are cut off.
func (o object) time(name string) (time.Time, error) {
	raw, found := o[name]
	if !found {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(seconds >= 1 && seconds < 1<<40) { // what is not a number fails, too
		return time.Time{}, fmt.Errorf("'%s' is not a number of seconds since 1970", name)
	}
	return time.Unix(int64(math.Floor(seconds)), 0), nil
}

// ahead is by how much the clock of a client may be ahead of ours (FAPI 2.0
// Security Profile, section 5.3.2.1: at least 10 seconds, at most 60).
const ahead = 60 * time.Second

// times are the claims that say when a token is good. Those that are not there
// are zero.
type times struct{ issued, notBefore, expires time.Time }

// times reads them, and finds fault with a token that is not good at a time
// (RFC 7519, sections 4.1.4 to 4.1.6). Nothing is good for longer because of
// clocks that differ.
func (o object) times(now time.Time) (t times, err error) {
	for name, to := range map[string]*time.Time{"iat": &t.issued, "nbf": &t.notBefore, "exp": &t.expires} {
		if *to, err = o.time(name); err != nil {
			return t, err
		}
	}
	switch {
	case !t.expires.IsZero() && !now.Before(t.expires):
		return t, errors.New("'exp' has passed: make a new one for each request, and compare the clocks")
	case t.notBefore.After(now.Add(ahead)):
		return t, errors.New("'nbf' is in the future: compare the clocks")
	case t.issued.After(now.Add(ahead)):
		return t, errors.New("'iat' is in the future: compare the clocks")
	}
	return t, nil
}
