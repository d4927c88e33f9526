package templates

// Audit is the page "admin/audit": whether the log of events is whole, and how it
// is kept.
type Audit struct {
	Console
	Key, PublicKey string // that signs; "" while there are no events
	Made           Moment
	Check          LogCheck
	Events         uint64
	Bytes          string
	Oldest         Moment
	Days           int // that events are kept; 0 if that is not known
	MostBytes      string
	Used           int // of those, in percent
	Chains         []ChainRow
	ChainCount     int // of which the newest are listed
}

// ChainRow is the chain of events of an instance.
type ChainRow struct {
	ID       string
	Here     bool // it is this instance's
	Began    Moment
	Last     Moment // its last event
	Events   uint64 // that are kept
	Pruned   uint64 // that were forgotten
	Signed   Moment // its last checkpoint
	SignedBy string // a key's ID
	Beyond   uint64 // events after that
}

// LogCheck is a verification of the log.
type LogCheck struct {
	State        string // "running", "passed", "failed", "broken off", or "" if there was none
	By           string
	Began, Ended Moment
	Took         string
	Percent      int
	Events       uint64
	Chains       int
	Key          string
	First, Last  Moment
	Faults       []string // the first of them
	FaultCount   int
	Problem      string // it could not be read to its end
}

// AuditExport is the page "admin/audit_export".
type AuditExport struct {
	Console
	Events       uint64
	Bytes        string
	Oldest       Moment
	Since, Fault string // as it was entered, and what is wrong with that
}
