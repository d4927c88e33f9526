package templates

import (
	"net/url"
	"time"
)

// ClientName says which application a page is about.
type ClientName struct {
	ID   string
	Name string
	Kind string // "regular_web", …
}

// URL is the application's page.
func (c ClientName) URL() string { return "/admin/clients/" + url.PathEscape(c.ID) }

// KindTitle is the kind in words.
func (c ClientName) KindTitle() string {
	for _, k := range ClientKinds {
		if k.Value == c.Kind {
			return k.Title
		}
	}
	if c.Kind == "resource_server" {
		return "API"
	}
	return c.Kind
}

// Option is what can be chosen in a form.
type Option struct {
	Value, Title, Help string
	Chosen             bool
}

// ClientKinds are the kinds of applications that the console adds.
var ClientKinds = []Option{
	{Value: "regular_web", Title: "Regular web application", Help: "Has a server that can keep a secret: Next.js, Express, Django, Rails, Go. Users sign in, and it may get their tokens out of the vault."},
	{Value: "spa", Title: "Single-page application", Help: "Runs in the browser alone. It can keep no secret, so tokens of the vault are for its server to get."},
	{Value: "native", Title: "Native application", Help: "Runs on a phone, a desktop or a command line. It can keep no secret, so tokens of the vault are for its server to get."},
	{Value: "non_interactive", Title: "Machine to machine", Help: "A program without users, such as a nightly job. It acts in its own name, with a secret."},
}

// Clients is the page "admin/clients".
type Clients struct {
	Console
	Rows  []ClientRow
	After string // the last ID of the page before
	Next  string // the last ID of this page, if there are more
}

// ClientRow is an application in the list.
type ClientRow struct {
	ID, Name, Kind string
	Connections    []string // titles of those enabled for it
}

// ClientName says which application the row is about.
func (r ClientRow) ClientName() ClientName { return ClientName{r.ID, r.Name, r.Kind} }

// Client is the page "admin/client".
type Client struct {
	Console
	ClientName
	Public     bool   // it can keep no secret
	Keys       int    // how many public keys it has
	JWKSURI    string // where it publishes them
	API        string // the identifier of the API that it stands for, if it does
	Secrets    []ClientSecret
	Form       ClientForm
	Revision   string
	TenantFile string
}

// ClientSecret is what may be seen of an application's secret.
type ClientSecret struct {
	Fingerprint string
	Since       time.Time // when it was set; zero if that is not known
}

// ClientForm is the form that changes an application, as it was filled in. Lists
// have one entry a line, times are in seconds, "" for ever.
type ClientForm struct {
	Name, Description                           string
	FirstParty                                  bool
	RedirectURIs, LogoutURIs, Origins           string
	GrantTypes, Connections                     []Option
	Restricted                                  bool // to the access chosen
	Access                                      []AccessLine
	Rotate                                      bool
	RefreshLifetime, RefreshIdle, RefreshLeeway string
	Field, Fault                                string // what is wrong with what was entered; Field may be ""
}

// AccessLine is what an application may have of the vault by one connection.
// Scopes and networks have spaces between them; "" is all.
type AccessLine struct {
	Connection, Title string
	Chosen            bool
	Scopes, Networks  string
}

// At is what is wrong with a field, if anything.
func (f ClientForm) At(field string) string {
	if f.Field != field {
		return ""
	}
	return f.Fault
}

// Curl reads the application over the management API.
func (c Client) Curl() string {
	return "curl -s " + quoteShell(c.Issuer+"api/v2/clients/"+url.PathEscape(c.ID)) + ` -H "Authorization: Bearer $TOKEN"`
}

// NewClient is the page "admin/client_new".
type NewClient struct {
	Console
	ID                       string // that the application gets
	Name, Kind, RedirectURIs string
	Connections              []Option
	Field, Fault             string
}

// Kinds are those to choose from.
func (c NewClient) Kinds() []Option {
	kinds := make([]Option, len(ClientKinds))
	for i, k := range ClientKinds {
		k.Chosen = k.Value == c.Kind
		kinds[i] = k
	}
	return kinds
}

// ShownSecret is the page "admin/client_secret": a secret, this once.
type ShownSecret struct {
	Console
	ClientName
	Secret  string
	Rotated bool // it replaces another
	Kept    bool // which is good beside it
}

// RotateSecret is the page "admin/client_rotate".
type RotateSecret struct {
	Console
	ClientName
	Secrets []ClientSecret // one at least
}

// DeleteClient is the page "admin/client_delete".
type DeleteClient struct {
	Console
	ClientName
	SignIns     int  // to it, in force
	More        bool // there may be more of them, which were not counted
	Connections int  // that it is enabled at
	APIs        int  // that it may call in its own name
}

// CallClient is the page "admin/client_call": programs that call the gateway as
// an application.
type CallClient struct {
	Console
	ClientName
	Issuer                 string
	Secret                 bool // the application has one
	SDKs                   []Option
	SDK                    string
	Callbacks, Connections []Option
	Callback, Connection   string // those chosen
	Parts                  []Part
	Missing                []string // why there is not more, in sentences
}

// Part is a program for one purpose.
type Part struct{ Name, Title, Text, Code string }

// date is a day for people, and for programs.
func date(t time.Time) string { return t.UTC().Format("2 January 2006") }

// ClientBranding is the page "admin/client_branding": how the pages look that are
// an application's.
type ClientBranding struct {
	Console
	ClientName
	BrandingForm
	Revision string // stands for the branding that the form began with
}
