package oidc

import (
	"slices"
	"strings"

	"sallyport/vault"
)

// fapiChecks are what a client that is held to the FAPI 2.0 Security Profile may
// not ask besides. What else the profile wants is elsewhere: pushed requests in
// [CheckReference], assertions in [CheckClient], their audience and algorithms
// in [CheckClientAssertion], tokens that are bound to keys in [CheckCodeKey], and
// iss in every response.
var fapiChecks = []func(vault.Client, AuthorizationRequest) error{
	checkFAPIClient,
	checkFAPIPKCE,
	checkFAPIRedirect,
	checkFAPIMode,
}

// FAPI 2.0 Security Profile, sections 5.3.2.1 and 5.4.1: confidential clients
// only, which prove who they are by a key, and get no ID token by RS256. It
// should not come to this, but clients may be changed.
func checkFAPIClient(c vault.Client, _ AuthorizationRequest) error {
	switch {
	case c.AuthMethod != AuthPrivateKeyJWT:
		return errorf(UnauthorizedClient, "a client that is held to FAPI 2.0 must authenticate with private_key_jwt")
	case !slices.Contains(AlgsOf(c), c.IDTokenAlg):
		return errorf(UnauthorizedClient, "the ID tokens of a client that is held to FAPI 2.0 must be signed with %s: set jwt_configuration.alg",
			strings.Join(AlgsOf(c), ", "))
	}
	return nil
}

// FAPI 2.0 Security Profile, section 5.3.2.2: of confidential clients, too. A
// method that is not S256 is refused to all.
func checkFAPIPKCE(_ vault.Client, r AuthorizationRequest) error {
	if r.CodeChallenge == "" {
		return errorf(InvalidRequest, "code_challenge is missing: a client that is held to FAPI 2.0 must use PKCE with S256 (RFC 7636)")
	}
	return nil
}

// FAPI 2.0 Security Profile, section 5.3.2.2: https, but for the loopback
// addresses of native applications.
func checkFAPIRedirect(c vault.Client, r AuthorizationRequest) error {
	if strings.HasPrefix(r.RedirectURI, "https://") {
		return nil
	}
	if _, _, loopback := cutLoopback(r.RedirectURI); loopback && c.AppType == "native" {
		return nil
	}
	return errorf(InvalidRequest, "redirect_uri is not https, which a client that is held to FAPI 2.0 must use")
}

// A message to a window is no response mode of any specification.
func checkFAPIMode(_ vault.Client, r AuthorizationRequest) error {
	if r.ResponseMode == ModeWebMessage {
		return errorf(InvalidRequest, "response_mode 'web_message' is not for clients that are held to FAPI 2.0")
	}
	return nil
}
