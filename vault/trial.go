package vault

import "time"

// Trial is what an administrator saw who tried a connection: what was asked of
// its identity provider, step by step, and what came. The last one of each
// connection is kept, for a day. No code, token, secret or assertion is in it.
type Trial struct {
	Connection string
	ID         string // by which its sign-in finds it; nobody can guess it
	Admin      string // ID of the administrator who tries
	By         string // their name, as it was
	State      TrialState
	Steps      []TrialStep
	Facts      TrialFacts
	Began      time.Time
	Ended      time.Time
	Until      time.Time // when one that is running has been broken off, if it says nothing more
	Expires    time.Time
}

func (t Trial) Key() string          { return t.Connection }
func (t Trial) ExpiresAt() time.Time { return t.Expires }

// TrialState is how far a trial is.
type TrialState string

const (
	TrialRunning TrialState = "running"
	TrialWaiting TrialState = "waiting" // for the administrator to sign in at the identity provider
	TrialPassed  TrialState = "passed"
	TrialFailed  TrialState = "failed"
)

// TrialStep is one step of a trial.
type TrialStep struct {
	Name  string
	State StepState
	Took  time.Duration
	Calls []TrialCall
	Found []string // sentences
	// Cause is why a step failed, or what is not as it should be, and Cure
	// what to do about it: sentences.
	Cause, Cure string
}

// StepState is what came of a step; "" is that it is still to come.
type StepState string

const (
	StepRunning StepState = "running"
	StepPassed  StepState = "passed"
	StepWarned  StepState = "warned" // it works, and should not stay so
	StepFailed  StepState = "failed"
	StepSkipped StepState = "skipped"
)

// TrialCall is a request to an identity provider and its answer, of which only
// what is known to be harmless is kept.
type TrialCall struct {
	Request, Answer string // lines
	Took            time.Duration
}

// TrialFacts are what a trial found out about a connection. What is nil was not
// found out.
type TrialFacts struct {
	Asked          []string // scopes
	Granted        []string
	RefreshToken   *bool // one came
	Rotation       Rotation
	JWT            *bool         // access tokens are JWTs
	Lifetime       time.Duration // of an access token, by the best knowledge there is
	SecretRequired *bool         // by the provider, to redeem a code
	PKCERequired   *bool
}

// Probe is what came of asking an identity provider, without a user, whether it
// knows the gateway and its secret.
type Probe struct {
	Connection string
	At         time.Time
	State      StepState // StepPassed, StepFailed, or StepSkipped where no answer told
	Since      time.Time // it is so
	Cause      string    // if it failed, or no answer told
	Cure       string
	Expires    time.Time
}

func (p Probe) Key() string          { return p.Connection }
func (p Probe) ExpiresAt() time.Time { return p.Expires }
