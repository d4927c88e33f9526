package api_test

import (
	"slices"
	"strings"
	"testing"

	"sallyport/server/api"
	"sallyport/vault"
)

// TestTwoSecretsLiveDuringAChange goes from one secret to the next as an
// operator does, by the tenant file alone.
func TestTwoSecretsLiveDuringAChange(t *testing.T) {
	t.Parallel()
	const first, second = "the first secret of it", "the second secret of it"
	hashes := func(secrets ...string) (list []string) {
		for _, s := range secrets {
			list = append(list, vault.Hash(s))
		}
		return list
	}
	name := "App"
	r := vault.Client{}
	for _, step := range []struct {
		does             string
		secret, previous *api.Secret
		want             []string
		wrong            string
	}{
		{"made", api.NewSecret(first), nil, hashes(first), ""},
		{"the next, and the one before lives on", api.NewSecret(second), api.NewSecret(first), hashes(second, first), ""},
		{"said again", api.NewSecret(second), api.NewSecret(first), hashes(second, first), ""},
		{"not mentioned", nil, nil, hashes(second, first), ""},
		{"applications that still say the old one", api.NewSecret(first), nil, hashes(second, first), ""},
		{"the one before ends", api.NewSecret(second), api.NewSecret(""), hashes(second), ""},
		{"ends again", nil, api.NewSecret(""), hashes(second), ""},
		{"the same twice", api.NewSecret(second), api.NewSecret(second), nil, "is the same as client_secret"},
		{"too short", nil, api.NewSecret("short"), nil, "is shorter than 16 characters"},
		{"replaced at once", api.NewSecret(first), nil, hashes(first), ""},
	} {
		got, err := api.Client{ClientID: "app", Name: &name, ClientSecret: step.secret, ClientSecretPrevious: step.previous}.Record(r)
		if step.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), step.wrong) || strings.Contains(err.Error(), first) {
				t.Errorf("%s: %v", step.does, err)
			}
			continue
		}
		if err != nil || !slices.Equal(got.SecretHashes, step.want) {
			t.Errorf("%s: %d secrets, %v", step.does, len(got.SecretHashes), err)
		}
		r = got
	}
	public := "none"
	if _, err := (api.Client{ClientID: "spa", Name: &name, TokenEndpointAuthMethod: &public, ClientSecretPrevious: api.NewSecret(first)}).Record(vault.Client{}); err == nil {
		t.Error("a client without a secret has a previous one")
	}
}
