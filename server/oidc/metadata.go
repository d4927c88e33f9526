package oidc

import "slices"

// Metadata is what the provider says of itself (OpenID Connect Discovery 1.0,
// section 3; RFC 8414, section 2). It says what works, and no more. The issuer
// ends with a slash.
func Metadata(issuer string) map[string]any {
	clientAuth := []string{"client_secret_basic", "client_secret_post", "none"}
	return map[string]any{
		"issuer":                 issuer,
		"authorization_endpoint": issuer + "authorize",
		"token_endpoint":         issuer + "oauth/token",
		"userinfo_endpoint":      UserInfoAudience(issuer),
		"jwks_uri":               issuer + ".well-known/jwks.json",
		"revocation_endpoint":    issuer + "oauth/revoke", // RFC 7009, section 2
		"end_session_endpoint":   issuer + "oidc/logout",  // RP-Initiated Logout 1.0, section 2.1
		"scopes_supported":       []string{ScopeOpenID, ScopeProfile, ScopeEmail, ScopeOffline},

		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 slices.Clone(grantTypes),
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"code_challenge_methods_supported":      []string{"S256"}, // RFC 7636, section 6.2

		"token_endpoint_auth_methods_supported":      clientAuth,
		"revocation_endpoint_auth_methods_supported": clientAuth,

		"claims_supported": slices.Clone(claimNames),

		"authorization_response_iss_parameter_supported": true, // RFC 9207, section 3
		"claims_parameter_supported":                     false,
		"request_parameter_supported":                    false,
		"request_uri_parameter_supported":                false, // its default is true
	}
}
