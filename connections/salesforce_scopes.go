package connections

import (
	"slices"

	"sallyport/vault"
)

// Scope is what is known of a scope, for those who choose which to ask for.
type Scope struct {
	Name  string
	Words string // what an application can do with it
	Opens string // which APIs take the token for it; may be empty
	Risk  Risk
}

// Risk is what somebody could do who got hold of a token with a scope.
type Risk string

const (
	LowRisk    Risk = "low"    // see who the user is
	MediumRisk Risk = "medium" // see and change data, by an API
	HighRisk   Risk = "high"   // act as the user
)

// salesforceKnown are Salesforce's scopes, as its guide describes them
// (developer.salesforce.com, Mobile SDK, Scope Parameter Values). Those that an
// org offers besides are asked for by name.
var salesforceKnown = []Scope{
	{"openid", "Know who signs in. It is always asked for.", "", LowRisk},
	{"id", "See the user's name, e-mail address, address and phone number.", "identity URL, user info", LowRisk},
	{"api", "Read and change the org's data, as far as the user may.", "REST, Bulk, SOAP, Connect and other data APIs", MediumRisk},
	{"refresh_token", "Go on while the user is away: without it, access ends with the first access token. The same as offline_access.", "", MediumRisk},
	{"full", "Do all that the user may do. It brings every other scope but the refresh token.", "all APIs and pages", HighRisk},
	{"web", "Open Salesforce's pages as the user, in a browser.", "pages in the browser, Visualforce", HighRisk},
	{"lightning", "Open Lightning applications as the user.", "Lightning applications", MediumRisk},
	{"visualforce", "Open the org's own Visualforce pages as the user, and none of Salesforce's own.", "Visualforce", MediumRisk},
	{"content", "Read content that is kept in the org.", "content", MediumRisk},
	{"chatter_api", "Read and write feeds, groups and files. It comes with api.", "Connect REST API", MediumRisk},
	{"custom_permissions", "See which of the org's custom permissions the user has.", "custom permissions", LowRisk},
	{"wave_api", "Read and change what is in CRM Analytics.", "Analytics REST API", MediumRisk},
	{"eclair_api", "Read the maps of CRM Analytics' charts.", "Analytics REST API, geodata", LowRisk},
	{"pardot_api", "Read and change all of Marketing Cloud Account Engagement that the user may.", "Account Engagement (Pardot) API", MediumRisk},
	{"cdp_query_api", "Query what is in Data Cloud, by SQL.", "Data Cloud Query API", MediumRisk},
	{"cdp_profile_api", "Read and change profiles in Data Cloud.", "Data Cloud Profile API", MediumRisk},
	{"cdp_ingest_api", "Put data into Data Cloud.", "Data Cloud Ingestion API", MediumRisk},
	{"profile", "The same as id.", "identity URL, user info", LowRisk},
	{"email", "The same as id.", "identity URL, user info", LowRisk},
	{"address", "The same as id.", "identity URL, user info", LowRisk},
	{"phone", "The same as id.", "identity URL, user info", LowRisk},
	{"offline_access", "The same as refresh_token.", "", MediumRisk},
}

// renews reports whether a scope of Salesforce's brings a refresh token.
func renews(scope string) bool { return scope == "refresh_token" || scope == "offline_access" }

// salesforceCautions are what to know of the scopes and the secret of a
// connection to Salesforce.
func salesforceCautions(c vault.Connection) (cautions []string) {
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = salesforceScopes
	}
	if c.TokenVault && !Asserts(c) && !slices.ContainsFunc(scopes, renews) {
		cautions = append(cautions, "Neither refresh_token nor offline_access is asked for: the vault can keep no refresh token, and each exchange is refused once the first access token has ended.")
	}
	if slices.Contains(scopes, "full") {
		cautions = append(cautions, "full lets applications do everything that the user may do. Most need api alone.")
	}
	if slices.Contains(scopes, "web") {
		cautions = append(cautions, "With web, a token that leaks opens Salesforce's pages as the user. Most applications need api alone.")
	}
	if grant := c.Options[tokenGrant]; c.ClientSecret.IsZero() && grant != jwtBearer && grant != samlBearer {
		cautions = append(cautions, "There is no consumer secret, which is right only if the app requires none: whoever gets hold of a refresh token could use it.")
	}
	return cautions
}

// Cautions are what to know of a connection before it is used, in sentences.
func Cautions(c vault.Connection) []string {
	s, _ := strategy(c.Strategy)
	if s.cautions == nil {
		return nil
	}
	return s.cautions(c)
}
