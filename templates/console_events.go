package templates

// Events is the page "admin/events": what happened, the newest first.
type Events struct {
	Console
	Filter EventFilter
	Rows   []EventRow
	Looked int    // at so many events, if that was not enough
	Far    Moment // when the last of them was
	Part   bool   // it does not begin with the newest
	Newest string // URL of the first page
	Older  string // URL of the next; "" if there is none
	Export string // URL of what is filtered, as a file
	Most   int    // events in that file
	Live   string // URL of what happens from now on; "" on later pages
}

// EventFilter is the form by which events are chosen.
type EventFilter struct {
	Correlation string
	Type        string
	Kinds       []EventGroup // of types, to choose from
	Outcome     string       // "ok", "failed", or "" for both
	User        string
	Account     string
	Client      string
	Clients     []Option // to choose from, some
	Connection  string
	Connections []Option
	Reason      string
	IP          string
	Times       []Input // since, and until
	More        bool    // some of the fields are set that are seldom needed
	Set         bool    // any is
}

// Reasons are what can be chosen from as a reason.
func (EventFilter) Reasons() []string { return reasons }

// EventGroup are types of events that have something in common.
type EventGroup struct {
	Title   string
	Options []Option
}

// EventRow is an event in a list: the part "row".
type EventRow struct {
	ID, URL                 string
	When                    Moment
	State                   State
	What                    string // happened
	Note                    string // why, or what it was about; may be empty
	Who                     Link   // without a URL if there is no page of theirs
	Application, Connection Link
}

// Event is the page "admin/event".
type Event struct {
	Console
	EventRow
	Type        string // its code
	Correlation string
	Search      string // URL of all events of the request
	Description string
	Reason      string
	Cure        Cure // of a refusal
	Members     []Fact
	Others      []EventRow // of the same request
	Line        string     // as it is kept
}

// EventStates are how events ended.
var EventStates = map[bool]State{
	false: {"OK", "good", "circle-check", ""},
	true:  {"Failed", "bad", "circle-x", ""},
}
