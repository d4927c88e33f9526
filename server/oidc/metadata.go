package oidc

import "slices"

// Metadata is what the provider says of itself (OpenID Connect Discovery 1.0,
// section 3; RFC 8414, section 2). It says what works, and no more. The issuer
// ends with a slash.
func Metadata(issuer string) map[string]any {
	clientAuth := []string{"client_secret_basic", "client_secret_post", AuthPrivateKeyJWT, "none"}
	return map[string]any{
		"issuer":                                issuer,
		"authorization_endpoint":                issuer + "authorize",
		"token_endpoint":                        issuer + "oauth/token",
		"userinfo_endpoint":                     UserInfoAudience(issuer),
		"jwks_uri":                              issuer + ".well-known/jwks.json",
		"revocation_endpoint":                   issuer + "oauth/revoke",      // RFC 7009, section 2
		"introspection_endpoint":                issuer + "oauth/introspect",  // RFC 7662, section 2
		"pushed_authorization_request_endpoint": issuer + "oauth/par",         // RFC 9126, section 5
		"device_authorization_endpoint":         issuer + "oauth/device/code", // RFC 8628, section 4
		"end_session_endpoint":                  issuer + "oidc/logout",       // RP-Initiated Logout 1.0, section 2.1

		"scopes_supported":                      []string{ScopeOpenID, ScopeProfile, ScopeEmail, ScopeOffline},
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              slices.Clone(responseModes),
		"grant_types_supported":                 slices.Clone(grantTypes),
		"subject_types_supported":               []string{"public"},
		"prompt_values_supported":               slices.Clone(prompts),
		"claims_supported":                      slices.Clone(claimNames),
		"claims_parameter_supported":            true,
		"id_token_signing_alg_values_supported": slices.Clone(signingAlgs),
		"code_challenge_methods_supported":      []string{"S256"}, // RFC 7636, section 6.2
		"dpop_signing_alg_values_supported":     advertised(),     // RFC 9449, section 5.1

		"token_endpoint_auth_methods_supported":                    clientAuth,
		"token_endpoint_auth_signing_alg_values_supported":         advertised(),
		"revocation_endpoint_auth_methods_supported":               clientAuth,
		"revocation_endpoint_auth_signing_alg_values_supported":    advertised(),
		"introspection_endpoint_auth_methods_supported":            clientAuth[:3],
		"introspection_endpoint_auth_signing_alg_values_supported": advertised(),

		"request_parameter_supported":                    true,
		"request_object_signing_alg_values_supported":    advertised(),
		"request_uri_parameter_supported":                false, // its default is true
		"authorization_response_iss_parameter_supported": true,  // RFC 9207, section 3

		"backchannel_logout_supported":         true, // Back-Channel Logout 1.0, section 2.1
		"backchannel_logout_session_supported": true,
	}
}
