package api_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"strings"
	"testing"

	"sallyport/vault"
)

func logoURL(t *testing.T) string {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 30, 10))); err != nil {
		t.Fatal(err)
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestBrandingIsAppliedAndExported(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, `branding:
  friendly_name: Acme
  logo_url: "`+logoURL(t)+`"
  colors:
    primary: "#1A5FB4"
  support_url: mailto:help@acme.example
`)
	var b vault.Branding
	if err := v.View(t.Context(), func(tx *vault.Tx) (err error) { b, err = tx.Branding.Get(vault.PublishedBranding); return err }); err != nil {
		t.Fatal(err)
	}
	if b.Name != "Acme" || b.Accent != "#1a5fb4" || b.Support != "mailto:help@acme.example" || len(b.Logo) == 0 {
		t.Errorf("%+v", b)
	}
	file := export(t, v)
	if !strings.Contains(file, "branding:\n  friendly_name: Acme\n  logo_url: \"data:image/png;base64,") {
		t.Errorf("%s", file)
	}
	if plan := mustApply(t, v, file); !plan.Empty() {
		t.Errorf("its export changes something: %v", plan)
	}
	plan := mustApply(t, v, "branding:\n  logo_url: \"\"\n")
	if got := plan.String(); !strings.Contains(got, "logo_url: \"30 × 10 pixels, fingerprint ") || strings.Contains(got, "base64") {
		t.Errorf("%s", got)
	}
}

func TestFaultsOfTheBrandingNameTheirLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ file, says string }{
		"pale colour":    {"branding:\n  colors:\n    primary: \"#ffcc00\"\n", ":3:5: branding.colors.primary: has a contrast of 1.3"},
		"logo elsewhere": {"branding:\n  friendly_name: Acme\n  logo_url: \"https://acme.example/logo.png\"\n", ":3:3: branding.logo_url: should hold the image itself"},
		"no base64":      {"branding:\n  logo_url: \"data:image/png;base64,%%%\"\n", "branding.logo_url: is damaged"},
		"SVG":            {"branding:\n  logo_url: \"data:image/svg+xml;base64,PHN2Zy8+\"\n", "branding.logo_url: should be an image"},
		"nameless logo":  {"branding:\n  logo_url: \"" + logoURL(t) + "\"\n", "branding.friendly_name: is needed with a logo"},
		"a script":       {"branding:\n  support_url: \"javascript:alert(1)\"\n", "branding.support_url: should be an address"},
		"Auth0's own":    {"branding:\n  favicon_url: \"https://acme.example/favicon.ico\"\n", "branding.favicon_url: unknown key"},
	} {
		if _, err := apply(t, newVault(t), test.file); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
}

// TestBrandingOfAClientIsAppliedAndExported with the client.
func TestBrandingOfAClientIsAppliedAndExported(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, `clients:
  - client_id: app
    name: Application
    app_type: spa
    branding:
      friendly_name: Orders
      logo_url: "`+logoURL(t)+`"
      colors:
        primary_dark: "#99C1F1"
`)
	file := export(t, v)
	if !strings.Contains(file, "    branding:\n      friendly_name: Orders\n      logo_url: \"data:image/png;base64,") || !strings.Contains(file, "primary_dark: \"#99c1f1\"") {
		t.Errorf("%s", file)
	}
	if plan := mustApply(t, v, file); !plan.Empty() {
		t.Errorf("its export changes something: %v", plan)
	}
	if plan := mustApply(t, v, "clients:\n  - client_id: app\n    name: Other\n"); strings.Contains(plan.String(), "branding") {
		t.Errorf("what says nothing of it changes it: %v", plan)
	}
	plan := mustApply(t, v, "clients:\n  - client_id: app\n    branding:\n      friendly_name: \"\"\n      logo_url: \"\"\n      colors: {primary_dark: \"\"}\n")
	if got := plan.String(); !strings.Contains(got, "branding.logo_url: \"30 × 10 pixels, fingerprint ") || strings.Contains(got, "base64") {
		t.Errorf("%s", got)
	}
	if file := export(t, v); strings.Contains(file, "branding") {
		t.Errorf("emptied: %s", file)
	}
	_, err := apply(t, v, "clients:\n  - client_id: app\n    branding:\n      support_url: \"javascript:alert(1)\"\n")
	if err == nil || !strings.Contains(err.Error(), ":4:7: clients[0].branding.support_url: should be an address") {
		t.Errorf("%v", err)
	}
}
