package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/server/api"
	"sallyport/vault"
)

// TestTokenVaultIsReadAndShownAlike: what export shows is what apply took, and
// applies again without a change.
func TestTokenVaultIsReadAndShownAlike(t *testing.T) {
	t.Parallel()
	secret := api.NewSecret("a-secret-that-is-long-enough")
	listed := &api.TokenVault{Connections: []api.TokenAccess{{Connection: "salesforce", Scopes: []string{"api"}, Networks: []string{"10.0.0.0/8", "2001:db8::/32"}}, {Connection: "other"}}}
	r, err := api.Client{ClientID: "a", Name: new("A"), ClientSecret: secret, TokenVault: listed}.Record(vault.Client{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(listed, api.ClientOf(r).TokenVault); diff != "" {
		t.Error(diff)
	}
	if a, ok := r.TokenVault.Access("salesforce"); !ok || len(a.Networks) != 2 {
		t.Errorf("%+v", r.TokenVault)
	}
	none, err := api.Client{ClientID: "a", TokenVault: &api.TokenVault{Connections: []api.TokenAccess{}}}.Record(r)
	if err != nil || none.TokenVault == nil || len(none.TokenVault.Connections) != 0 {
		t.Errorf("an empty list allows something: %+v, %v", none.TokenVault, err)
	}
	same, err := api.Client{ClientID: "a", Description: new("another")}.Record(r)
	if err != nil || same.TokenVault == nil {
		t.Errorf("a file that says nothing lifted it: %v", err)
	}
	free, err := api.Client{ClientID: "a", TokenVault: &api.TokenVault{Unrestricted: new(true)}}.Record(r)
	if err != nil || free.TokenVault != nil || api.ClientOf(free).TokenVault != nil {
		t.Errorf("%+v, %v", free.TokenVault, err)
	}
}
