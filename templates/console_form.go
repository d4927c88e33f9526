package templates

import "slices"

// Input is a field of a form of the console: the part "input".
type Input struct {
	Name, Label, Value, Help, Fault, Placeholder string
	Kind                                         InputKind
	Kept                                         string // of a secret: what there is, which stays if nothing is entered
	Required                                     bool
	Fixed                                        bool // it cannot be changed
	On                                           bool // of a switch
}

// InputKind is how an [Input] is entered.
type InputKind string

const (
	Text   InputKind = ""       // in a line
	Lines  InputKind = "lines"  // in several
	Secret InputKind = "secret" // in a line, hidden, and never shown again
	Key    InputKind = "key"    // in several lines, and never shown again
	Switch InputKind = "switch" // on or off
)

// Hidden reports whether what was entered is never shown.
func (i Input) Hidden() bool { return i.Kind == Secret || i.Kind == Key }

// Pick is one of several to choose from, which may be chosen already.
type Pick struct {
	Value, Title, Help string
	On, Fixed          bool
}

// Checklist is what is to be set at the identity provider: the part "checklist".
type Checklist struct {
	Lines []CheckLine
	Tried string // when what was seen was seen; empty if nothing was
}

// CheckLine is a setting there, and whether it was seen to be right.
type CheckLine struct {
	Name  string // by which what was seen finds its line: see [Checklist.Mark]
	Title string
	How   string // where it is, and what it should be
	State CheckState
	Found string // what was seen; may be empty
}

// CheckState is what is known of a line.
type CheckState string

const (
	Unknown CheckState = ""
	Seen    CheckState = "seen"    // it was seen to be right
	Missing CheckState = "missing" // it was seen not to be
)

// Mark is the list with what was seen of a line, if it has that.
func (l Checklist) Mark(name string, state CheckState, found string) Checklist {
	l.Lines = slices.Clone(l.Lines)
	for i := range l.Lines {
		if l.Lines[i].Name == name {
			l.Lines[i].State, l.Lines[i].Found = state, found
		}
	}
	return l
}
