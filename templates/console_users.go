package templates

// Users is the page "admin/users": users, or those that were searched for.
type Users struct {
	Console
	Query       string
	Connection  string   // whose users are shown, or "" for all
	Connections []Option // to choose from
	Rows        []UserRow
	Next        string // URL of the next page, or ""
	Unfindable  bool   // e-mail addresses and usernames are not searched yet
}

// UserRow is a user in a list.
type UserRow struct {
	ID, URL, Name, Email string
	Connections          []string
	State                State // of the account that is worst off
	Blocked              bool
	Seen                 Moment
}

// User is the page "admin/user".
type User struct {
	Console
	ID, URL, Name, Email, Username string
	Unverified                     bool // the e-mail address
	Blocked                        bool
	Created, Seen                  Moment
	Logins                         int
	Accounts                       []AccountRow
	Sessions                       []SessionRow
	Applications                   []ApplicationRow
	More                           bool // sessions or grants than are shown
}

// AccountRow is a user's account at an identity provider.
type AccountRow struct {
	URL                                    string // of its page; "" if no tokens are kept
	Connection, Account, Username, OrgName string
	State                                  State
}

// SessionRow is a browser in which a user is signed in.
type SessionRow struct {
	Connection  string
	Clients     []string
	Began, Idle Moment // Idle is when it ends if it is not used
}

// ApplicationRow is what an application may do for a user.
type ApplicationRow struct {
	ID, Name string
	Asked    bool     // the user was asked, and allowed it
	Scopes   []string // that were allowed
	Grants   int      // with which it goes on while the user is away
	Used     Moment
}

// Account is the page "admin/account": how the tokens of one account are.
type Account struct {
	Console
	User, UserURL, URL                    string
	ID, Connection, Title, Name, Username string
	Org, InstanceURL                      string
	State                                 State
	Why                                   string // what the identity provider said
	Scopes                                []string
	Connected, Issued, Expires            Moment
	Access, Refresh                       string // fingerprints
	Asserts                               bool
	Rotation                              string
	Next                                  Moment // refresh ahead of time, if the account is used then
	Kept                                  Moment // when it is refreshed although nobody uses it
	KeepDays                              int
	Approvals, MostApprovals              int
	Refreshes                             []RefreshRow
	Clients                               []Option // for whom a link can be made
	Renewable                             bool
	Link                                  string // to connect again, shown once
	LinkLife                              string
	Problem                               string // of what was just tried
}

// RefreshRow is a refresh, or several of which the same came.
type RefreshRow struct {
	State State
	Why   string
	Times int
	First Moment
	Last  Moment
}

// Sure is the page "admin/sure": is this to be done, which cannot be undone?
type Sure struct {
	Console
	Title, Object string
	Effects       []string
	Action, Verb  string // of the form, which is posted
	Back          string
}

// AccountsIn is the page "admin/accounts": accounts that are in a state.
type AccountsIn struct {
	Console
	States  []StateCount
	State   State
	Chosen  string
	Rows    []AccountRow
	Count   int
	Counted Moment
}

// StateCount is how many accounts are in a state.
type StateCount struct {
	Name  string
	State State
	Count int
}

// Outcomes are what came of refreshes, by [vault.Outcome].
var Outcomes = map[string]State{
	"refreshed": {"Refreshed", "good", "circle-check", ""},
	"refused":   {"Refused for good", "bad", "circle-x", ""},
	"not_spent": {"Failed, token still good", "warn", "triangle-alert", ""},
	"no_use":    {"Answered with an error", "warn", "triangle-alert", ""},
	"unheard":   {"No answer", "warn", "circle-help", ""},
}
