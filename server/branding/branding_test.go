package branding

import (
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"sallyport/static"
	"sallyport/vault"
)

func TestContrast(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want float64
	}{
		{"#000000", "#ffffff", 21}, // WCAG 2.2
		{"#ffffff", "#000000", 21},
		{"#777777", "#ffffff", 4.48},
		{"#767676", "#ffffff", 4.54},
		{"#ff0000", "#ffffff", 4.00},
		{"#1a5fb4", "#1a5fb4", 1},
	} {
		a, _ := parseColour(test.a)
		b, _ := parseColour(test.b)
		if got := contrast(a, b); math.Abs(got-test.want) > 0.01 {
			t.Errorf("%s on %s: %.2f, want %.2f", test.a, test.b, got, test.want)
		}
	}
}

// TestThemesAreThoseOfTheStylesheets, of which this package has a copy.
func TestThemesAreThoseOfTheStylesheets(t *testing.T) {
	t.Parallel()
	for file, theme := range map[string]theme{"app.css": light, "dark.css": dark} {
		w := httptest.NewRecorder()
		static.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, static.URL(file), nil))
		sheet, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]colour{"paper": theme.paper, "card": theme.card, "ink": theme.ink} {
			found := regexp.MustCompile(`--` + name + `: (#[0-9a-f]{6});`).FindSubmatch(sheet)
			if found == nil || string(found[1]) != want.String() {
				t.Errorf("%s: --%s is %s, want %v", file, name, found, want)
			}
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		b           vault.Appearance
		field, says string
	}{
		"nothing at all":       {},
		"all that there is":    {b: vault.Appearance{Name: "Acme", Logo: []byte("png"), Accent: "#1a5fb4", AccentDark: "#99c1f1", Support: "https://help.acme.example/gateway"}},
		"help by mail":         {b: vault.Appearance{Support: "mailto:help@acme.example"}},
		"logo without a name":  {vault.Appearance{Logo: []byte("png")}, FieldName, "is needed with a logo"},
		"long name":            {vault.Appearance{Name: strings.Repeat("ä", 61)}, FieldName, "60 characters"},
		"control character":    {vault.Appearance{Name: "Ac\x1bme"}, FieldName, "cannot be shown"},
		"pale accent":          {vault.Appearance{Accent: "#ffcc00"}, FieldAccent, "has a contrast of 1.3 to the page, and links and buttons are read from 4.5 on: choose a darker one"},
		"accent just too pale": {vault.Appearance{Accent: "#767676"}, FieldAccent, "a contrast of 4.0"},
		"sombre accent":        {vault.Appearance{Accent: "#1a5fb4", AccentDark: "#1a5fb4"}, FieldAccentDark, "choose a lighter one"},
		"name of a colour":     {vault.Appearance{Accent: "red"}, FieldAccent, "six hexadecimal digits"},
		"three digits":         {vault.Appearance{Accent: "#00f"}, FieldAccent, "six hexadecimal digits"},
		"end of the rule":      {vault.Appearance{Accent: "#1a5fb4;}*{display:none"}, FieldAccent, "six hexadecimal digits"},
		"other declaration":    {vault.Appearance{AccentDark: "red;background:url(//evil.example)"}, FieldAccentDark, "six hexadecimal digits"},
		"script for help":      {vault.Appearance{Support: "javascript:alert(1)"}, FieldSupport, "should be an address"},
		"data for help":        {vault.Appearance{Support: "data:text/html,<script>"}, FieldSupport, "should be an address"},
		"plain http":           {vault.Appearance{Support: "http://help.acme.example"}, FieldSupport, "should be an address"},
		"password in it":       {vault.Appearance{Support: "https://acme.example@evil.example"}, FieldSupport, "should be an address"},
		"nobody to mail to":    {vault.Appearance{Support: "mailto:"}, FieldSupport, "should be an address"},
	} {
		faults := Faults(test.b)
		switch {
		case test.field == "" && len(faults) > 0:
			t.Errorf("%s: %v", name, faults[0])
		case test.field != "" && (len(faults) != 1 || faults[0].Field != test.field || !strings.Contains(faults[0].Problem, test.says)):
			t.Errorf("%s: %v, want that %s %s", name, faults, test.field, test.says)
		}
	}
}

