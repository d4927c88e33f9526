package templates

import (
	"strings"
	"testing"
)

func inLook(t *testing.T, b Brand, name string, data any) string {
	t.Helper()
	var page strings.Builder
	if err := b.Render(&page, English, name, data); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func TestPagesLookAsWhoeverRunsTheGateway(t *testing.T) {
	b := Brand{Name: "Acme", Support: "mailto:help@acme.example", Light: "/branding/colours-1.css", Dark: "/branding/colours-dark-2.css"}
	for name, data := range pagesOf("word") {
		if strings.HasPrefix(name, "admin/") {
			continue
		}
		page := inLook(t, b, name, data)
		for _, want := range []string{"<bdi>Acme</bdi>", `href="/branding/colours-1.css">`, `href="/branding/colours-dark-2.css" media="(prefers-color-scheme: dark)">`, `class="door plain"`} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: no %s", name, want)
			}
		}
		if strings.Contains(page, "Sallyport") {
			t.Errorf("%s names the gateway", name)
		}
		if got, want := strings.Contains(page, b.Support), name == "problem"; got != want {
			t.Errorf("%s: link to help %v, want %v", name, got, want)
		}
	}
}

func TestNameStandsBesideALogoThatHasNoRoomForIt(t *testing.T) {
	for _, test := range []struct {
		width, height int
		want          string
	}{
		{64, 64, `alt=""><bdi>Acme</bdi>`},
		{128, 64, `alt=""><bdi>Acme</bdi>`},
		{200, 64, `alt="Acme"></p>`},
	} {
		page := inLook(t, Brand{Name: "Acme", Logo: "/branding/logo-1.png", Width: test.width, Height: test.height}, "signedout", SignedOut{})
		if !strings.Contains(page, test.want) {
			t.Errorf("%d × %d: no %s in\n%s", test.width, test.height, test.want, page)
		}
		if !strings.Contains(page, `<link rel="icon" href="/branding/logo-1.png" type="image/png">`) {
			t.Error("the logo is not the icon")
		}
	}
}

func TestHostileBrandIsOnlyText(t *testing.T) {
	harmless := skeleton(inLook(t, brandOf("word"), "problem", Problem{}))
	for kind, s := range hostile {
		page := inLook(t, brandOf(s), "problem", Problem{})
		if got := skeleton(page); got != harmless {
			t.Errorf("%s: tags\n%.400s\nwant\n%.400s", kind, got, harmless)
		}
		if strings.Contains(page, `="javascript:`) {
			t.Errorf("%s: a script in an attribute", kind)
		}
	}
}
