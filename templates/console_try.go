package templates

// Try is the page "admin/try": a connection is tried, step by step. Its parts
// "trace" and "checked" stand by themselves in what the page's script gets.
type Try struct {
	Console
	Name, Title string // of the connection
	State       string // "" if it was not tried of late, "running", "waiting", "passed", "failed", "broken"
	By, Began   string
	Mine        bool   // it is this administrator's
	SignIn      string // URL where to sign in
	Draft       bool   // what was tried is not published
	Callback    string // URL that the identity provider has to know
	Approvals   int    // grants of a user that the identity provider keeps, 0 for any number
	Steps       []TryStep
	Facts       []TryFact
	Pages       []TryPage
	Probe       Probe
}

// TryStep is a step of a trial. Its state is "", "running", "passed", "warned",
// "failed" or "skipped".
type TryStep struct {
	Title, About, State, Took string
	Found                     []string
	Cause, Cure               string
	Calls                     []TryCall
}

// TryCall is a request and its answer.
type TryCall struct{ Request, Answer, Took string }

// TryFact is what a trial found out. Its state is "good" or "warn".
type TryFact struct{ Title, Value, State string }

// TryPage is an error that the identity provider shows on a page of its own.
type TryPage struct{ Sign, Cause, Cure string }

// Probe is what came of asking an identity provider whether it knows the gateway.
// Its state is "" if that was not asked yet, "passed", "failed" or "unknown".
type Probe struct {
	State, At, Since string
	Cause, Cure      string
}

// Stands is how a trial stands, in a sentence.
func (t Try) Stands() string {
	switch t.State {
	case "running":
		return "Under way…"
	case "waiting":
		return "So far it is right. Now sign in."
	case "passed":
		for _, s := range t.Steps {
			if s.State == "warned" {
				return "It works, and something should be otherwise."
			}
		}
		return "It works, and nothing is left of it but what stands here."
	case "failed":
		return "It does not work yet."
	case "broken":
		return "It was broken off: the gateway was stopped meanwhile. Try again."
	}
	return ""
}

// AtSignIn reports whether the next thing that may go wrong shows on a page of
// the identity provider's.
func (t Try) AtSignIn() bool { return t.State == "waiting" && len(t.Pages) > 0 }

// Failure is the first step that failed, if one did.
func (t Try) Failure() *TryStep {
	for _, s := range t.Steps {
		if s.State == "failed" {
			return &s
		}
	}
	return nil
}
