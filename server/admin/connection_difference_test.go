package admin

import (
	"fmt"
	"strings"
	"testing"

	"sallyport/vault"
)

// TestH36ChangesOfAConnectionHaveNoSecret: neither those that people look at nor
// those for the log, which still tell that a secret is another.
func TestH36ChangesOfAConnectionHaveNoSecret(t *testing.T) {
	t.Parallel()
	of := func(strategy, option, secret string) vault.Connection {
		return vault.Connection{Name: "a", Strategy: strategy, ClientSecret: vault.NewSecret(secret), Options: map[string]string{option: secret}}
	}
	for strategy, option := range map[string]string{"salesforce": "client_secret_next", "oidc": "private_key"} {
		before, after := of(strategy, option, "canary-1"), of(strategy, option, "canary-2")
		people, log := changes(before, after, nil), differences(audited(before), audited(after))
		if len(people) != 2 || len(log) != 2 {
			t.Errorf("%s: %v, %v", strategy, people, log)
		}
		if said := fmt.Sprint(people, log); strings.Contains(said, "canary") {
			t.Errorf("%s: %s", strategy, said)
		}
		if before.Options[option] != "canary-1" {
			t.Error("the connection itself was written to")
		}
		if same := changes(after, after, nil); len(same) != 0 {
			t.Errorf("%v", same)
		}
	}
}
