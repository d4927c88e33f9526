package templates

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Language is one that users' pages are written in. Its words are a file of the
// folder words, named by its tag (BCP 47): a text by a key that says where it
// stands. Texts have placeholders in them, as "{client}", and no HTML. The
// console is in English.
type Language struct {
	Tag   string // as "de"
	Dir   string // in which it is written: "ltr" or "rtl"
	words map[string]string
	pages map[string]func() *template.Template // each of which is read once
}

//go:embed words/*.json
var catalogues embed.FS

var (
	languages, matcher = load()

	// English is what users read who ask for no other language that there is.
	English = languages[0]
)

// load reads the catalogues, English first, and the pages in each. What one lacks
// is in it in English.
func load() (list []*Language, m language.Matcher) {
	entries, err := catalogues.ReadDir("words")
	if err != nil {
		panic(err)
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(rank(a), rank(b)) })
	var tags []language.Tag
	for _, entry := range entries {
		tag := language.MustParse(strings.TrimSuffix(entry.Name(), ".json"))
		l := &Language{Tag: tag.String(), Dir: direction(tag), words: map[string]string{}}
		if len(list) > 0 {
			maps.Copy(l.words, list[0].words)
		}
		maps.Copy(l.words, wordsIn(entry.Name()))
		l.pages = parse(l)
		list, tags = append(list, l), append(tags, tag)
	}
	return list, language.NewMatcher(tags)
}

func rank(entry fs.DirEntry) int {
	if entry.Name() == "en.json" {
		return 0
	}
	return 1
}

func wordsIn(file string) (words map[string]string) {
	text, err := catalogues.ReadFile("words/" + file)
	if err == nil {
		err = json.Unmarshal(text, &words)
	}
	if err != nil {
		panic(fmt.Errorf("templates: words/%s: %w", file, err))
	}
	return words
}

// direction is that of a language's script.
func direction(tag language.Tag) string {
	script, _ := tag.Script()
	if slices.Contains([]string{"Adlm", "Arab", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"}, script.String()) {
		return "rtl"
	}
	return "ltr"
}

// Languages are the tags of those that there are.
func Languages() (tags []string) {
	for _, l := range languages {
		tags = append(tags, l.Tag)
	}
	return tags
}

// What is read of what somebody asks for. Nobody has as many languages.
const (
	mostLocales = 10
	longestTag  = 35 // characters (RFC 5646, section 4.4.1)
	longestList = 500
)

// Speak is the language for a user: the first of ui_locales that there is anything
// for (OpenID Connect Core 1.0, section 3.1.2.1), else the best of the header
// Accept-Language (RFC 9110, section 12.5.4), else English. What is no tag is
// passed over.
func Speak(uiLocales []string, acceptLanguage string) *Language {
	var asked []language.Tag
	for _, s := range uiLocales[:min(len(uiLocales), mostLocales)] {
		if len(s) > longestTag {
			continue
		}
		if tag, err := language.Parse(s); err == nil {
			asked = append(asked, tag)
		}
	}
	if l := spoken(asked); l != nil {
		return l
	}
	if len(acceptLanguage) <= longestList {
		if accepted, _, err := language.ParseAcceptLanguage(acceptLanguage); err == nil {
			if l := spoken(accepted); l != nil {
				return l
			}
		}
	}
	return English
}

// spoken is the language for those who asked for any of some, or nil if there is
// none that they would understand.
func spoken(asked []language.Tag) *Language {
	if len(asked) == 0 {
		return nil
	}
	_, i, confidence := matcher.Match(asked...)
	if confidence == language.No {
		return nil
	}
	return languages[i]
}

// text is what a key stands for: the key itself where nobody has written it.
func (l *Language) text(key string) string { return cmp.Or(l.words[key], key) }

// Say is a text with its placeholders filled, each of which is named before its
// value.
func (l *Language) Say(key string, pairs ...string) string {
	return strings.NewReplacer(braced(pairs)...).Replace(l.text(key))
}

// show is [Language.Say] as HTML, in which values stand apart from the text around
// them, whichever way they are written. A value that is HTML stays as it is.
func (l *Language) show(key string, pairs ...any) template.HTML {
	plain := make([]string, len(pairs))
	for i, p := range pairs {
		switch p := p.(type) {
		case template.HTML:
			plain[i] = string(p)
		default:
			plain[i] = fmt.Sprint(p)
			if i%2 == 1 && plain[i] != "" {
				plain[i] = "<bdi>" + template.HTMLEscapeString(plain[i]) + "</bdi>"
			}
		}
	}
	return template.HTML(strings.NewReplacer(braced(plain)...).Replace(template.HTMLEscapeString(l.text(key))))
}

// braced are pairs with the names as they stand in a text.
func braced(pairs []string) []string {
	pairs = slices.Clone(pairs)
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return pairs
}

// names are a list of names within a text.
func names(list []string) template.HTML {
	var b strings.Builder
	for i, name := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("<bdi>" + template.HTMLEscapeString(name) + "</bdi>")
	}
	return template.HTML(b.String())
}

// code is what is to be read letter by letter, within a text.
func code(s string) template.HTML {
	return template.HTML("<code>" + template.HTMLEscapeString(s) + "</code>")
}
