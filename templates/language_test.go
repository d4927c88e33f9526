package templates

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"
)

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// TestCataloguesSayTheSame: each has English's keys, and each text its placeholders.
func TestCataloguesSayTheSame(t *testing.T) {
	english := wordsIn("en.json")
	files, err := catalogues.ReadDir("words")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(languages) || !slices.Contains(Languages(), "de") {
		t.Errorf("there are %v, of %d files", Languages(), len(files))
	}
	for _, file := range files {
		words := wordsIn(file.Name())
		for key, text := range english {
			got, ok := words[key]
			if !ok {
				t.Errorf("%s lacks %s", file.Name(), key)
				continue
			}
			want := slices.Sorted(slices.Values(placeholder.FindAllString(text, -1)))
			if has := slices.Sorted(slices.Values(placeholder.FindAllString(got, -1))); !slices.Equal(has, want) {
				t.Errorf("%s, %s: placeholders %v, want %v", file.Name(), key, has, want)
			}
			if strings.TrimSpace(got) != got || got == "" || strings.ContainsAny(got, "<>") {
				t.Errorf("%s, %s: %q", file.Name(), key, got)
			}
			if file.Name() != "en.json" && got == text && placeholder.ReplaceAllString(got, "") != "" {
				t.Errorf("%s, %s is in English: %q", file.Name(), key, got)
			}
		}
		for key := range words {
			if _, ok := english[key]; !ok {
				t.Errorf("%s has %s, and English has not", file.Name(), key)
			}
		}
		if lines := strings.Count(string(must(catalogues.ReadFile("words/"+file.Name()))), `": "`); lines != len(words) {
			t.Errorf("%s says something twice: %d lines, %d keys", file.Name(), lines, len(words))
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	action    = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	tag       = regexp.MustCompile(`(?s)<[^>]*>`)
	readOut   = regexp.MustCompile(`(?:title|alt|aria-label|placeholder)="[^"]*\pL`)
	spokenKey = regexp.MustCompile(`(?:say|text) "([^"]+)"`)
)

// TestPagesHaveNoWordsButOfTheCatalogue, in their text and in what is read out of
// their attributes.
func TestPagesHaveNoWordsButOfTheCatalogue(t *testing.T) {
	files := must(filepath.Glob("*.html"))
	if len(files) < 10 {
		t.Fatalf("%d pages", len(files))
	}
	for _, file := range files {
		bare := action.ReplaceAllString(string(must(os.ReadFile(file))), "")
		if word := regexp.MustCompile(`\pL+`).FindString(tag.ReplaceAllString(bare, " ")); word != "" {
			t.Errorf("%s says %q", file, word)
		}
		if found := readOut.FindString(bare); found != "" {
			t.Errorf("%s has %s", file, found)
		}
	}
}

// TestWordsAreThoseThatAreUsed: nobody translates what is not shown, and no page
// asks for what there is not.
func TestWordsAreThoseThatAreUsed(t *testing.T) {
	english := wordsIn("en.json")
	var all strings.Builder
	for _, pattern := range []string{"*.html", "*.go", "../server/*.go"} {
		for _, file := range must(filepath.Glob(pattern)) {
			if !strings.HasSuffix(file, "_test.go") {
				all.Write(must(os.ReadFile(file)))
			}
		}
	}
	code := all.String()
	for _, found := range spokenKey.FindAllStringSubmatch(code, -1) {
		if _, ok := english[found[1]]; !ok {
			t.Errorf("there are no words for %s", found[1])
		}
	}
	for _, found := range regexp.MustCompile(`"(problem\.[a-z-]+)"`).FindAllStringSubmatch(code, -1) {
		_, both := english[found[1]+".title"]
		_, either := english[found[1]]
		if !both && !either {
			t.Errorf("there are no words for %s", found[1])
		}
	}
	for key := range english {
		begin := strings.TrimSuffix(strings.TrimSuffix(key, ".title"), ".message")
		notice, isNotice := strings.CutPrefix(key, "own.notice.")
		if !strings.Contains(code, `"`+key+`"`) && !strings.Contains(code, `"`+begin+`"`) && !(isNotice && slices.Contains(ownNotices, notice)) {
			t.Errorf("nothing says %s", key)
		}
	}
}

func TestSpeakTheLanguageThatIsAskedFor(t *testing.T) {
	long := strings.Repeat("de-", 4000)
	for _, test := range []struct {
		locales, header, want string
	}{
		{"", "", "en"},
		{"de", "", "de"},
		{"de-CH", "", "de"},
		{"DE", "", "de"},
		{"de-Latn-DE-1996", "", "de"},
		{"fr de en", "", "de"}, // the first that there is
		{"fr en de", "", "en"},
		{"en-GB de", "de", "en"},
		{"", "de", "de"},
		{"", "de-AT,de;q=0.9,en;q=0.8", "de"},
		{"", "en-US,en;q=0.9,de;q=0.8", "en"},
		{"", "en;q=0.1,de;q=0.8", "de"},
		{"", "fr", "en"},
		{"", "*", "en"},
		{"fr", "de", "de"}, // none that there is, so what the browser says
		{"zh-Hans ja", "", "en"},
		{"fr\r\nSet-Cookie:x ../../de \x00 %2e%2e de", "", "de"},
		{"../de", "", "en"},
		{long, "", "en"},
		{long + " de", "", "de"},
		{strings.Repeat("fr ", 10) + "de", "", "en"}, // nobody has so many
		{"", long, "en"},
		{"", strings.Repeat("de,", 4000), "en"},
		{"", "de;q=x", "en"},
		{"", "\xff\xfe", "en"},
	} {
		if got := Speak(strings.Fields(test.locales), test.header); got.Tag != test.want {
			t.Errorf("%.60q, %.60q: %s, want %s", test.locales, test.header, got.Tag, test.want)
		}
	}
}

func FuzzSpeak(f *testing.F) {
	f.Add("de-CH en", "de;q=0.8, en")
	f.Add("x-private i-klingon", "*;q=0")
	f.Fuzz(func(t *testing.T, locales, header string) {
		if l := Speak(strings.Fields(locales), header); l == nil || !slices.Contains(Languages(), l.Tag) {
			t.Errorf("%q %q: %v", locales, header, l)
		}
	})
}

func TestLanguagesHaveTheirDirection(t *testing.T) {
	for tag, want := range map[string]string{"en": "ltr", "de": "ltr", "ar": "rtl", "he": "rtl", "fa": "rtl", "ur": "rtl", "az": "ltr", "az-Arab": "rtl", "ja": "ltr"} {
		if got := direction(language.MustParse(tag)); got != want {
			t.Errorf("%s: %s", tag, got)
		}
	}
}

// TestPagesAreWholeInEachLanguage: they say which it is, and leave no placeholder.
func TestPagesAreWholeInEachLanguage(t *testing.T) {
	for _, l := range languages {
		for name, data := range pagesOf("word") {
			if strings.HasPrefix(name, "admin/") {
				continue
			}
			page := renderIn(t, l, name, data)
			if !strings.Contains(page, `<html lang="`+l.Tag+`" dir="`+l.Dir+`">`) {
				t.Errorf("%s, %s: no lang", l.Tag, name)
			}
			if left := placeholder.FindString(page); left != "" {
				t.Errorf("%s, %s: %s", l.Tag, name, left)
			}
		}
	}
}

func TestValuesDoNotBecomeOthersPlaceholders(t *testing.T) {
	if got, want := English.show("own.user.name", "user", "{name} <b>", "name", "Ada & {user}"), "<bdi>{name} &lt;b&gt;</bdi> (<bdi>Ada &amp; {user}</bdi>)"; !strings.Contains(string(got), want) {
		t.Errorf("%s", got)
	}
	if got := English.Say("back.client", "client", "{client} & Co"); got != "Back to {client} & Co" {
		t.Errorf("%s", got)
	}
	if got := English.Say("no.such"); got != "no.such" {
		t.Errorf("%s", got)
	}
}

// TestDetailsOfAProblemAreInEnglish, which a page in another language says of them.
func TestDetailsOfAProblemAreInEnglish(t *testing.T) {
	p := Problem{Words: "problem.refused", Detail: "redirect_uri is not registered"}
	if page := render(t, "problem", p); strings.Contains(page, "show this page") || !strings.Contains(page, `<p dir="auto">redirect_uri is not registered</p>`) {
		t.Errorf("%s", page)
	}
	i := slices.IndexFunc(languages, func(l *Language) bool { return l.Tag == "de" })
	page := renderIn(t, languages[i], "problem", p)
	for _, want := range []string{"Diese Anfrage lässt sich nicht beantworten", "zeigen Sie diese Seite", `<p dir="auto" lang="en">redirect_uri is not registered</p>`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in %s", want, page)
		}
	}
}
