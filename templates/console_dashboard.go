package templates

// Dashboard is the page "admin/dashboard": how everything is.
type Dashboard struct {
	Console
	Steps    []Step // to the first token; none once they are done
	Coming   []Trouble
	States   []StateCount
	Counted  Moment
	Accounts int
	Failures []FailureRow
	More     int  // failures of further kinds
	Week     bool // the plots are of a week, not of a day
	Plots    []Plot
}

// Step is one on the way to the first token.
type Step struct {
	Title, URL, Says string
	Done             bool
}

// Trouble is something that does not work, or soon will not, if nobody does
// anything.
type Trouble struct {
	State   State
	What    string
	At      Moment // when; may be zero
	Do      string
	URL     string // where to do it; may be empty
	Linking string // what the link says
}

// The states of a [Trouble], by how soon it is.
var (
	Broken  = State{"Now", "bad", "triangle-alert", ""}
	InADay  = State{"In a day", "bad", "clock", ""}
	InAWeek = State{"In a week", "warn", "clock", ""}
	Later   = State{"Later", "off", "clock", ""}
)

// FailureRow is what failed for one cause, in the last day.
type FailureRow struct {
	Of            string // "Exchange", "Refresh", "Sign-in"
	Reason        string // its name
	Connection    string // title; empty if it was at none
	ConnectionURL string
	Times         int
	Cause         Cause
	Mend          string // URL; may be empty
	Events        string // URL of the events
}

// Cause is why something fails, and what to do about it.
type Cause struct{ Why, Do string }

// Causes are those of failures, by their reason: of refused exchanges, or the kind
// of an identity provider's answer.
var Causes = map[string]Cause{
	"not_connected":            {"The user has no account there.", "The application sends the user to the link that it was given."},
	"not_stored":               {"No refresh token is there, and the access token has expired.", "Have the connection ask for one, and let users connect again."},
	"reauthorization_required": {"The identity provider accepts the refresh token no longer.", "Users connect again, by the link that their application was given."},
	"insufficient_scope":       {"The user has not granted a scope that was asked for.", "Have the connection ask for it, and let users connect again."},
	"ambiguous_account":        {"The user has several accounts there.", "The application says which, as login_hint."},
	"client_not_allowed":       {"The application may not have the connection’s tokens.", "Look at what the policy says."},
	"connection_disabled":      {"The connection is switched off.", "Switch it on."},
	"user_blocked":             {"The user is blocked, here or at the identity provider.", "Look for the user."},
	"upstream_unavailable":     {"The identity provider gave no useful answer.", "Nothing is lost, and applications try again. If it lasts, try the connection."},
	"upstream_rate_limited":    {"The identity provider was asked too often.", "Applications wait as long as the answer says."},
	"connection_misconfigured": {"A setting is wrong, here or at the identity provider.", "Try the connection: it says which."},
	"invalid_grant":            {"The application’s own token has expired or was revoked.", "Its user signs in again."},
	"invalid_request":          {"The request lacks something.", "The event says what; the application’s page shows how to call."},
	"invalid_target":           {"There is no connection of the name that was asked for.", "The application asks for one that is there."},
	"unauthorized_client":      {"The application may not do that.", "Look at what the policy says."},
	"server_error":             {"The gateway failed.", "The program’s log has the cause, under the event’s correlation ID."},
	"error":                    {"The gateway failed, or its store.", "The program’s log has the cause."},

	"refused":       {"The identity provider accepts the refresh token no longer.", "Users connect again, by the link that their application was given."},
	"dead":          {"The identity provider accepts the grant no longer.", "Users connect again, by the link that their application was given."},
	"denied":        {"The user, or the identity provider for the user’s account, said no.", "The event has the identity provider’s words."},
	"expired":       {"The sign-in took too long, or was begun twice.", "The user begins again, from the application."},
	"unavailable":   {"The identity provider gave no useful answer.", "Nothing is lost. If it lasts, try the connection."},
	"rate_limited":  {"The identity provider was asked too often.", "It is asked again later."},
	"misconfigured": {"A setting is wrong, here or at the identity provider.", "Try the connection: it says which."},
	"untrusted":     {"The identity provider’s answer failed a check.", "The event says which. If it repeats, try the connection."},
}
