package admin

import (
	"strings"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// checked is what is to be set at Salesforce for a connection, with what its last
// trial saw of it.
func (p *Pages) checked(c vault.Connection, trial vault.Trial) templates.Checklist {
	list := p.salesforceChecklist(c)
	if trial.ID != "" {
		list.Tried = ago(p.Now(), trial.Began)
	}
	return seen(list, trial)
}

// seen is a checklist with what a trial saw of its lines. What a trial did not come
// to is not ticked off, nor is what nobody can see from outside.
func seen(list templates.Checklist, trial vault.Trial) templates.Checklist {
	mark := func(name string, right bool, found string) {
		state := templates.Seen
		if !right {
			state = templates.Missing
		}
		list = list.Mark(name, state, found)
	}
	for _, s := range trial.Steps {
		for _, line := range stepShows[s.Name] {
			switch s.State {
			case vault.StepPassed, vault.StepWarned:
				mark(line.name, true, line.found)
			case vault.StepFailed:
				if line.blamed {
					mark(line.name, false, s.Cause)
				}
			}
		}
	}
	f := trial.Facts
	if f.SecretRequired != nil {
		mark("secret", *f.SecretRequired, either(*f.SecretRequired, "It is required.", "A code was redeemed without it."))
	}
	if f.PKCERequired != nil {
		mark("pkce", *f.PKCERequired, either(*f.PKCERequired, "It is required.", "A request without it was taken."))
	}
	if f.Granted == nil {
		return list
	}
	lacking := without(f.Asked, f.Granted)
	mark("scopes", len(lacking) == 0, either(len(lacking) == 0, "All that were asked for were granted.", "Not granted: "+strings.Join(lacking, ", ")+"."))
	if f.RefreshToken != nil {
		mark("refresh_policy", *f.RefreshToken, either(*f.RefreshToken, "A refresh token came. How long it stays good cannot be seen.", "No refresh token came."))
	}
	switch f.Rotation {
	case vault.Rotates:
		mark("rotation", true, "It is on: a refresh brought a new refresh token.")
	case vault.Static:
		mark("rotation", false, "It is off: a refresh token stays good after its use.")
	}
	if f.JWT != nil {
		mark("jwt", true, either(*f.JWT, "A JWT came", "An opaque token came")+", taken to live "+connections.Lasting(f.Lifetime)+".")
	}
	return list
}

// stepShows are the lines of the checklist that a step of a trial shows to be
// right when it passes; some of them are to blame if it fails.
var stepShows = map[string][]struct {
	name, found string
	blamed      bool
}{
	"credentials": {{"app", "Salesforce knows it, and its secret.", true}},
	"authorize":   {{"callback", "It is registered.", true}},
	"callback":    {{"users", "The one who tried it may.", false}},
	"token":       {{"ip", "Nothing kept the gateway away.", false}},
}

func either(is bool, one, other string) string {
	if is {
		return one
	}
	return other
}
