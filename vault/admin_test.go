package vault_test

import (
	"testing"

	"sallyport/vault"
)

// TestIdentityOfAnAdministratorIsNotAtALaterConnectionOfTheName: whoever makes that
// may have chosen another identity provider.
func TestIdentityOfAnAdministratorIsNotAtALaterConnectionOfTheName(t *testing.T) {
	t.Parallel()
	made := vault.Connection{Name: "company", ID: "con_1"}
	identity := vault.AdminIdentity{Connection: made.Name, ConnectionID: made.ID, Subject: "ada"}
	for _, tt := range []struct {
		connection vault.Connection
		want       bool
	}{
		{made, true},
		{vault.Connection{Name: "company", ID: "con_2"}, false},
		{vault.Connection{Name: "other", ID: "con_1"}, false},
	} {
		if got := identity.At(tt.connection); got != tt.want {
			t.Errorf("at %s, %s: %v", tt.connection.Name, tt.connection.ID, got)
		}
	}
}