// TestEveryAccentHasADarkOne that can be read, whatever was chosen where it is light.
func TestEveryAccentHasADarkOne(t *testing.T) {
	t.Parallel()
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				accent := colour{uint8(r), uint8(g), uint8(b)}
				got, ok := darkAccent(vault.Appearance{Accent: accent.String()})
				if !ok || got.on(dark) < leastContrast {
					t.Fatalf("%v: %v, %v", accent, got, ok)
				}
				if accent.on(dark) >= leastContrast && got != accent {
					t.Fatalf("%v can be read as it is, and became %v", accent, got)
				}
			}
		}
	}
}

func TestLookHasNothingOfWhatCannotBeShown(t *testing.T) {
	t.Parallel()
	hostile := vault.Appearance{Name: "Acme", Logo: []byte("<svg onload=alert(1)>"), Accent: "red;}", AccentDark: "#12345g", Support: "javascript:alert(1)"}
	look := Of(hostile, "/branding/")
	if b := look.Brand; b.Logo+b.Light+b.Dark+b.Support != "" || len(look.files) > 0 {
		t.Errorf("%+v", look)
	}
}

func TestFilesAreKeptByTheirContent(t *testing.T) {
	t.Parallel()
	blue, green := Of(vault.Appearance{Accent: "#1a5fb4"}, "/branding/"), Of(vault.Appearance{Accent: "#26713b"}, "/branding/")
	name := strings.TrimPrefix(blue.Brand.Light, "/branding/")
	if !regexp.MustCompile(`^colours-[0-9a-f]{12}\.css$`).MatchString(name) {
		t.Errorf("name %q", name)
	}
	f, exactly, found := blue.File(name)
	if !found || !exactly || f.Type != "text/css; charset=utf-8" || !strings.Contains(string(f.Content), "--accent: #1a5fb4;") {
		t.Errorf("%+v %v %v", f, exactly, found)
	}
	if f, exactly, found := green.File(name); !found || exactly || !strings.Contains(string(f.Content), "--accent: #26713b;") {
		t.Errorf("of before: %+v %v %v", f, exactly, found)
	}
	for _, name := range []string{"", "colours", "-", "logo-0123456789ab.png", "../vault", "colours-dark"} {
		if f, exactly, _ := blue.File(name); exactly {
			t.Errorf("%q: %+v", name, f)
		}
	}
}

func TestApplicationGoesOverTheGatewayMemberByMember(t *testing.T) {
	t.Parallel()
	gateway := vault.Appearance{Name: "Acme", Logo: []byte("logo"), Accent: "#1a5fb4", AccentDark: "#99c1f1", Support: "mailto:help@acme.example"}
	for name, test := range map[string]struct{ own, want vault.Appearance }{
		"nothing": {vault.Appearance{}, gateway},
		"support": {vault.Appearance{Support: "https://help.app.example"},
			vault.Appearance{Name: "Acme", Logo: []byte("logo"), Accent: "#1a5fb4", AccentDark: "#99c1f1", Support: "https://help.app.example"}},
		"a name, beside no logo of another": {vault.Appearance{Name: "App"},
			vault.Appearance{Name: "App", Accent: "#1a5fb4", AccentDark: "#99c1f1", Support: "mailto:help@acme.example"}},
		"an accent, where it is dark too": {vault.Appearance{Accent: "#26713b"},
			vault.Appearance{Name: "Acme", Logo: []byte("logo"), Accent: "#26713b", Support: "mailto:help@acme.example"}},
		"an accent where it is dark": {vault.Appearance{AccentDark: "#8ff0a4"},
			vault.Appearance{Name: "Acme", Logo: []byte("logo"), Accent: "#1a5fb4", AccentDark: "#8ff0a4", Support: "mailto:help@acme.example"}},
	} {
		if got := Over(gateway, test.own); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
