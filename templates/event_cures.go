package templates

import (
	"maps"
	"slices"
)

// Cure is what a refusal means, and what to do about it.
type Cure struct {
	Means string // in a few words
	Who   string // can do something
	Do    string
}

const (
	cureOfUser     = "The user"
	cureOfOperator = "You"
	cureOfRetry    = "Nobody: the application tries again"
	cureOfCaller   = "Whoever made the application"
)

// cures are those of refusals, by their reason. docs/clients.md says of each what
// applications get to hear.
var cures = map[string]Cure{
	"not_connected":            {"The user has no account at the connection", cureOfUser, "The refusal brought the application a link. Whoever opens it can connect the account."},
	"not_stored":               {"No token is kept that could be used", cureOfOperator, "Have the connection keep tokens, and ask for refresh tokens, under Edit on its page. Then the user signs in again."},
	"reauthorization_required": {"The identity provider refused the refresh token for good", cureOfUser, "The user has to connect again, by the link that the application got, or by one that you make on the page of the account. If it happens to many, look at the refresh token policy of the app at the identity provider."},
	"insufficient_scope":       {"A scope is missing", cureOfUser, "The application asked for more than was granted. If the connection and the app at the identity provider have the scope, the user grants it by connecting again; else add it there first. Of an API’s token: add the scope to the application."},
	"ambiguous_account":        {"The user has several accounts there", cureOfCaller, "The application says which one it means, by login_hint."},
	"client_not_allowed":       {"The application may not have this", cureOfOperator, "Policy says what is in the way: its grant types, the connection’s applications, or its vault access."},
	"connection_disabled":      {"The connection is switched off", cureOfOperator, "Switch it on, on its page."},
	"user_blocked":             {"The user is blocked", cureOfOperator, "Unblock the user here; or, if the identity provider has frozen them, there."},
	"connection_misconfigured": {"A setting of the connection is wrong", cureOfOperator, "What was said, below, names the setting and where it is. Try connection, on the page of the connection, finds it step by step."},
	"upstream_unavailable":     {"The identity provider did not answer usefully", cureOfRetry, "Nothing is lost. If it lasts, look at the identity provider’s status page, and whether the gateway may connect to it."},
	"upstream_rate_limited":    {"The identity provider was asked too often", cureOfRetry, "Nothing is lost. If it lasts, look for something else that asks it with the same app."},

	"refused":       {"The identity provider refused the refresh token for good", cureOfUser, "The user has to connect again: the page of the account makes a link."},
	"misconfigured": {"A setting of the connection is wrong", cureOfOperator, "What was said, below, names the setting and where it is."},
	"unavailable":   {"The identity provider did not answer usefully", cureOfRetry, "Nothing is lost. The gateway finds out whether the refresh token was used before it shows it again."},
	"rate_limited":  {"The identity provider was asked too often", cureOfRetry, "Nothing is lost."},
	"not_heard":     {"The application did not take the message", cureOfOperator, "See whether the address that the application has for sign-outs answers. It is told again, for a while."},

	"invalid_client":            {"The application did not show who it is", cureOfOperator, "Compare its client ID and secret with what it is configured with. The secret can be replaced on its page."},
	"invalid_grant":             {"What the application showed is no longer good", cureOfCaller, "It was used, has expired, was revoked, or is another application’s. The application signs the user in again."},
	"invalid_request":           {"The request is not as it should be", cureOfCaller, "What was said, below, names the parameter."},
	"invalid_scope":             {"There is no such scope", cureOfCaller, "Ask for scopes that the API has."},
	"invalid_target":            {"There is no such connection or API", cureOfCaller, "Compare the name with those under Connections."},
	"invalid_token":             {"The access token is not good", cureOfCaller, "It has expired, was revoked, or is for another API. The application renews it."},
	"unauthorized_client":       {"The application may not do this", cureOfOperator, "Change what it may do, on its page."},
	"unsupported_grant_type":    {"There is no such grant", cureOfCaller, "Ask by one of the grants that the gateway’s metadata names."},
	"unsupported_response_type": {"There is no such response type", cureOfCaller, "Ask with response_type code."},
	"access_denied":             {"It was not allowed", cureOfUser, "The user, or somebody who decides for them, said no, or the user is blocked. The user can try again."},
	"login_required":            {"Nobody is signed in", cureOfCaller, "That is nothing bad: the application asked without wanting to disturb, and now sends the user to sign in."},
	"consent_required":          {"The user has not allowed it yet", cureOfCaller, "The application sends the user to be asked."},
	"interaction_required":      {"The user has to be asked something", cureOfCaller, "The application sends the user to be asked."},
	"expired_token":             {"The code has expired", cureOfUser, "The user begins anew on the device."},
	"wrong_user_code":           {"The code is not one that a device shows", cureOfUser, "Type it as the device shows it. Many of these from one address are somebody guessing, who is held up."},
	"too_many_requests":         {"There were too many requests", cureOfRetry, "If it is one of your own applications, see why it asks so often, or raise the rate limits."},
	"many":                      {"There were too many refusals of strangers to tell them apart", cureOfOperator, "The program’s log has each of them."},
	"temporarily_unavailable":   {"Something does not answer at the moment", cureOfRetry, "Nothing is lost. If it lasts, the program’s log has the cause, under the correlation ID."},
	"server_error":              {"Something went wrong here or at the identity provider", cureOfOperator, "What was said, below, or the program’s log has the cause, under the correlation ID."},
	"unsupported_token_type":    {"A token of this kind cannot be revoked", cureOfCaller, "It ends when it expires."},
}

var reasons = slices.Sorted(maps.Keys(cures))

// CureOf is what a refusal means, by its reason or else by its class.
func CureOf(reason, class string) Cure {
	if cure, ok := cures[reason]; ok {
		return cure
	}
	switch class {
	case "user":
		return Cure{"", cureOfUser, "The user connects again, or signs in again."}
	case "operator":
		return Cure{"", cureOfOperator, "What was said, below, or the program’s log has the cause, under the correlation ID."}
	case "retry":
		return Cure{"", cureOfRetry, "Nothing is lost."}
	}
	return Cure{}
}
