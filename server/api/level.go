package api

import (
	"slices"

	"sallyport/vault"
)

// The compliance levels that there are. FAPI 2.0 Security Profile with
// private_key_jwt and DPoP has no name at Auth0, whose levels want mutual TLS.
const (
	noLevel   = "none"
	fapi2DPoP = "fapi2_sp_pkj_dpop"
)

var otherLevels = []string{"fapi1_adv_pkj_par", "fapi1_adv_mtls_par", "fapi2_sp_pkj_mtls", "fapi2_sp_mtls_mtls"}

// level keeps the compliance level.
func (c Client) level(r *vault.Client) error {
	if c.ComplianceLevel == nil {
		return nil
	}
	if slices.Contains(otherLevels, *c.ComplianceLevel) {
		return &vault.Invalid{Field: "compliance_level", Problem: "is a level that is not supported: should be " + or([]string{noLevel, fapi2DPoP})}
	}
	r.FAPI = *c.ComplianceLevel == fapi2DPoP
	return oneOf("compliance_level", c.ComplianceLevel, noLevel, fapi2DPoP)
}

// checkFAPI finds fault with a client that is held to the FAPI 2.0 Security
// Profile and could never keep to it (sections 5.3.2.1 and 5.4.1).
func checkFAPI(r *vault.Client) error {
	switch {
	case !r.FAPI:
		return nil
	case r.AuthMethod != privateKeyJWT:
		return &vault.Invalid{Field: "compliance_level", Problem: "needs a client that authenticates with its keys: add client_authentication_methods or jwks_uri, and remove token_endpoint_auth_method"}
	case r.IDTokenAlg == "":
		return &vault.Invalid{Field: "jwt_configuration.alg", Problem: "should be " + or(algs[1:]) + ", since compliance_level is " + fapi2DPoP}
	case slices.ContainsFunc(r.Keys, func(k vault.ClientKey) bool { return k.Alg == algs[0] }):
		return &vault.Invalid{Field: "compliance_level", Problem: "has no use for a key that is stored for RS256: give the client's keys, with alg PS256"}
	}
	return nil
}

// levelOf is the compliance level to show.
func levelOf(r vault.Client) *string {
	if r.FAPI {
		return new(fapi2DPoP)
	}
	return new(noLevel)
}
