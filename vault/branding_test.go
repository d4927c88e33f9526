package vault

import (
	"reflect"
	"testing"
)

// TestRecordsOfBeforeAppearancesAreRead: a branding as it was kept then, and a
// client without one.
func TestRecordsOfBeforeAppearancesAreRead(t *testing.T) {
	t.Parallel()
	plain, err := encoding.Marshal(struct {
		Draft                           bool
		Name                            string
		Logo                            []byte
		Accent, AccentDark, Support, By string
	}{true, "Acme", []byte("png"), "#1a5fb4", "#99c1f1", "mailto:help@acme.example", "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	want := Branding{Draft: true, By: "Ada", Appearance: Appearance{"Acme", []byte("png"), "#1a5fb4", "#99c1f1", "mailto:help@acme.example"}}
	var got Branding
	if _, err := decode(plain, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
	if plain, err = encoding.Marshal(struct{ ID, Name string }{"app", "Application"}); err != nil {
		t.Fatal(err)
	}
	var client Client
	if _, err := decode(plain, &client); err != nil || client.ID != "app" || !reflect.DeepEqual(client.Appearance, Appearance{}) {
		t.Errorf("%+v %v", client, err)
	}
}
