package admin

import (
	"fmt"
	"strings"
	"testing"

	"sallyport/vault"
)

// TestH36DifferencesTellNoSecret compares records with secrets of every kind.
func TestH36DifferencesTellNoSecret(t *testing.T) {
	t.Parallel()
	const canary = "canary-in-a-record"
	for name, list := range map[string][]difference{
		"client":        differences(vault.Client{}, vault.Client{ID: "a", SecretHashes: []string{canary}}),
		"connection":    differences(vault.Connection{}, vault.Connection{Name: "a", ClientSecret: vault.NewSecret(canary)}),
		"administrator": differences(vault.Admin{}, vault.Admin{ID: "a", Password: vault.NewSecret(canary), TOTP: vault.NewSecret(canary), Passkeys: []vault.Passkey{{Credential: []byte(canary)}}}),
		"gone":          differences(vault.Client{ID: "a", SecretHashes: []string{canary}}, nil),
	} {
		if said := fmt.Sprint(list); len(list) < 2 || strings.Contains(said, canary) {
			t.Errorf("%s: %s", name, said)
		}
	}
}
