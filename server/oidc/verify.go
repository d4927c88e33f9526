package oidc

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// KeySet are the keys whose tokens are good: the current one, and those that
// were current not long ago. A nil KeySet holds none.
type KeySet struct {
	keys map[string]jose.JSONWebKey
	jwks []byte
	seen seen
}

// NewKeySet returns the KeySet of the keys of signers, to be published in that
// order.
func NewKeySet(signers ...*Signer) (*KeySet, error) {
	ks := &KeySet{keys: map[string]jose.JSONWebKey{}}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, s := range signers {
		ks.keys[s.id] = s.public()
		set.Keys = append(set.Keys, s.public())
	}
	var err error
	ks.jwks, err = json.Marshal(set)
	return ks, err
}

// JWKS is the published JSON of the key set (RFC 7517, section 5). It must not
// be changed.
func (ks *KeySet) JWKS() []byte { return ks.jwks }

// skew is by how much the clock of another instance of the gateway may be
// ahead. Nothing is good for longer because of it.
const skew = 30 * time.Second

// Verify reads the claims of a token that the gateway signed for its own use:
// one of the types in typs, by the issuer, and good at a time. What claims refer to
// is not to be changed. An error tells nothing of the token, but what is wrong with
// it.
//
// It believes nothing that a header says (RFC 8725, sections 3.1 and 3.11): the
// key is looked up among ours, the algorithm is the key's, and a header with
// more in it than the three members that ours have is none of ours.
func (ks *KeySet) Verify(token string, typs []string, issuer string, now time.Time, claims *TokenClaims) error {
	c, err := ks.open(token, typs)
	if err == nil {
		err = c.check(issuer)
	}
	switch {
	case err != nil:
		return err
	case !now.Before(c.Expires.Time()): // RFC 7519, section 4.1.4
		return errors.New("the token has expired")
	case c.NotBefore != nil && now.Add(skew).Before(c.NotBefore.Time()): // section 4.1.5
		return errors.New("the token is not good yet")
	}
	*claims = c
	return nil
}

// open checks the form, the type and the signature of a token, and returns what
// it says.
func (ks *KeySet) open(token string, typs []string) (c TokenClaims, err error) {
	switch {
	case ks == nil:
		return c, errors.New("there is no key to verify the token with")
	case len(token) > maxToken: // before anything is made of it
		return c, errors.New("the token is too long")
	case !madeOf(token, base64url+"."): // base64 decoders pass over line ends
		return c, errors.New("the token is no JWT")
	}
	if s, ok := ks.seen.get(token); ok && slices.Contains(typs, s.typ) {
		return s.claims, nil
	}
	encoded, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return c, errors.New("the token is no JWT")
	}
	var header map[string]string
	if json.Unmarshal(raw, &header) != nil || len(header) != 3 {
		return c, errors.New("the token's header is none of ours")
	}
	key, known := ks.keys[header["kid"]]
	switch {
	case !known:
		return c, errors.New("the token is signed with none of our keys")
	case header["alg"] != key.Algorithm:
		return c, errors.New("the token's algorithm is not its key's")
	case !slices.Contains(typs, header["typ"]):
		return c, fmt.Errorf("the token's type is not %s", strings.Join(typs, " or "))
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(key.Algorithm)})
	if err != nil {
		return c, errors.New("the token is no JWT")
	}
	payload, err := signed.Verify(key.Key)
	if err != nil {
		return c, errors.New("the token's signature is wrong")
	}
	if json.Unmarshal(payload, &c) != nil { // its error may quote a claim
		return c, errors.New("the token's claims are malformed")
	}
	ks.seen.put(token, verified{header["typ"], c})
	return c, nil
}

// check finds fault with what every token of ours says.
func (c TokenClaims) check(issuer string) error {
	switch {
	case c.Issuer != issuer || issuer == "":
		return errors.New("the token is not by this issuer")
	case c.Expires == nil:
		return errors.New("the token has no expiry")
	}
	return nil
}

// Hint is what an ID token says when it is shown again, as id_token_hint.
type Hint struct {
	Subject  string
	SID      string
	ClientID string // to which it was issued
}

// VerifyHint reads an ID token that a client shows again. It may have expired
// (OpenID Connect RP-Initiated Logout 1.0, section 4), so it proves nothing but
// that it was issued.
func (ks *KeySet) VerifyHint(token, issuer string) (Hint, error) {
	claims, err := ks.open(token, []string{TypIDToken})
	if err == nil {
		err = claims.check(issuer)
	}
	if err != nil {
		return Hint{}, err
	}
	if len(claims.Audience) != 1 || claims.Audience[0] == "" || claims.Subject == "" {
		return Hint{}, errors.New("the token is no ID token of ours")
	}
	return Hint{Subject: claims.Subject, SID: claims.SID, ClientID: claims.Audience[0]}, nil
}
