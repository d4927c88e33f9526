package templates

// Connections is the page "admin/connections".
type Connections struct {
	Console
	List []ConnectionLine
	Next string // URL of the next page; may be empty
	Part bool   // it is not the first page
}

// ConnectionLine is a connection in the list.
type ConnectionLine struct {
	Name, Title, Kind string
	State             ConnectionState
	Drafted           bool // it has changes that are not published
	Keeps             bool // tokens
	Applications      int
	Probe             Probe
}

// ConnectionState is how a connection is.
type ConnectionState string

const (
	Active ConnectionState = "active"
	Off    ConnectionState = "off"
	Draft  ConnectionState = "draft" // it has not been published yet
)

// ConnectionForm is the page "admin/connection_form": a connection is set up, or
// changed.
type ConnectionForm struct {
	Console
	Name     string // of the connection that is changed; "" if it is new
	Kind     string // of identity provider, for people
	Strategy string
	Others   []Choice // kinds of identity provider to choose instead
	Faults   []Input  // that have one, and those without a field

	Callbacks    Callbacks
	Names        []Input
	Salesforce   bool
	Environments []Pick // of Salesforce
	Where        []Input
	Credentials  []Input
	Scopes       []ScopeOption // to choose from first
	OtherScopes  []ScopeOption
	MoreScopes   Input // by name
	Vault        bool  // its tokens are kept
	ForAdmins    bool  // administrators sign in with it
	Grants       []Pick
	More         []Input
	MoreOpen     bool // a fault is there
	Applications []Pick
	Checklist    Checklist
}

// Callbacks are the URLs to register at the identity provider.
type Callbacks struct {
	URL   string // that this connection has
	Other string // that it has if OwnCallback is as it is not now; "" if its name is not known yet
	Own   bool   // the connection has one of its own
}

// ScopeOption is a scope to choose.
type ScopeOption struct {
	Pick
	Opens, Risk string
}

// Difference is a setting that is not as it was.
type Difference struct {
	Title, Before, After string
}

// ConnectionPage is the page "admin/connection".
type ConnectionPage struct {
	Console
	Name, Title, Kind string
	State             ConnectionState
	Probe             Probe
	Draft             *ConnectionDraft // not published yet, if there is one
	Callback          string
	Facts             []Fact
	Cautions          []string
	Applications      []Link
	Certifies         bool // the gateway signs assertions for it
	Certificates      []CertificateLine
	Waits             bool   // the newest certificate is not in use yet
	File              string // the tenant file of this connection
	Former            *Change
	Checklist         Checklist
	OwnersAlone       bool // administrators sign in with it, and who looks at it is no owner
}

// Fact is a name and a value.
type Fact struct{ Title, Value string }

// Link is something with a page of its own.
type Link struct{ Title, URL string }

// Change is who changed something, and when.
type Change struct{ By, At string }

// ConnectionDraft is what publishing changes.
type ConnectionDraft struct {
	Change
	Differences []Difference
	Effects     []string // in words
	Problem     string   // why it cannot be published; may be empty
	Seen        string   // stands for what is shown here
}

// CertificateLine is a certificate of a connection.
type CertificateLine struct {
	ID, Created, Used string
	Newest            bool
}

// ConnectionUndo is the page "admin/connection_undo": asks before the last change
// is undone.
type ConnectionUndo struct {
	Console
	Name, Title string
	Draft       ConnectionDraft // what undoing changes
}

// ConnectionDelete is the page "admin/connection_delete": asks before a connection
// is deleted.
type ConnectionDelete struct {
	Console
	Name, Title, Provider string
	Active                bool
	Accounts              string // how many have tokens, such as "12" or "more than 100"; "" for none
	Confirm               Input
}
