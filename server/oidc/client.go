package oidc

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"

	"sallyport/vault"
)

// Credentials are how a client says who it is (RFC 6749, section 2.3).
type Credentials struct {
	ClientID        string // "" if only another part of the request may tell
	ClientSecret    vault.Secret
	ClientAssertion vault.Secret // see [CheckClientAssertion]
	AuthMethod      string       // used: "client_secret_basic", "client_secret_post", "private_key_jwt" or "none"
}

// readCredentials reads a client's credentials from the form or from the
// Authorization header, and from no more than one of them: beside the header
// only the same client_id may stand (RFC 6749, section 2.3).
func readCredentials(p *parameters, authorization string) Credentials {
	cr := Credentials{
		ClientID:     p.get("client_id", maxName),
		ClientSecret: p.secret("client_secret"),
		AuthMethod:   "none",
	}
	if !cr.ClientSecret.IsZero() {
		cr.AuthMethod = "client_secret_post"
	}
	readAssertion(p, &cr, authorization)
	if authorization == "" {
		return cr
	}
	id, secret, err := parseBasic(authorization)
	switch {
	case err != nil:
		p.fail(&Error{Code: InvalidClient, Description: err.Error()})
		return Credentials{AuthMethod: "client_secret_basic"}
	case !cr.ClientSecret.IsZero():
		p.fail(errorf(InvalidRequest, "the client authenticates in two ways: send its secret in the Authorization header or in the body, not in both"))
	case cr.ClientID != "" && cr.ClientID != id:
		p.fail(errorf(InvalidRequest, "the client_id of the body is not the one of the Authorization header"))
	}
	cr.ClientID = id
	if secret != "" { // left out, it is a public client's (RFC 6749, section 2.3.1)
		cr.ClientSecret, cr.AuthMethod = vault.NewSecret(secret), "client_secret_basic"
	}
	return cr
}

// parseBasic reads the client's ID and secret from an Authorization header,
// where each is form-urlencoded before they are joined (RFC 6749, section
// 2.3.1).
func parseBasic(authorization string) (id, secret string, err error) {
	scheme, encoded, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", errors.New("the Authorization header has a scheme that is none for clients: use Basic")
	}
	malformed := errors.New("the Authorization header is malformed: " +
		"after Basic it should have the base64 of the client_id, a colon and the client_secret, each form-urlencoded (RFC 6749, section 2.3.1)")
	if len(encoded) > maxState {
		return "", "", malformed
	}
	pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", malformed
	}
	first, second, found := strings.Cut(string(pair), ":")
	id, idErr := url.QueryUnescape(first)
	secret, secretErr := url.QueryUnescape(second)
	if !found || id == "" || idErr != nil || secretErr != nil ||
		textProblem(id, maxName) != nil || textProblem(secret, maxState) != nil {
		return "", "", malformed
	}
	return id, secret, nil
}

// CheckClient finds fault with a client's authentication (RFC 6749, section
// 2.3). A client with a secret may send it in the header or in the body,
// whichever it is registered for, since some of Auth0's SDKs cannot choose. One
// without must send none. Assertions are for [CheckClientAssertion]. The zero
// Client, for an ID that is unknown, always fails, and takes as long.
func CheckClient(c vault.Client, cr Credentials) error {
	known := false
	for _, hash := range append([]string{""}, c.SecretHashes...) {
		known = Matches(hash, cr.ClientSecret.Reveal()) || known
	}
	switch {
	case c.ID == "":
		return ClientError(errors.New("the client is unknown"))
	case c.ID != cr.ClientID:
		return ClientError(errors.New("the credentials are another client's"))
	case c.AuthMethod == AuthPrivateKeyJWT || !cr.ClientAssertion.IsZero():
		return ClientError(errors.New("the client should authenticate by an assertion, or sent one and should not"))
	case c.FAPI: // FAPI 2.0 Security Profile, section 5.3.2.1
		return ClientError(errors.New("a client that is held to FAPI 2.0 must authenticate by an assertion"))
	case c.Public() && !cr.ClientSecret.IsZero():
		return ClientError(errors.New("the client has no secret, but sent one"))
	case c.Public():
		return nil
	case cr.ClientSecret.IsZero():
		return ClientError(errors.New("the client has a secret, but sent none"))
	case !known:
		return ClientError(errors.New("the secret is wrong"))
	}
	return nil
}

// ClientError is the one error of clients that fail to say who they are. It
// tells only the log why, so that nobody learns which clients there are.
func ClientError(why error) *Error {
	return &Error{
		Code:        InvalidClient,
		Description: "Client authentication failed: check the client_id, the client_secret or client_assertion, and that the client is registered to use it.",
		Err:         why,
	}
}

// Matches reports, in constant time, whether a secret is the one that was kept
// as a hash. No secret matches the hash "".
func Matches(hash, secret string) bool {
	return subtle.ConstantTimeCompare([]byte(vault.Hash(secret)), []byte(hash)) == 1
}
