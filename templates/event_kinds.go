package templates

import (
	"slices"
	"strings"
)

// EventKind is what events of a type tell, in words.
type EventKind struct {
	Code   string // the type
	Words  string
	Failed bool // something was refused, or did not come about
}

// kinds are the types of events that there are, by what they are about.
var kinds = []struct {
	title string
	kinds []EventKind
}{
	{"Tokens of the vault", []EventKind{
		{"seta", "An application got a user’s token", false},
		{"feta", "An application got no token", true},
		{"sallyport_upstream_refresh_succeeded", "An access token was renewed", false},
		{"sallyport_upstream_refresh_failed", "An access token was not renewed", true},
		{"connected_accounts_connection_succeeded", "A user connected an account", false},
		{"connected_accounts_connection_failed", "An account was not connected", true},
		{"sallyport_account_disconnected", "An account was disconnected", false},
		{"sallyport_connection_disconnected", "All accounts of a connection were disconnected", false},
	}},
	{"Signing in and out", []EventKind{
		{"s", "A user signed in", false},
		{"f", "A sign-in failed", true},
		{"ssa", "A user was signed in without being asked", false},
		{"fsa", "A user could not be signed in without being asked", true},
		{"slo", "A user signed out", false},
		{"flo", "A sign-out was refused", true},
		{"oidc_backchannel_logout_succeeded", "An application was told of a sign-out", false},
		{"oidc_backchannel_logout_failed", "An application did not hear of a sign-out", true},
		{"fpar", "A sign-in request was refused in advance", true},
		{"sallyport_consent_given", "A user allowed an application access", false},
		{"sallyport_consent_denied", "A user allowed an application no access", true},
		{"sallyport_consent_withdrawn", "What a user had allowed was taken back", false},
	}},
	{"Applications", []EventKind{
		{"seacft", "An application completed a sign-in", false},
		{"feacft", "An application could not complete a sign-in", true},
		{"sertft", "An application renewed its sign-in", false},
		{"fertft", "An application could not renew its sign-in", true},
		{"ferrt", "A refresh token was used a second time", true},
		{"seccft", "An application signed in as itself", false},
		{"feccft", "An application could not sign in as itself", true},
		{"sede", "A device was signed in", false},
		{"fede", "A device was not signed in", true},
		{"fdeaz", "A device’s request was refused", true},
		{"fdeac", "A device’s code was not accepted", true},
		{"fdecc", "A user did not allow a device", true},
		{"srrt", "A refresh token was revoked", false},
		{"sallyport_access_token_revoked", "An access token was revoked", false},
		{"sallyport_request_refused", "A request was refused", true},
		{"api_limit", "A rate limit was reached", true},
	}},
	{"Administration", []EventKind{
		{"sallyport_console_signed_in", "An administrator signed in", false},
		{"sallyport_console_sign_in_failed", "A sign-in to the console failed", true},
		{"sallyport_console_proved", "An administrator showed who they are once more", false},
		{"sallyport_console_signed_out", "An administrator signed out", false},
		{"sallyport_console_refused", "The console refused a request", true},
		{"sallyport_administrator_invited", "An administrator was invited", false},
		{"sallyport_console_changed", "Changed in the console", false},
		{"sallyport_console_done", "Done in the console", false},
		{"sapi", "Done over the management API", false},
		{"fapi", "The management API refused a request", true},
		{"mgmt_api_read", "A backup was made", false},
		{"sdu", "A user was deleted", false},
		{"sallyport_signing_key_made", "A signing key was made", false},
		{"sallyport_tenant_applied", "A tenant file was applied", false},
		{"sallyport_log_retention_changed", "How long events are kept was changed", false},
		{"sallyport_logs_pruned", "Old events were forgotten", false},
		{"sallyport_logs_exported", "The log was exported", false},
		{"sallyport_logs_verified", "The log was verified", false},
	}},
}

var kindOf = func() map[string]EventKind {
	of := map[string]EventKind{}
	for _, group := range kinds {
		for _, k := range group.kinds {
			of[k.Code] = k
		}
	}
	return of
}()

// KindOf is what events of a type tell. A type that has no words of its own tells
// by its code, and has failed if that or a reason says so.
func KindOf(code, reason string) EventKind {
	if k, ok := kindOf[code]; ok {
		return k
	}
	words := strings.ReplaceAll(strings.TrimPrefix(code, "sallyport_"), "_", " ")
	if words != "" {
		words = strings.ToUpper(words[:1]) + words[1:]
	}
	failed := reason != "" || slices.ContainsFunc([]string{"_failed", "_refused", "_denied"}, func(end string) bool { return strings.HasSuffix(code, end) })
	return EventKind{code, words, failed}
}

// KnownKind reports whether a type has words of its own.
func KnownKind(code string) bool { return kindOf[code] != EventKind{} }

// EventKinds are the types to choose from, one of which is chosen: also if it is
// none that is known.
func EventKinds(chosen string) (groups []EventGroup) {
	for _, group := range kinds {
		g := EventGroup{Title: group.title}
		for _, k := range group.kinds {
			g.Options = append(g.Options, Option{Value: k.Code, Title: k.Words, Chosen: k.Code == chosen})
		}
		groups = append(groups, g)
	}
	if chosen != "" && !KnownKind(chosen) {
		groups = append(groups, EventGroup{"Others", []Option{{Value: chosen, Title: chosen, Chosen: true}}})
	}
	return groups
}
