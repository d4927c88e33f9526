package connections

import (
	"strings"

	"sallyport/vault"
)

// notHere are options of Auth0's connections that have no meaning here, and what
// to do instead. One that ends with a dot stands for all below it.
var notHere = map[string]string{
	"scripts.fetchUserProfile": "is code, and the gateway runs none: give the userInfoURL, and say where its answer has what, as in profile: {id: /id, email: /email}",
	"scripts.":                 "is code, and the gateway runs none: remove it",
	"customHeaders.":           "is not supported: remove it",
	"attribute_map.":           "is not supported: the profile is made of the standard claims. Remove it",
	"oidc_metadata.":           "is discovered: remove it",
	"authorization_endpoint":   "is discovered: remove it",
	"token_endpoint":           "is discovered: remove it",
	"userinfo_endpoint":        "is discovered: remove it",
	"jwks_uri":                 "is discovered: remove it",
	"schema_version":           "has no meaning here: remove it",
	"tenant_domain":            "does not tell the issuer: give the tenant_id",
}

// checkOption finds fault with an option that a strategy does not have.
func (s Strategy) checkOption(option string) error {
	for _, f := range s.Fields {
		if f.Name == option || option == ownCallback {
			return nil
		}
	}
	field := "options." + option
	if why, ok := notHere[option]; ok {
		return &vault.Invalid{Field: field, Problem: why}
	}
	if group, _, ok := strings.Cut(option, "."); ok {
		if why, ok := notHere[group+"."]; ok {
			return &vault.Invalid{Field: field, Problem: why}
		}
	}
	return &vault.Invalid{Field: field, Problem: "is not an option of " + s.Name + ", which has " +
		names(s.Fields, func(f Field) string { return f.Name }) + " and " + ownCallback}
}
