package templates

import (
	"html/template"

	"sallyport/static"
)

// Console is what every page of the console shows around its own: who is signed
// in, and where they are. The pages are in admin/; layout.html there is around
// them.
type Console struct {
	Section       string // of the navigation: "dashboard", "connections", …
	Admin         string // name of who is signed in
	Role          string
	Owner, Editor bool // what the role may do
	Issuer        string
	Version       string
	Theme         string // "light", "dark", or "" for what the system has
	Path          string // and query, to come back to
	Notice        string // what was just done: a key of notices
}

// section is a part of the console, as its navigation has it.
type section struct{ Name, Title, URL, Icon string }

var sections = []section{
	{"dashboard", "Dashboard", "/admin", "gauge"},
	{"connections", "Connections", "/admin/connections", "cloud"},
	{"clients", "Applications", "/admin/clients", "app-window"},
	{"users", "Users", "/admin/users", "users"},
	{"policy", "Policy", "/admin/policy", "shield-check"},
	{"events", "Events", "/admin/events", "activity"},
	{"audit", "Audit", "/admin/audit", "scroll-text"},
	{"keys", "Keys", "/admin/keys", "key-round"},
	{"administrators", "Administrators", "/admin/administrators", "user-cog"},
	{"settings", "Settings", "/admin/settings", "settings"},
}

type choice struct{ Value, Title string }

var themes = []choice{{"", "System"}, {"light", "Light"}, {"dark", "Dark"}}

// glyph is an icon of the console's set, which is hidden from screen readers: a
// word stands beside each.
func glyph(name string) template.HTML {
	return template.HTML(`<svg class="icon" aria-hidden="true"><use href="` + static.URL("icons.svg") + `#` + name + `"/></svg>`)
}

// doorway is a page of the console for those who are not signed in.
type doorway interface{ doorway() }

func (AdminSignIn) doorway()  {}
func (AdminWelcome) doorway() {}
func (AdminEnrol) doorway()   {}
func (Away) doorway()         {}

// notices are what pages say after something was done. They are named in the URL,
// so that nobody can write their own there.
var notices = map[string]string{
	"saved":   "Saved. It is in use.",
	"deleted": "Deleted.",

	"blocked":              "Blocked. The user cannot sign in, and applications get no tokens for the user.",
	"unblocked":            "Unblocked. The user can sign in again.",
	"signed-out":           "Signed out everywhere. Applications have to sign the user in again.",
	"taken-back":           "Taken back. The application has to sign the user in again.",
	"user-deleted":         "The user is deleted, and what was issued for the accounts is being revoked.",
	"refreshed":            "Refreshed. There is a new access token.",
	"disconnected-revoked": "Disconnected, and revoked at the identity provider.",
	"disconnected-ended":   "Disconnected. At the identity provider it had ended before.",
	"disconnected-pending": "Disconnected. It could not be revoked at the identity provider yet, and is tried again until it is.",
	"disconnected-failed":  "Disconnected here. It could not be revoked at the identity provider: the user can take the access back there.",
	"drafted":              "Saved as a draft. Nobody uses it until it is published.",
	"published":            "Published. It is in use.",
	"discarded":            "The draft was discarded.",
	"undone":               "The last change was undone.",
	"switched-on":          "Switched on.",
	"switched-off":         "Switched off. Nobody can sign in with it.",
	"certificate":          "A certificate was made. Download it, and upload it at Salesforce.",
	"application-added":    "Added. This kind of application has no secret.",
	"application-there":    "The application was added already. Its secret was shown once; if you do not have it, replace it.",
	"secret-there":         "The secret was replaced already. The new one was shown once; if you do not have it, replace it again.",
	"secret-ended":         "The previous secret is no longer good.",
	"keys-made":            "The next signing keys were made, and are published.",
	"rekeying":             "The data key is being replaced. Nobody has to wait for it.",
	"root-replaced":        "The vault opens with the newest root key alone. Take the old one out of the key files, and keep it for as long as backups from before.",
	"branding-drafted":     "Saved as a draft. Below is how users would see it.",
	"branding-published":   "Published. Users see it from now on.",
	"branding-discarded":   "The draft was discarded.",
	"branding-saved":       "Saved. Users see it from now on.",
	"probed":               "Asked. What came of it stands under client credentials.",
}

// Said is the notice in words, or "".
func (c Console) Said() string { return notices[c.Notice] }

// Entrance is a connection with which administrators sign in.
type Entrance struct{ Name, Title string }

// Away is the page "admin/away", from which the browser goes on to an identity
// provider.
type Away struct{ Title, URL, Theme string }

// AdminSignIn is the page "admin/signin".
type AdminSignIn struct {
	Name    string // as it was entered
	Return  string // page of the console to go on to
	Nobody  bool   // there is no administrator yet
	Problem string
	Theme   string

	Entrances []Entrance
}

// AdminWelcome is the page "admin/welcome": a new administrator chooses a name
// and a password.
type AdminWelcome struct {
	Name, Role     string
	Field, Problem string // of what was entered, or of no field
	Theme          string
	Entrances      []Entrance
}

// AdminEnrol is the page "admin/enrol": the secret of one-time passwords.
type AdminEnrol struct {
	QR      template.URL // of an image
	Secret  string
	Problem string
	Theme   string
}

// AdminProve is the page "admin/prove": an administrator shows once more who they
// are.
type AdminProve struct {
	Console
	Return            string
	Problem           string
	Passkey, Password bool // they have such
	Entrances         []Entrance
}
