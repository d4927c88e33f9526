package templates

import "fmt"

// Keys is the page "admin/keys": the keys of the vault, how old they are, and how
// a change of them goes.
type Keys struct {
	Console
	KeysNow
	Source   string // of the root key, in words; may be empty
	Commands []Command
}

// KeysNow is the part "keysnow" of the page, which a script gets anew while
// something goes on.
type KeysNow struct {
	Rows   []KeyRow
	Change *KeyChange // nil if none is under way
	Count  KeyCount
}

// Going reports whether something goes on.
func (k KeysNow) Going() bool { return k.Change != nil || k.Count.Going }

// KeyRow is a key.
type KeyRow struct {
	Kind, ID string
	State    State
	Since    Moment // zero, if nobody knows
	First    bool   // it is as old as the vault
	Sealed   bool   // records are under it, as Records says
	Records  int
	Note     string
}

// KeyChange is how far a change of the data key has come.
type KeyChange struct {
	Next        string // ID of the key that seals in the end
	Announced   bool   // it does not yet
	NextRoot    string // ID of the root key that opens the vault in the end; may be empty
	Done, Total int    // records
	Damaged     int
}

// Stage says how far it is.
func (c KeyChange) Stage() string {
	switch {
	case c.Announced:
		return "Data key " + c.Next + " is announced to all instances."
	case c.Total == 0:
		return "Data key " + c.Next + " seals; what was begun before ends first."
	}
	return fmt.Sprintf("Looked at %d of %d records.", c.Done, c.Total)
}

// KeyCount is how records were counted last.
type KeyCount struct {
	At          Moment // zero, if never
	Going       bool
	Seen, Total int // while it goes on: of how many there were the last time, 0 if nobody knows
}

// The states of a key.
var (
	KeyOpens     = State{"Opens the vault", "good", "key-round", ""}
	KeyWillOpen  = State{"Will open the vault", "warn", "clock", ""}
	KeySeals     = State{"Seals records", "good", "circle-check", ""}
	KeyAnnounced = State{"Will seal records", "warn", "clock", ""}
	KeyLeaves    = State{"Being replaced", "warn", "refresh-cw", ""}
	KeySigns     = State{"Signs tokens", "good", "circle-check", ""}
	KeyFollows   = State{"Published, will sign", "warn", "clock", ""}
	KeySigned    = State{"Published, signs no more", "off", "history", ""}
	KeySignsLog  = State{"Signs the log", "good", "circle-check", ""}
)

// Command is one to copy.
type Command struct{ Title, Line, Does string }

// RotateKeys is the page "admin/keys_rotate": makes the next signing keys.
type RotateKeys struct {
	Console
	Algs []string // of which there are keys
}

// KeySheet is the page "admin/keys_sheet": what has to be kept to restore the
// vault, on paper.
type KeySheet struct {
	Console
	Root, NextRoot, Source string
	Data                   string
	Printed                Moment
}
