package templates

// Own is the page "own": what the gateway knows of the user who is signed in, and
// what the user can take back. It is for people who know nothing of tokens.
type Own struct {
	User, Name, ID string
	Accounts       []OwnAccount
	Applications   []OwnApplication
	Notice         string // what was just done: a key of ownNotices
}

// OwnAccount is an account at an identity provider.
type OwnAccount struct {
	ID              string // "" if no application can use it
	Title, Strategy string // of the connection
	Name            string // there
	State           State
	Applications    []string // that can use it
}

// OwnApplication is an application that the user signed in to.
type OwnApplication struct {
	ID, Name string
	Allowed  []ScopeLine
}

var ownNotices = map[string]string{
	"revoked":    "Disconnected. The access was ended there, too.",
	"ended":      "Disconnected. The access had ended there before.",
	"pending":    "Disconnected. No application gets any further access. It could not be ended there yet, and is tried again until it is.",
	"failed":     "Disconnected here. It could not be ended there: look there for the applications that you have allowed, and take it back.",
	"gone":       "It was disconnected already.",
	"taken-back": "Taken back. The application has to ask you again.",
}

// Said is the notice in words, or "".
func (o Own) Said() string { return ownNotices[o.Notice] }
