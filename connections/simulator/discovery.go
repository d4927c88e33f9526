package simulator

import "net/http"

// metadata is the discovery document (OpenID Connect Discovery, section 3). It
// says nothing of PKCE or grant types unless the release is recent, and never
// mentions the device flow.
type metadata struct {
	*logoutMetadata
	Issuer                            string   `json:"issuer"`
	AuthorizationEndpoint             string   `json:"authorization_endpoint"`
	TokenEndpoint                     string   `json:"token_endpoint"`
	RevocationEndpoint                string   `json:"revocation_endpoint"`
	UserinfoEndpoint                  string   `json:"userinfo_endpoint"`
	JWKSURI                           string   `json:"jwks_uri"`
	RegistrationEndpoint              string   `json:"registration_endpoint"`
	IntrospectionEndpoint             string   `json:"introspection_endpoint"`
	ScopesSupported                   []string `json:"scopes_supported"`
	ResponseTypesSupported            []string `json:"response_types_supported"`
	SubjectTypesSupported             []string `json:"subject_types_supported"`
	IDTokenSigningAlgValuesSupported  []string `json:"id_token_signing_alg_values_supported"`
	DisplayValuesSupported            []string `json:"display_values_supported"`
	TokenEndpointAuthMethodsSupported []string `json:"token_endpoint_auth_methods_supported"`
	ClaimsSupported                   []string `json:"claims_supported"`
	DPoPSigningAlgValuesSupported     []string `json:"dpop_signing_alg_values_supported,omitempty"`
	CodeChallengeMethodsSupported     []string `json:"code_challenge_methods_supported,omitempty"`
	GrantTypesSupported               []string `json:"grant_types_supported,omitempty"`
}

// logoutMetadata comes first, and not from the shared login hosts.
type logoutMetadata struct {
	EndSessionEndpoint          string `json:"end_session_endpoint"`
	FrontchannelLogoutSupported bool   `json:"frontchannel_logout_supported"`
	FrontchannelLogoutSession   bool   `json:"frontchannel_logout_session_supported"`
}

// discovery publishes the metadata. It lists more than the simulator does,
// because Salesforce lists it.
func (s *Salesforce) discovery(w http.ResponseWriter, r *http.Request) error {
	h := hostOf(r)
	base := h.base()
	oauth2 := base + "/services/oauth2/"
	m := metadata{
		Issuer:                            base,
		AuthorizationEndpoint:             oauth2 + "authorize",
		TokenEndpoint:                     oauth2 + "token",
		RevocationEndpoint:                oauth2 + "revoke",
		UserinfoEndpoint:                  oauth2 + "userinfo",
		JWKSURI:                           base + "/id/keys",
		RegistrationEndpoint:              oauth2 + "register",
		IntrospectionEndpoint:             oauth2 + "introspect",
		ScopesSupported:                   knownScopes,
		ResponseTypesSupported:            []string{"code", "token", "token id_token"},
		SubjectTypesSupported:             []string{"public"},
		IDTokenSigningAlgValuesSupported:  []string{"RS256"},
		DisplayValuesSupported:            []string{"page", "popup", "touch"},
		TokenEndpointAuthMethodsSupported: []string{"client_secret_post", "client_secret_basic", "private_key_jwt"},
		ClaimsSupported: []string{
			"active", "address", "email", "email_verified", "family_name", "given_name", "is_app_installed", "language",
			"locale", "name", "nickname", "organization_id", "phone_number", "phone_number_verified", "photos", "picture",
			"preferred_username", "profile", "sub", "updated_at", "urls", "user_id", "user_type", "zoneinfo",
		},
	}
	if h.role == loginHost {
		writeJSON(w, http.StatusOK, m)
		return nil
	}
	m.logoutMetadata = &logoutMetadata{EndSessionEndpoint: base + "/services/auth/idp/oidc/logout", FrontchannelLogoutSupported: true}
	if h.orgs[0].RecentMetadata {
		m.DPoPSigningAlgValuesSupported = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"}
		m.CodeChallengeMethodsSupported = []string{"S256"}
		m.GrantTypesSupported = []string{"authorization_code", "refresh_token"}
	}
	writeJSON(w, http.StatusOK, m)
	return nil
}
