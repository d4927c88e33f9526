package admin

import (
	"testing"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// TestTrialTicksAndCrossesTheChecklist looks at each line after a trial that went
// well, after one that did not, and after none.
func TestTrialTicksAndCrossesTheChecklist(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	steps := func(states map[string]vault.StepState) (list []vault.TrialStep) {
		for _, s := range connections.Steps {
			list = append(list, vault.TrialStep{Name: s.Name, State: states[s.Name], Cause: "The cause."})
		}
		return list
	}
	passed := map[string]vault.StepState{"credentials": vault.StepPassed, "authorize": vault.StepPassed, "callback": vault.StepPassed, "token": vault.StepPassed}
	good := vault.Trial{ID: "1", Steps: steps(passed), Facts: vault.TrialFacts{
		Asked: []string{"api", "refresh_token"}, Granted: []string{"refresh_token", "api", "id"}, RefreshToken: &yes, Rotation: vault.Rotates, JWT: &no, SecretRequired: &yes, PKCERequired: &yes,
	}}
	bad := good
	bad.Facts = vault.TrialFacts{Asked: []string{"api", "refresh_token"}, Granted: []string{"api"}, RefreshToken: &no, Rotation: vault.Static, SecretRequired: &no, PKCERequired: &no}
	refused := vault.Trial{ID: "1", Steps: steps(map[string]vault.StepState{"credentials": vault.StepFailed})}
	elsewhere := vault.Trial{ID: "1", Steps: steps(map[string]vault.StepState{"credentials": vault.StepPassed, "authorize": vault.StepPassed, "callback": vault.StepFailed})}
	for name, tt := range map[string]struct {
		trial vault.Trial
		want  map[string]templates.CheckState
	}{
		"none": {vault.Trial{}, nil},
		"good": {good, map[string]templates.CheckState{"app": "seen", "callback": "seen", "users": "seen", "ip": "seen", "scopes": "seen", "secret": "seen", "pkce": "seen", "rotation": "seen", "refresh_policy": "seen", "jwt": "seen"}},
		"bad": {bad, map[string]templates.CheckState{"app": "seen", "callback": "seen", "users": "seen", "ip": "seen", "scopes": "missing", "secret": "missing", "pkce": "missing", "rotation": "missing",
			"refresh_policy": "missing"}},
		"refused":   {refused, map[string]templates.CheckState{"app": "missing"}},
		"elsewhere": {elsewhere, map[string]templates.CheckState{"app": "seen", "callback": "seen"}},
	} {
		p := &Pages{Issuer: "https://login.example.com/"}
		list := seen(p.salesforceChecklist(vault.Connection{Name: "salesforce", Strategy: "salesforce"}), tt.trial)
		for _, line := range list.Lines {
			if line.State != tt.want[line.Name] || (line.State != "") != (line.Found != "") {
				t.Errorf("%s: %s is %q: %s", name, line.Name, line.State, line.Found)
			}
		}
	}
}
