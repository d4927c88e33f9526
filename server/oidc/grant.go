package oidc

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"sallyport/vault"
)

// CheckCode finds fault with the redemption of a code (RFC 6749, section 4.1.3;
// OpenID Connect Core 1.0, section 3.1.3.2; RFC 7636, section 4.6). The code is
// spent all the same.
func CheckCode(code vault.Code, r TokenRequest, now time.Time) error {
	challenge, verifier := code.Request.CodeChallenge, r.CodeVerifier.Reveal()
	switch {
	case !now.Before(code.Expires):
		return CodeError(errors.New("the code has expired"))
	case code.Request.ClientID != r.ClientID:
		return CodeError(errors.New("the code is another client's"))
	case code.Request.RedirectURI != r.RedirectURI:
		return codeError("redirect_uri is not the one of the authorization request: send the same, character for character")
	case r.Resource != "" && r.Resource != code.Request.Audience:
		return resourceError()
	case challenge != "" && verifier == "":
		return codeError("code_verifier is missing: the authorization request had a code_challenge")
	case challenge == "" && verifier != "": // someone took the challenge out (RFC 9700, section 2.1.1)
		return codeError("code_verifier was not expected: the authorization request had no code_challenge")
	case challenge != "" && !verifies(verifier, challenge):
		return codeError("Failed to verify code verifier: it is not the one whose S256 was the code_challenge")
	}
	return nil
}

// CodeError is the error of a code that is unknown, spent, expired or another
// client's. It begins with Auth0's wording, and only the log learns why.
func CodeError(why error) *Error {
	return &Error{
		Code:        InvalidGrant,
		Description: "Invalid authorization code: it is wrong, expired or used already. Start a new sign-in.",
		Err:         why,
		HTTPStatus:  http.StatusForbidden,
	}
}

func codeError(description string) *Error {
	return &Error{Code: InvalidGrant, Description: description, HTTPStatus: http.StatusForbidden}
}

// resourceError is the error of a token for an API that the sign-in was not for
// (RFC 8707, section 2.2).
func resourceError() *Error {
	return errorf(InvalidTarget, "resource is not the API that the sign-in was for: name it in the authorization request, too")
}

// RefreshToken is the refresh token of a grant: its ID, by which it is found,
// and a secret, of which the grant keeps the hash.
func RefreshToken(grantID, secret string) string { return refreshPrefix + grantID + "." + secret }

const refreshPrefix = "v1." // as Auth0's

// ParseRefreshToken takes a refresh token apart. Whether the secret is the
// grant's is for [Matches] to say.
func ParseRefreshToken(s string) (grantID, secret string, ok bool) {
	rest, found := strings.CutPrefix(s, refreshPrefix)
	if !found || len(s) > 512 {
		return "", "", false
	}
	grantID, secret, found = strings.Cut(rest, ".")
	if !found || grantID == "" || secret == "" || !madeOf(grantID+secret, base64url) {
		return "", "", false
	}
	return grantID, secret, true
}

// CheckGrant finds fault with the use of a grant's refresh token, whose secret
// is another matter ([Matches]), and returns the scopes of the new access
// token: those asked for, which may be fewer than granted but not others, or
// else all granted (RFC 6749, section 6).
func CheckGrant(g vault.Grant, c vault.Client, r TokenRequest, now time.Time) ([]string, error) {
	used := g.Used
	if used.IsZero() {
		used = g.Created
	}
	switch {
	case g.Client != c.ID: // RFC 6749, section 10.4
		return nil, GrantError(errors.New("the grant is another client's"))
	case !g.Expires.IsZero() && !now.Before(g.Expires),
		c.RefreshLifetime > 0 && !now.Before(g.Created.Add(c.RefreshLifetime)):
		return nil, GrantError(errors.New("the grant has expired"))
	case c.RefreshIdle > 0 && !now.Before(used.Add(c.RefreshIdle)):
		return nil, GrantError(errors.New("the refresh token was not used for too long"))
	}
	if r.Resource != "" && r.Resource != g.Audience {
		return nil, resourceError()
	}
	if len(r.Scopes) == 0 {
		return g.Scopes, nil
	}
	scopes := slices.DeleteFunc(slices.Clone(r.Scopes), func(s string) bool { return !slices.Contains(g.Scopes, s) })
	if len(scopes) == 0 {
		return nil, errorf(InvalidScope, "the scope '%s' was not granted: ask for it in a new authorization request", shown(FormatScopes(r.Scopes)))
	}
	return scopes, nil
}

// GrantError is the error of a refresh token that is unknown, revoked, expired
// or another client's. The wording is Auth0's, which its SDKs look for; only
// the log learns why.
func GrantError(why error) *Error {
	return &Error{
		Code:        InvalidGrant,
		Description: "Unknown or invalid refresh token.",
		Err:         why,
		HTTPStatus:  http.StatusForbidden,
	}
}

// CheckClientCredentials finds fault with what a client asks of an API for
// itself (RFC 6749, section 4.4), and returns the scopes it gets: those asked
// for, or else all of its grant. The API and the grant are nil if there are
// none for the audience.
func CheckClientCredentials(c vault.Client, api *vault.ResourceServer, g *vault.ClientGrant, r TokenRequest) ([]string, error) {
	switch {
	case r.Audience == "":
		return nil, errorf(AccessDenied, "No audience parameter was provided, and no default audience has been configured: "+
			"send the identifier of an API as audience.")
	case api == nil || api.Identifier != r.Audience:
		return nil, AudienceError(r.Audience)
	case g == nil || g.Client != c.ID || g.Audience != r.Audience:
		return nil, errorf(AccessDenied, `Client is not authorized to access "%s". You might need to create a "client-grant" for it.`, shown(r.Audience))
	}
	if more := beyond(g.Scopes, r.Scopes); len(more) > 0 {
		return nil, errorf(AccessDenied, "Client has not been granted the scope '%s' of '%s': add it to the client grant.",
			shown(FormatScopes(more)), shown(r.Audience))
	}
	if len(r.Scopes) > 0 {
		return r.Scopes, nil
	}
	return g.Scopes, nil
}

// AudienceError is the error of an audience that is no API's. Auth0's wording.
func AudienceError(audience string) *Error {
	return errorf(AccessDenied, "Service not enabled within domain: %s", shown(audience))
}
