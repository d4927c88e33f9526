package simulator

import (
	"slices"
	"strings"
)

// knownScopes are those that discovery lists, in its order.
var knownScopes = strings.Fields(`cdp_ingest_api custom_permissions cdp_segment_api content cdp_api chatbot_api
	cdp_identityresolution_api interaction_api wave_api web cdp_calculated_insight_api einstein_gpt_api
	offline_access id api data_cloud_user_claims eclair_api email pardot_api lightning visualforce
	cdp_query_api sfap_api address openid profile scrt_api cdp_profile_api refresh_token phone
	user_registration_api pwdless_login_api chatter_api mcp_api full forgot_password`)

// synonyms are scopes that an administrator can only choose together.
var synonyms = [][]string{
	{"id", "profile", "email", "address", "phone"},
	{"refresh_token", "offline_access"},
}

// covers tells whether scopes contain scope, themselves or by a wider one.
// "full" is all but the right to refresh.
func covers(scopes []string, scope string) bool {
	if slices.Contains(scopes, scope) {
		return true
	}
	for _, group := range synonyms {
		if slices.Contains(group, scope) && coversAny(scopes, group...) {
			return true
		}
	}
	return slices.Contains(scopes, "full") && !slices.Contains(synonyms[1], scope)
}

// coversAny tells whether scopes contain one of wanted.
func coversAny(scopes []string, wanted ...string) bool {
	return slices.ContainsFunc(wanted, func(w string) bool { return slices.Contains(scopes, w) })
}

// coversAll tells whether scopes contain every one of wanted.
func coversAll(scopes, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(w string) bool { return !covers(scopes, w) })
}

// scopesOf splits a scope parameter and drops what is said twice.
func scopesOf(parameter string) []string {
	var scopes []string
	for _, s := range strings.Fields(parameter) {
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	return scopes
}

// meaning tells a person what a scope allows.
func meaning(scope string) string {
	switch scope {
	case "openid":
		return "Confirm who you are"
	case "id", "profile":
		return "See your name and your basic profile"
	case "email":
		return "See your email address"
	case "address":
		return "See your postal address"
	case "phone":
		return "See your phone number"
	case "api":
		return "Read and change your data through APIs"
	case "web":
		return "Use your data in a web browser"
	case "refresh_token", "offline_access":
		return "Keep this access while you are away"
	case "full":
		return "Do everything you can do"
	case "chatter_api":
		return "Read and write Chatter as you"
	default:
		return "Use " + scope
	}
}
