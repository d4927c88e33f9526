package templates

import "slices"

// Own is the page "own": what the gateway knows of the user who is signed in, and
// what the user can take back. It is for people who know nothing of tokens.
type Own struct {
	User, Name, ID string
	Accounts       []OwnAccount
	Applications   []OwnApplication
	Notice         string // what was just done: one of ownNotices
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

var ownNotices = []string{"revoked", "ended", "pending", "failed", "gone", "taken-back"}

// Said is the key of the notice's words, or "".
func (o Own) Said() string {
	if !slices.Contains(ownNotices, o.Notice) {
		return ""
	}
	return "own.notice." + o.Notice
}
