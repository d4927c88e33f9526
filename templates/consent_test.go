package templates

import (
	"strings"
	"testing"
)

func TestDecisionsArePosted(t *testing.T) {
	fields := []Field{{"csrf", `a"b`}}
	for name, data := range map[string]any{
		"consent":       Consent{Client: "Acme", Action: "/consent", Fields: fields},
		"deviceconfirm": DeviceConfirm{Client: "Acme", Action: "/consent", Fields: fields},
	} {
		page := render(t, name, data)
		for _, want := range []string{
			`method="post"`, `action="/consent"`, `<input type="hidden" name="csrf" value="a&#34;b">`,
			`name="decision" value="allow"`, `name="decision" value="deny"`,
		} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: no %s in\n%s", name, want, page)
			}
		}
	}
}

func TestConsentTellsWhatItIsAbout(t *testing.T) {
	scopes := make([]ScopeLine, 1, 2)
	scopes[0] = ScopeLine{"Read your contacts", "Names and addresses."}
	for _, test := range []struct {
		name       string
		consent    Consent
		want, none string
	}{
		{"client", Consent{Client: "Acme"}, "<bdi>Acme</bdi> asks for access", "An application"},
		{"no client", Consent{}, "An application asks for access", ""},
		{"user", Consent{User: "ada@example.com"}, "signed in as <bdi>ada@example.com</bdi>", ""},
		{"host", Consent{RedirectHost: "app.example.com"}, "sent to <bdi>app.example.com</bdi>", ""},
		{"no host", Consent{}, "Allow only what you trust", "sent to"},
		{"scope", Consent{Scopes: scopes}, "Read your contacts<small>Names and addresses.</small>", "nothing else"},
		{"nothing", Consent{}, "nothing else", "What it could do"},
	} {
		page := render(t, "consent", test.consent)
		if !strings.Contains(page, test.want) {
			t.Errorf("%s: no %q in\n%s", test.name, test.want, page)
		}
		if test.none != "" && strings.Contains(page, test.none) {
			t.Errorf("%s: %q in\n%s", test.name, test.none, page)
		}
	}
	if scopes[:2][1] != (ScopeLine{}) {
		t.Error("the caller's list was written to")
	}
}

func TestDeviceCode(t *testing.T) {
	for _, test := range []struct {
		name       string
		device     Device
		want, none string
	}{
		{"empty", Device{Action: "/device"}, ` aria-describedby="hint" autofocus>`, "aria-invalid"},
		{"from the link", Device{UserCode: "WDJB-MJHT"}, `value="WDJB-MJHT"`, "autofocus"},
		{"wrong", Device{UserCode: "WDJB", Problem: "No such code."}, ` aria-invalid="true" aria-describedby="fault hint" autofocus>`, ""},
		{"title of a problem", Device{Problem: "No such code."}, "<title>Try again: ", ""},
	} {
		page := render(t, "device", test.device)
		if !strings.Contains(page, test.want) {
			t.Errorf("%s: no %s in\n%s", test.name, test.want, page)
		}
		if test.none != "" && strings.Contains(page, test.none) {
			t.Errorf("%s: %s in\n%s", test.name, test.none, page)
		}
	}
}

func TestDeviceConfirmWarns(t *testing.T) {
	page := render(t, "deviceconfirm", DeviceConfirm{UserCode: "WDJB-MJHT"})
	for _, want := range []string{"<code>WDJB-MJHT</code>", "Did you start this yourself?", `id="warning"`, `aria-describedby="warning"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
}

func TestDeviceDoneTellsTheDecision(t *testing.T) {
	if page := render(t, "devicedone", DeviceDone{Client: "Acme", Denied: true}); !strings.Contains(page, "denied") || strings.Contains(page, "is connected") {
		t.Errorf("denied:\n%s", page)
	}
	if page := render(t, "devicedone", DeviceDone{Client: "Acme"}); !strings.Contains(page, "is connected") || strings.Contains(page, "denied") {
		t.Errorf("allowed:\n%s", page)
	}
}
