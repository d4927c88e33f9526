package oidc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sallyport/vault"
)

// Token types of access tokens, and the schemes of the Authorization header
// that they are sent by.
const (
	Bearer = "Bearer" // RFC 6750, section 2.1
	DPoP   = "DPoP"   // RFC 9449, sections 5 and 7.1
)

// TokenType is the type of an access token, by the thumbprint of the key that
// it is bound to.
func TokenType(key string) string {
	if key == "" {
		return Bearer
	}
	return DPoP
}

// CheckCodeKey finds fault with who redeems a code (RFC 9449, sections 5 and
// 10), and returns the thumbprint of the key that its tokens are to be bound
// to, or "".
func CheckCodeKey(c vault.Client, code vault.Code, p *Proof) (string, error) {
	return checkKey(c, code.Request.DPoPKey, true, p)
}

// CheckGrantKey finds fault with who uses a refresh token (RFC 9449, section
// 5), and returns the thumbprint of the key that the new tokens are to be bound
// to, or "". A client that authenticates may change its key, since its refresh
// tokens are bound to the client; none may go back to tokens that are anybody's.
func CheckGrantKey(c vault.Client, g vault.Grant, p *Proof) (string, error) {
	return checkKey(c, g.DPoPKey, c.Public(), p)
}

// CheckSenderKey is [CheckCodeKey] where there is neither code nor refresh
// token: a client that acts for itself, or the sign-in of a device.
func CheckSenderKey(c vault.Client, p *Proof) (string, error) {
	return checkKey(c, "", false, p)
}

func checkKey(c vault.Client, bound string, same bool, p *Proof) (string, error) {
	switch {
	case p == nil && bound != "":
		return "", errorf(InvalidDPoPProof, "the DPoP header is missing: the sign-in was bound to a key, so show that you have it")
	case p == nil && (c.RequireDPoP || c.FAPI): // FAPI 2.0 Security Profile, section 5.3.2.1
		return "", errorf(InvalidDPoPProof, "the DPoP header is missing: this client gets no tokens but such as are bound to a key")
	case p == nil:
		return "", nil
	case same && bound != "" && p.Thumbprint != bound:
		return "", errorf(InvalidGrant, "the DPoP proof is by another key than the sign-in was bound to")
	}
	return p.Thumbprint, nil
}

// CheckPossession finds fault with who sends an access token to a protected
// resource, and by which scheme of the Authorization header (RFC 9449, sections
// 7.1 and 7.2). bound is the thumbprint of the key that the token is bound to,
// or "".
func CheckPossession(scheme, bound string, p *Proof) error {
	dpop := strings.EqualFold(scheme, DPoP)
	switch {
	case !dpop && bound != "":
		return errorf(InvalidToken, "the access token is bound to a key: send it as Authorization: DPoP, with a proof")
	case !dpop:
		return nil
	case p == nil:
		return errorf(InvalidDPoPProof, "the DPoP header is missing")
	case bound == "":
		return errorf(InvalidToken, "the access token is bound to no key: send it as Authorization: Bearer")
	case p.Thumbprint != bound:
		return errorf(InvalidToken, "Invalid DPoP key binding: the proof is by another key than the access token's")
	}
	return nil
}

// OnResource is an error as a protected resource answers it: what is wrong with
// a proof is 401 there (RFC 9449, sections 7.1 and 9), not 400.
func OnResource(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Code != InvalidDPoPProof && e.Code != UseDPoPNonce {
		return err
	}
	on := *e
	on.HTTPStatus = http.StatusUnauthorized
	return &on
}

// Challenge is the value of WWW-Authenticate that goes with an error of a
// protected resource (RFC 6750, section 3; RFC 9449, section 7.1). e is nil if
// the request had no token at all.
func Challenge(scheme string, e *Error) string {
	var params []string
	if e != nil {
		params = append(params, fmt.Sprintf(`error="%s"`, e.Code), fmt.Sprintf(`error_description="%s"`, descriptive(e.Description)))
	}
	if scheme == DPoP {
		params = append(params, fmt.Sprintf(`algs="%s"`, strings.Join(advertised(), " ")))
	}
	return strings.TrimSpace(scheme + " " + strings.Join(params, ", "))
}

// Nonces are made from a secret key and the time, so that they need no memory
// and all instances of the gateway know them. They change every half of
// NonceLifetime, and are good until the next but one.
const NonceLifetime = 5 * time.Minute

// Nonces are the nonces that proofs may have, newest first: the one that the
// DPoP-Nonce header should carry (RFC 9449, section 8).
func Nonces(key []byte, now time.Time) []string {
	slot := now.Unix() / int64(NonceLifetime/2/time.Second)
	return []string{nonce(key, slot), nonce(key, slot-1)}
}

func nonce(key []byte, slot int64) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("DPoP nonce " + strconv.FormatInt(slot, 10)))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}
